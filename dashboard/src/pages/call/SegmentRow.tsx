// One segment: who said it and when, its words, each of which plays from there, and what stands in for missing text.

import { Pause, Play } from "lucide-react";
import { memo, type MouseEvent, useMemo } from "react";
import type { Segment } from "../../api/types";
import { spansOf } from "../../files/timing";
import type { Player } from "../../live/player";
import { clock, speaker } from "../../words";

interface Props {
  segment: Segment;
  flash: boolean;
  /** Media time that is heard just now, where it lies within. */
  playingAt: number | null;
  search: string;
  player: Player;
}

export const SegmentRow = memo(function SegmentRow({ segment, flash, playingAt, search, player }: Props) {
  const isPlaying = playingAt !== null;
  const classes = ["segment", segment.channel, !segment.final && "waiting", flash && "flash", isPlaying && "playing"];
  const play = () => (isPlaying ? player.toggle() : player.play(segment.start_ms, segment.end_ms));
  // A word is a place to begin from for whoever points at it; the keyboard has the button and the bar below.
  const playFrom = (event: MouseEvent<HTMLElement>) => {
    const letter = getSelection()?.isCollapsed ? letterAt(event) : null;
    const word = timedWords(segment).findLast(({ at }) => letter !== null && at <= letter);
    if (word) player.play(word.begin);
  };
  return (
    <article className={classes.filter(Boolean).join(" ")}>
      <header className="by">
        <span>{speaker(segment.channel)}</span>
        <time>{clock(segment.start_ms)}</time>
        {segment.final && segment.text && (
          <button
            type="button"
            className="play"
            aria-label={isPlaying ? "Pause" : `Play what the ${segment.channel} said at ${clock(segment.start_ms)}`}
            onClick={play}
          >
            {isPlaying ? <Pause aria-hidden="true" size={13} /> : <Play aria-hidden="true" size={13} />}
          </button>
        )}
      </header>
      {segment.final ? (
        // biome-ignore lint/a11y/useKeyWithClickEvents: see above
        <p className="said" onClick={playFrom}>
          {isPlaying || search.trim() ? (
            <Marked segment={segment} playingAt={playingAt} search={search} />
          ) : (
            segment.text
          )}
        </p>
      ) : (
        <p className="said">{standIn(segment)}</p>
      )}
    </article>
  );
});

/** The words apart, so that what is heard or looked for stands out. Elsewhere a text is one piece: it costs a tenth. */
function Marked({ segment, playingAt, search }: Pick<Props, "segment" | "playingAt" | "search">) {
  const words = useMemo(() => timedWords(segment), [segment]);
  return words.map(({ text, at, begin, end }) => (
    <span key={at} className={wordClass(text, search, playingAt !== null && playingAt >= begin && playingAt < end)}>
      {text}{" "}
    </span>
  ));
}

/** The place in the text of the letter that was pointed at. */
function letterAt({ clientX, clientY, currentTarget }: MouseEvent<HTMLElement>): number | null {
  const place = document.caretPositionFromPoint?.(clientX, clientY);
  const range = place ? null : document.caretRangeFromPoint?.(clientX, clientY);
  const node = place?.offsetNode ?? range?.startContainer;
  if (!node || !currentTarget.contains(node)) return null;
  const before = document.createRange();
  before.setStart(currentTarget, 0);
  before.setEnd(node, place?.offset ?? range?.startOffset ?? 0);
  return before.toString().length;
}

function standIn({ placeholder, text }: Segment): string {
  if (placeholder === "waiting") return "Waiting for the transcription service…";
  if (placeholder === "failed") return "This part could not be transcribed.";
  return text || "…";
}

/** The words of a segment, each with its place in the text and its time. */
function timedWords({ text, start_ms, end_ms, words }: Segment) {
  const pieces = [...text.matchAll(/\S+/g)].map((found) => ({ text: found[0], at: found.index }));
  const spans = spansOf(pieces, { begin: start_ms, end: Math.max(start_ms, end_ms) }, words ?? []);
  return pieces.map((piece, at) => ({ ...piece, begin: spans[at]?.begin ?? start_ms, end: spans[at]?.end ?? end_ms }));
}

function wordClass(text: string, search: string, isHeard: boolean): string | undefined {
  const wanted = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = wanted.some((word) => text.toLowerCase().includes(word));
  return [isHeard && "heard", isFound && "found"].filter(Boolean).join(" ") || undefined;
}
