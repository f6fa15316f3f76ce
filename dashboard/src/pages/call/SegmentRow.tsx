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
  const words = useMemo(() => timedWords(segment), [segment]);
  const isPlaying = playingAt !== null;
  const classes = ["segment", segment.channel, !segment.final && "waiting", flash && "flash", isPlaying && "playing"];
  const play = () => (isPlaying ? player.toggle() : player.play(segment.start_ms, segment.end_ms));
  // A word is a place to begin from for whoever points at it; the keyboard has the button and the bar below.
  const playFrom = (event: MouseEvent<HTMLElement>) => {
    const at = event.target instanceof HTMLElement ? event.target.dataset.at : undefined;
    if (at !== undefined && getSelection()?.isCollapsed) player.play(Number(at));
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
          {words.map(({ text, begin, end }, at) => (
            <span
              key={at}
              data-at={begin}
              className={wordClass(text, search, playingAt !== null && playingAt >= begin && playingAt < end)}
            >
              {text}{" "}
            </span>
          ))}
        </p>
      ) : (
        <p className="said">{standIn(segment)}</p>
      )}
    </article>
  );
});

function standIn({ placeholder, text }: Segment): string {
  if (placeholder === "waiting") return "Waiting for the transcription service…";
  if (placeholder === "failed") return "This part could not be transcribed.";
  return text || "…";
}

function timedWords({ text, start_ms, end_ms, words }: Segment) {
  const pieces = text
    .split(/\s+/)
    .filter(Boolean)
    .map((piece) => ({ text: piece }));
  const spans = spansOf(pieces, { begin: start_ms, end: Math.max(start_ms, end_ms) }, words ?? []);
  return pieces.map((piece, at) => ({ ...piece, begin: spans[at]?.begin ?? start_ms, end: spans[at]?.end ?? end_ms }));
}

function wordClass(text: string, search: string, isHeard: boolean): string | undefined {
  const wanted = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = wanted.some((word) => text.toLowerCase().includes(word));
  return [isHeard && "heard", isFound && "found"].filter(Boolean).join(" ") || undefined;
}
