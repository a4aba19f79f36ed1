// @ts-check
// Sends small pictures to the server, a few at a time, and says what came back. Adapts how many
// are under way, how large and how often to what network and server bear.

// Bytes are those of the base64 text. FAR keeps to 0.92 Mbit/s. Now and then a picture is sent the
// other way: how much longer the larger ones take shows whether the line is thin, however long it is.
/** @typedef {{ width: number, quality: number, bytesPerMs: number }} Means */
/** @typedef {{ width: number, quality: number }} Way how one picture is made */
const NEAR = { width: 480, quality: 0.75, bytesPerMs: 10000 };
const FAR = { width: 320, quality: 0.45, bytesPerMs: 115 };
// What is sent when the server is about to look closely at a small face.
const LARGE = new Map([[NEAR, { width: 720, quality: 0.9 }], [FAR, { width: 480, quality: 0.7 }]]);
const OTHER_EVERY = 12;
const REMEMBERED = 5;
const ENOUGH_BYTES_PER_MS = 800; // 6.4 Mbit/s
const MOST_UNDER_WAY = 4;
const LOST_AFTER_MS = 6000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5000;

/**
 * @param {object} parts
 * @param {(request: object) => Promise<any>} parts.call the answer, undefined when the server was not reached
 * @param {(answer: import("./types.js").Answer, at: number) => void} parts.onAnswer
 * @param {(sentence: string) => void} parts.onTrouble at each failure but the first
 * @param {() => void} parts.onRecovery at each success
 */
export function createLink({ call, onAnswer, onTrouble, onRecovery }) {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const viewer = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let number = 0, newest = -1, underWay = 0, allowed = 2, generation = 0;
  /** Bytes and ms on the way of the last of each. @type {Map<Way, { bytes: number, ms: number }[]>} */
  const taken = new Map([[NEAR, []], [FAR, []]]);
  let means = NEAR, roundMs = 100, credit = 0, creditAt = 0;
  let failures = 0, notBefore = 0;
  let wantsLarge = true, lastLarge = -1;

  /**
   * May be called with every camera frame; sends it when it is time to.
   * @param {HTMLCanvasElement} source @param {number} at capture, performance.now
   * @param {number} pages that share the browser's few connections
   * @param {number} shownPx how wide the picture stands on the screen
   */
  function offer(source, at, pages, shownPx) {
    const now = performance.now();
    credit = Math.min(30000, credit + (now - creditAt) * means.bytesPerMs);
    creditAt = now;
    const most = failures ? 1 : Math.max(1, Math.min(allowed, MOST_UNDER_WAY / pages));
    if (now < notBefore || credit < 0 || underWay >= most) return;
    const large = wantsLarge && LARGE.get(means);
    const way = large || (number % OTHER_EVERY === 2 ? (means === NEAR ? FAR : NEAR) : means);
    const share = Math.min(1, way.width / Math.max(source.width, source.height));
    canvas.width = Math.round(source.width * share);
    canvas.height = Math.round(source.height * share);
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const picture = canvas.toDataURL("image/jpeg", way.quality).split(",")[1];
    credit -= picture.length;
    if (large) [wantsLarge, lastLarge] = [false, number];
    const request = { viewer, frame: number++, at_ms: at, picture, shown_px: Math.max(16, Math.round(shownPx)) };
    send(request, at, now, way);
  }

  /** @param {{ picture: string }} request @param {number} at @param {number} sentAt @param {Way} way */
  async function send(request, at, sentAt, way) {
    const mine = generation;
    underWay += 1;
    let timer = 0;
    const late = new Promise((resolve) => { timer = window.setTimeout(resolve, LOST_AFTER_MS); });
    const answer = await Promise.race([call(request).catch(() => undefined), late]);
    clearTimeout(timer);
    if (mine !== generation) return;
    underWay -= 1;
    if (!answer || typeof answer !== "object") return failed("There is no answer from the server: the picture goes on without boxes. Trying again by itself; if that does not help, reload the page.");
    if (answer.error) return failed(answer.error);
    if (answer.full) return failed("All places on this server are taken. Waiting for a free one; or come back later.");
    failures = 0;
    onRecovery();
    if (answer.busy) { allowed = Math.max(1, allowed - 1); return; }
    if (taken.has(way)) adapt(performance.now() - sentAt, answer.server_ms, request.picture.length, way);
    if (answer.frame >= lastLarge) wantsLarge = answer.large;
    if (answer.frame <= newest) return;
    newest = answer.frame;
    onAnswer(answer, at);
  }

  /** @param {string} sentence */
  function failed(sentence) {
    if (performance.now() < notBefore) return; // of one cause with the last failure
    failures += 1;
    notBefore = performance.now() + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
    if (failures > 1) onTrouble(sentence);
  }

  /** @param {number} tookMs @param {number} serverMs @param {number} bytes @param {Way} way */
  function adapt(tookMs, serverMs, bytes, way) {
    roundMs += (tookMs - roundMs) * 0.2;
    const list = taken.get(way) ?? [];
    list.push({ bytes, ms: Math.max(0, tookMs - serverMs) });
    if (list.length > REMEMBERED) list.shift();
    const [near, far] = [NEAR, FAR].map((kind) =>
      (taken.get(kind) ?? []).reduce((best, one) => (one.ms < best.ms ? one : best), { bytes: 0, ms: Infinity }));
    if (near.ms + far.ms < Infinity) {
      const bytesPerMs = (near.bytes - far.bytes) / Math.max(1, near.ms - far.ms);
      const next = bytesPerMs < ENOUGH_BYTES_PER_MS ? FAR : bytesPerMs > 1.5 * ENOUGH_BYTES_PER_MS ? NEAR : means;
      if (next !== means) [means, credit] = [next, 0];
    }
    const wanted = Math.ceil(roundMs / 60) + 1;
    allowed += Math.sign(Math.min(MOST_UNDER_WAY, wanted) - allowed) * 0.1;
  }

  // Forgets what is under way: its answers will be dropped.
  function reset() {
    generation += 1;
    underWay = 0; failures = 0; notBefore = 0; creditAt = performance.now(); credit = 0;
  }

  return { offer, reset };
}
