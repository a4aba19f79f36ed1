// @ts-check
// The analysed photos: each picture with its boxes, and a card for every face.

import { openCorrection } from "./correction.js";
import { enlarged, scaled, strokeMarks } from "./drawing.js";
import { markAt, pictureRect } from "./geometry.js";
import { hideHead } from "./hide.js";
import { judged, watchLimit } from "./limit.js";
import { createCard, make, makeButton } from "./photo_card.js";
import { sayMade } from "./photo_made.js";
import { allOf, cameBlurred, newRequest, setShown, staysBlurred, tellWishes, watchWishes, wishesOf } from "./photo_wishes.js";
import { createZoom } from "./photo_zoom.js";
import { asWanted } from "./wishes.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./photo_wishes.js").Photo} Photo */
/** @typedef {{ classes: string[], reasons: Record<string, string>, ask: import("./why.js").Ask, order: (kind: string, file?: number) => void }} Given */

const LIMIT_NOTE = " Explanations, the table and the downloads keep the model's own limit.";
const STAYS_BLURRED = "These pictures came back blurred and stay so, here and in the downloads. To see the faces, choose the pictures again.";
const KEPT = "Stays in this browser, for this photo, until you close the page. The table follows, and so do downloads: your word is sent with them, to be written into the file. Nothing is learnt from it.";
const MAKING = { csv: "the table", json: "the file", zip: "the pictures", picture: "the picture" };
const NUMBER_PX = 9; // the least on the screen

/**
 * @param {object} parts what gr.HTML hands to its script
 * @param {HTMLElement} parts.element
 * @param {{ value: { photos: Photo[], token?: string } | null, classes: string[], reasons: Record<string, string> }} parts.props
 * @param {{ explain_face: import("./why.js").Ask }} parts.server
 * @param {(names: string, then: () => void) => void} parts.watch
 * @param {(what: object) => void} parts.ask the server for a file
 */
export function mount({ element, props, server, watch, ask }) {
  const order = (/** @type {string} */ kind, file = 0) => {
    sayMade(`Making ${MAKING[/** @type {keyof typeof MAKING} */ (kind)]} …`);
    ask(newRequest(kind, file));
  };
  const given = { classes: props.classes, reasons: props.reasons, ask: server.explain_face, order };
  /** @type {(() => void)[]} */
  let renewals = [];
  const show = () => {
    const place = element.querySelector(".photo-list");
    if (!place) return;
    const photos = props.value?.photos ?? [];
    setShown({ token: props.value?.token ?? "", photos });
    const made = photos.map((photo) => photoNode(photo, given)), note = element.querySelector(".photo-limit");
    renewals = made.map(({ renew }) => renew);
    place.replaceChildren(...made.map(({ node }) => node));
    sayMade("");
    tellWishes();
    if (note instanceof HTMLElement) watchLimit(note, LIMIT_NOTE, () => { for (const renew of renewals) renew(); });
    if (props.value?.token) announce(); // also that nothing could be read
  };
  watch("value", show);
  watchWishes(element, () => {
    for (const renew of renewals) renew();
    const note = element.querySelector(".photo-blurred");
    if (note) note.textContent = staysBlurred() ? STAYS_BLURRED : "";
  });
  document.addEventListener("click", ({ target }) => {
    const button = element.isConnected && target instanceof Element ? target.closest("#photos-csv, #photos-json, #photos-zip") : null;
    if (button) order(button.id.replace("photos-", ""));
  });
  show();
}

const announce = () => requestAnimationFrame(() => bringIntoView(document.querySelector("#photos-summary")));

/** It gets the focus too, so that a phone shows it and screen readers say it. @param {Element | null} heading */
export function bringIntoView(heading) {
  if (!(heading instanceof HTMLElement)) return;
  heading.tabIndex = -1;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  heading.focus({ preventScroll: true });
}

