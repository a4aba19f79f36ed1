// @ts-check
// How sure the model must be before a label is shown, when a person asks for more than it does
// itself. Holds until the page is closed; it can only withhold labels, never bring more.

/** @typedef {import("./types.js").Mark} Mark */

const UNSURE_COLOR = "#C4C7CC", CAPTION = "unsure: close call", CHANGED = "limit-changed";
const SHORT = 4, CROWD = 8; // as drawing.marks has them
let limit = 0, words = "";

/** @param {number} value 0 to 1; 0 for the model's own limit @param {string} percent as it is shown */
export function setLimit(value, percent = "") {
  [limit, words] = [value, percent];
  document.dispatchEvent(new Event(CHANGED));
}

/** The mark, unsure where it is short of the limit. @param {Mark} mark @returns {Mark} */
export function judged(mark) {
  if (mark.label === null || mark.probability >= limit) return mark;
  return { ...mark, label: null, caption: CAPTION, color: UNSURE_COLOR, dash: true, reasons: ["close_call"] };
}

/** What is drawn at a face that became unsure here. @param {number} number @param {number} count of faces */
export function unsureText(number, count) {
  if (count < 2) return CAPTION;
  return count > CROWD ? String(number) : `${number} · ${count > SHORT ? "unsure" : CAPTION}`;
}

/** Says the limit in a node, hidden while there is none, and calls back when it changes. @param {HTMLElement} node @param {string} more what else is to be known @param {() => void} onChange */
export function watchLimit(node, more, onChange) {
  const show = () => {
    if (!node.isConnected) return document.removeEventListener(CHANGED, show);
    node.hidden = !limit;
    const report = Object.assign(document.createElement("a"), { href: "#report", textContent: "report" });
    node.replaceChildren(...(limit ? ["As you chose in the ", report, `, labels are shown from ${words} on only.${more}`] : []));
    onChange();
  };
  document.addEventListener(CHANGED, show);
  show();
}
