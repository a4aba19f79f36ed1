// The live view: draws the camera on the canvas at its own rate, strokes the marks over it.
// The picture is held back about as long as an answer takes, so that boxes fit the frame shown.

const SILENT_AFTER_MS = 4000;
const TICK_MS = 250;
// Marks fade from FRESH_MS after the frame that they rest on: at GONE_MS they would be gone.
const FRESH_MS = 250, GONE_MS = 1500;

const get = (id) => element.querySelector(`#${id}`);
const root = get("live"), video = get("live-video"), canvas = get("live-canvas");
const buttons = { start: get("live-start"), pause: get("live-pause"), stop: get("live-stop"), save: get("live-save") };
const mirror = get("live-mirror"), hide = get("live-hide"), cameraList = get("live-camera");
const context = canvas.getContext("2d", { alpha: false });

const motion = createMotion(), neighbours = createNeighbours();
const faces = createFaces({ text: get("live-text"), list: get("live-faces"), form: get("live-correct"), classes: props.classes });
const link = createLink({
  call: (request) => server.follow_frame(request),
  onAnswer: keepAnswer,
  onTrouble: (sentence) => {
    if (state === "error" && get("live-message").textContent === sentence) return;
    setState("error", sentence);
    faces.say("Nothing is analysed just now.");
  },
  onRecovery: () => { if (state === "error") setState("running"); },
});

let state = "idle", stream = null, endFrames = () => {}, starting = 0;
let free = [], held = [], shown = null, drawn = [];
let frames = 0, frameMs = 33, holding = 0, answerMs = 60, lastFrameAt = 0, takenAt = 0;
const shownAt = [], answeredAt = [];

function setState(next, sentence = "") {
  state = next;
  root.dataset.state = next;
  get("live-message").textContent = sentence;
  buttons.start.disabled = next === "starting";
  buttons.pause.disabled = buttons.stop.disabled = buttons.save.disabled = !stream;
  buttons.pause.textContent = next === "paused" ? "Resume" : "Pause";
  root.classList.toggle("has-camera", Boolean(stream));
  document.documentElement.classList.toggle("camera-on", Boolean(stream));
}

async function start(deviceId) {
  const hadFocus = document.activeElement === buttons.start;
  release();
  const mine = ++starting;
  setState("starting");
  faces.say("Starting the camera.");
  let opened;
  try {
    opened = await openCamera(deviceId);
  } catch (error) {
    if (mine === starting) fail(error.message);
    return;
  }
  if (mine !== starting || !element.isConnected) return opened.getTracks().forEach((track) => track.stop());
  stream = opened;
  const [track] = stream.getVideoTracks();
  track.onended = () => fail(CAMERA_TROUBLE.unplugged);
  const settings = track.getSettings();
  mirror.checked = settings.facingMode === "user";
  video.srcObject = stream;
  lastFrameAt = takenAt = performance.now();
  endFrames = eachFrame(video, onFrame);
  setState("starting");
  if (hadFocus) buttons.stop.focus();
  video.play().catch(() => {});
  listCameras(cameraList, settings.deviceId);
}

function release() {
  starting += 1;
  endFrames();
  stream?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
  stream = null;
  video.srcObject = null;
  held = []; free = []; shown = null; drawn = [];
  shownAt.length = answeredAt.length = 0;
  link.reset(); motion.clear(); faces.forget();
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const name of ["shownFps", "answersFps", "ageMs", "frame", "marks", "strength"]) delete root.dataset[name];
  get("live-figures").textContent = "";
}

function stop() {
  const hadFocus = document.activeElement === buttons.stop;
  release();
  setState("idle");
  faces.say("The camera is off.");
  if (hadFocus) buttons.start.focus();
}

function fail(sentence) {
  release();
  setState("error", sentence);
  faces.say("The camera is off.");
}

function pause() {
  link.reset();
  faces.keep();
  setState(state === "paused" ? "running" : "paused");
}

function onFrame(now, captured) {
  lastFrameAt = now;
  if (state === "paused" || !video.videoWidth || !visible()) return;
  if (state === "starting") { setState("running"); faces.say("Looking for faces."); }
  const slot = free.pop() ?? { canvas: document.createElement("canvas") };
  if (slot.canvas.width !== video.videoWidth || slot.canvas.height !== video.videoHeight) {
    slot.canvas.width = video.videoWidth;
    slot.canvas.height = video.videoHeight;
    slot.context = slot.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }
  slot.context.drawImage(video, 0, 0);
  // Drawn now and not later: until then one of the camera's few buffers is kept.
  slot.context.getImageData(0, 0, 1, 1);
  if (!neighbours.takes()) return free.push(slot);
  frameMs += (Math.min(500, now - takenAt) - frameMs) * 0.1;
  takenAt = now;
  [slot.at, slot.number] = [captured, ++frames];
  held.push(slot);
  link.offer(slot.canvas, captured, neighbours.share());
  showHeld(performance.now());
}

