// A click on a column's heading sorts its table by that column, a second click the other way.
element.addEventListener("click", (event) => {
  const button = event.target.closest("th button");
  if (!button) return;
  const heading = button.parentElement;
  const table = heading.closest("table");
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.children[heading.cellIndex].dataset.value;
  const order = (a, b) => key(a).localeCompare(key(b), "en", {numeric: true});
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b))));
});
