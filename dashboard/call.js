// What is known of one call: a snapshot and pushes on top, in any order, by stable keys. No page, no network.

/** Missing, doubled and late pushes change nothing in the end: a hole in the revisions shows, a snapshot fills it. */
export class CallView {
  constructor(id) {
    this.id = id;
    this.call = null;
    this.segments = new Map();
    this.progress = null;
    this.cards = new Map();
    this.notes = null;
    this.covered = 0;
    this.beyond = new Set();
    this.revisions = new Map();
  }

  /** Takes a push in; says whether it changed anything. */
  apply(message) {
    if (message.call !== this.id || !Number.isInteger(message.revision)) return false;
    this.#cover(message.revision);
    switch (message.type) {
      case "call": return this.#newer("call", message, () => { this.call = message; });
      case "segment": return this.#segment(message);
      case "progress": return this.#newer("progress", message, () => { this.progress = message; });
      case "card": return this.#newer(`card ${message.id}`, message, () => { this.cards.set(message.id, message); });
      case "notes": return this.#newer("notes", message, () => { this.notes = message; });
      default: return false;
    }
  }

  /** Takes a snapshot in. */
  applySnapshot(snapshot) {
    const at = { call: this.id };
    this.apply({ ...snapshot.call, type: "call" });
    for (const segment of snapshot.segments) this.apply({ ...segment, type: "segment" });
    if (snapshot.progress) this.apply({ ...snapshot.progress, ...at, type: "progress" });
    for (const card of snapshot.cards) this.apply({ ...card, ...at, type: "card" });
    if (snapshot.notes) this.apply({ ...snapshot.notes, ...at, type: "notes" });
    this.covered = Math.max(this.covered, snapshot.revision);
    this.#closeHoles();
  }

  /** Whether a push is missing. */
  get hasHole() {
    return this.beyond.size > 0;
  }

  #newer(key, message, take) {
    if ((this.revisions.get(key) ?? 0) >= message.revision) return false;
    this.revisions.set(key, message.revision);
    take();
    return true;
  }

  // A segment's first final wins; a placeholder gives way to anything later.
  #segment(message) {
    const key = segmentKey(message);
    const known = this.segments.get(key);
    if (known && (known.final || (!message.final && known.revision >= message.revision))) return false;
    this.segments.set(key, message);
    return true;
  }

  #cover(revision) {
    if (revision <= this.covered) return;
    this.beyond.add(revision);
    this.#closeHoles();
  }

  #closeHoles() {
    for (const revision of this.beyond) if (revision <= this.covered) this.beyond.delete(revision);
    while (this.beyond.delete(this.covered + 1)) this.covered += 1;
  }
}

/** The key of a segment within its call. */
export const segmentKey = (segment) => `${segment.start_ms} ${segment.channel}`;

/** How long after its last word a segment came that `arrived` now (wall clock, ms), and what that time was spent on. */
export function delayOf(segment, arrived) {
  const { spoken, closing_ms: closing, asr_ms: asr } = segment.times;
  const all = Math.max(0, arrived - spoken);
  return { all, closing, asr, added: Math.max(0, all - closing - asr) };
}

/** Minutes and seconds of a time in milliseconds. */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
