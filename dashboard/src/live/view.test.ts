import { expect, test } from "vitest";
import type { Segment, ServerMessage, Snapshot } from "../api/types";
import { CallView } from "./view";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const times = { spoken: 0, received: 0, transcribed: 0, stored: 0, closing_ms: 0, asr_ms: 0 };

const segment = (revision: number, start_ms: number, text: string, final = true): Segment => ({
  call: ID,
  revision,
  channel: "agent",
  start_ms,
  end_ms: start_ms + 500,
  text,
  final,
  times,
});
const call = (revision: number, status: "live" | "ended") => ({
  call: ID,
  revision,
  status,
  playbook: "sales",
  channels: ["agent" as const],
  principal: "p",
  started_at_ms: 0,
  duration_ms: 0,
});
const pushed = (type: "segment" | "call", value: object) => ({ type, ...value }) as ServerMessage;

const pushes = [
  pushed("call", call(1, "live")),
  pushed("segment", segment(2, 900, "two", false)),
  pushed("segment", segment(3, 0, "one")),
  pushed("segment", segment(4, 900, "two")),
  pushed("segment", segment(5, 1800, "")),
  pushed("segment", segment(6, 0, "one [card number]")),
  pushed("call", call(7, "ended")),
];

/** All orders of a few things. */
function* orders<T>(things: T[]): Generator<T[]> {
  if (things.length < 2) yield things;
  for (const [at, thing] of things.entries()) {
    for (const rest of orders([...things.slice(0, at), ...things.slice(at + 1)])) yield [thing, ...rest];
  }
}

test("pushes in any order, some of them twice, come to the same", () => {
  for (const order of orders(pushes)) {
    const view = new CallView(ID);
    for (const push of [...order, ...order.slice(0, 2)]) view.apply(push);
    expect(view.said.map((said) => said.text)).toEqual(["one [card number]", "two"]);
    expect([view.call?.status, view.hasHole]).toEqual(["ended", false]);
  }
});

test("a hole shows until a snapshot fills it, and an old snapshot takes nothing away", () => {
  const view = new CallView(ID);
  const snapshot = (revision: number, segments: Segment[]) =>
    ({ revision, call: call(1, "live"), segments, cards: [], progress: null, notes: null }) as Snapshot;
  view.load(snapshot(2, [segment(2, 0, "one")]));
  view.apply(pushed("segment", segment(4, 900, "two")));
  expect(view.hasHole).toBe(true);
  view.load(snapshot(2, [segment(2, 0, "one")]));
  expect(view.hasHole).toBe(true);
  view.load(snapshot(4, [segment(2, 0, "one"), segment(3, 1800, "three"), segment(4, 900, "two")]));
  expect(view.hasHole).toBe(false);
  expect(view.said.map((said) => said.text)).toEqual(["one", "two", "three"]);
});

test("what belongs to another call is passed over", () => {
  const view = new CallView(ID);
  expect(view.apply(pushed("call", { ...call(1, "live"), call: "01BX5ZZKBKACTAV9WEVGEMMVRZ" }))).toBe(false);
  expect(view.call).toBe(null);
});
