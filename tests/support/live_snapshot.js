// What stands on the live canvas just now: the number in the frame's pixels, the marks, the colours
// along each mark's left edge.
([bits, square]) => {
  const root = document.querySelector("#live"), canvas = document.querySelector("#live-canvas");
  const context = canvas.getContext("2d");
  const strip = context.getImageData(0, canvas.height - square, canvas.width, square).data;
  const half = square >> 1, mirrored = document.querySelector("#live-mirror").checked;
  let number = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const x = bit * square + half;
    const at = half * canvas.width + (mirrored ? canvas.width - 1 - x : x);
    if (strip[4 * at] > 127) number |= 1 << bit;
  }
  const marks = JSON.parse(root.dataset.marks ?? "[]");
  const edges = marks.map(({ box: [x0, y0, , y1] }) =>
    [...context.getImageData(Math.round(x0), Math.round(y0), 1, Math.round(y1 - y0)).data]);
  return { number, marks, edges, size: [canvas.width, canvas.height], data: { ...root.dataset } };
}
