// Where the audio of a call comes from: the microphone with the other side from a tab or the system, one device with a
// side on each channel, or the demo call.

import type { Channel } from "../api/types";
import { frameSamples, readWav } from "./format";
import workletUrl from "./worklet.ts?worker&url";

const RATE = 16_000;

export interface Sound {
  pcm: Uint8Array;
  /** The loudest sample of each channel, from 0 to 1. */
  levels: number[];
}

export interface Source {
  readonly rate: number;
  readonly channels: Channel[];
  /** `unheard` is called when what was shared has ended, and only the microphone goes on. */
  start(hear: (sound: Sound) => void, over: () => void, unheard: () => void): void;
  pause(paused: boolean): void;
  /** Asks for what the other side is heard from once more. Throws in words for a person. */
  share?(unheard: () => void): Promise<void>;
  stop(): Promise<void>;
}

export type Sides = "microphone" | "microphone_and_tab" | "stereo_device";

/** Asks for the devices. Throws in words for a person. */
export async function openDevices(sides: Sides, deviceId?: string): Promise<Source> {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives pages no microphone here. Open the page over https or on this machine.");
  }
  const opened: MediaStream[] = [];
  try {
    // The tab first: a browser only asks while the click is fresh.
    if (sides === "microphone_and_tab") opened.push(await shareAudio());
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: wishes(sides, deviceId) });
    opened.unshift(microphone);
    return await LiveSource.open(opened, sides);
  } catch (error) {
    for (const stream of opened) for (const track of stream.getTracks()) track.stop();
    throw new Error(refusal(error));
  }
}

