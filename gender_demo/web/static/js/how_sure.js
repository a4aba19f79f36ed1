// @ts-check
// The slider "How sure must it be?": one stop for each measured point of the audit's curve.

import { setLimit } from "./limit.js";

/** @typedef {{ threshold: number, percent: string, answered: number, wrong: number, words: string }} Point shares are 0 to 1, of all faces */

/** @param {HTMLElement} section @param {Point[]} points */
export function mountHowSure(section, points) {
  const range = /** @type {HTMLInputElement} */ (section.querySelector("input[type=range]"));
  const use = /** @type {HTMLInputElement} */ (section.querySelector("input[type=checkbox]"));
  const [answered, wrong] = /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll(".bar span"));
  const output = /** @type {HTMLOutputElement} */ (section.querySelector("output"));

  function show() {
    const point = points[Number(range.value)];
    answered.style.width = `${100 * point.answered}%`;
    wrong.style.width = `${100 * point.wrong}%`;
    output.textContent = point.words;
    range.setAttribute("aria-valuetext", point.percent);
    return point;
  }

  function apply() {
    const { threshold, percent } = show();
    if (use.checked) setLimit(threshold, percent);
    else setLimit(0);
  }

  range.oninput = use.onchange = apply;
  show();
}
