// @ts-check
// The camera's last frames, held back for about as long as an answer takes, so that boxes fit the
// frame shown.

const LONGER_PX = 960; // of the frames kept: a dozen of a large camera's would fill the memory

/** @typedef {{ canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, at: number, number: number }} Frame */

/** @param {{ takes: () => boolean }} neighbours whether this page takes the next frame */
export function createFrameBuffer(neighbours) {
  /** @type {Frame[]} */
  let free = [];
  /** @type {Frame[]} oldest first */
  let held = [];
  /** @type {Frame | null} */
  let shown = null;
  let count = 0, frameMs = 33, holding = 0, takenAt = performance.now();

  /** @returns {Frame} */
  function newFrame() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    return { canvas, context: /** @type {CanvasRenderingContext2D} */ (context), at: 0, number: 0 };
  }

  /** The frame that the video shows, or null when it is another page's turn. @param {HTMLVideoElement} video @param {number} now @param {number} captured */
  function take(video, now, captured) {
    const frame = free.pop() ?? newFrame(), { videoWidth, videoHeight } = video;
    const by = Math.min(1, LONGER_PX / Math.max(videoWidth, videoHeight));
    const width = Math.round(videoWidth * by), height = Math.round(videoHeight * by);
    if (frame.canvas.width !== width || frame.canvas.height !== height) Object.assign(frame.canvas, { width, height });
    frame.context.drawImage(video, 0, 0, width, height);
    // Drawn now and not later: until then one of the camera's few buffers is kept.
    frame.context.getImageData(0, 0, 1, 1);
    if (!neighbours.takes()) { free.push(frame); return null; }
    frameMs += (Math.min(500, now - takenAt) - frameMs) * 0.1;
    takenAt = now;
    Object.assign(frame, { at: captured, number: ++count });
    held.push(frame);
    return frame;
  }

  /** The frame to show now, held back by `holdMs`; null while the one shown stays. @param {number} holdMs */
  function next(holdMs) {
    const wanted = holdMs / frameMs;
    if (Math.abs(wanted - holding) > 0.75) holding = Math.round(wanted);
    while (held.length > holding + 1) free.push(/** @type {Frame} */ (held.shift()));
    if (held.length <= holding && shown) return null;
    if (shown) free.push(shown);
    shown = held.shift() ?? null;
    return shown;
  }

  return {
    take,
    next,
    get shown() { return shown; },
    restart: () => { takenAt = performance.now(); },
    clear: () => { held = []; free = []; shown = null; },
  };
}
