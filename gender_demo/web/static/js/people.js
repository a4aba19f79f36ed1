// @ts-check
// Who is who from frame to frame: numbers that stay with a face, and a person's own word for it.

import { apart, area, near } from "./geometry.js";

/** @typedef {import("./types.js").Mark} Mark */

/**
 * One face that is or was in view. `word` is the person's own label, "" for no label at all, null for the guess;
 * `blurred` hides this face alone; `back` is awaited after a gap in which nobody looked.
 * @typedef {{ id: number, track: number | null, box: import("./types.js").Box, at: number, number: number, word: string | null, blurred?: boolean, back?: boolean }} Person
 */

// How long a lost face is remembered, with and without a word of its own.
const REMEMBER_MS = 2000, REMEMBER_WORD_MS = 5000;
// A track not seen for so long must lie near its last place: a new server counts from 1 again.
const SURE_MS = 1000;
// Nobody looked for faces for so long: a pause, another tab, a lost server. It does not count as
// time out of view, and people have moved meanwhile. Longer than motion.js shows an old answer.
const GAP_MS = 1300;
const GROWN = 1.6; // a face lost for a moment comes back at most so many times as large, or small

export function createPeople() {
  /** @type {Person[]} */
  let people = [];
  let count = 0, lookedAt = -Infinity;

  /** @param {Person} person @param {number} at */
  const remembered = (person, at) => at - person.at <= (person.word === null && !person.blurred ? REMEMBER_MS : REMEMBER_WORD_MS);

  /** The marks of a moment, each with its person; numbers are given from left to right. @param {Mark[]} marks @param {number} at when somebody looked @param {boolean} mirror */
  function identify(marks, at, mirror) {
    if (at - lookedAt > GAP_MS) for (const person of people) Object.assign(person, { at, back: true });
    lookedAt = Math.max(lookedAt, at);
    people = people.filter((person) => remembered(person, at));
    const known = marks.map((mark) => people.find((person) => person.track === mark.track
      && ((!person.back && at - person.at < SURE_MS) || near(person.box, mark.box))));
    takeBack(marks, known);
    const order = marks.map((_, i) => i).filter((i) => !known[i])
      .sort((a, b) => (marks[a].box[0] - marks[b].box[0]) * (mirror ? -1 : 1));
    for (const i of order) known[i] = newPerson();
    return marks.map((mark, i) => {
      const person = /** @type {Person} */ (known[i]);
      Object.assign(person, { track: mark.track, box: mark.box, at: Math.max(person.at, at), back: false });
      return { ...mark, person };
    });
  }

  /**
   * Faces under new tracks are those that were lost, the nearest first: near by after a moment, anywhere after a gap.
   * @param {Mark[]} marks @param {(Person | undefined)[]} known is filled in
   */
  function takeBack(marks, known) {
    const lost = people.filter((person) => !known.includes(person));
    const pairs = marks.flatMap((mark, i) => (known[i] ? [] : lost.filter((person) => mayBe(person, mark)).map((person) => ({ i, person, away: apart(person.box, mark.box) }))));
    for (const { i, person } of pairs.sort((one, other) => one.away - other.away)) {
      if (!known[i] && !known.includes(person)) known[i] = person;
    }
  }

  /** @param {Person} person @param {Mark} mark */
  function mayBe({ box, back }, mark) {
    const grown = Math.sqrt(area(mark.box) / Math.max(1, area(box)));
    return back || (near(box, mark.box) && grown < GROWN && grown > 1 / GROWN);
  }

  function newPerson() {
    const taken = new Set(people.map((person) => person.number));
    let number = 1;
    while (taken.has(number)) number += 1;
    /** @type {Person} */
    const person = { id: ++count, track: null, box: [0, 0, 0, 0], at: 0, number, word: null };
    people.push(person);
    return person;
  }

  return {
    identify,
    /** Where these people are, or were seen last. @param {(person: Person) => boolean} wanted */
    boxes: (wanted) => people.filter(wanted).map((person) => person.box),
    forget: () => { [people, lookedAt] = [[], -Infinity]; },
  };
}
