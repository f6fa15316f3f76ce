// Cues: what is shown at one time, of one speaker, in two lines at most. A long utterance is cut where a sentence or a
// clause ends, else where two lines or seven seconds are full. The rules are those of shared/domain/src/transcript.

import type { Channel, Segment } from "../api/types";
import { speaker } from "../words";
import { columns, join, type Piece, pieces, words, wrap } from "./pieces";
import { type Span, spansOf } from "./timing";

const LINE = 42;
const LINES = 2;
const LONGEST_MS = 7_000;
const SHORTEST_MS = 1_000;
const LEAST_MS = 40;

export type Said = Pick<Segment, "channel" | "start_ms" | "end_ms" | "text" | "words" | "placeholder">;

export interface Cue {
  channel: Channel;
  start: number;
  end: number;
  lines: string[];
}

const NOTES = { waiting: "[waiting for the transcription service]", failed: "[this part could not be transcribed]" };

/** What is to be read of an utterance; nothing where that is nothing. */
export const readable = ({ placeholder, text }: Said) => (placeholder ? NOTES[placeholder] : words(text).join(" "));

const byPlace = (a: Said, b: Said) =>
  a.start_ms - b.start_ms || (a.channel === b.channel ? a.end_ms - b.end_ms : a.channel < b.channel ? -1 : 1);

/** In the order in which it was said. */
export const ordered = (said: Said[]) => [...said].sort(byPlace);

/** All cues by their start. With labels, each names its speaker. */
export function cues(said: Said[], labels: boolean): Cue[] {
  const all = ordered(said);
  const sides: Channel[] = ["agent", "customer"];
  const placedOf = (channel: Channel) => {
    const text = `${speaker(channel)}:`;
    const label = labels ? [{ text, columns: text.length, glued: false }] : [];
    return placed(all.filter((one) => one.channel === channel).flatMap((one) => cut(one, label)));
  };
  return sides.flatMap(placedOf).sort((a, b) => a.start - b.start || (a.channel < b.channel ? -1 : 1));
}

function cut(said: Said, label: Piece[]): Cue[] {
  const all = pieces(readable(said), LINE);
  const spans = spansOf(all, { begin: said.start_ms, end: Math.max(said.start_ms, said.end_ms) }, said.words ?? []);
  const found: Cue[] = [];
  for (let from = 0; from < all.length; ) {
    const to = nextEnd(all, spans, from, label);
    const shown = lines([...label, ...all.slice(from, to)]);
    found.push({ channel: said.channel, start: begin(spans, from), end: end(spans, to), lines: shown });
    from = to;
  }
  return found;
}

const begin = (spans: Span[], from: number) => spans[from]?.begin ?? 0;
const end = (spans: Span[], to: number) => spans[to - 1]?.end ?? 0;

/** Where the cue ends that begins here: after as many pieces as fit, or fewer where that reads better. */
function nextEnd(all: Piece[], spans: Span[], from: number, label: Piece[]): number {
  const fits = (to: number) =>
    end(spans, to) - begin(spans, from) <= LONGEST_MS && wrap([...label, ...all.slice(from, to)], LINE).length <= LINES;
  let to = from + 1;
  while (to < all.length && fits(to + 1)) to += 1;
  if (to === all.length) return to;
  const earliest = from + Math.ceil((to - from) / 2);
  const endsWith = (marks: RegExp) => {
    for (let at = to; at >= earliest; at -= 1) {
      if (marks.test((all[at - 1]?.text ?? "").replace(/["”’')»」]+$/u, ""))) return at;
    }
    return null;
  };
  return endsWith(/[.?!…。？！؟]$/u) ?? endsWith(/[,;:、，；：،]$/u) ?? to;
}

/** One line if they fit, else two of about one length. */
function lines(all: Piece[]): string[] {
  if (columns(all) <= LINE) return [join(all)];
  let best: { at: number; widest: number } | null = null;
  for (let at = 1; at < all.length; at += 1) {
    const widest = Math.max(columns(all.slice(0, at)), columns(all.slice(at)));
    if (!best || widest < best.widest) best = { at, widest };
  }
  if (best && best.widest <= LINE) return [join(all.slice(0, best.at)), join(all.slice(best.at))];
  return wrap(all, LINE).map(join);
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

/** Cues of one channel, so that none overlaps the next and each is shown long enough. */
function placed(all: Cue[]): Cue[] {
  let free = 0;
  return all.map((cue, at) => {
    const next = all[at + 1]?.start ?? Number.POSITIVE_INFINITY;
    const start = Math.max(cue.start, free);
    const wanted = clamp(cue.end, start + SHORTEST_MS, start + LONGEST_MS);
    // Where the next begins before this was shown for what it took to say it, the next has to wait a little.
    const needed = start + clamp(cue.end - cue.start, LEAST_MS, SHORTEST_MS);
    free = Math.max(Math.min(wanted, next), needed);
    return { ...cue, start, end: free };
  });
}
