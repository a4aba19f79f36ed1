// Notes every frame that the live view shows: when, which one (from its pixels), what is drawn; the
// page may show it smaller than the camera's picture, which is `width` pixels wide.
({ bits, squarePx, width }) => {
  const root = document.querySelector("#live"), canvas = document.querySelector("#live-canvas");
  const watched = (window.watched = { frames: [], running: 0, firstBox: 0 });
  new MutationObserver(() => {
    const now = performance.now(), data = root.dataset;
    if (!watched.running && data.state === "running") watched.running = now;
    if (!data.marks) return;
    const marks = JSON.parse(data.marks);
    if (!watched.firstBox && marks.length) watched.firstBox = now;
    const last = watched.frames.at(-1);
    if (last && last.frame === data.frame) return;
    const square = Math.round((squarePx * canvas.width) / width);
    const strip = canvas.getContext("2d").getImageData(0, canvas.height - square, bits * square, square).data;
    let n = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const at = 4 * (bits * square * (square >> 1) + bit * square + (square >> 1));
      if (strip[at] > 127) n |= 1 << bit;
    }
    watched.frames.push({ t: now, n, frame: data.frame, width: canvas.width, marks, age: data.ageMs === undefined ? null : +data.ageMs, answers: +(data.answersFps ?? 0) });
  }).observe(root, { attributes: true });
}
