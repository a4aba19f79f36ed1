// The faces in words: the aria-live sentence, one button per face, and a person's own correction,
// which the next frames do not argue with.

const SPEAK_EVERY_MS = 2500;
const INHERIT_MS = 2000;
const OWN_COLOR = "#FFFFFF";

function createFaces({ text, list, form, classes }) {
  const words = new Map(); // track -> the person's own word, "" for no label
  const seen = new Map(); // track -> {box, at} of faces with an own word
  const buttons = new Map(); // track -> button
  const title = form.querySelector("#live-correct-title");
  const input = form.querySelector("#live-correct-word");
  let several = false, chosen = null, spokenAt = -Infinity, wanted = "", timer = null, opener = null;

  for (const name of classes) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.onclick = () => set(name);
    form.querySelector("#live-correct-choices").append(button);
  }
  form.onsubmit = (event) => { event.preventDefault(); if (input.value.trim()) set(input.value.trim()); };
  form.querySelector("#live-correct-undo").onclick = () => { words.delete(chosen); close(); };
  form.querySelector("#live-correct-close").onclick = close;
  form.onkeydown = (event) => { if (event.key === "Escape") close(); };

  function set(word) { words.set(chosen, word); close(); }

  function open(track, from) {
    if (track == null) return;
    [chosen, opener] = [track, from];
    title.textContent = `What should be written at ${name(track).toLowerCase()}?`;
    input.value = "";
    form.hidden = false;
    form.querySelector("button").focus();
  }

  function close() {
    form.hidden = true;
    if (opener?.isConnected) opener.focus();
  }

  // The marks with the person's own words in place of the guess.
  function correct(marks, at) {
    return marks.map((mark) => {
      inherit(mark, marks, at);
      if (!words.has(mark.track)) return mark;
      seen.set(mark.track, { box: mark.box, at });
      const word = words.get(mark.track);
      return { ...mark, label: word, caption: `${word} (your word)`, color: OWN_COLOR, dash: false, own: true };
    });
  }

  // A face that was lost for a moment comes back under a new number: it keeps its word.
  function inherit(mark, marks, at) {
    if (words.has(mark.track) || mark.track == null) return;
    for (const [track, last] of seen) {
      if (marks.some((other) => other.track === track)) continue;
      if (at - last.at > INHERIT_MS) { seen.delete(track); words.delete(track); continue; }
      if (overlap(mark.box, last.box) < 0.3) continue;
      words.set(mark.track, words.get(track));
      words.delete(track); seen.delete(track);
      return;
    }
  }

  // After a pause or another tab: the faces that were there a moment before it count as seen just now.
  function keep() {
    for (const last of seen.values()) last.at = performance.now();
  }

  // Tells screen readers and the buttons what is drawn; at most one sentence in a while.
  function tell(marks, hidden, every = SPEAK_EVERY_MS) {
    renew(marks, hidden);
    wanted = sentence(marks, hidden);
    if (!every) { clearTimeout(timer); timer = null; }
    if (timer || wanted === text.textContent) return;
    const wait = Math.max(0, spokenAt + every - performance.now());
    timer = setTimeout(() => {
      timer = null;
      if (wanted === text.textContent) return;
      text.textContent = wanted;
      spokenAt = performance.now();
    }, wait);
  }

  function renew(marks, hidden) {
    const here = new Set(marks.map((mark) => mark.track));
    several = here.size > 1;
    for (const [track, button] of buttons) {
      if (here.has(track)) continue;
      button.remove();
      buttons.delete(track);
    }
    for (const mark of marks) {
      if (mark.track == null) continue;
      let button = buttons.get(mark.track);
      if (!button) {
        button = document.createElement("button");
        button.type = "button";
        button.onclick = () => open(mark.track, button);
        buttons.set(mark.track, button);
        list.append(button);
      }
      const words = hidden ? name(mark.track) : `${name(mark.track)}: ${inWords(mark)} – change`;
      if (button.textContent !== words) button.textContent = words;
    }
  }

  // A number only where there are several.
  function name(track) {
    return several ? `Face ${track}` : "This face";
  }

  function say(words) {
    wanted = words;
    clearTimeout(timer);
    timer = null;
    text.textContent = words;
    spokenAt = -Infinity;
  }

  function forget() {
    words.clear(); seen.clear();
    renew([], false);
    form.hidden = true;
  }

  return { correct, keep, tell, renew, say, open, forget };
}

function inWords(mark) {
  // In tens, since each per cent would be told anew with every frame.
  return (mark.caption || "unsure").replace(/ (\d)\d %$/, (_, tens) => `, over ${tens}0 %`);
}

function sentence(marks, hidden) {
  if (!marks.length) return "No face in the picture.";
  const count = marks.length === 1 ? "One face" : `${marks.length} faces`;
  return hidden ? `${count}; labels are hidden.` : `${count}: ${marks.map(inWords).join("; ")}.`;
}

function overlap(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (wide <= 0 || high <= 0) return 0;
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (wide * high) / (area(a) + area(b) - wide * high);
}
