// @ts-check
// The faces in words: one sentence for screen readers, and a row for each face.

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {{ row: HTMLElement, name: HTMLButtonElement, quiet: HTMLButtonElement, blur: HTMLButtonElement }} Row */

const SPEAK_EVERY_MS = 2500; // what is read changes at once, what is read out no more often
const COUNTED_FROM = 5; // with so many faces the sentence counts them

/**
 * @param {object} parts
 * @param {HTMLElement} parts.text the sentence as it is read
 * @param {HTMLElement} parts.spoken the same for screen readers, aria-live
 * @param {HTMLElement} parts.list
 * @param {(person: Person, from: HTMLElement) => void} parts.onOpen
 * @param {(person: Person) => void} parts.onQuiet "do not label me", or that no longer
 * @param {(person: Person) => void} parts.onBlur "blur this face", or that no longer
 * @param {(id: number | null) => void} parts.onPoint a row is pointed at, or none
 */
export function createFaceList({ text, spoken, list, onOpen, onQuiet, onBlur, onPoint }) {
  /** @type {Map<number, Row>} by the person's id */
  const rows = new Map();
  let spokenAt = -Infinity, wanted = "", timer = 0;
  /** @type {number | null} the person whose row stands out */
  let pointed = null;

  /** @param {Person} person @returns {Row} */
  function addRow(person) {
    const row = document.createElement("div"), name = document.createElement("button"), quiet = document.createElement("button"), blur = document.createElement("button");
    row.className = "face";
    name.type = quiet.type = blur.type = "button";
    quiet.className = blur.className = "quiet";
    name.onclick = () => onOpen(person, name);
    quiet.onclick = () => onQuiet(person);
    blur.onclick = () => onBlur(person);
    row.onpointerenter = () => onPoint(person.id);
    row.onpointerleave = () => onPoint(null);
    row.addEventListener("focusin", () => onPoint(person.id));
    row.addEventListener("focusout", () => onPoint(null));
    row.append(name, quiet, blur);
    rows.set(person.id, { row, name, quiet, blur });
    return { row, name, quiet, blur };
  }

  /** The rows as the faces are now, in the order of their numbers. @param {Mark[]} marks @param {boolean} hidden */
  function renew(marks, hidden) {
    const known = marks.filter((mark) => mark.person && mark.track != null).sort((a, b) => numberOf(a) - numberOf(b));
    const here = new Set(known.map((mark) => mark.person?.id));
    for (const [id, { row }] of rows) if (!here.has(id)) { row.remove(); rows.delete(id); }
    known.forEach((mark, i) => {
      const person = /** @type {Person} */ (mark.person);
      const { row, name, quiet, blur } = rows.get(person.id) ?? addRow(person);
      if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
      const face = nameOf(person, known.length > 1);
      write(name, hidden ? face : `${face}: ${mark.caption || "unsure"} – change`);
      quiet.hidden = hidden || mark.blurred === true;
      write(blur, person.blurred ? "Show" : "Blur");
      blur.setAttribute("aria-label", `${blur.textContent} ${face.toLowerCase()}`);
      blur.hidden = mark.blurred === true && !person.blurred; // all are
      const off = person.word === "";
      write(quiet, off ? "Label again" : "Do not label");
      quiet.setAttribute("aria-label", off ? `Label ${face.toLowerCase()} again` : `Do not label ${face.toLowerCase()}`);
      row.style.setProperty("--mark", mark.color);
      row.classList.toggle("active", person.id === pointed);
    });
  }

  /** Rows and sentence at once, aloud when what it says has changed. @param {Mark[]} marks @param {boolean} hidden @param {number} every */
  function announce(marks, hidden, every = SPEAK_EVERY_MS) {
    renew(marks, hidden);
    wanted = sentence(marks, hidden);
    write(text, wanted);
    if (!every) { clearTimeout(timer); timer = 0; }
    if (timer || wanted === spoken.textContent) return;
    timer = window.setTimeout(() => {
      timer = 0;
      if (wanted === spoken.textContent) return;
      spoken.textContent = wanted;
      spokenAt = performance.now();
    }, Math.max(0, spokenAt + every - performance.now()));
  }

  /** @param {string} words */
  function say(words) {
    wanted = words;
    clearTimeout(timer);
    timer = 0;
    text.textContent = spoken.textContent = words;
    spokenAt = -Infinity;
  }

  /** @param {number | null} id whose row is to stand out */
  function point(id) {
    pointed = id;
    for (const [other, { row }] of rows) row.classList.toggle("active", other === id);
  }

  return { renew, announce, say, point, focus: (/** @type {number} */ id) => rows.get(id)?.name.focus({ preventScroll: true }) };
}

/** A number only where there are several. @param {Person} person @param {boolean} several */
export const nameOf = (person, several) => (several ? `Face ${person.number}` : "This face");

/** @param {Mark} mark */
const numberOf = (mark) => mark.person?.number ?? Infinity;

/** @param {HTMLElement} node @param {string} words */
function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/** Without the per cent, which each frame changes. @param {Mark} mark */
const said = (mark) => (mark.caption || "unsure").replace(/ \d+ %$/, "");

/** @param {Mark[]} marks @param {boolean} hidden */
export function sentence(marks, hidden) {
  if (!marks.length) return "No face found in the picture.";
  const count = marks.length === 1 ? "One face" : `${marks.length} faces`;
  if (hidden) return `${count}; labels are hidden.`;
  if (marks.length === 1) return `${count}: ${said(marks[0])}.`;
  if (marks.length < COUNTED_FROM) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const mark of [...marks].sort((one, other) => numberOf(one) - numberOf(other))) counts.set(said(mark), (counts.get(said(mark)) ?? 0) + 1);
    return `${count}: ${[...counts].map(([words, times]) => `${times} ${words}`).join(", ")}.`;
  }
  const unsure = marks.filter((mark) => mark.dash).length, quiet = marks.filter((mark) => mark.person?.word === "" && !mark.blurred).length;
  const blurred = marks.filter((mark) => mark.blurred).length;
  const parts = [`${marks.length - unsure - quiet - blurred} labelled`, unsure && `${unsure} unsure`, quiet && `${quiet} not to be labelled`, blurred && `${blurred} hidden`];
  return `${count}: ${parts.filter(Boolean).join(", ")}.`;
}
