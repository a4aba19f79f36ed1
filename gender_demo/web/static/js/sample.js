// @ts-check
// A clip for people without a camera: one public-domain portrait that moves, then a group of people.

const SIZE = { width: 640, height: 480 }, FRAMES_PER_S = 25, PORTRAIT_S = 9, GROUP_S = 9;
const PICTURES = ["astronaut.jpg", "solvay_1927.jpg"];

/** @param {string} name @returns {Promise<HTMLImageElement>} */
async function load(name) {
  const picture = new Image();
  picture.src = new URL(`../examples/${name}`, import.meta.url).href;
  await picture.decode();
  return picture;
}

/** A stream that plays the clip until its track is stopped. @param {() => boolean} stands whether it waits just now @returns {Promise<MediaStream>} */
export async function openSample(stands) {
  const [portrait, group] = await Promise.all(PICTURES.map(load)).catch(() => {
    throw new Error("The sample could not be loaded. Check the connection, then try again.");
  });
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const stream = canvas.captureStream(FRAMES_PER_S), [track] = stream.getVideoTracks();
  let played = 0, before = performance.now();

  const timer = setInterval(() => {
    if (track.readyState === "ended") return clearInterval(timer);
    const now = performance.now(), passed = now - before;
    before = now;
    if (stands()) return;
    played += passed / 1000;
    const second = played % (PORTRAIT_S + GROUP_S);
    if (second < PORTRAIT_S) {
      context.fillStyle = "#949ca0";
      context.fillRect(0, 0, SIZE.width, SIZE.height);
      const turn = (2 * Math.PI * second) / PORTRAIT_S, side = SIZE.height * (0.98 - 0.12 * Math.cos(turn));
      context.drawImage(portrait, (SIZE.width - side) / 2 + 60 * Math.sin(turn), SIZE.height - side + 8, side, side);
    } else { // from one end of the group to the other
      const share = (second - PORTRAIT_S) / GROUP_S, high = group.naturalHeight * 0.62, wide = (high * SIZE.width) / SIZE.height;
      context.drawImage(group, share * (group.naturalWidth - wide), group.naturalHeight * 0.3, wide, high, 0, 0, SIZE.width, SIZE.height);
    }
  }, 1000 / FRAMES_PER_S);
  return stream;
}
