// @ts-check
// The analysed photos: each picture with its boxes, and a card for every face.

import { openCorrection } from "./correction.js";
import { scaled, strokeMarks, withText } from "./drawing.js";
import { markAt, pictureRect } from "./geometry.js";
import { judged, unsureText, watchLimit } from "./limit.js";
import { createWhy } from "./why.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {{ name: string, path: string, size: [number, number], marks: Mark[] }} Photo `path` is the preview's file; size and marks are in the picture's own pixels */
/** @typedef {{ mark: Mark, person: Person, node: HTMLElement, words: HTMLElement, quiet: HTMLButtonElement, why: { forbid: (off: boolean) => void } }} Card */
/** @typedef {{ classes: string[], reasons: Record<string, string>, ask: import("./why.js").Ask }} Given */

const CROP_PX = 144, CROP_SHARE = 1.5, OWN_COLOR = "#FFFFFF", CROWD = 8;
const LIMIT_NOTE = " The summary above, explanations, the table and the downloads keep the model's own limit.";

/**
 * @param {object} parts what gr.HTML hands to its script
 * @param {HTMLElement} parts.element
 * @param {{ value: { photos: Photo[] } | null, classes: string[], reasons: Record<string, string> }} parts.props
 * @param {{ explain_face: import("./why.js").Ask }} parts.server
 * @param {(names: string, then: () => void) => void} parts.watch
 */
export function mount({ element, props, server, watch }) {
  const given = { classes: props.classes, reasons: props.reasons, ask: server.explain_face };
  const show = () => {
    const place = element.querySelector(".photo-list");
    if (!place) return;
    const photos = props.value?.photos ?? [];
    const made = photos.map((photo) => photoNode(photo, given)), note = element.querySelector(".photo-limit");
    place.replaceChildren(...made.map(({ node }) => node));
    if (note instanceof HTMLElement) watchLimit(note, LIMIT_NOTE, () => { for (const { renew } of made) renew(); });
    if (photos.length) announce();
  };
  watch("value", show);
  show();
}

/** The result comes into view and gets the focus, so that a phone shows it and screen readers say it. */
function announce() {
  const heading = document.querySelector("#photos-summary");
  if (!(heading instanceof HTMLElement)) return;
  heading.tabIndex = -1;
  requestAnimationFrame(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    heading.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    heading.focus({ preventScroll: true });
  });
}

