// @ts-check
// The live view: draws the camera on the canvas at its own rate, strokes the marks over it.

import { CAMERA_TROUBLE, closeCamera, createNeighbours, eachFrame, listCameras, openCamera } from "./camera.js";
import { closeCorrection, openCorrection } from "./correction.js";
import { placed, scaled, strokeMarks } from "./drawing.js";
import { createFaceList, nameOf } from "./face_list.js";
import { createFrameBuffer } from "./frame_buffer.js";
import { around, markAt, mirrored, pictureRect } from "./geometry.js";
import { hideFaces } from "./hide.js";
import { watchLimit } from "./limit.js";
import { createLink } from "./link.js";
import { createMotion } from "./motion.js";
import { createPeople } from "./people.js";
import { openSample } from "./sample.js";
import { recall, remember } from "./settings.js";
import { mountFullScreen, perSecond, savePicture } from "./tools.js";
import { asWanted } from "./wishes.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {"idle" | "starting" | "running" | "paused" | "error"} State */

const SILENT_AFTER_MS = 4000, TICK_MS = 250;

/**
 * @param {object} parts what gr.HTML hands to its script
 * @param {HTMLElement} parts.element
 * @param {{ classes: string[], reasons: Record<string, string> }} parts.props
 * @param {{ follow_frame: (request: object) => Promise<any> }} parts.server
 */
