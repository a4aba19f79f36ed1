// @ts-check
// The card of one face: a crop, what is said of it, and what can be done about it.

import { cameBlurred } from "./photo_wishes.js";
import { createWhy } from "./why.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {import("./photo_wishes.js").Photo} Photo */
/** @typedef {import("./photo_wishes.js").All} All */

const CROP_PX = 144, CROP_SHARE = 1.5;

/**
 * @param {Photo} photo @param {number} index of the face @param {Person} person
 * @param {object} use
 * @param {Record<string, string>} use.reasons in words
 * @param {import("./why.js").Ask} use.ask
 * @param {(from: HTMLElement) => void} use.onOpen the label is to be changed
 * @param {() => void} use.onChange another wish
 * @param {(id: number | null) => void} use.onPoint
 */
export function createCard(photo, index, person, { reasons, ask, onOpen, onChange, onPoint }) {
  const given = photo.marks[index], name = given.number === null ? "this face" : `face ${person.number}`;
  const node = make("div", "photo-card"), words = make("p", "photo-words");
  const lines = make("div", "photo-said"), row = make("div", "photo-actions");
  const change = makeButton(), quiet = makeButton("quiet"), blur = makeButton();
  const why = createWhy(name, photo.path, index, ask);
  const crop = Object.assign(document.createElement("canvas"), { width: CROP_PX, height: CROP_PX, className: "photo-crop" });
  crop.setAttribute("aria-hidden", "true");
  write(change, "Change", `Change the label of ${name}`);
  change.onclick = () => onOpen(change);
  quiet.onclick = () => { person.word = person.word === "" ? null : ""; onChange(); };
  blur.onclick = () => { person.blurred = !person.blurred; onChange(); };
  node.onpointerenter = () => onPoint(person.id);
  node.onpointerleave = () => onPoint(null);
  node.addEventListener("focusin", () => onPoint(person.id));
  row.hidden = cameBlurred(given);
  row.append(change, quiet, blur, why.button);
  lines.append(words, row);
  node.append(lines, why.panel);

  /** What the card says, and offers. @param {Mark} drawn as it is wanted @param {All} all */
  function update(drawn, all) {
    const hidden = drawn.blurred || cameBlurred(given);
    words.textContent = (given.number === null ? "" : `${person.number} · `) + said(drawn, all).replace(/ %$/, "\u00a0%"); // never alone in a line
    why.forbid(hidden || all.hide || person.word !== null);
    change.hidden = quiet.hidden = hidden || all.hide;
    blur.hidden = all.blur;
    const again = person.word === "" ? "Label again" : "Do not label", seen = person.blurred ? "Show" : "Blur";
    write(quiet, again, `${again}: ${name}`);
    write(blur, seen, `${seen} ${name}`);
    node.style.setProperty("--mark", drawn.color);
  }

  /** @param {Mark} drawn @param {All} all */
  function said(drawn, all) {
    if (drawn.blurred || cameBlurred(given)) return "hidden, as you asked";
    if (all.hide) return "label hidden, as you asked";
    return drawn.dash ? `unsure: ${drawn.reasons.map((reason) => reasons[reason] ?? reason).join("; ")}` : drawn.caption;
  }

  /** The face with some of its surroundings. @param {HTMLCanvasElement} picture without marks, and the face hidden if it is to be */
  function cut(picture) {
    if (!crop.isConnected) node.prepend(crop);
    const by = picture.width / photo.size[0], [x0, y0, x1, y1] = given.box.map((value) => value * by);
    const side = Math.max(x1 - x0, y1 - y0) * CROP_SHARE, context = crop.getContext("2d");
    context?.clearRect(0, 0, CROP_PX, CROP_PX);
    context?.drawImage(picture, (x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side, side, 0, 0, CROP_PX, CROP_PX);
  }

  return { given, person, node, change, update, cut };
}

/** @param {string} tag @param {string} className */
export function make(tag, className) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  return node;
}

export function makeButton(className = "") {
  const node = document.createElement("button");
  Object.assign(node, { type: "button", className });
  return node;
}

/** @param {HTMLElement} node @param {string} words @param {string} label for screen readers */
function write(node, words, label) {
  node.textContent = words;
  node.setAttribute("aria-label", label);
}
