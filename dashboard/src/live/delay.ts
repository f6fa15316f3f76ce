// How long after its last word a segment came, and what that time was spent on.

import type { Segment } from "../api/types";

export interface Delay {
  all: number;
  closing: number;
  asr: number;
  added: number;
}

/** Of a segment that `arrived` then (wall clock, ms). */
export function delayOf(segment: Pick<Segment, "times">, arrived: number): Delay {
  const { spoken, closing_ms: closing, asr_ms: asr } = segment.times;
  const all = Math.max(0, arrived - spoken);
  return { all, closing, asr, added: Math.max(0, all - closing - asr) };
}
