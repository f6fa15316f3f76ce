// How far the recordings are that this page hands in.

import { X } from "lucide-react";
import { Link } from "react-router";
import { useStore } from "../store";
import { plural, size } from "../words";
import { clearDone, sendAgain, type Upload, uploads } from "./uploads";

export function UploadsPanel() {
  const all = useStore(uploads);
  if (all.length === 0) return null;
  const open = all.filter((upload) => upload.state !== "done" && upload.state !== "failed").length;
  return (
    <section className="uploads" aria-label="Recordings that are handed in">
      <div className="uploads-head">
        <h2>{open > 0 ? `${plural(open, "recording")} on the way` : "Recordings"}</h2>
        {open < all.length && (
          <button type="button" className="button quiet icon" aria-label="Clear the list" onClick={clearDone}>
            <X aria-hidden="true" size={16} />
          </button>
        )}
      </div>
      <ul>
        {all.map((upload) => (
          <Row key={upload.call} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

const doing = { waiting: "Waiting", sending: "Sending", processing: "Transcribing", done: "Done", failed: "Failed" };

function Row({ upload }: { upload: Upload }) {
  const { call, name, bytes, state, percent, problem } = upload;
  const isBusy = state === "sending" || state === "processing";
  return (
    <li className="upload" data-state={state}>
      <div className="upload-line">
        <span className="upload-name">{name}</span>
        <span className="upload-state">
          {doing[state]}
          {isBusy ? ` ${percent} %` : ""}
        </span>
      </div>
      {isBusy && <progress max={100} value={percent} aria-label={`${doing[state]} ${name}`} />}
      {problem && <p className="problem">{problem}</p>}
      <div className="upload-line">
        <span className="hint">{size(bytes)}</span>
        {state === "done" && <Link to={`/calls/${call}`}>Open the call</Link>}
        {state === "failed" && (
          <button type="button" className="button small" onClick={() => sendAgain(call)}>
            Send again
          </button>
        )}
      </div>
    </li>
  );
}
