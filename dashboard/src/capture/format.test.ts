import { expect, test } from "vitest";
import { base64, frameSamples, newCallId, readWav } from "./format";

test("no frame is longer than one message may be", () => {
  for (const [rate, sides, expected] of [
    [16_000, 1, 4_000],
    [16_000, 2, 4_000],
    [48_000, 1, 12_000],
    [48_000, 2, 6_000],
  ] as const) {
    const channels = sides === 2 ? (["agent", "customer"] as const) : (["agent"] as const);
    expect(frameSamples({ rate, channels: [...channels] })).toBe(expected);
  }
  const message = JSON.stringify({ action: "audio", seq: 4_294_967_295, data: base64(new Uint8Array(24_000)) });
  expect(message.length).toBeLessThan(32 * 1024);
});

test("call ids are ULIDs of their time", () => {
  expect(newCallId(1_469_918_176_385)).toMatch(/^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
});

test("a WAV is read as it is, and what is none is refused", () => {
  const wav = new Uint8Array(48);
  const view = new DataView(wav.buffer);
  wav.set(new TextEncoder().encode("RIFF....WAVEfmt "));
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, 16_000, true);
  view.setUint16(34, 16, true);
  wav.set(new TextEncoder().encode("data"), 36);
  view.setUint32(40, 4, true);
  wav.set([1, 2, 3, 4], 44);
  expect(readWav(wav.buffer)).toEqual({ rate: 16_000, channels: 2, pcm: Uint8Array.of(1, 2, 3, 4) });
  expect(() => readWav(new ArrayBuffer(60))).toThrow("no WAV");
  view.setUint16(34, 24, true);
  expect(() => readWav(wav.buffer)).toThrow("16-bit");
});