// Shows one frame for each that the camera brings, `holding` frames behind it.
function showHeld(now) {
  const wanted = Math.min(root.dataset.holdMs, answerMs) / frameMs;
  if (Math.abs(wanted - holding) > 0.75) holding = Math.round(wanted);
  while (held.length > holding + 1) free.push(held.shift());
  if (held.length <= holding && shown) return;
  if (shown) free.push(shown);
  shown = held.shift();
  shownAt.push(now);
  paint(now);
}

// Paints the frame shown and its marks; data-marks says exactly what stands on the canvas.
function paint(now) {
  const { width, height } = shown.canvas;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  context.save();
  if (mirror.checked) context.transform(-1, 0, 0, 1, width, 0);
  context.drawImage(shown.canvas, 0, 0);
  context.restore();
  const moving = motion.show(shown.at);
  drawn = faces.correct(moving?.marks ?? [], shown.at).map((mark) => toCanvas(mark, width));
  const strength = moving ? Math.min(1, (GONE_MS - (shown.at - moving.at)) / (GONE_MS - FRESH_MS)) : 1;
  context.globalAlpha = strength;
  drawMarks(context, drawn, width / (canvas.clientWidth || width));
  context.globalAlpha = 1;
  root.dataset.strength = strength.toFixed(2);
  root.dataset.frame = shown.number;
  root.dataset.marks = JSON.stringify(drawn.map(({ box, label, probability, track }) => ({ box, label, probability, track })));
  if (moving) root.dataset.ageMs = Math.round(now - moving.at);
  else delete root.dataset.ageMs;
}

function toCanvas(mark, width) {
  let [x0, y0, x1, y1] = mark.box;
  if (mirror.checked) [x0, x1] = [width - x1, width - x0];
  const box = [x0, y0, x1, y1].map((value) => Math.round(value * 10) / 10);
  return hide.checked ? { ...mark, box, label: null, caption: "", color: OWN_COLOR, dash: false } : { ...mark, box };
}

function keepAnswer(answer, at) {
  if (state !== "running") return;
  const scale = shown ? shown.canvas.width / answer.size[0] : 1;
  motion.add(at, answer.marks.map((mark) => ({ ...mark, box: mark.box.map((value) => value * scale) })));
  const now = performance.now();
  answeredAt.push(now);
  answerMs += (now - at - answerMs) * 0.1;
}

function perSecond(times, now) {
  while (times.length && times[0] < now - 2000) times.shift();
  const span = Math.min(2000, now - (times[0] ?? now));
  return span > 200 ? (1000 * (times.length - 1)) / span : 0;
}

function tick() {
  if (!element.isConnected) { clearInterval(timer); return release(); }
  if (!stream) return;
  const now = performance.now();
  root.dataset.shownFps = perSecond(shownAt, now).toFixed(1);
  root.dataset.answersFps = perSecond(answeredAt, now).toFixed(1);
  const { shownFps, answersFps, ageMs } = root.dataset;
  get("live-figures").textContent = state === "paused" ? "" : `${Math.round(shownFps)} frames/s · ${Math.round(answersFps)} analyses/s · ${ageMs ? `${ageMs} ms old` : "none yet"}`;
  if (state === "running" && root.dataset.ageMs) faces.tell(drawn, hide.checked);
  if (state === "error") faces.renew(drawn, hide.checked);
  if (document.hidden || !visible()) lastFrameAt = now;
  else neighbours.tell();
  const silent = now - lastFrameAt > SILENT_AFTER_MS;
  if (silent && (state === "running" || state === "starting")) setState("error", CAMERA_TROUBLE.silent);
  if (!silent && get("live-message").textContent === CAMERA_TROUBLE.silent) setState("running");
}

// False while another tab of the page is open over this one.
function visible() {
  return canvas.getClientRects().length > 0;
}

function save() {
  if (!shown) return;
  canvas.toBlob((blob) => {
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = `perceived-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.png`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  }, "image/png");
}

function choose(event) {
  const place = canvas.getBoundingClientRect();
  const x = ((event.clientX - place.left) * canvas.width) / place.width;
  const y = ((event.clientY - place.top) * canvas.height) / place.height;
  const hit = drawn.filter(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]).pop();
  if (hit) faces.open(hit.track, canvas);
}

// What a person has just changed is painted and told at once, also while the picture stands.
function repaint() {
  if (!shown) return;
  paint(performance.now());
  faces.tell(drawn, hide.checked, 0);
}

buttons.start.onclick = () => start();
buttons.stop.onclick = stop;
buttons.pause.onclick = pause;
buttons.save.onclick = save;
canvas.onclick = choose;
mirror.onchange = hide.onchange = repaint;
get("live-correct").addEventListener("focusout", repaint);
cameraList.onchange = () => start(cameraList.value);
navigator.mediaDevices?.addEventListener("devicechange", () => { if (stream) listCameras(cameraList, cameraList.value); });
document.addEventListener("visibilitychange", () => { lastFrameAt = performance.now(); link.reset(); faces.keep(); });
const timer = setInterval(tick, TICK_MS);
setState("idle");