/** @param {Photo} photo @param {Given} given */
function photoNode(photo, { classes, reasons, ask }) {
  const node = make("article", "photo"), stage = make("div", "photo-stage"), list = make("div", "photo-cards");
  const canvas = document.createElement("canvas"), picture = new Image();
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${photo.name} with a box around each face`);
  [canvas.width, canvas.height] = photo.size;
  /** @type {number | null} the person pointed at */
  let active = null;
  /** @type {Card[]} */
  const cards = photo.marks.map(newCard);
  const several = cards.length > 1;

  function paint() {
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    strokeMarks(context, cards.map(asWanted), (mark) => mark.person?.id === active);
  }

  /** @param {Card} card @returns {Mark} */
  function asWanted({ mark, person }) {
    const by = picture.naturalWidth / photo.size[0], drawn = scaled({ ...mark, person }, by);
    const sure = judged(drawn);
    if (person.word === null) return sure === drawn ? drawn : withText(context, sure, unsureText(person.number, cards.length));
    const number = several ? `${person.number}` : "", word = person.word && cards.length <= CROWD ? `${person.word} (your word)` : "";
    return withText(context, { ...drawn, color: OWN_COLOR, dash: false }, [number, word].filter(Boolean).join(" · "));
  }

  /** @param {Mark} mark @param {number} index @returns {Card} */
  function newCard(mark, index) {
    /** @type {Person} */
    const person = { id: mark.number ?? 1, track: null, box: mark.box, at: 0, number: mark.number ?? 1, word: null };
    const card = make("div", "photo-card"), words = make("p", "photo-words"), quiet = make("button", "quiet"), change = make("button", "");
    const name = mark.number === null ? "this face" : `face ${person.number}`;
    const why = createWhy(name, photo.path, index, ask);
    const one = { mark, person, node: card, words, quiet: /** @type {HTMLButtonElement} */ (quiet), why };
    change.textContent = "Change";
    change.setAttribute("aria-label", `Change the label of ${name}`);
    change.onclick = () => open(one, change);
    quiet.onclick = () => { person.word = person.word === "" ? null : ""; renew(one); };
    card.onpointerenter = () => point(person.id);
    card.onpointerleave = () => point(null);
    card.addEventListener("focusin", () => point(person.id));
    const lines = make("div", "photo-said"), row = make("div", "photo-actions");
    row.hidden = isHidden(mark);
    row.append(change, quiet, why.button);
    lines.append(words, row);
    card.append(lines, why.panel);
    update(one);
    return one;
  }

  /** @param {Card} card */
  function update({ mark: given, person, node: card, words, quiet, why: asked }) {
    const mark = judged(given);
    const number = mark.number === null ? "" : `${person.number} · `, why = mark.reasons.map((name) => reasons[name] ?? name).join("; ");
    const said = isHidden(mark) ? "hidden, as you asked" : person.word === null ? (mark.label ? mark.caption : `unsure: ${why}`) : person.word ? `${person.word} (your word)` : "not labelled, as you asked";
    words.textContent = (number + said).replace(/ %$/, "\u00a0%"); // never alone in a line
    asked.forbid(isHidden(mark) || person.word !== null);
    quiet.textContent = person.word === "" ? "Label again" : "Do not label";
    quiet.setAttribute("aria-label", `${quiet.textContent}: ${mark.number === null ? "this face" : `face ${person.number}`}`);
    card.style.setProperty("--mark", person.word === null ? mark.color : OWN_COLOR);
  }

  /** @param {Card} card */
  function renew(card) {
    update(card);
    paint();
  }

  /** @param {number | null} id */
  function point(id) {
    if (id === active) return;
    active = id;
    for (const card of cards) card.node.classList.toggle("active", card.person.id === id);
    if (picture.complete) paint();
  }

  /** @param {Card} card @param {HTMLElement} from */
  function open(card, from) {
    const { left, top, zoom } = pictureRect(canvas), by = zoom * (canvas.width / photo.size[0]);
    const [x0, y0, x1, y1] = card.mark.box.map((value) => value * by), mark = judged(card.mark);
    openCorrection(card.person, {
      name: several ? `Face ${card.person.number}` : "This face",
      guess: mark.label ? mark.caption : "",
      reasons: mark.reasons,
      classes, words: reasons,
      face: new DOMRect(left + x0, top + y0, x1 - x0, y1 - y0),
      onChange: () => renew(card),
      onClose: () => { point(null); from.focus({ preventScroll: true }); },
    });
  }

  canvas.onclick = (event) => {
    const drawn = cards.map((card) => ({ ...asWanted(card), card })), hit = markAt(drawn, canvas, event);
    if (hit && !isHidden(hit)) open(hit.card, /** @type {HTMLElement} */ (hit.card.node.querySelector("button")));
  };
  canvas.onpointermove = (event) => {
    const hit = event.pointerType === "mouse" ? markAt(cards.map(asWanted), canvas, event, 0) : null;
    canvas.style.cursor = hit ? "pointer" : "";
    point(hit?.person?.id ?? null);
  };
  canvas.onpointerleave = () => point(null);

  picture.onload = () => {
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    for (const { node: card, mark } of cards) card.prepend(cropOf(picture, mark, photo.size[0]));
    paint();
  };
  picture.onerror = () => { stage.textContent = "This picture is no longer on the server, where pictures are kept for minutes only: choose it again."; };
  picture.src = new URL(`gradio_api/file=${photo.path}`, document.baseURI).href;

  const title = make("h3", "");

  function renewAll() {
    title.textContent = `${photo.name}: ${counted(photo.marks.map(judged))}`;
    for (const card of cards) update(card);
    if (picture.complete) paint();
  }

  stage.append(canvas);
  list.append(...[...cards].sort((a, b) => a.person.number - b.person.number).map((card) => card.node));
  node.append(title, stage, list);
  renewAll();
  return { node, renew: renewAll };
}

/** The face with some of its surroundings. @param {HTMLImageElement} picture @param {Mark} mark @param {number} width of the picture that the mark is in */
function cropOf(picture, { box: [x0, y0, x1, y1] }, width) {
  const by = picture.naturalWidth / width, side = Math.max(x1 - x0, y1 - y0) * CROP_SHARE * by;
  const crop = Object.assign(document.createElement("canvas"), { width: CROP_PX, height: CROP_PX, className: "photo-crop" });
  crop.setAttribute("aria-hidden", "true");
  crop.getContext("2d")?.drawImage(picture, ((x0 + x1) * by - side) / 2, ((y0 + y1) * by - side) / 2, side, side, 0, 0, CROP_PX, CROP_PX);
  return crop;
}

/** Whether the server has blurred the face. @param {Mark} mark */
const isHidden = (mark) => !mark.caption;

/** @param {Mark[]} marks */
function counted(marks) {
  if (!marks.length) return "no face found";
  const unsure = marks.filter((mark) => mark.dash).length, labelled = marks.length - unsure;
  const count = marks.length === 1 ? "1 face" : `${marks.length} faces`;
  if (marks.every(isHidden)) return `${count}, hidden`;
  return unsure ? `${count}, ${labelled} labelled, ${unsure} unsure` : `${count}, labelled`;
}

/** @param {string} tag @param {string} className */
function make(tag, className) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (node instanceof HTMLButtonElement) node.type = "button";
  return node;
}
