// How far a recorded call is, and what of it has no text.

import type { Recording } from "../../api/types";
import { clock, plural } from "../../words";

const doing = {
  awaited: "Waiting for its audio",
  uploaded: "Its audio is there",
  queued: "Waiting to be transcribed",
  transcribing: "Being transcribed",
  done: "",
  failed: "",
};

export function RecordingNotice({ recording }: { recording: Recording }) {
  const { state, percent, reason, missing, expected_end_ms: expected } = recording;
  if (state === "failed") {
    return (
      <p className="notice bad" role="alert">
        Nothing came of this recording{reason ? `: ${reason}` : ""}. Hand it in again, or another file.
      </p>
    );
  }
  if (state === "done") {
    if (!missing || missing.length === 0) return null;
    const places = missing.map((part) => `${clock(part.from_ms)}–${clock(part.to_ms)}`).join(", ");
    return (
      <p className="notice warn">
        {plural(missing.length, "part")} could not be transcribed: {places}.
      </p>
    );
  }
  return (
    <div className="notice" role="status">
      <p>
        {doing[state]}: {percent} %
        {expected
          ? `, done at about ${new Date(expected).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`
          : ""}
      </p>
      <progress max={100} value={percent} aria-label="How far the recording is" />
    </div>
  );
}
