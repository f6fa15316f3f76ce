// What is heard of the call, with a bar that leads anywhere in it.

import { Pause, Play, X } from "lucide-react";
import type { Player } from "../../live/player";
import { useStore } from "../../store";
import { clock } from "../../words";

export function PlayerBar({ player, duration }: { player: Player; duration: number }) {
  const { state, at, problem } = useStore(player.state);
  if (state === "idle" && at === 0 && !problem) return null;
  const isPlaying = state === "playing" || state === "loading";
  return (
    <section className="player" aria-label="Playback">
      <button
        type="button"
        className="button icon"
        aria-label={isPlaying ? "Pause" : "Play"}
        onClick={() => (state === "idle" ? player.play(at) : player.toggle())}
      >
        {isPlaying ? <Pause aria-hidden="true" size={16} /> : <Play aria-hidden="true" size={16} />}
      </button>
      <input
        type="range"
        aria-label="Place in the call"
        aria-valuetext={clock(at)}
        min={0}
        max={Math.max(duration, at)}
        step={1000}
        value={at}
        onChange={(event) => player.play(Number(event.target.value))}
      />
      <span className="number">
        {clock(at)} / {clock(duration)}
      </span>
      <button type="button" className="button quiet icon" aria-label="Close playback" onClick={() => player.close()}>
        <X aria-hidden="true" size={16} />
      </button>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
