// What is sent of a call: PCM of 16 bits, agent and customer interleaved, in frames of a quarter of a second.

import type { Channel } from "../api/types";

/** What a connection states about the audio that it sends. */
export interface Format {
  rate: number;
  channels: Channel[];
  playbook: string;
}

const MOST_BYTES = 24_000;

/** Samples a channel in one frame: 250 ms, or less where that would be too large for one message. */
export function frameSamples({ rate, channels }: Pick<Format, "rate" | "channels">): number {
  const most = Math.floor(MOST_BYTES / (2 * channels.length));
  return Math.min(Math.floor(rate / 4), most);
}

export function captureQuery(call: string, { rate, channels, playbook }: Format): string {
  const parameters = {
    role: "capture",
    call,
    encoding: "pcm_s16le",
    sample_rate: String(rate),
    channels: channels.join(","),
    playbook,
  };
  return `?${new URLSearchParams(parameters)}`;
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new call id: a ULID. */
export function newCallId(now = Date.now()): string {
  let time = "";
  let rest = now;
  for (let place = 0; place < 10; place += 1) {
    time = LETTERS.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time + Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => LETTERS.charAt(byte % 32)).join("");
}

export interface Wav {
  rate: number;
  channels: number;
  pcm: Uint8Array;
}

/** The samples of a WAV of 16 bits. */
export function readWav(buffer: ArrayBuffer): Wav {
  const view = new DataView(buffer);
  const name = (at: number) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 44 || name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("This is no WAV file");
  let format: { kind: number; channels: number; rate: number; bits: number } | null = null;
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      format = {
        kind: view.getUint16(at + 8, true),
        channels: view.getUint16(at + 10, true),
        rate: view.getUint32(at + 12, true),
        bits: view.getUint16(at + 22, true),
      };
    }
    if (name(at) === "data" && format) {
      if (format.kind !== 1 || format.bits !== 16) throw new Error("This WAV is not 16-bit PCM");
      const { rate, channels } = format;
      return { rate, channels, pcm: new Uint8Array(buffer, at + 8, Math.min(size, buffer.byteLength - at - 8)) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("This WAV holds no audio");
}
