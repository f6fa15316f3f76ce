// Runs beside the sound card: what comes in, as frames of 16-bit samples, interleaved, with the loudest of each side.

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: AudioWorkletNodeOptions) => AudioWorkletProcessor,
): void;

interface Options {
  channels: number;
  samples: number;
}

class CaptureProcessor extends AudioWorkletProcessor {
  private readonly channels: number;
  private readonly samples: number;
  private frame: Int16Array;
  private filled = 0;
  private levels: number[];
  private paused = false;
  private stopped = false;

  constructor(options: AudioWorkletNodeOptions) {
    super();
    const { channels, samples } = options.processorOptions as Options;
    this.channels = channels;
    this.samples = samples;
    this.frame = new Int16Array(samples * channels);
    this.levels = new Array(channels).fill(0);
    this.port.onmessage = ({ data }: MessageEvent<"pause" | "resume" | "stop">) => {
      if (data === "stop") this.stop();
      else this.paused = data === "pause";
    };
  }

  process(inputs: Float32Array[][]): boolean {
    if (this.stopped) return false;
    const input = inputs[0] ?? [];
    const length = input[0]?.length ?? 128;
    for (let at = 0; at < length; at += 1) {
      for (let channel = 0; channel < this.channels; channel += 1) {
        // Silence stands for what is paused or is not there, so that the call's time goes on.
        const value = this.paused ? 0 : Math.max(-1, Math.min(1, input[channel]?.[at] ?? 0));
        this.frame[this.filled * this.channels + channel] = Math.round(value * 32767);
        this.levels[channel] = Math.max(this.levels[channel] ?? 0, Math.abs(value));
      }
      this.filled += 1;
      if (this.filled === this.samples) this.hand(this.frame);
    }
    return true;
  }

  private hand(frame: Int16Array) {
    this.port.postMessage({ pcm: frame.buffer, levels: this.levels }, [frame.buffer as ArrayBuffer]);
    this.frame = new Int16Array(this.samples * this.channels);
    this.levels = new Array(this.channels).fill(0);
    this.filled = 0;
  }

  private stop() {
    // What has begun is filled up with silence: frames of less than 20 ms are not taken.
    if (this.filled > 0) this.hand(this.frame);
    this.port.postMessage("stopped");
    this.stopped = true;
  }
}

registerProcessor("capture", CaptureProcessor);
