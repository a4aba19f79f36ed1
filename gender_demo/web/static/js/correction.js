// @ts-check
// The dialog beside a face in which a person puts their own word in place of the guess.

/** @typedef {import("./people.js").Person} Person */

/**
 * @typedef {object} Shown what the dialog is about
 * @property {string} name of the face
 * @property {string} guess
 * @property {string[]} reasons why it is unsure, by name
 * @property {string[]} classes
 * @property {Record<string, string>} words of the reasons
 * @property {string} [kept] what becomes of a word, where it is not that of the live view
 * @property {DOMRect} face where the face with its label stands in the window
 * @property {() => void} onChange a word was set or taken back
 * @property {() => void} onClose the focus is to go back
 */

const GAP_PX = 10, NARROW = "(max-width: 700px)";
const MARKUP = `
  <p id="live-correct-title"></p>
  <p id="live-correct-guess" class="small"></p>
  <div id="live-correct-choices"></div>
  <button type="button" id="live-correct-none">Do not label me</button>
  <button type="button" id="live-correct-blur">Blur this face</button>
  <form id="live-correct-own">
    <label for="live-correct-word">or a word of your own</label>
    <input type="text" id="live-correct-word" maxlength="24" placeholder="up to 24 letters" autocomplete="off">
    <button type="submit">Use it</button>
  </form>
  <div>
    <button type="button" id="live-correct-undo">Back to the guess</button>
    <button type="button" id="live-correct-close">Close</button>
  </div>
  <p id="live-correct-kept" class="small"></p>`;
const KEPT = "Stays in this browser, for this face, as long as it is in view; nothing is sent, nothing is learnt from it.";

/** @type {HTMLDialogElement | null} one for the whole page */
let dialog = null;

/** @param {Person} person @param {Shown} shown */
export function openCorrection(person, shown) {
  dialog ??= makeDialog();
  const box = dialog, get = (/** @type {string} */ id) => /** @type {HTMLElement} */ (box.querySelector(`#live-correct-${id}`));
  const input = /** @type {HTMLInputElement} */ (get("word"));

  /** @param {string | null} word */
  function set(word) {
    person.word = word;
    shown.onChange();
    box.close();
  }

  get("title").textContent = `What should be written at ${shown.name.toLowerCase()}?`;
  const why = shown.reasons.map((reason) => shown.words[reason] ?? reason.replaceAll("_", " ")).join("; ");
  get("guess").textContent = why ? `The guess: unsure, because ${why}.` : shown.guess && `The guess: ${shown.guess}.`;
  get("choices").replaceChildren(...shown.classes.map((name) => {
    const button = document.createElement("button"), words = name.replaceAll("_", " ");
    Object.assign(button, { type: "button", textContent: words, onclick: () => set(words) });
    return button;
  }));
  get("kept").textContent = shown.kept ?? KEPT;
  get("none").onclick = () => set("");
  get("blur").onclick = () => {
    person.blurred = true;
    shown.onChange();
    box.close();
  };
  get("undo").onclick = () => set(null);
  get("undo").hidden = person.word === null;
  get("own").onsubmit = (event) => {
    event.preventDefault();
    if (input.value.trim()) set(input.value.trim());
  };
  input.value = "";
  box.onclose = shown.onClose;
  box.showModal();
  /** @type {HTMLElement | null} */ (get("choices").firstElementChild)?.focus();
  place(box, shown.face);
}

export function closeCorrection() {
  if (!dialog?.open) return;
  dialog.onclose = null;
  dialog.close();
}

function makeDialog() {
  const made = document.createElement("dialog");
  made.id = "live-correct";
  made.setAttribute("aria-labelledby", "live-correct-title");
  made.innerHTML = MARKUP;
  made.onclick = (event) => { if (event.target === made) made.close(); }; // the ground around it
  /** @type {HTMLElement} */ (made.querySelector("#live-correct-close")).onclick = () => made.close();
  (document.querySelector(".gradio-container .contain") ?? document.body).append(made); // where the theme reaches
  return made;
}

/** Right of the face, else left of it, else under or over it, where it fits; on a phone at the window's bottom, as the style says. @param {HTMLDialogElement} box @param {DOMRect} face */
function place(box, face) {
  box.style.left = box.style.top = "";
  if (matchMedia(NARROW).matches) return;
  const { width, height } = box.getBoundingClientRect();
  const right = face.right + GAP_PX, left = face.left - GAP_PX - width, fits = right + width <= innerWidth;
  const x = fits ? right : left >= 0 ? left : Math.max(0, (innerWidth - width) / 2);
  const under = face.bottom + GAP_PX, over = face.top - GAP_PX - height;
  const y = fits || left >= 0 ? face.top : under + height > innerHeight && over >= 0 ? over : under;
  box.style.left = `${x}px`;
  box.style.top = `${Math.max(GAP_PX, Math.min(y, innerHeight - height - GAP_PX))}px`;
}
