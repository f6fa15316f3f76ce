// The call that is captured on this page, wherever one is: how loud it is, how far its audio got, pause and stop.

import { Mic, Pause, Play, Square } from "lucide-react";
import { Link } from "react-router";
import { wordsOf } from "../api/client";
import { useStore } from "../store";
import { tell } from "../ui/toasts";
import { useNow } from "../ui/useNow";
import { clock, plural } from "../words";
import { type Capture, capture, giveUp, pauseCapture, shareAgain, stopCapture } from "./capture";

const FRAME_S = 0.25;
/** What waits for less is on its way. */
const LATE_S = 6;

export function CaptureBar() {
  const now = useStore(capture);
  if (!now) return null;
  return (
    <section
      className="capture"
      aria-label="The call on this device"
      data-state={now.connected && !now.unheard ? "open" : "lost"}
    >
      <p className="capture-what">
        <Mic aria-hidden="true" size={17} />
        {now.failure ? "The call could not go on" : <Link to={`/calls/${now.call}`}>{title(now)}</Link>}
        {now.phase === "listening" && <Elapsed since={now.startedAt} />}
      </p>
      {now.phase === "listening" && !now.failure && <Levels levels={now.levels} />}
      <p className="capture-how" role="status">
        {standing(now)}
      </p>
      <Buttons now={now} />
    </section>
  );
}

function title({ phase, isDemo, paused }: Capture) {
  if (phase === "finishing") return "Sending the rest of the call";
  if (paused) return "Paused: silence is sent";
  return isDemo ? "Demo call" : "Listening";
}

/** Whether all that was said is safe, and what becomes of it where it is not yet. */
function standing(now: Capture): string {
  if (now.failure) return now.failure;
  const late = now.waiting * FRAME_S;
  if (!now.connected) {
    return late > 0
      ? `No connection. ${plural(Math.ceil(late), "second")} of audio kept on this device; sent when it is back.`
      : "Connecting";
  }
  if (now.phase === "finishing") return late > 0 ? `${plural(Math.ceil(late), "second")} left to send` : "Finishing";
  if (now.unheard) return "Only you are heard: what you shared has ended.";
  return late > LATE_S ? `Catching up: ${plural(Math.ceil(late), "second")} left to send` : "";
}

function Buttons({ now }: { now: Capture }) {
  if (now.failure) {
    return (
      <button type="button" className="button small" onClick={giveUp}>
        Close
      </button>
    );
  }
  if (now.phase === "finishing") {
    if (now.connected) return null;
    return (
      <button type="button" className="button small" onClick={giveUp}>
        Give up the rest
      </button>
    );
  }
  return (
    <div className="capture-buttons">
      {now.unheard && (
        <button
          type="button"
          className="button small primary"
          onClick={() => shareAgain().catch((error) => tell(wordsOf(error), true))}
        >
          Share again
        </button>
      )}
      {!now.isDemo && (
        <button type="button" className="button small" onClick={() => pauseCapture(!now.paused)}>
          {now.paused ? <Play aria-hidden="true" size={15} /> : <Pause aria-hidden="true" size={15} />}
          <span className="button-words">{now.paused ? "Go on" : "Pause"}</span>
        </button>
      )}
      <button type="button" className="button small danger" onClick={() => stopCapture()}>
        <Square aria-hidden="true" size={13} />
        {now.isDemo ? "Stop the demo" : "End the call"}
      </button>
    </div>
  );
}

function Elapsed({ since }: { since: number }) {
  return <span className="capture-time">{clock(Math.max(0, useNow(1000) - since))}</span>;
}

const SIDES = ["You", "Customer"];

function Levels({ levels }: { levels: number[] }) {
  return (
    <div className="levels">
      {levels.map((level, side) => (
        <meter
          key={SIDES[side]}
          className="level"
          min={0}
          max={1}
          value={loudness(level)}
          aria-label={`${SIDES[side]}: how loud`}
          title={SIDES[side]}
        />
      ))}
    </div>
  );
}

// From −50 dB up, which is how loudness is heard.
const loudness = (level: number) => (level > 0 ? Math.max(0, 1 + (20 * Math.log10(level)) / 50) : 0);
