// When each piece of an utterance was said: by the times of its words where they are known, else in proportion to its
// characters. The rules are those of shared/domain/src/transcript/timing.rs.

import type { Segment } from "../api/types";
import type { Piece } from "./pieces";

const LOOK_AHEAD = 6;

export interface Span {
  begin: number;
  end: number;
}

/** A character's place in the text, and a time that is known there. */
type Knot = [at: number, ms: number];

type Word = NonNullable<Segment["words"]>[number];

const isLetter = (letter: string) => /[\p{L}\p{N}]/u.test(letter);
const charactersOf = (text: string) => [...text].filter((letter) => letter !== " ");

/** When each piece was said. Spans are in order and stay within the utterance's. */
export function spansOf(pieces: Pick<Piece, "text">[], whole: Span, words: Word[]): Span[] {
  const letters = pieces.flatMap((piece) => charactersOf(piece.text));
  const ends = [0];
  for (const piece of pieces) ends.push((ends.at(-1) ?? 0) + charactersOf(piece.text).length);
  const knots = knotsOf(letters, ends, whole, words);
  return pieces.map((_, at) => ({ begin: beginAt(knots, ends[at] ?? 0), end: endAt(knots, ends[at + 1] ?? 0) }));
}

function knotsOf(letters: string[], ends: number[], whole: Span, words: Word[]): Knot[] {
  const knots: Knot[] = [[0, whole.begin]];
  let at = 0;
  let earliest = whole.begin;
  for (const word of words) {
    const found = find(letters, ends, at, [...word.text].filter(isLetter));
    if (!found) continue;
    const begin = Math.min(Math.max(word.start_ms, earliest), whole.end);
    const end = Math.min(Math.max(word.end_ms, begin), whole.end);
    knots.push([found[0], begin], [found[1], end]);
    at = found[1];
    earliest = end;
  }
  knots.push([letters.length, whole.end]);
  return knots;
}

/** Where a word stands in the text: right here, in whatever it is part of, else as one of the next pieces whole. */
function find(letters: string[], ends: number[], at: number, key: string[]): [number, number] | null {
  if (key.length === 0) return null;
  const here = matched(letters, ends, at, key);
  if (here !== null) return [at, here];
  const next = ends.findIndex((end) => end > at);
  for (const from of next < 0 ? [] : ends.slice(next, next + LOOK_AHEAD)) {
    const to = matched(letters, ends, from, key);
    if (to !== null && ends.includes(to)) return [from, to];
  }
  return null;
}

/** Where the word ends if it stands here, with the punctuation that follows it. Punctuation and case do not count. */
function matched(letters: string[], ends: number[], from: number, key: string[]): number | null {
  let wanted = 0;
  let to = from;
  for (const letter of letters.slice(from)) {
    const isFound = wanted === key.length;
    if (isFound && (isLetter(letter) || ends.includes(to))) break;
    if (isLetter(letter)) {
      if (key[wanted]?.toLowerCase() !== letter.toLowerCase()) return null;
      wanted += 1;
    }
    to += 1;
  }
  return wanted === key.length ? to : null;
}

/** The time at which what follows this place begins: after a pause, where one is here. */
function beginAt(knots: Knot[], at: number): number {
  const next = knots.findIndex((knot) => knot[0] > at);
  const before = knots[next < 0 ? knots.length - 1 : next - 1];
  return between(before, next < 0 ? undefined : knots[next], at);
}

/** The time at which what precedes this place ends: before a pause, where one is here. */
function endAt(knots: Knot[], at: number): number {
  const next = knots.findIndex((knot) => knot[0] >= at);
  const knot = knots[next];
  if (!knot) return knots.at(-1)?.[1] ?? 0;
  return knot[0] > at ? between(knots[next - 1], knot, at) : knot[1];
}

function between(before: Knot | undefined, after: Knot | undefined, at: number): number {
  if (!before) return 0;
  if (!after || before[0] >= at) return before[1];
  return before[1] + Math.floor(((after[1] - before[1]) * (at - before[0])) / (after[0] - before[0]));
}
