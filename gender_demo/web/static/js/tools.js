// @ts-check
// What the live view's buttons and figures need, apart from the view itself.

const WINDOW_MS = 2000, SHORTEST_MS = 200, KEEP_ADDRESS_MS = 10000;

/** Downloads what stands on the canvas. @param {HTMLCanvasElement} canvas */
export function savePicture(canvas) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = `perceived-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.png`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), KEEP_ADDRESS_MS);
  }, "image/png");
}

/** Returns what leaves full screen again. @param {HTMLElement} root what fills the screen @param {HTMLButtonElement} button */
export function mountFullScreen(root, button) {
  const isFull = () => document.fullscreenElement === root || root.classList.contains("fills-window");
  const show = () => { button.textContent = isFull() ? "Leave full screen" : "Full screen"; };

  async function enter() {
    // iPhones give the whole screen to nothing but videos.
    const given = root.requestFullscreen && await root.requestFullscreen().then(() => true, () => false);
    root.classList.toggle("fills-window", !given);
    show();
  }

  async function leave() {
    root.classList.remove("fills-window");
    if (document.fullscreenElement === root) await document.exitFullscreen().catch(() => {});
    show();
  }

  button.onclick = () => (isFull() ? leave() : enter());
  root.addEventListener("fullscreenchange", show);
  return leave;
}

/** Drops what is older than the last two seconds. @param {number[]} times of the last events @param {number} now */
export function perSecond(times, now) {
  while (times.length && times[0] < now - WINDOW_MS) times.shift();
  const span = Math.min(WINDOW_MS, now - (times[0] ?? now));
  return span > SHORTEST_MS ? (1000 * (times.length - 1)) / span : 0;
}
