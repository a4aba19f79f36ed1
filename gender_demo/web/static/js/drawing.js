// @ts-check
// Strokes marks on a canvas: a rimmed box (dashed when unsure) and its words on a plate beside it.
// What is drawn where is decided by drawing.marks on the server; here it is moved with its face.

import { mirrored, pushedInside, shifted } from "./geometry.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./types.js").Box} Box */

const INK = "#14171A";
const LINE_EM = 1.22, PADDING_EM = 0.9, MARGIN_EM = 0.36, CORNER_EM = 0.35;
const FONT = "600 1px system-ui, sans-serif";
const FONT_SHARE = 0.9; // of the size laid out: browsers' fonts are wider than Pillow's

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Mark[]} marks in the canvas's pixels
 * @param {(mark: Mark) => boolean} [isActive] whose box is drawn bolder
 */
export function strokeMarks(context, marks, isActive = () => false) {
  const shown = marks.filter((mark) => mark.strength !== 0);
  for (const mark of shown) {
    context.globalAlpha = mark.strength ?? 1;
    strokeBox(context, mark, isActive(mark));
  }
  for (const mark of shown) {
    context.globalAlpha = mark.strength ?? 1;
    if (mark.plate) strokePlate(context, mark.plate, mark.color);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Mark} mark @param {boolean} active */
function strokeBox(context, { box, color, dash, line_px }, active) {
  const [x0, y0, x1, y1] = box.map(Math.round);
  const line = Math.max(2, Math.round(line_px * (active ? 2 : 1)));
  context.lineJoin = "round";
  context.setLineDash(dash ? [4 * line, 3 * line] : []);
  for (const [ink, width] of /** @type {[string, number][]} */ ([[INK, line * 2], [color, line]])) {
    context.strokeStyle = ink;
    context.lineWidth = width;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {import("./types.js").Plate} plate @param {string} color */
function strokePlate(context, { lines, font_px, box: [x0, y0, x1, y1] }, color) {
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(x0, y0, x1 - x0, y1 - y0, font_px * CORNER_EM);
  context.fill();
  context.fillStyle = INK;
  context.font = sized(font_px);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const first = (y0 + y1) / 2 - ((lines.length - 1) * LINE_EM * font_px) / 2;
  const most = x1 - x0 - font_px * 0.4;
  for (const [i, line] of lines.entries()) context.fillText(line, (x0 + x1) / 2, first + i * LINE_EM * font_px, most);
}

/** @param {number} px */
const sized = (px) => FONT.replace("1px", `${px * FONT_SHARE}px`);

/** The mark at another place of its face; the plate keeps its distance. @param {Mark} mark @param {Box} box @returns {Mark} */
export function moveTo(mark, box) {
  if (!mark.plate) return { ...mark, box };
  const [x0, y0, x1, y1] = mark.box, plate = mark.plate.box;
  const above = plate[1] + plate[3] < y0 + y1;
  const dx = (box[0] + box[2] - x0 - x1) / 2, dy = above ? box[1] - y0 : box[3] - y1;
  return { ...mark, box, plate: { ...mark.plate, box: shifted(plate, dx, dy) } };
}

/** In a picture `by` times as large. @param {Mark} mark @param {number} by @returns {Mark} */
export function scaled(mark, by) {
  const larger = (/** @type {Box} */ box) => /** @type {Box} */ (box.map((value) => value * by));
  const plate = mark.plate && { ...mark.plate, font_px: mark.plate.font_px * by, box: larger(mark.plate.box) };
  return { ...mark, box: larger(mark.box), line_px: mark.line_px * by, plate };
}

/** As it stands on a (mirrored) canvas, the plate inside of it. @param {Mark} mark @param {HTMLCanvasElement} canvas @param {boolean} mirror @returns {Mark} */
export function placed(mark, { width, height }, mirror) {
  const turn = (/** @type {Box} */ box) => (mirror ? mirrored(box, width) : box);
  const box = /** @type {Box} */ (turn(mark.box).map((value) => Math.round(value * 10) / 10));
  const plate = mark.plate && { ...mark.plate, box: pushedInside(turn(mark.plate.box), width, height) };
  return { ...mark, box, plate };
}

/**
 * The mark with other words on its plate, or none; for what only the browser knows.
 * @param {CanvasRenderingContext2D} context @param {Mark} mark @param {string} text @returns {Mark}
 */
export function withText(context, mark, text) {
  if (!text || !mark.plate) return { ...mark, plate: text ? newPlate(context, mark, text) : null };
  const { font_px, box: [x0, y0, x1, y1] } = mark.plate;
  const [wide, high] = plateSize(context, font_px, text);
  const above = y0 + y1 < mark.box[1] + mark.box[3], middle = (x0 + x1) / 2;
  const top = above ? y1 - high : y0;
  return { ...mark, plate: { lines: [text], font_px, box: [middle - wide / 2, top, middle + wide / 2, top + high] } };
}

/** The mark with its number in letters of at least `px`. @param {CanvasRenderingContext2D} context @param {Mark} mark @param {number} px @returns {Mark} */
export function enlarged(context, mark, px) {
  const { plate } = mark, [text] = plate?.lines ?? [""];
  if (!plate || plate.font_px >= px || !/^\d+$/.test(text)) return mark;
  return withText(context, { ...mark, plate: { ...plate, font_px: px } }, text);
}

/** @param {CanvasRenderingContext2D} context @param {Mark} mark @param {string} text @returns {import("./types.js").Plate} */
function newPlate(context, { box: [x0, y0, x1], line_px }, text) {
  const font_px = line_px * 6.5, [wide, high] = plateSize(context, font_px, text), middle = (x0 + x1) / 2;
  return { lines: [text], font_px, box: [middle - wide / 2, y0 - high - line_px, middle + wide / 2, y0 - line_px] };
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {string} text */
function plateSize(context, px, text) {
  context.font = sized(px);
  return [context.measureText(text).width + PADDING_EM * px, (LINE_EM + MARGIN_EM) * px];
}
