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

/** @param {HTMLElement} root what fills the screen, or no longer */
export async function toggleFullScreen(root) {
  if (document.fullscreenElement) return document.exitFullscreen();
  // iPhones give the whole screen to nothing but videos.
  if (!root.requestFullscreen) return void root.classList.toggle("fills-window");
  await root.requestFullscreen().catch(() => root.classList.toggle("fills-window"));
}

/** Drops what is older than the last two seconds. @param {number[]} times of the last events @param {number} now */
export function perSecond(times, now) {
  while (times.length && times[0] < now - WINDOW_MS) times.shift();
  const span = Math.min(WINDOW_MS, now - (times[0] ?? now));
  return span > SHORTEST_MS ? (1000 * (times.length - 1)) / span : 0;
}
