// @ts-check
// Asking for the camera, and one plain sentence for everything that can go wrong with it.

/** @type {Record<string, string>} */
export const CAMERA_TROUBLE = {
  NotAllowedError: "The camera was refused. Allow it for this page in the browser's address bar, then press Start again.",
  NotFoundError: "No camera was found. Plug one in or switch it on, then press Start again.",
  NotReadableError: "The camera is in use by another program. Close that program, then press Start again.",
  insecure: "Browsers give the camera to secure pages only. Open this page over https, or as http://localhost on the machine that serves it.",
  unplugged: "The camera was unplugged or switched off. Connect it, then press Start again.",
  silent: "The camera sends no picture. Check its cover and whether another program uses it, or choose another camera.",
  other: "The camera could not be started. Check that it works in another program, then press Start again.",
};
/** @type {Record<string, string>} */
const SAME_TROUBLE = {
  SecurityError: "NotAllowedError", PermissionDeniedError: "NotAllowedError",
  OverconstrainedError: "NotFoundError", DevicesNotFoundError: "NotFoundError",
  AbortError: "NotReadableError", TrackStartError: "NotReadableError",
};

const NEIGHBOUR_GONE_MS = 5000;
// A camera's own shape: browsers would else crop or scale its picture to what is asked for.
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, resizeMode: { ideal: "none" }, frameRate: { ideal: 30 } };

/**
 * A stream, or an Error whose message is the sentence to show.
 * @param {string} [deviceId] the camera; without one that which faces the user
 */
export async function openCamera(deviceId) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new Error(CAMERA_TROUBLE.insecure);
  const video = { ...CAMERA, ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }) };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (/** @type {any} */ error) {
    const name = SAME_TROUBLE[error.name] ?? error.name;
    throw new Error(CAMERA_TROUBLE[name] ?? CAMERA_TROUBLE.other);
  }
}

// Pages of one browser that run at once share its cores and its few connections to the server: they
// notify each other, and each takes one in `share()` of the camera's frames. All frames are drawn,
// since Chromium's camera stands still when several pages keep different ones. `notify` is to be
// called a few times a second while the page runs.
export function createNeighbours() {
  const channel = new BroadcastChannel("live-view"), me = Math.random();
  /** @type {Map<number, number>} */
  const heard = new Map();
  let frames = 0;
  channel.onmessage = ({ data }) => heard.set(data, performance.now());

  function notify() {
    channel.postMessage(me);
    for (const [page, at] of heard) if (at < performance.now() - NEIGHBOUR_GONE_MS) heard.delete(page);
  }

  const share = () => Math.ceil((heard.size + 1) * 0.5);
  return { notify, share, takes: () => frames++ % share() === 0 };
}

/**
 * Calls back for each new frame with (now, captured): performance.now of the call and the capture.
 * Returns a function that ends it.
 * @param {HTMLVideoElement} video
 * @param {(now: number, captured: number) => void} callback
 */
export function eachFrame(video, callback) {
  let ended = false, handle = 0, last = -1;
  if (typeof video.requestVideoFrameCallback === "function") {
    /** @type {VideoFrameRequestCallback} */
    const next = (now, meta) => {
      if (ended) return;
      handle = video.requestVideoFrameCallback(next);
      const captured = meta.captureTime;
      callback(performance.now(), captured && captured > now - 1000 && captured <= now ? captured : now);
    };
    handle = video.requestVideoFrameCallback(next);
    return () => { ended = true; video.cancelVideoFrameCallback(handle); };
  }
  const next = () => {
    if (ended) return;
    handle = requestAnimationFrame(next);
    if (video.currentTime === last) return;
    last = video.currentTime;
    callback(performance.now(), performance.now());
  };
  handle = requestAnimationFrame(next);
  return () => { ended = true; cancelAnimationFrame(handle); };
}

/**
 * Fills the list of cameras; it shows itself when there are several. Returns how many there are.
 * @param {HTMLSelectElement} select
 * @param {string | undefined} current
 */
export async function listCameras(select, current) {
  /** @type {MediaDeviceInfo[]} */
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const cameras = devices.filter((device) => device.kind === "videoinput");
  select.replaceChildren(...cameras.map((camera, i) =>
    new Option(camera.label || `Camera ${i + 1}`, camera.deviceId, false, camera.deviceId === current)));
  if (select.parentElement) select.parentElement.hidden = cameras.length < 2;
  return cameras.length;
}

/** @param {MediaStream} stream */
export function closeCamera(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
