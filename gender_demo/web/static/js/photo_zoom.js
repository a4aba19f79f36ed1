// @ts-check
// A photo whose numbers are too small to be read on this screen can be enlarged, and then be moved
// with a finger, the wheel or arrow keys.

/** @typedef {import("./photo_wishes.js").Photo} Photo */

const LEGIBLE_PX = 11, ENLARGED_PX = 15; // letters on the screen: what can be read with ease, and what they are enlarged to

/** @param {Photo} photo @param {HTMLElement} stage @param {HTMLCanvasElement} canvas @param {() => void} paint */
export function createZoom(photo, stage, canvas, paint) {
  const view = document.createElement("div"), button = document.createElement("button");
  const smallest = Math.min(...photo.marks.map((mark) => mark.plate?.font_px ?? Infinity));
  let large = false;
  view.className = "photo-view";
  Object.assign(button, { type: "button", className: "photo-zoom", hidden: true });
  view.append(canvas);
  stage.append(view, button);

  /** Pixels of the screen for one of the photo. */
  const shown = () => canvas.clientWidth / photo.size[0];

  function renew() {
    button.hidden = !large && smallest * shown() >= LEGIBLE_PX;
    button.textContent = large ? "Whole picture" : "Enlarge";
    stage.classList.toggle("enlarged", large);
    view.tabIndex = large ? 0 : -1;
    paint();
  }

  button.onclick = () => {
    canvas.style.width = large ? "" : `${(100 * ENLARGED_PX) / (smallest * shown())}%`;
    large = !large;
    renew();
    bringIntoView(photo.marks[0]);
  };

  /** Moves an enlarged picture so that a face is in its middle. @param {{ box: import("./types.js").Box }} face */
  function bringIntoView({ box: [x0, y0, x1, y1] }) {
    if (large) view.scrollTo({ left: ((x0 + x1) * shown() - view.clientWidth) / 2, top: ((y0 + y1) * shown() - view.clientHeight) / 2 });
  }

  return { bringIntoView, /** From when the picture is there. */ watch: () => new ResizeObserver(renew).observe(canvas) };
}
