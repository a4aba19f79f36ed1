// @ts-check
// Downloads what the server has made, and says so, or why it could not.

const LOST = "server-lost";
const READY_MS = 8000;

/**
 * @param {object} parts what gr.HTML hands to its script
 * @param {HTMLElement} parts.element
 * @param {{ value: { path?: string, name?: string, error?: string } | null }} parts.props
 * @param {(names: string, then: () => void) => void} parts.watch
 */
export function mount({ element, props, watch }) {
  watch("value", () => {
    const { path, name = "", error } = props.value ?? {};
    const words = error ?? (path ? `${name} is ready.` : "");
    sayMade(words);
    if (!path) return;
    save(path, name);
    setTimeout(() => { if (words === document.querySelector("#photos-made p")?.textContent) sayMade(""); }, READY_MS);
  });
  document.addEventListener(LOST, () => { if (element.isConnected) sayMade(""); });
}

/** @param {string} words what is being made, or has come of it */
export function sayMade(words) {
  const place = document.querySelector("#photos-made p");
  if (place) place.textContent = words;
}

/** @param {string} path on the server @param {string} name */
function save(path, name) {
  const href = new URL(`gradio_api/file=${path}`, document.baseURI).href;
  Object.assign(document.createElement("a"), { href, download: name }).click();
}
