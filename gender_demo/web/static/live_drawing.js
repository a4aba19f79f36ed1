// Strokes the marks that drawing.marks makes, in the look of drawing.draw: a rimmed box (dashed
// when unsure) and its words on a plate beside it. `zoom`: canvas pixels per pixel on the screen.

const INK = "#14171A";

function drawMarks(context, marks, zoom) {
  const { width, height } = context.canvas;
  const unit = Math.max(1, Math.min(width, height) / 320, zoom * 1.1);
  for (const mark of marks) drawBox(context, mark, 2 * Math.max(1, Math.round(unit * 0.7)));
  const taken = [];
  for (const mark of marks) if (mark.caption) drawCaption(context, mark, unit, zoom, taken);
}

function drawBox(context, { box, color, dash }, line) {
  const [x0, y0, x1, y1] = box.map(Math.round);
  context.lineJoin = "round";
  context.setLineDash(dash ? [4 * line, 3 * line] : []);
  for (const [ink, width] of [[INK, line * 2], [color, line]]) {
    context.strokeStyle = ink;
    context.lineWidth = width;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  context.setLineDash([]);
}

function drawCaption(context, { box: [x0, y0, x1, y1], caption, color }, unit, zoom, taken) {
  const { width, height } = context.canvas;
  const size = Math.min(Math.max(13 * zoom, 8.5 * unit, (x1 - x0) * 0.1), 18 * Math.max(unit, zoom));
  context.font = `600 ${size}px system-ui, sans-serif`;
  const fits = (lines) => Math.max(...lines.map((line) => context.measureText(line).width)) + size * 0.9;
  let lines = [caption];
  if (fits(lines) > Math.max(1.5 * (x1 - x0), 10 * size) || fits(lines) > width) lines = halves(caption);
  const wide = fits(lines), high = size * (1.22 * lines.length + 0.36), gap = 2 * unit;
  const left = Math.max(0, Math.min((x0 + x1 - wide) / 2, width - wide));
  const tops = [y0 - high - gap, y1 + gap, y0 + gap, y1 - high - gap];
  const free = (top) => top >= 0 && top + high <= height &&
    !taken.some(([a, b, c, d]) => left < c && left + wide > a && top < d && top + high > b);
  const top = tops.find(free) ?? Math.max(0, Math.min(tops[0], height - high));
  taken.push([left, top, left + wide, top + high]);
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(left, top, wide, high, size * 0.35);
  context.fill();
  context.fillStyle = INK;
  context.textAlign = "center";
  context.textBaseline = "middle";
  lines.forEach((line, i) => context.fillText(line, left + wide / 2, top + size * (0.84 + 1.22 * i)));
}

// Broken at the space that leaves the two lines most alike; never between a number and its %, nor within "(your word)".
function halves(text) {
  const spaces = [...text.matchAll(/ (?!%|word\))/g)].map((match) => match.index);
  if (!spaces.length) return [text];
  const longer = (at) => Math.max(at, text.length - at - 1);
  const at = spaces.reduce((best, next) => (longer(next) < longer(best) ? next : best));
  return [text.slice(0, at), text.slice(at + 1)];
}
