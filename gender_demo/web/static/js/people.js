// @ts-check
// Who is who from frame to frame: numbers that stay with a face, and a person's own word for it.

import { iou, near } from "./geometry.js";

/** @typedef {import("./types.js").Mark} Mark */

/**
 * One face that is or was in view. `word` is the person's own label, "" for no label at all, null for the guess;
 * `blurred` hides this face alone.
 * @typedef {{ id: number, track: number | null, box: import("./types.js").Box, at: number, number: number, word: string | null, blurred?: boolean }} Person
 */

// How long a lost face is remembered, with and without a word of its own.
const REMEMBER_MS = 2000, REMEMBER_WORD_MS = 5000;
// A track not seen for so long must lie near its last place: a new server counts from 1 again.
const SURE_MS = 1000;

export function createPeople() {
  /** @type {Person[]} */
  let people = [];
  let count = 0;

  /** @param {Person} person @param {number} at */
  const remembered = (person, at) => at - person.at <= (person.word === null && !person.blurred ? REMEMBER_MS : REMEMBER_WORD_MS);

  /** The marks of a moment, each with its person; numbers are given from left to right. @param {Mark[]} marks @param {number} at @param {boolean} mirror */
  function identify(marks, at, mirror) {
    people = people.filter((person) => remembered(person, at));
    const followed = marks.map((mark) => people.find((person) =>
      person.track === mark.track && (at - person.at < SURE_MS || near(person.box, mark.box))));
    const free = people.filter((person) => !followed.includes(person));
    const known = marks.map((mark, i) => followed[i] ?? takeBack(free, mark));
    const order = marks.map((_, i) => i).filter((i) => !known[i])
      .sort((a, b) => (marks[a].box[0] - marks[b].box[0]) * (mirror ? -1 : 1));
    for (const i of order) known[i] = newPerson();
    return marks.map((mark, i) => {
      const person = /** @type {Person} */ (known[i]);
      Object.assign(person, { track: mark.track, box: mark.box, at: Math.max(person.at, at) });
      return { ...mark, person };
    });
  }

  /** A face that was lost for a moment comes back under a new track. @param {Person[]} free @param {Mark} mark */
  function takeBack(free, mark) {
    const index = free.findIndex((person) => iou(person.box, mark.box) >= 0.3);
    return index < 0 ? undefined : free.splice(index, 1)[0];
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
    /** After a pause: who was there a moment before it counts as seen just now. */
    keep: () => { for (const person of people) person.at = performance.now(); },
    forget: () => { people = []; },
  };
}
