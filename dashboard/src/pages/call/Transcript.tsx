// What was said, from both sides: drawn only where it is looked at, following the talk until somebody scrolls away.

import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Segment } from "../../api/types";
import type { Player } from "../../live/player";
import { segmentKey } from "../../live/view";
import { useStore } from "../../store";
import { SearchInput } from "../../ui/forms";
import type { Place } from "./links";
import { SegmentRow } from "./SegmentRow";

const NEAR_END_PX = 90;
const FLASH_MS = 2_200;
const GUESS_PX = 78;

interface Props {
  said: Segment[];
  version: number;
  isLive: boolean;
  wanted: { place: Place } | null;
  player: Player;
}

export function Transcript({ said, isLive, wanted, player }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [flash, setFlash] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const playing = useStore(player.state);
  const rows = useVirtualizer({
    count: said.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => GUESS_PX,
    getItemKey: (at) => segmentKey(said[at] ?? { start_ms: at, channel: "none" }),
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 12,
  });

  const follows = useRef(isLive);
  const onScroll = () => {
    const box = scroll.current;
    if (!box) return;
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    follows.current = near;
    setAtEnd(near);
  };
  const toEnd = useCallback(() => {
    follows.current = true;
    if (said.length > 0) rows.scrollToIndex(said.length - 1, { align: "end" });
  }, [rows, said.length]);
  const height = rows.getTotalSize();
  // A call that is spoken is followed, one that is over is read from its beginning.
  useLayoutEffect(() => {
    if (isLive && follows.current && scroll.current) scroll.current.scrollTop = scroll.current.scrollHeight;
  }, [height, isLive, said.length]);

  const showAt = useCallback(
    (at: number) => {
      const segment = said[at];
      if (!segment) return;
      follows.current = false;
      rows.scrollToIndex(at, { align: "center" });
      setFlash(segmentKey(segment));
      scroll.current?.scrollIntoView({ block: "nearest" });
    },
    [rows, said],
  );
  const latest = useRef({ said, showAt });
  latest.current = { said, showAt };
  useEffect(() => {
    if (!wanted) return;
    const key = segmentKey(wanted.place);
    latest.current.showAt(latest.current.said.findIndex((segment) => segmentKey(segment) === key));
  }, [wanted]);
  useEffect(() => {
    if (!flash) return;
    const timer = setTimeout(() => setFlash(null), FLASH_MS);
    return () => clearTimeout(timer);
  }, [flash]);

  const nowPlaying = playing.state === "idle" ? null : playing.at;
  return (
    <div className="transcript">
      <div className="panel-head">
        <h2>Transcript</h2>
        <Find said={said} search={search} onSearch={setSearch} onShow={showAt} />
      </div>
      <div
        className="scroll"
        ref={scroll}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so a keyboard must reach it
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="What was said"
      >
        {said.length === 0 && (
          <p className="quiet-text">
            {isLive
              ? "Nothing was said yet. The text of a sentence appears when its speaker pauses."
              : "Nothing was said, or nothing of it was understood."}
          </p>
        )}
        <ol className="segments" style={{ height }}>
          {rows.getVirtualItems().map((row) => {
            const segment = said[row.index];
            if (!segment) return null;
            const key = segmentKey(segment);
            const isPlaying = nowPlaying !== null && nowPlaying >= segment.start_ms && nowPlaying < segment.end_ms;
            return (
              <li
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className="row"
                style={{ transform: `translateY(${row.start}px)` }}
                aria-setsize={said.length}
                aria-posinset={row.index + 1}
              >
                <SegmentRow
                  segment={segment}
                  flash={flash === key}
                  playingAt={isPlaying ? nowPlaying : null}
                  search={search}
                  player={player}
                />
              </li>
            );
          })}
        </ol>
      </div>
      {!isAtEnd && isLive && (
        <button type="button" className="button latest" onClick={toEnd}>
          <ArrowDown aria-hidden="true" size={16} /> Jump to the latest
        </button>
      )}
    </div>
  );
}

interface FindProps {
  said: Segment[];
  search: string;
  onSearch: (search: string) => void;
  onShow: (at: number) => void;
}

/** Looks for words in what was said; Enter leads from place to place. */
function Find({ said, search, onSearch, onShow }: FindProps) {
  const [turn, setTurn] = useState(0);
  const found = useMemo(() => {
    const words = search.trim().toLowerCase();
    if (!words) return [];
    return said.flatMap((segment, at) => (segment.text.toLowerCase().includes(words) ? [at] : []));
  }, [said, search]);
  const go = (step: number) => {
    if (found.length === 0) return;
    const next = (turn + step + found.length) % found.length;
    setTurn(next);
    onShow(found[next] ?? 0);
  };
  return (
    <search className="find">
      <SearchInput
        aria-label="Find in the transcript; Enter shows the next place"
        placeholder="Find"
        value={search}
        onChange={(event) => {
          onSearch(event.target.value);
          setTurn(-1);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
        }}
      />
      {search.trim() && (
        <span className="find-count" role="status">
          {found.length === 0 ? "None" : `${Math.max(0, turn) + 1}/${found.length}`}
        </span>
      )}
    </search>
  );
}
