// @ts-check
// What a visitor wants of each photo and face. It is kept while the page is open, also for a photo
// that is chosen again, and goes to the server with a download only, which is made there.

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {{ file: number, name: string, path: string, size: [number, number], marks: Mark[] }} Photo `path` is the preview's file; size and marks are in the picture's own pixels */
/** @typedef {{ token: string, photos: Photo[] }} Result */
/** @typedef {{ blur: boolean, hide: boolean }} All what is wanted for every face: blurred, without its label */
/** @typedef {All & { people: Person[] }} Wishes of one photo */
/** In place of the guess: a word beside it, "" for none, and whether the face is hidden. @typedef {{ word: string, hidden: boolean }} Wish */

const CHANGED = "photo-wishes-changed";

/** @type {Map<string, Wishes>} by the preview's path, in which its content is named */
const known = new Map();
/** @type {Result} */
let shown = { token: "", photos: [] };

/** @param {Result} result what the page shows now */
export function setShown(result) {
  shown = result;
}

/** To be called when a wish has changed. */
export const tellWishes = () => document.dispatchEvent(new Event(CHANGED));

/** Calls back when any wish changes, as long as a node is on the page. @param {Node} node @param {() => void} then */
export function watchWishes(node, then) {
  const call = () => (node.isConnected ? then() : document.removeEventListener(CHANGED, call));
  document.addEventListener(CHANGED, call);
}

document.addEventListener("change", ({ target }) => {
  if (target instanceof Element && target.closest("#photos-blur, #photos-hide")) tellWishes();
});

/** @param {Photo} photo @returns {Wishes} */
export function wishesOf(photo) {
  const found = known.get(photo.path) ?? { blur: false, hide: false, people: photo.marks.map(newPerson) };
  known.set(photo.path, found);
  return found;
}

/** @param {Mark} mark @returns {Person} */
const newPerson = ({ box, number }) => ({ id: number ?? 1, track: null, box, at: 0, number: number ?? 1, word: null });

/** What is wanted for every face of a photo, by its own buttons or by those for all photos. @param {Photo} photo @returns {All} */
export function allOf(photo) {
  const { blur, hide } = wishesOf(photo);
  return { blur: blur || isChecked("photos-blur"), hide: hide || isChecked("photos-hide") };
}

/** @param {string} id of a checkbox for all photos */
const isChecked = (id) => document.querySelector(`#${id} input:checked`) !== null;

/** Whether the server sent the face blurred. @param {Mark} mark */
export const cameBlurred = (mark) => !mark.caption;

/** Whether something was blurred before it came, though that is wanted no longer. */
export const staysBlurred = () => !isChecked("photos-blur") && shown.photos.some(({ marks }) => marks.some(cameBlurred));

/** @param {Photo} photo @param {number} index of the face @returns {Wish | null} null for the guess */
function wishFor(photo, index) {
  const { blur, hide } = allOf(photo), { word, blurred } = wishesOf(photo).people[index];
  if (blur || blurred) return { word: "", hidden: true };
  return hide || word !== null ? { word: hide ? "" : word ?? "", hidden: false } : null;
}

/** All wishes. @returns {({ file: number, face: number } & Wish)[]} */
export function allWishes() {
  return shown.photos.flatMap((photo) => photo.marks.flatMap((mark, index) => {
    const wish = wishFor(photo, index);
    return wish ? [{ file: photo.file, face: mark.number ?? 1, ...wish }] : [];
  }));
}

/** What the server is asked for. @param {string} kind @param {number} file of a single picture */
export const newRequest = (kind, file = 0) => ({ token: shown.token, kind, file, faces: allWishes() });
