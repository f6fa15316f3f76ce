// The capture client's half of the frame protocol: what it sends next, as a state machine without network and without a
// clock. Its rules are those of shared/audio/src/outbox.rs.
//
// A socket delivers at most once and in any order, so everything said here may have to be said again: frames until they
// are acknowledged, `stop` until the call is seen to end.

const ACK_INTERVAL_MS = 2_000;
const STALL_MS = 2_000;
const LONGEST_WAIT_MS = 16_000;
const PATIENCE_MS = ACK_INTERVAL_MS + STALL_MS;

export type Outgoing =
  | { kind: "audio"; seq: number; payload: Uint8Array }
  | { kind: "gone"; from: number; to: number }
  | { kind: "stop"; seq: number };

/** Something that is repeated, ever more patiently, until it is answered. Times are milliseconds since any fixed point. */
interface Wait {
  since: number;
  patience: number;
}

export class Outbox {
  /** Frames not acknowledged, in order and without a gap: the first has number `first`. */
  private kept: Uint8Array[] = [];
  private first: number;
  private committed: number;
  /** The next frame to send in order; what lies before was sent on this connection. */
  private next: number;
  /** Frames that were asked for again. */
  private readonly wanted = new Set<number>();
  private gone: [number, number][] = [];
  private goneTold = 0;
  private finished = false;
  private stopSent = false;
  private over = false;
  private isConnected = false;
  private progress: Wait | null = null;
  private patience = PATIENCE_MS;

  /** Empty, not connected. With frames that an earlier page left behind, it goes on from the first of them. */
  constructor(first = 1, left: Uint8Array[] = []) {
    this.first = first;
    this.committed = first - 1;
    this.next = first;
    this.kept = left;
  }

  /** Takes the next frame in and returns its number. Ignored after `finish`. */
  push(payload: Uint8Array): number {
    if (!this.finished) this.kept.push(payload);
    return this.last;
  }

  /** No frame follows: `stop` is sent once all are. */
  finish() {
    this.finished = true;
  }

  /** A connection stands. Whatever was not acknowledged before is sent on it. */
  connected() {
    this.isConnected = true;
    this.patience = PATIENCE_MS;
    this.startOver();
  }

  /** The connection is lost: nothing is sent until the next. */
  disconnected() {
    this.isConnected = false;
  }

  /** The stack committed all frames up to this one. */
  acknowledged(now: number, upTo: number) {
    // A number that was never sent belongs to an earlier page on the same call: these frames are all known then.
    const seq = Math.min(upTo, this.last);
    if (seq <= this.committed) return;
    this.committed = seq;
    const forgotten = Math.max(0, Math.min(seq - this.first + 1, this.kept.length));
    this.kept.splice(0, forgotten);
    this.first += forgotten;
    this.next = Math.max(this.next, this.first);
    for (const wanted of this.wanted) if (wanted <= seq) this.wanted.delete(wanted);
    this.moved(now);
  }

  /** The stack misses these frames. */
  resend(now: number, begin: number, end: number) {
    const from = Math.max(begin, 1);
    const to = Math.min(end, this.last);
    if (from > to) return;
    if (from < this.first) this.gone.push([from, Math.min(to, this.first - 1)]);
    // What was not sent yet comes in its turn.
    for (let seq = Math.max(from, this.first); seq <= Math.min(to, this.next - 1); seq += 1) this.wanted.add(seq);
    this.moved(now);
  }

  /** The call was seen to end. Before `stop` was sent this means nothing: late audio reopens a call taken for dead. */
  ended() {
    this.over ||= this.stopSent;
    if (this.isSettled) this.progress = null;
  }

  /** What to send now, if anything. */
  poll(now: number): Outgoing | null {
    if (!this.isConnected) return null;
    if (this.progress && this.progress.since + this.progress.patience <= now) {
      this.patience = Math.min(this.patience * 2, LONGEST_WAIT_MS);
      this.startOver();
    }
    const outgoing = this.nextMessage();
    if (outgoing) this.progress ??= { since: now, patience: this.patience };
    return outgoing;
  }

  /** Number of the last frame handed in; 0 before the first. */
  get last() {
    return this.first - 1 + this.kept.length;
  }

  /** Frames handed in and not acknowledged. */
  get unacknowledged() {
    return this.last - this.committed;
  }

  /** Whether nothing is left to say: all acknowledged, and the end is known. */
  get isSettled() {
    return this.finished && this.unacknowledged === 0 && this.over;
  }

  private nextMessage(): Outgoing | null {
    if (this.first > this.committed + 1 && this.goneTold < this.first - 1) {
      const from = Math.max(this.goneTold, this.committed) + 1;
      this.goneTold = this.first - 1;
      return { kind: "gone", from, to: this.first - 1 };
    }
    const gone = this.gone.shift();
    if (gone) return { kind: "gone", from: gone[0], to: gone[1] };
    for (const seq of [...this.wanted].sort((a, b) => a - b)) {
      this.wanted.delete(seq);
      const payload = this.frame(seq);
      if (payload) return { kind: "audio", seq, payload };
    }
    const payload = this.frame(this.next);
    if (payload) {
      this.next += 1;
      return { kind: "audio", seq: this.next - 1, payload };
    }
    if (this.finished && !this.stopSent && !this.over) {
      this.stopSent = true;
      return { kind: "stop", seq: this.last };
    }
    return null;
  }

  private frame(seq: number): Uint8Array | undefined {
    return seq < this.first ? undefined : this.kept[seq - this.first];
  }

  /** The stack is alive and got further: the next wait begins now, if there is anything to wait for. */
  private moved(now: number) {
    this.patience = PATIENCE_MS;
    const isWaiting = this.next > this.committed + 1 || (this.stopSent && !this.over);
    this.progress = isWaiting ? { since: now, patience: this.patience } : null;
  }

  /** From the first unacknowledged frame on, everything is sent again. */
  private startOver() {
    this.next = this.first;
    this.wanted.clear();
    this.gone = [];
    this.goneTold = 0;
    this.stopSent = false;
    this.progress = null;
  }
}
