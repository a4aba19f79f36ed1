// @ts-check
// A click on a column's heading sorts its table by that column, a second click the other way.

import { mountHowSure } from "./how_sure.js";

/** @param {{ element: HTMLElement, props: { value: { sure?: { points: import("./how_sure.js").Point[] } } | null } }} parts what gr.HTML hands to its script */
export function mount({ element, props }) {
  const slider = element.querySelector(".how-sure"), points = props.value?.sure?.points;
  if (slider instanceof HTMLElement && points) mountHowSure(slider, points);
  element.addEventListener("click", ({ target }) => {
    const heading = target instanceof Element ? target.closest("th:has(button)") : null;
    const table = heading?.closest("table");
    if (heading instanceof HTMLTableCellElement && table) sort(table, heading);
  });
}

/** @param {HTMLTableElement} table @param {HTMLTableCellElement} heading */
function sort(table, heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentElement?.children ?? []) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (/** @type {HTMLTableRowElement} */ row) => row.cells[heading.cellIndex].dataset.value ?? "";
  const order = (/** @type {HTMLTableRowElement} */ a, /** @type {HTMLTableRowElement} */ b) =>
    key(a).localeCompare(key(b), "en", { numeric: true });
  const [body] = table.tBodies;
  body.append(...[...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b))));
}