export function mount({ element, props, server }) {
  const get = (/** @type {string} */ id) => /** @type {HTMLElement} */ (element.querySelector(`#${id}`));
  const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (get(id));
  const box = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (get(id));
  const root = get("live"), message = get("live-message");
  const video = /** @type {HTMLVideoElement} */ (get("live-video")), canvas = /** @type {HTMLCanvasElement} */ (get("live-canvas"));
  const buttons = { start: button("live-start"), pause: button("live-pause"), stop: button("live-stop"), save: button("live-save"), flip: button("live-flip"), full: button("live-full"), sample: button("live-sample") };
  const mirror = box("live-mirror"), hide = box("live-hide"), blur = box("live-blur"), cameraList = /** @type {HTMLSelectElement} */ (get("live-camera"));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));

  const view = {
    state: /** @type {State} */ ("idle"),
    stream: /** @type {MediaStream | null} */ (null),
    endFrames: () => {},
    starting: 0, // counts up, so that a start that was overtaken is given up
    drawn: /** @type {Mark[]} */ ([]), // as they stand on the canvas
    active: /** @type {number | null} */ (null), // the person pointed at
    facing: "user", // where the camera looks
    shape: 0, // of the stage, width by height
    answerMs: 60,
    lastFrameAt: 0,
    shownAt: /** @type {number[]} */ ([]),
    answeredAt: /** @type {number[]} */ ([]),
  };
  const motion = createMotion(), people = createPeople(), neighbours = createNeighbours(), buffer = createFrameBuffer(neighbours);
  const faces = createFaceList({
    text: get("live-text"), spoken: get("live-spoken"), list: get("live-faces"),
    onOpen: correct,
    onQuiet: (person) => { person.word = person.word === "" ? null : ""; repaint(); },
    onBlur: (person) => { person.blurred = !person.blurred; repaint(); },
    onPoint: point,
  });
  const leaveFullScreen = mountFullScreen(root, buttons.full);
  const link = createLink({
    call: (request) => server.follow_frame(request),
    onAnswer: keepAnswer,
    onTrouble: (sentence) => {
      if (view.state === "error" && message.textContent === sentence) return;
      setState("error", sentence);
      faces.say("Nothing is analysed just now.");
    },
    onRecovery: () => { if (view.state === "error") setState("running"); },
  });

  /** @param {State} next @param {string} sentence */
  function setState(next, sentence = "") {
    view.state = next;
    root.dataset.state = next;
    message.textContent = sentence;
    const off = !view.stream;
    buttons.start.disabled = buttons.sample.disabled = next === "starting";
    buttons.pause.disabled = buttons.stop.disabled = buttons.save.disabled = buttons.full.disabled = off;
    buttons.pause.textContent = next === "paused" ? "Resume" : "Pause";
    root.classList.toggle("has-camera", !off);
    document.documentElement.classList.toggle("camera-on", !off && view.facing !== "sample");
  }

  /** @param {() => Promise<MediaStream>} open */
  async function start(open) {
    const hadFocus = document.activeElement === buttons.start || document.activeElement === buttons.sample;
    release();
    const mine = ++view.starting;
    setState("starting");
    faces.say("Starting the camera.");
    let opened;
    try {
      opened = await open();
    } catch (/** @type {any} */ error) {
      if (mine === view.starting) fail(error.message);
      return;
    }
    if (mine !== view.starting || !element.isConnected) return closeCamera(opened);
    view.stream = opened;
    const [track] = opened.getVideoTracks(), settings = track.getSettings();
    track.onended = () => fail(CAMERA_TROUBLE.unplugged);
    view.facing = open === playSample ? "sample" : settings.facingMode ?? "user";
    mirror.checked = recall(`mirror-${view.facing}`, view.facing === "user");
    video.srcObject = opened;
    view.lastFrameAt = performance.now();
    buffer.restart();
    view.endFrames = eachFrame(video, onFrame);
    setState("starting");
    if (hadFocus) buttons.stop.focus();
    video.play().catch(() => {});
    listCameras(cameraList, settings.deviceId).then((count) => { buttons.flip.hidden = count < 2; });
  }

  function release() {
    view.starting += 1;
    view.endFrames();
    if (view.stream) closeCamera(view.stream);
    Object.assign(view, { stream: null, drawn: [], shownAt: [], answeredAt: [], active: null });
    video.srcObject = null;
    buffer.clear(); link.reset(); motion.clear(); people.forget(); closeCorrection();
    faces.renew([], false);
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const name of ["shownFps", "answersFps", "ageMs", "frame", "marks", "strength"]) delete root.dataset[name];
    get("live-figures").textContent = "";
  }

  /** @param {State} next @param {string} [sentence] what went wrong */
  function turnOff(next, sentence) {
    const hadFocus = document.activeElement === buttons.stop;
    release();
    leaveFullScreen();
    setState(next, sentence);
    faces.say("Stopped: the camera is off.");
    if (hadFocus) buttons.start.focus();
  }
  const fail = (/** @type {string} */ sentence) => turnOff("error", sentence);

  function pause() {
    link.reset();
    view.lastFrameAt = performance.now();
    setState(view.state === "paused" ? "running" : "paused");
  }

  /** @param {number} now @param {number} captured */
  function onFrame(now, captured) {
    view.lastFrameAt = now;
    if (view.state === "paused" || !video.videoWidth || !visible()) return;
    if (view.state === "starting") { setState("running"); faces.say("Looking for faces."); }
    const frame = buffer.take(video, now, captured);
    if (!frame) return;
    link.offer(frame.canvas, captured, neighbours.share(), pictureRect(canvas).width);
    if (!buffer.next(Math.min(Number(root.dataset.holdMs), view.answerMs))) return;
    view.shownAt.push(performance.now());
    paint(performance.now());
  }

  /** Paints the frame shown and its marks; data-marks says exactly what stands on the canvas. @param {number} now */
  function paint(now) {
    const frame = buffer.shown;
    if (!frame) return;
    const { width, height } = frame.canvas;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    if (view.shape !== width / height) setShape(width / height);
    context.save();
    if (mirror.checked) context.transform(-1, 0, 0, 1, width, 0);
    context.drawImage(frame.canvas, 0, 0);
    context.restore();
    const moving = motion.show(frame.at), found = moving ? people.identify(moving.marks, frame.at, mirror.checked) : [];
    view.drawn = found.map((mark) => placed(asWanted(context, mark, found.length, { blur: blur.checked, hide: hide.checked }), canvas, mirror.checked));
    const hidden = people.boxes((person) => blur.checked || person.blurred === true);
    hideFaces(context, mirror.checked ? hidden.map((place) => mirrored(place, width)) : hidden, view.drawn, blur.checked, moving ? frame.at - moving.at : Infinity);
    strokeMarks(context, view.drawn, (mark) => mark.person?.id === view.active);
    root.dataset.strength = Math.min(1, ...view.drawn.map((mark) => mark.strength ?? 1)).toFixed(2);
    root.dataset.frame = String(frame.number);
    root.dataset.marks = JSON.stringify(view.drawn.map(({ box: place, label, probability, track, person, strength }) => ({ box: place, label, probability, track, number: person?.number, strength: strength ?? 1 })));
    if (moving) root.dataset.ageMs = String(Math.round(now - moving.at));
    else delete root.dataset.ageMs;
  }

  /** @param {import("./types.js").Answer} answer @param {number} at */
  function keepAnswer(answer, at) {
    if (view.state !== "running") return;
    const frame = buffer.shown, by = frame ? frame.canvas.width / answer.size[0] : 1, now = performance.now();
    motion.add(at, answer.marks.map((mark) => scaled(mark, by)));
    view.answeredAt.push(now);
    view.answerMs += (now - at - view.answerMs) * 0.1;
  }

  /** The stage has the stream's own shape, also the next time. @param {number} shape width by height */
  function setShape(shape) {
    view.shape = shape;
    root.style.setProperty("--shape", String(shape));
    if (view.facing !== "sample") remember("shape", shape);
  }

  function tick() {
    if (!element.isConnected) { clearInterval(timer); return release(); }
    if (!view.stream) return;
    const now = performance.now(), { dataset } = root;
    dataset.shownFps = perSecond(view.shownAt, now).toFixed(1);
    dataset.answersFps = perSecond(view.answeredAt, now).toFixed(1);
    const age = dataset.ageMs ? `${dataset.ageMs} ms old` : "none yet";
    get("live-figures").textContent = view.state === "paused" ? "" : `${Math.round(Number(dataset.shownFps))} frames/s · ${Math.round(Number(dataset.answersFps))} analyses/s · ${age}`;
    if (view.state === "running" && dataset.ageMs) faces.announce(view.drawn, hide.checked);
    if (view.state === "error") faces.renew(view.drawn, hide.checked);
    if (document.hidden || !visible()) view.lastFrameAt = now;
    else neighbours.notify();
    const silent = now - view.lastFrameAt > SILENT_AFTER_MS;
    if (silent && (view.state === "running" || view.state === "starting")) setState("error", CAMERA_TROUBLE.silent);
    if (!silent && message.textContent === CAMERA_TROUBLE.silent) setState("running");
  }

  /** False while another tab of the page is open over this one. */
  const visible = () => canvas.getClientRects().length > 0;

  // It stands while nobody sees it, so that faces are where they were.
  const playSample = () => openSample(() => view.state === "paused" || document.hidden || !visible());

  /** @param {Person} person @param {HTMLElement | null} from what gets the focus back */
  function correct(person, from) {
    const mark = view.drawn.find((one) => one.person === person);
    if (!mark) return;
    const { left, top, zoom } = pictureRect(canvas), [x0, y0, x1, y1] = around(mark).map((value) => value * zoom);
    openCorrection(person, {
      name: nameOf(person, view.drawn.length > 1),
      guess: person.word === null && mark.label ? mark.caption : "",
      reasons: person.word === null ? mark.reasons : [],
      classes: props.classes,
      words: props.reasons,
      face: new DOMRect(left + x0, top + y0, x1 - x0, y1 - y0),
      onChange: repaint,
      onClose: () => {
        point(null);
        if (from?.isConnected) from.focus({ preventScroll: true });
        else faces.focus(person.id);
        repaint();
      },
    });
    point(person.id);
  }

  /** Box and row of one person stand out. @param {number | null} id */
  function point(id) {
    if (id === view.active) return;
    view.active = id;
    faces.point(id);
    if (view.state === "paused") paint(performance.now());
  }

  // What a person has just changed is painted and spoken at once, also while the picture stands.
  function repaint() {
    if (!buffer.shown) return;
    paint(performance.now());
    faces.announce(view.drawn, hide.checked, 0);
  }

  function flip() {
    const { options, selectedIndex } = cameraList;
    cameraList.selectedIndex = (selectedIndex + 1) % options.length;
    start(() => openCamera(cameraList.value));
  }

  buttons.start.onclick = () => start(() => openCamera());
  buttons.sample.onclick = () => start(playSample);
  buttons.stop.onclick = () => turnOff("idle");
  buttons.pause.onclick = pause;
  buttons.save.onclick = () => { if (buffer.shown) savePicture(canvas); };
  buttons.flip.onclick = flip;
  canvas.onclick = (event) => {
    const hit = markAt(view.drawn, canvas, event);
    if (hit?.person && !hide.checked && !hit.blurred) correct(hit.person, null);
  };
  canvas.onpointermove = (event) => {
    const hit = event.pointerType === "mouse" && view.stream ? markAt(view.drawn, canvas, event, 0) : null;
    canvas.style.cursor = hit ? "pointer" : "";
    point(hit?.person?.id ?? null);
  };
  canvas.onpointerleave = () => point(null);
  mirror.onchange = () => { remember(`mirror-${view.facing}`, mirror.checked); repaint(); };
  hide.onchange = repaint;
  blur.onchange = () => { remember("blur", blur.checked); repaint(); };
  blur.checked = recall("blur", false);
  cameraList.onchange = () => start(() => openCamera(cameraList.value));
  navigator.mediaDevices?.addEventListener("devicechange", () => { if (view.stream) listCameras(cameraList, cameraList.value); });
  document.addEventListener("visibilitychange", () => { view.lastFrameAt = performance.now(); link.reset(); });
  const shape = recall("shape", 0);
  if (shape > 0.2 && shape < 5) root.style.setProperty("--shape", String(shape));
  watchLimit(get("live-limit"), "", repaint);
  const timer = setInterval(tick, TICK_MS);
  setState("idle");
  document.documentElement.classList.add("ready");
}
