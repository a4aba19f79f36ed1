// @ts-check
// "Why this guess?" under the card of a face: asks the server once, shows the answer, folds it away.

/** @typedef {{ error?: string, sentence: string, steady: string, caveat: string, rows: string[][], sheet: string, alt: string }} Answer */
/** @typedef {(request: { visitor: string, path: string, face: number }) => Promise<Answer | undefined>} Ask */

const LOST = "The server could not be reached or did not answer: try again in a moment.";
const WORKING = "Covering parts of the face, and changing its light, sharpness and size …";
const HEADERS = ["The same face", "Perceived as", "Probability"];
/** The server works on one explanation of each visitor at a time. */
const visitor = [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, "0")).join("");
let made = 0;

/**
 * A button and the place of its answer, closed at first.
 * @param {string} name of the face @param {string} path of the photo's preview @param {number} face from 0 @param {Ask} ask
 */
export function createWhy(name, path, face, ask) {
  const button = document.createElement("button"), panel = document.createElement("section"), said = document.createElement("p");
  let busy = false, answered = false;
  Object.assign(button, { type: "button", className: "why", textContent: "Why this guess?" });
  button.setAttribute("aria-label", `Why this guess? ${name}`);
  Object.assign(panel, { className: "photo-why", id: `photo-why-${++made}`, hidden: true });
  panel.setAttribute("aria-label", `Why this guess about ${name}`);
  button.setAttribute("aria-controls", panel.id);
  said.setAttribute("role", "status");
  panel.append(said);
  show(false);

  /** @param {boolean} open */
  function show(open) {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  }

  async function request() {
    busy = true;
    panel.setAttribute("aria-busy", "true");
    said.textContent = WORKING;
    const answer = (await ask({ visitor, path, face }).catch(() => undefined)) ?? null;
    busy = false;
    panel.removeAttribute("aria-busy");
    answered = !!answer && !answer.error && Array.isArray(answer.rows);
    said.textContent = answered ? answer?.sentence ?? "" : answer?.error ?? LOST;
    if (answer && answered) panel.append(...parts(answer));
    if (!panel.hidden) said.scrollIntoView({ block: "nearest" });
  }

  button.onclick = () => {
    const failed = !panel.hidden && !busy && !answered; // it is asked for once more
    show(panel.hidden === true || failed);
    if (!panel.hidden && !busy && !answered) request();
  };
  /** While there is no guess of the model's to explain. @param {boolean} off */
  function forbid(off) {
    button.hidden = off;
    if (off) show(false);
  }
  return { button, panel, forbid };
}

/** All that stands below the sentence. @param {Answer} answer */
function parts({ steady, caveat, rows, sheet, alt }) {
  const picture = Object.assign(new Image(), { src: sheet, alt });
  const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const words of HEADERS) head.append(cell("th", words, "col"));
  for (const [way, ...rest] of rows) body.insertRow().append(cell("th", way, "row"), ...rest.map((words) => cell("td", words)));
  return [picture, paragraph(steady), table, paragraph(caveat, "photo-caveat")];
}

/** @param {"th" | "td"} tag @param {string} words @param {string} [scope] */
function cell(tag, words, scope) {
  const node = document.createElement(tag);
  node.textContent = words;
  if (scope) node.setAttribute("scope", scope);
  return node;
}

/** @param {string} words */
function paragraph(words, className = "") {
  return Object.assign(document.createElement("p"), { textContent: words, className });
}
