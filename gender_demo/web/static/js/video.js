// @ts-check
// The annotated video comes into view and its heading gets the focus, as with photos.

import { bringIntoView } from "./photos.js";

/**
 * @param {object} parts what gr.HTML hands to its script
 * @param {HTMLElement} parts.element
 * @param {{ value: { path?: string } | null }} parts.props
 * @param {(names: string, then: () => void) => void} parts.watch
 */
export function mount({ element, props, watch }) {
  const show = () => {
    if (props.value?.path) requestAnimationFrame(() => bringIntoView(element.querySelector("h3")));
  };
  watch("value", show);
  show(); // the first one came before this script
}
