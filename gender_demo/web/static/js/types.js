// @ts-check
// The shapes that the modules hand to each other, for the type checker.

/** x0, y0, x1, y1 in pixels of one picture. @typedef {[number, number, number, number]} Box */

/** A caption laid out. @typedef {{ lines: string[], font_px: number, box: Box }} Plate */

/**
 * One face's mark, as drawing.marks.Mark makes it; `strength` and what follows are the page's own.
 * @typedef {object} Mark
 * @property {Box} box
 * @property {string | null} label
 * @property {string} caption
 * @property {number} probability 0 to 1
 * @property {string} color
 * @property {boolean} dash
 * @property {number} line_px
 * @property {string[]} reasons
 * @property {number | null} number
 * @property {number | null} track
 * @property {Plate | null} plate
 * @property {number} [strength] 0 (too old to be seen) to 1
 * @property {import("./people.js").Person} [person]
 * @property {boolean} [blurred] whether the face is hidden on the canvas
 */

/**
 * What the server says of one frame.
 * @typedef {object} Answer
 * @property {number} frame
 * @property {[number, number]} size
 * @property {Mark[]} marks
 * @property {boolean} large
 * @property {number} server_ms
 * @property {string} [error]
 * @property {boolean} [busy]
 * @property {boolean} [full]
 */

export {};
