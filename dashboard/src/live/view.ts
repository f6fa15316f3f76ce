// What is known of one call: a snapshot and pushes on top, in any order, by stable keys. No page, no network.

import type { Call, Card, Notes, Progress, Recording, Segment, ServerMessage, Snapshot } from "../api/types";

type Revised<T> = T & { revision: number };

export const segmentKey = (place: { start_ms: number; channel: string }) => `${place.start_ms} ${place.channel}`;

/** Missing, doubled and late pushes change nothing in the end: a hole in the revisions shows, a snapshot fills it. */
export class CallView {
  call: Call | null = null;
  progress: Progress | null = null;
  notes: Notes | null = null;
  recording: Recording | null = null;
  readonly cards = new Map<string, Card>();
  /** Counts up with each change. */
  version = 0;

  private readonly segments = new Map<string, Segment>();
  private ordered: Segment[] | null = null;
  private covered = 0;
  private readonly beyond = new Set<number>();
  private readonly revisions = new Map<string, number>();

  constructor(readonly id: string) {}

  /** Takes a push in; says whether it changed anything that is shown. */
  apply(message: ServerMessage): boolean {
    if (!("revision" in message) || message.call !== this.id) return false;
    this.cover(message.revision);
    const changed = this.take(message);
    if (changed) this.version += 1;
    return changed;
  }

  /** Takes a snapshot in. */
  load(snapshot: Snapshot) {
    this.put("call", snapshot.call, (call) => {
      this.call = call;
    });
    for (const segment of snapshot.segments) this.putSegment(segment);
    for (const card of snapshot.cards) this.putCard(card);
    if (snapshot.progress) this.putProgress(snapshot.progress);
    if (snapshot.notes) this.putNotes(snapshot.notes);
    if (snapshot.recording) this.putRecording(snapshot.recording);
    this.covered = Math.max(this.covered, snapshot.revision);
    this.closeHoles();
    this.version += 1;
  }

  /** Whether a push is missing. */
  get hasHole() {
    return this.beyond.size > 0;
  }

  /** What is to be read, in the order in which it was said. What turned out to be silence is nothing. */
  get said(): Segment[] {
    this.ordered ??= [...this.segments.values()]
      .filter((segment) => !segment.final || segment.text)
      .sort((a, b) => a.start_ms - b.start_ms || (a.channel < b.channel ? -1 : 1));
    return this.ordered;
  }

  private take(message: Extract<ServerMessage, { revision: number }>): boolean {
    switch (message.type) {
      case "call":
        return this.put("call", message, (call) => {
          this.call = call;
        });
      case "segment":
        return this.putSegment(message);
      case "progress":
        return this.putProgress(message);
      case "card":
        return this.putCard(message);
      case "notes":
        return this.putNotes(message);
      case "recording":
        return this.putRecording(message);
      default:
        return false;
    }
  }

  private putProgress(value: Revised<Progress>) {
    return this.put("progress", value, (progress) => {
      this.progress = progress;
    });
  }

  private putNotes(value: Revised<Notes>) {
    return this.put("notes", value, (notes) => {
      this.notes = notes;
    });
  }

  private putRecording(value: Revised<Recording>) {
    return this.put("recording", value, (recording) => {
      this.recording = recording;
    });
  }

  private putCard(value: Revised<Card>) {
    return this.put(`card ${value.id}`, value, (card) => this.cards.set(card.id, card));
  }

  private put<T extends { revision: number }>(key: string, value: T, take: (value: T) => void): boolean {
    if ((this.revisions.get(key) ?? 0) >= value.revision) return false;
    this.revisions.set(key, value.revision);
    take(value);
    return true;
  }

  // A segment's first final wins, but for one that says that it changes once more; a placeholder gives way to a final.
  private putSegment(segment: Segment): boolean {
    const key = segmentKey(segment);
    const known = this.segments.get(key);
    if (known && !replaces(segment, known)) return false;
    this.segments.set(key, segment);
    this.ordered = null;
    return true;
  }

  private cover(revision: number) {
    if (revision <= this.covered) return;
    this.beyond.add(revision);
    this.closeHoles();
  }

  private closeHoles() {
    for (const revision of this.beyond) if (revision <= this.covered) this.beyond.delete(revision);
    while (this.beyond.delete(this.covered + 1)) this.covered += 1;
  }
}

function replaces(segment: Segment, known: Segment): boolean {
  if (segment.final !== known.final) return segment.final;
  return segment.revision > known.revision;
}