function wishes(sides: Sides, deviceId?: string): MediaTrackConstraints {
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  // What both sides come through must not be taken for an echo of each other.
  if (sides === "stereo_device") {
    return { ...device, channelCount: 2, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  }
  return { ...device, channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
}

async function shareAudio(): Promise<MediaStream> {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: true,
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  if (stream.getAudioTracks().length === 0) {
    for (const track of stream.getTracks()) track.stop();
    throw new Error("Nothing is heard of what you shared. Share again, and switch on “Share audio”.");
  }
  return stream;
}

function refusal(error: unknown): string {
  if (!(error instanceof Error)) return "The microphone could not be opened";
  switch (error.name) {
    case "NotAllowedError":
      return "The browser was not allowed to listen. Allow the microphone for this page, and try again.";
    case "NotFoundError":
      return "There is no microphone. Connect one, and try again.";
    case "NotReadableError":
      return "The microphone is used by another program. Close it, and try again.";
    default:
      return error.message;
  }
}

class LiveSource implements Source {
  private constructor(
    private readonly context: AudioContext,
    private readonly streams: MediaStream[],
    private readonly merger: ChannelMergerNode | null,
    private readonly node: AudioWorkletNode,
    readonly channels: Channel[],
  ) {}

  get rate() {
    return this.context.sampleRate;
  }

  static async open(streams: MediaStream[], sides: Sides): Promise<LiveSource> {
    try {
      return await LiveSource.at(RATE, streams, sides);
    } catch (error) {
      // Some browsers do not bring a device to another rate than its own: then the stack does.
      if (!(error instanceof DOMException) || error.name !== "NotSupportedError") throw error;
      return LiveSource.at(undefined, streams, sides);
    }
  }

  private static async at(sampleRate: number | undefined, streams: MediaStream[], sides: Sides) {
    const context = new AudioContext({ sampleRate, latencyHint: "balanced" });
    try {
      const channels: Channel[] = sides === "microphone" ? ["agent"] : ["agent", "customer"];
      await context.audioWorklet.addModule(workletUrl);
      const samples = frameSamples({ rate: context.sampleRate, channels });
      const node = new AudioWorkletNode(context, "capture", {
        numberOfInputs: 1,
        numberOfOutputs: 0,
        channelCount: channels.length,
        channelCountMode: "explicit",
        channelInterpretation: sides === "microphone" ? "speakers" : "discrete",
        processorOptions: { channels: channels.length, samples },
      });
      // Two streams are a side each; one brings its sides with it.
      const merger = streams.length > 1 ? new ChannelMergerNode(context, { numberOfInputs: 2 }) : null;
      merger?.connect(node);
      streams.forEach((stream, side) => {
        connect(context, stream, side, merger, node);
      });
      await context.resume();
      return new LiveSource(context, streams, merger, node, channels);
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  start(hear: (sound: Sound) => void, over: () => void, unheard: () => void) {
    this.node.port.onmessage = ({ data }) => {
      if (data !== "stopped") hear({ pcm: new Uint8Array(data.pcm), levels: data.levels });
    };
    // Whoever stops sharing in the browser's own bar ends that side; without the microphone the call is over.
    whenEnded(this.streams[0], over);
    whenEnded(this.streams[1], unheard);
  }

  async share(unheard: () => void) {
    const stream = await shareAudio().catch((error) => {
      throw new Error(refusal(error));
    });
    this.streams.push(stream);
    connect(this.context, stream, 1, this.merger, this.node);
    whenEnded(stream, unheard);
  }

  pause(paused: boolean) {
    this.node.port.postMessage(paused ? "pause" : "resume");
  }

  async stop() {
    const hear = this.node.port.onmessage;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, 1_000);
      this.node.port.onmessage = (event) => {
        if (event.data !== "stopped") return hear?.call(this.node.port, event);
        clearTimeout(late);
        resolve();
      };
      this.node.port.postMessage("stop");
    });
    for (const stream of this.streams) for (const track of stream.getTracks()) track.stop();
    await this.context.close();
  }
}

function connect(
  context: AudioContext,
  mediaStream: MediaStream,
  side: number,
  merger: ChannelMergerNode | null,
  node: AudioNode,
) {
  const input = new MediaStreamAudioSourceNode(context, { mediaStream });
  if (!merger) return input.connect(node);
  const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
  input.connect(mono).connect(merger, 0, side);
}

function whenEnded(stream: MediaStream | undefined, listener: () => void) {
  for (const track of stream?.getAudioTracks() ?? []) track.addEventListener("ended", listener);
}

/** The demo call, played aloud and handed on at its own pace. */
export async function openDemo(): Promise<Source> {
  // Made within the click, or the browser keeps it silent.
  const context = new AudioContext();
  const response = await fetch("/demo/demo_call.wav");
  if (!response.ok) throw new Error(`The demo call is not there (${response.status})`);
  const recording = await response.arrayBuffer();
  const wav = readWav(recording);
  const aloud = await context.decodeAudioData(recording.slice(0)).catch(() => null);
  const channels: Channel[] = ["agent", "customer"];
  const bytes = frameSamples({ rate: wav.rate, channels }) * 4;
  const frames = Math.ceil(wav.pcm.length / bytes);
  let timer: ReturnType<typeof setInterval> | undefined;
  let playing: AudioBufferSourceNode | null = null;
  const frameMs = (bytes / 4 / wav.rate) * 1000;
  return {
    rate: wav.rate,
    channels,
    start(hear, over) {
      const began = performance.now();
      let next = 0;
      if (aloud) {
        playing = new AudioBufferSourceNode(context, { buffer: aloud });
        playing.connect(context.destination);
        playing.start();
      }
      timer = setInterval(() => {
        const due = Math.min(frames, Math.floor((performance.now() - began) / frameMs));
        for (; next < due; next += 1) {
          // The last frame may be shorter than is taken: silence fills it up.
          const pcm = new Uint8Array(bytes);
          pcm.set(wav.pcm.subarray(next * bytes, (next + 1) * bytes));
          hear({ pcm, levels: loudest(pcm) });
        }
        if (next === frames) over();
      }, 50);
    },
    pause: () => {},
    async stop() {
      clearInterval(timer);
      playing?.stop();
      await context.close();
    },
  };
}

function loudest(pcm: Uint8Array): number[] {
  const samples = new Int16Array(pcm.buffer);
  const levels = [0, 0];
  samples.forEach((sample, at) => {
    levels[at % 2] = Math.max(levels[at % 2] ?? 0, Math.abs(sample) / 32768);
  });
  return levels;
}
