// @ts-check
// Boxes, and where a canvas shows its picture.

/** @typedef {import("./types.js").Box} Box */

/** @param {Box} box */
export const area = ([x0, y0, x1, y1]) => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** A face's box and the plate with its words, in one box. @param {{ box: Box, plate: { box: Box } | null }} mark @returns {Box} */
export function around({ box, plate }) {
  const [x0, y0, x1, y1] = box, [left, top, right, bottom] = plate?.box ?? box;
  return [Math.min(x0, left), Math.min(y0, top), Math.max(x1, right), Math.max(y1, bottom)];
}

/** From centre to centre. @param {Box} a @param {Box} b */
export const apart = (a, b) => Math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2;

/** Whether a face at `a` may be at `b` a moment later: within two of its sides. @param {Box} a @param {Box} b */
export const near = (a, b) => apart(a, b) < 2 * Math.sqrt(Math.max(1, area(a)));

/** @param {Box} a @param {Box} b @param {number} share 0 for a, 1 for b, beyond 1 on the same line @returns {Box} */
export function between(a, b, share) {
  const at = (/** @type {number} */ i) => a[i] + (b[i] - a[i]) * share;
  return [at(0), at(1), at(2), at(3)];
}

/** @param {Box} box @param {number} width of the picture @returns {Box} */
export const mirrored = ([x0, y0, x1, y1], width) => [width - x1, y0, width - x0, y1];

/** @param {Box} box @param {number} dx @param {number} dy @returns {Box} */
export const shifted = ([x0, y0, x1, y1], dx, dy) => [x0 + dx, y0 + dy, x1 + dx, y1 + dy];

/** The box moved into a picture, as far as it fits. @param {Box} box @param {number} width @param {number} height */
export function pushedInside(box, width, height) {
  const dx = Math.max(-box[0], Math.min(0, width - box[2])), dy = Math.max(-box[1], Math.min(0, height - box[3]));
  return shifted(box, dx, dy);
}

/**
 * Where the picture stands in the window (CSS pixels): the canvas shows it whole (object-fit: contain).
 * @param {HTMLCanvasElement | HTMLImageElement} shown
 */
export function pictureRect(shown) {
  const { left, top, width, height } = shown.getBoundingClientRect();
  const [wide, high] = "naturalWidth" in shown ? [shown.naturalWidth, shown.naturalHeight] : [shown.width, shown.height];
  const zoom = Math.min(width / wide, height / high);
  return { left: left + (width - wide * zoom) / 2, top: top + (height - high * zoom) / 2, width: wide * zoom, height: high * zoom, zoom };
}

/**
 * The mark at a point of the window, or null: the smallest box around it, else the nearest within `slop` CSS pixels.
 * @template {{ box: Box }} T
 * @param {T[]} marks in the canvas's pixels
 * @param {HTMLCanvasElement} canvas
 * @param {{ clientX: number, clientY: number }} point
 * @returns {T | null}
 */
export function markAt(marks, canvas, { clientX, clientY }, slop = 10) {
  const { left, top, zoom } = pictureRect(canvas);
  const x = (clientX - left) / zoom, y = (clientY - top) / zoom;
  const away = (/** @type {Box} */ [x0, y0, x1, y1]) =>
    Math.hypot(Math.max(x0 - x, 0, x - x1), Math.max(y0 - y, 0, y - y1)) * zoom;
  const order = (/** @type {T} */ a, /** @type {T} */ b) => away(a.box) - away(b.box) || area(a.box) - area(b.box);
  return marks.filter(({ box }) => away(box) <= slop).sort(order)[0] ?? null;
}
