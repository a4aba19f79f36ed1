// @ts-check
// Where every face is in the frame captured at a given moment (milliseconds, performance.now).
// An answer is about a frame of the past: between two answers boxes are interpolated, after the
// newest one they move on at the speed they had, and fade as it becomes unsure where they are.

import { moveTo } from "./drawing.js";
import { area, between } from "./geometry.js";

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {{ at: number, marks: Mark[] }} Moment */

const SPEED_OVER_MS = 120;
const MOVE_ON_MS = 200;
const FORGET_MS = 1200;
// Marks fade from FRESH_MS after the frame that they rest on: at GONE_MS they would be gone.
const FRESH_MS = 250, GONE_MS = 1500;
// How far a moving face may be off, in its own sides, before its mark fades, and when it is gone.
const DRIFT_SEEN = 0.12, DRIFT_GONE = 0.45;
const TURN = 0.5; // of the way moved on: people stop and turn

export function createMotion() {
  /** @type {Moment[]} oldest first */
  let answers = [];

  /** @param {number} at @param {Mark[]} marks */
  function add(at, marks) {
    answers = answers.filter((answer) => answer.at > at - FORGET_MS);
    answers.push({ at, marks });
  }

  /** @param {Moment} answer @param {Mark} mark */
  const same = (answer, mark) =>
    mark.track == null ? undefined : answer.marks.find((other) => other.track === mark.track);

  /** @param {Mark} mark @param {number} at @param {number} until @returns {Mark} */
  function movedOn(mark, at, until) {
    const earlier = answers.filter((answer) => answer.at < at && same(answer, mark));
    const past = earlier.find((answer) => answer.at >= at - SPEED_OVER_MS) ?? earlier.pop(); // on a slow server
    const before = past && same(past, mark);
    if (!before) return mark;
    const ahead = Math.min(until - at, MOVE_ON_MS), box = between(before.box, mark.box, 1 + ahead / (at - past.at));
    const speed = Math.hypot(mark.box[0] - before.box[0], mark.box[1] - before.box[1]) / (at - past.at);
    const drift = (speed * (TURN * ahead + (until - at - ahead))) / Math.sqrt(Math.max(1, area(mark.box)));
    return { ...moveTo(mark, box), strength: limited((DRIFT_GONE - drift) / (DRIFT_GONE - DRIFT_SEEN)) };
  }

  /** The marks of a moment and `at`, the capture of the newest answer they rest on; null when there is none. @param {number} at @returns {Moment | null} */
  function show(at) {
    const next = answers.find((answer) => answer.at >= at);
    const last = answers.filter((answer) => answer.at < at).pop();
    if (!next) {
      if (!last || at - last.at > FORGET_MS) return null;
      const age = limited((GONE_MS - (at - last.at)) / (GONE_MS - FRESH_MS));
      const marks = last.marks.map((mark) => movedOn(mark, last.at, at));
      return { at: last.at, marks: marks.map((mark) => ({ ...mark, strength: age * (mark.strength ?? 1) })) };
    }
    if (!last) return next.at - at > FORGET_MS ? null : { at: next.at, marks: next.at === at ? next.marks : [] };
    const share = (at - last.at) / (next.at - last.at);
    const staying = next.marks.filter((mark) => same(last, mark) || share > 0.5).map((mark) => {
      const before = same(last, mark);
      return before ? moveTo(mark, between(before.box, mark.box, share)) : mark;
    });
    const leaving = share > 0.5 ? [] : last.marks.filter((mark) => !same(next, mark));
    return { at: next.at, marks: [...staying, ...leaving] };
  }

  return { add, show, clear: () => { answers = []; } };
}

/** @param {number} value */
const limited = (value) => Math.max(0, Math.min(1, value));
