// @ts-check
// The table of all faces, which follows what the visitor wants of each.

import { allWishes, watchWishes } from "./photo_wishes.js";
import { mount as mountSorting } from "./tables.js";

const HIDDEN = "hidden", NOT_LABELLED = "not labelled", AS_ASKED = "as asked"; // as in the downloads

/** @param {Parameters<typeof mountSorting>[0] & { watch: (names: string, then: () => void) => void }} parts what gr.HTML hands to its script */
export function mount(parts) {
  /** @type {WeakMap<Element, string[]>} what the server said in each row */
  const said = new WeakMap();

  function follow() {
    const wishes = new Map(allWishes().map((wish) => [`${wish.file}:${wish.face}`, wish]));
    for (const row of parts.element.querySelectorAll("tr[data-key]")) {
      const cells = /** @type {HTMLElement[]} */ ([...row.children]);
      const given = said.get(row) ?? cells.map((cell) => cell.textContent ?? "");
      said.set(row, given);
      const wish = given[2] === HIDDEN ? undefined : wishes.get(row.getAttribute("data-key") ?? "");
      const [file, face, label, percent, reasons] = given;
      if (!wish) write(cells, given);
      else if (wish.word) write(cells, [file, face, label, percent, reasons, wish.word]);
      else write(cells, [file, face, wish.hidden ? HIDDEN : NOT_LABELLED, "", AS_ASKED, ""]);
    }
  }

  mountSorting(parts);
  parts.watch("value", follow);
  watchWishes(parts.element, follow);
  follow();
}

/** @param {HTMLElement[]} cells @param {string[]} words */
function write(cells, words) {
  for (const [i, cell] of cells.entries()) {
    if (cell.textContent !== words[i]) cell.textContent = cell.dataset.value = words[i];
  }
}
