// @ts-check
// Hides heads on a canvas for good, as drawing/hide.py does in pictures: a few mean colours are left.

/** @typedef {import("./types.js").Box} Box */

const BLOCKS = 4, HALVED_PX = 256; // the head is halved from HALVED_PX down to BLOCKS a side
const ASIDE = 0.4, ABOVE = 0.5, BELOW = 0.3; // beyond the face's box, in its width and height

const BLUR_ALL_MS = 600; // with older marks faces may be anywhere

const scratch = document.createElement("canvas");

/**
 * Blurs who is to be hidden, also where they were seen last; everything where that is too long ago.
 * @param {CanvasRenderingContext2D} context
 * @param {Box[]} boxes of those to be hidden, in the canvas's pixels
 * @param {import("./types.js").Mark[]} marks as they will be drawn
 * @param {boolean} all whether every face is to be hidden
 * @param {number} ageMs of what the marks rest on
 */
export function hideFaces(context, boxes, marks, all, ageMs) {
  const unsure = marks.some((mark) => mark.blurred && (mark.strength ?? 1) < 0.5);
  if (unsure || ((all || boxes.length) && ageMs > BLUR_ALL_MS)) hideAll(context);
  else for (const box of boxes) hideHead(context, box);
}

/** @param {CanvasRenderingContext2D} context @param {Box} face in the canvas's pixels */
export function hideHead(context, [x0, y0, x1, y1]) {
  const { width, height } = context.canvas, wide = x1 - x0, high = y1 - y0;
  const left = Math.max(0, Math.round(x0 - ASIDE * wide)), top = Math.max(0, Math.round(y0 - ABOVE * high));
  const right = Math.min(width, Math.round(x1 + ASIDE * wide)), bottom = Math.min(height, Math.round(y1 + BELOW * high));
  if (left < right && top < bottom) blurAll(context, left, top, right - left, bottom - top);
}

/** The whole picture, where it is unknown where the faces are. @param {CanvasRenderingContext2D} context */
function hideAll(context) {
  blurAll(context, 0, 0, context.canvas.width, context.canvas.height);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} wide @param {number} high */
function blurAll(context, x, y, wide, high) {
  Object.assign(scratch, { width: HALVED_PX, height: HALVED_PX });
  const small = /** @type {CanvasRenderingContext2D} */ (scratch.getContext("2d", { alpha: false }));
  small.globalCompositeOperation = "copy";
  small.drawImage(context.canvas, x, y, wide, high, 0, 0, HALVED_PX, HALVED_PX);
  small.globalCompositeOperation = "source-over";
  // At half the size each pixel is the mean of four.
  for (let side = HALVED_PX; side > BLOCKS; side /= 2) small.drawImage(scratch, 0, 0, side, side, 0, 0, side / 2, side / 2);
  context.drawImage(scratch, 0, 0, BLOCKS, BLOCKS, x, y, wide, high);
}
