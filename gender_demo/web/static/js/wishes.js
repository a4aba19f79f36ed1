// @ts-check
// A mark as people want it: with their own word, without a label, blurred, or withheld.

import { withText } from "./drawing.js";
import { judged, unsureText } from "./limit.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */

const OWN_COLOR = "#FFFFFF", CROWD = 8;

/**
 * @param {CanvasRenderingContext2D} context measures words
 * @param {Mark} mark of a known person
 * @param {number} count of faces
 * @param {{ blur: boolean, hide: boolean }} all what is wanted for every face
 * @returns {Mark}
 */
export function asWanted(context, mark, count, all) {
  const { number, word, blurred } = /** @type {Person} */ (mark.person), several = count > 1;
  const plain = withText(context, { ...mark, color: OWN_COLOR, dash: false, label: null }, several ? String(number) : "");
  if (all.blur || blurred) return { ...plain, caption: "hidden", reasons: [], blurred: true };
  if (all.hide) return { ...plain, caption: "" };
  if (word === "") return { ...plain, caption: "not labelled, as you asked" };
  if (word) {
    const own = `${word} (your word)`, text = several ? `${number} · ${own}` : own;
    return { ...withText(context, { ...mark, color: OWN_COLOR, dash: false }, count > CROWD ? String(number) : text), label: word, caption: own };
  }
  const sure = judged(mark);
  if (sure !== mark) return withText(context, sure, unsureText(number, count));
  if (!mark.plate || !several) return mark;
  const [first, ...rest] = mark.plate.lines;
  return { ...mark, plate: { ...mark.plate, lines: [first.replace(/^\d+/, String(number)), ...rest] } };
}
