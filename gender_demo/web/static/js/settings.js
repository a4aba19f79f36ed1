// @ts-check
// What this browser remembers between visits: how a person likes the live view, nothing about faces.

const KEY = "live-view";

/** @returns {Record<string, unknown>} */
function all() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    return {}; // storage is refused, or holds something else
  }
}

/** @template T @param {string} name @param {T} otherwise @returns {T} */
export function recall(name, otherwise) {
  const value = all()[name];
  return typeof value === typeof otherwise ? /** @type {T} */ (value) : otherwise;
}

/** @param {string} name @param {unknown} value */
export function remember(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...all(), [name]: value }));
  } catch { /* it works without */ }
}
