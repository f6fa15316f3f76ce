// Audio that the stack has not committed yet, on this machine's disk: a page that is closed or crashes loses nothing.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Format } from "./format";

interface Kept extends DBSchema {
  calls: { key: string; value: KeptCall };
  frames: { key: [string, number]; value: { call: string; seq: number; payload: Uint8Array } };
}

export interface KeptCall {
  call: string;
  /** Whose it is: nobody else's page sends it on. */
  principal: string;
  format: Format;
  startedAt: number;
}

let database: Promise<IDBPDatabase<Kept> | null> | null = null;

// Where a browser keeps nothing, as in some private windows, memory has to do.
function open() {
  database ??= openDB<Kept>("callboard-capture", 1, {
    upgrade(db) {
      db.createObjectStore("calls", { keyPath: "call" });
      db.createObjectStore("frames", { keyPath: ["call", "seq"] });
    },
  }).catch(() => null);
  return database;
}

const framesOf = (call: string, to = Number.MAX_SAFE_INTEGER) => IDBKeyRange.bound([call, 0], [call, to]);

export async function keepCall(call: KeptCall) {
  await (await open())?.put("calls", call).catch(() => null);
}

export async function keepFrame(call: string, seq: number, payload: Uint8Array) {
  await (await open())?.put("frames", { call, seq, payload }).catch(() => null);
}

/** Frames up to this one are committed. */
export async function forgetFrames(call: string, upTo: number) {
  await (await open())?.delete("frames", framesOf(call, upTo)).catch(() => null);
}

/** The call is over, and nothing of it is left to say. */
export async function forgetCall(call: string) {
  const db = await open();
  await db?.delete("frames", framesOf(call)).catch(() => null);
  await db?.delete("calls", call).catch(() => null);
}

/** Calls that were left behind by this person, each with the number of its first frame and its frames. */
export async function leftBehind(principal: string) {
  const db = await open();
  const calls = (await db?.getAll("calls").catch(() => [])) ?? [];
  const own = calls.filter((call) => call.principal === principal);
  return Promise.all(
    own.map(async (call) => {
      const frames = (await db?.getAll("frames", framesOf(call.call)).catch(() => [])) ?? [];
      return { ...call, first: frames[0]?.seq ?? 1, frames: frames.map((frame) => frame.payload) };
    }),
  );
}
