// Where every face is in the frame captured at a given moment (milliseconds, performance.now).
// An answer is about a frame of the past: between two answers boxes are interpolated, after the
// newest one they move on at the speed they had.

const SPEED_OVER_MS = 120;
const MOVE_ON_MS = 200;
const FORGET_MS = 1200;

function createMotion() {
  let answers = []; // {at, marks}, oldest first

  function add(at, marks) {
    answers.push({ at, marks });
    answers = answers.filter((answer) => answer.at > at - 2000);
  }

  function same(answer, mark) {
    return mark.track == null ? undefined : answer.marks.find((m) => m.track === mark.track);
  }

  function between(a, b, share) {
    return a.map((value, i) => value + (b[i] - value) * share);
  }

  function movedOn(mark, at, until) {
    const past = answers.find((answer) => answer.at >= at - SPEED_OVER_MS && same(answer, mark));
    if (!past || past.at >= at) return mark.box;
    const ahead = Math.min(until - at, MOVE_ON_MS) / (at - past.at);
    return between(same(past, mark).box, mark.box, 1 + ahead);
  }

  // {marks, at: capture time of the newest answer they rest on} or null when there is none.
  function show(at) {
    const next = answers.find((answer) => answer.at >= at);
    const last = [...answers].reverse().find((answer) => answer.at < at);
    if (!next) {
      if (!last || at - last.at > FORGET_MS) return null;
      return { at: last.at, marks: last.marks.map((m) => ({ ...m, box: movedOn(m, last.at, at) })) };
    }
    if (!last) return next.at - at > FORGET_MS ? null : { at: next.at, marks: next.at === at ? next.marks : [] };
    const share = (at - last.at) / (next.at - last.at);
    const marks = next.marks
      .filter((mark) => same(last, mark) || share > 0.5)
      .map((mark) => {
        const before = same(last, mark);
        return before ? { ...mark, box: between(before.box, mark.box, share) } : mark;
      });
    const leaving = share > 0.5 ? [] : last.marks.filter((mark) => !same(next, mark));
    return { at: next.at, marks: [...marks, ...leaving] };
  }

  return { add, show, clear: () => { answers = []; } };
}
