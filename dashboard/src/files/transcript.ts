// A call as a file: plain text, Markdown, SRT, WebVTT, or all that is known of it as JSON. What the files look like is
// what `callboard show` writes.

import type { Call, Notes, Progress, Snapshot } from "../api/types";
import { clock as short, speaker } from "../words";
import { cues, ordered, readable, type Said } from "./cues";
import { join, pieces, words, wrap } from "./pieces";

export const FORMATS = ["txt", "srt", "vtt", "md", "json"] as const;
export type Format = (typeof FORMATS)[number];

const PAGE = 100;
const NAME = "  Customer  ".length;

export function written(format: Format, snapshot: Snapshot): string {
  const said = snapshot.segments;
  switch (format) {
    case "txt":
      return text(said);
    case "srt":
      return srt(said);
    case "vtt":
      return vtt(said);
    case "md":
      return markdown(snapshot.call, snapshot.notes, snapshot.progress, said);
    case "json":
      return `${JSON.stringify(snapshot, null, 2)}\n`;
  }
}

/** Each cue names its speaker. SRT knows tags but no way to write a bracket that is none. */
export function srt(said: Said[]): string {
  return cues(said, true)
    .map((cue, at) => {
      const shown = cue.lines.join("\n").replaceAll("<", "‹").replaceAll(">", "›");
      return `${at + 1}\n${stamp(cue.start, ",")} --> ${stamp(cue.end, ",")}\n${shown}\n\n`;
    })
    .join("");
}

/** Each cue in the voice of its speaker. */
export function vtt(said: Said[]): string {
  const all = cues(said, false).map((cue, at) => {
    const shown = cue.lines.join("\n").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `\n${at + 1}\n${stamp(cue.start, ".")} --> ${stamp(cue.end, ".")}\n<v ${speaker(cue.channel)}>${shown}</v>\n`;
  });
  return `WEBVTT\n${all.join("")}`;
}

/** Time, speaker and words, in lines of at most 100 columns. */
export function text(said: Said[]): string {
  const latest = said.reduce((most, one) => Math.max(most, one.start_ms), 0);
  const time = clock(latest).length;
  const margin = time + NAME;
  let page = "";
  for (const one of ordered(said)) {
    wrap(pieces(readable(one), PAGE - margin), PAGE - margin).forEach((line, place) => {
      const head = `${clock(one.start_ms).padStart(time)}  ${speaker(one.channel).padEnd(8)}  `;
      page += `${place === 0 ? head : " ".repeat(margin)}${join(line)}\n`;
    });
  }
  return page;
}

/** Title, what is told of it, summary and landmarks where they are known, and what was said. */
export function markdown(call: Call, notes: Notes | null, progress: Progress | null, said: Said[]): string {
  const started = new Date(call.started_at_ms).toISOString().slice(0, 16).replace("T", " ");
  const about = `${started} UTC · ${short(call.duration_ms)} · playbook ${call.playbook} · ${call.status}`;
  let page = `# ${escaped(`Call ${call.call}`)}\n\n${escaped(about)}\n`;
  if (notes) page += `\n## Summary\n\n${escaped(notes.summary)}\n`;
  const landmarks = landmarksOf(notes, progress);
  if (landmarks.length > 0) page += "\n## Landmarks\n\n";
  for (const [label, quote] of landmarks) {
    page += quote ? `- [x] ${escaped(label)}: “${escaped(quote)}”\n` : `- [ ] ${escaped(label)}\n`;
  }
  const spoken = ordered(said)
    .filter((one) => readable(one))
    .map((one) => `\n**${speaker(one.channel)}** ${clock(one.start_ms)}: ${escaped(readable(one))}\n`);
  return `${page}\n## Transcript\n${spoken.join("") || "\nNothing was said.\n"}`;
}

/** As progress has them. A call in which nothing was reached has none, and its notes tell what was missed. */
function landmarksOf(notes: Notes | null, progress: Progress | null): [string, string | undefined][] {
  if (progress) return progress.landmarks.map((it) => [it.label, it.state === "done" ? it.evidence?.quote : undefined]);
  const reached = notes?.reached.map((it): [string, string] => [it.label, it.evidence.quote]) ?? [];
  const missed = notes?.missed.map((it): [string, undefined] => [it.label, undefined]) ?? [];
  return [...reached, ...missed];
}

/** On one line, and so that nothing of it is taken for Markdown or HTML. */
function escaped(raw: string): string {
  const line = words(raw)
    .join(" ")
    .replaceAll(/[\\`*_[\]<>&~|]/g, "\\$&");
  return line.replace(/^(\d+)([.)])/, "$1\\$2").replace(/^[#+\-=]/, "\\$&");
}

const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
const clock = (ms: number) => `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}`;
const stamp = (ms: number, separator: string) => `${clock(ms)}${separator}${String(ms % 1000).padStart(3, "0")}`;