/** @param {Photo} photo @param {Given} given */
function photoNode(photo, { classes, reasons, ask, order }) {
  const node = make("article", "photo"), stage = make("div", "photo-stage"), list = make("div", "photo-cards");
  const title = make("h3", ""), tools = make("div", "photo-tools");
  const canvas = document.createElement("canvas"), picture = new Image(), wishes = wishesOf(photo);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${photo.name} with a box around each face`);
  [canvas.width, canvas.height] = photo.size;
  /** @type {number | null} the person pointed at */
  let active = null;
  let stale = true; // whether the crops are to be cut anew
  const zoom = createZoom(photo, stage, canvas, paint), several = photo.marks.length > 1;
  const cards = photo.marks.map((mark, index) => createCard(photo, index, wishes.people[index], {
    reasons, ask, onChange: tellWishes, onOpen: (from) => open(index, from),
    onPoint: (id) => { point(id); if (id !== null) zoom.bringIntoView(mark); },
  }));

  /** The marks as they are wanted, in the canvas's pixels. @param {(typeof cards)[0]} card */
  function wanted({ given: mark, person }) {
    const drawn = asWanted(context, { ...scaled(mark, canvas.width / photo.size[0]), person }, cards.length, allOf(photo));
    return enlarged(context, drawn, NUMBER_PX / pictureRect(canvas).zoom);
  }

  function paint() {
    if (!picture.naturalWidth) return;
    const drawn = cards.map(wanted);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const mark of drawn) if (mark.blurred) hideHead(context, mark.box);
    if (stale) for (const card of cards) card.cut(canvas);
    stale = false;
    strokeMarks(context, drawn, (mark) => mark.person?.id === active);
  }

  function renew() {
    const all = allOf(photo), drawn = cards.map(wanted);
    title.textContent = `${photo.name}: ${counted(drawn, photo.marks)}`;
    for (const [i, card] of cards.entries()) card.update(drawn[i], all);
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (tools.querySelectorAll("[data-all]"))) {
      button.setAttribute("aria-pressed", String(wishes[/** @type {"blur" | "hide"} */ (button.dataset.all)]));
    }
    stale = true;
    paint();
  }

  /** @param {number | null} id */
  function point(id) {
    if (id === active) return;
    active = id;
    for (const card of cards) card.node.classList.toggle("active", card.person.id === id);
    paint();
  }

  /** @param {number} index @param {HTMLElement} from */
  function open(index, from) {
    const { given, person } = cards[index], { left, top, zoom: shown } = pictureRect(canvas), by = shown * (canvas.width / photo.size[0]);
    const [x0, y0, x1, y1] = given.box.map((value) => value * by), mark = judged(given);
    openCorrection(person, {
      name: several ? `Face ${person.number}` : "This face",
      guess: mark.label ? mark.caption : "",
      reasons: mark.reasons,
      classes, words: reasons, kept: KEPT,
      face: new DOMRect(left + x0, top + y0, x1 - x0, y1 - y0),
      onChange: tellWishes,
      onClose: () => { point(null); from.focus({ preventScroll: true }); },
    });
  }

  canvas.onclick = (event) => {
    const hit = markAt(cards.map((card, index) => ({ ...wanted(card), index })), canvas, event);
    if (!hit || hit.blurred || cameBlurred(photo.marks[hit.index]) || allOf(photo).hide) return;
    open(hit.index, cards[hit.index].change);
  };
  canvas.onpointermove = (event) => {
    const hit = event.pointerType === "mouse" ? markAt(cards.map(wanted), canvas, event, 0) : null;
    canvas.style.cursor = hit ? "pointer" : "";
    point(hit?.person?.id ?? null);
  };
  canvas.onpointerleave = () => point(null);

  picture.onload = () => {
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    stale = true;
    paint();
    zoom.watch();
  };
  picture.onerror = () => { stage.textContent = "This picture is no longer on the server, where pictures are kept for minutes only: choose it again."; };
  picture.src = new URL(`gradio_api/file=${photo.path}`, document.baseURI).href;

  tools.append(...toolsOf(photo, wishes, () => order("picture", photo.file)));
  list.append(...[...cards].sort((a, b) => a.person.number - b.person.number).map((card) => card.node));
  node.append(title, tools, stage, list);
  renew();
  return { node, renew };
}

/** Buttons for the whole photo. @param {Photo} photo @param {import("./photo_wishes.js").Wishes} wishes @param {() => void} onSave */
function toolsOf(photo, wishes, onSave) {
  const toggles = [["blur", "Blur faces"], ["hide", "Hide labels"]].map(([kind, words]) => {
    const button = Object.assign(makeButton(), { textContent: words, hidden: photo.marks.every(cameBlurred) }), all = /** @type {"blur" | "hide"} */ (kind);
    button.dataset.all = all;
    button.onclick = () => { wishes[all] = !wishes[all]; tellWishes(); };
    return button;
  });
  return [...toggles, Object.assign(makeButton(), { textContent: "Save picture", onclick: onSave })];
}

/** How many faces there are, and what is shown of them. @param {Mark[]} drawn as they are wanted @param {Mark[]} given */
function counted(drawn, given) {
  if (!drawn.length) return "no face found";
  const kinds = drawn.map((mark, i) => {
    if (mark.blurred || cameBlurred(given[i])) return "hidden";
    return mark.dash ? "unsure" : mark.label === null ? "not labelled" : "labelled";
  });
  const count = drawn.length === 1 ? "1 face" : `${drawn.length} faces`;
  if (kinds.every((kind) => kind === kinds[0] && kind !== "unsure")) return `${count}, ${kinds[0]}`;
  const parts = ["labelled", "unsure", "not labelled", "hidden"].map((kind) => [kinds.filter((other) => other === kind).length, kind]);
  return [count, ...parts.filter(([times]) => times).map((part) => part.join(" "))].join(", ");
}
