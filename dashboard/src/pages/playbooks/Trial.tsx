// What a playbook would have made of a past call. Nothing of it is stored.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../../api/client";
import type { PlaybookTrial } from "../../api/types";
import { Select } from "../../ui/forms";
import { Failure } from "../../ui/states";
import { clock, moment, sentence } from "../../words";

export function Trial({ text, isValid }: { text: string; isValid: boolean }) {
  const [call, setCall] = useState("");
  const calls = useQuery({
    queryKey: ["calls-to-try"],
    queryFn: () => body(api.GET("/v1/calls", { params: { query: { status: "ended", limit: 50 } } })),
  });
  const trial = useMutation({
    mutationFn: () => body(api.POST("/v1/playbooks/try", { body: { playbook: { yaml: text }, call } as never })),
  });
  const all = calls.data?.calls ?? [];
  return (
    <section className="panel" aria-labelledby="trial-title">
      <h2 id="trial-title" className="panel-title">
        Try it on a past call
      </h2>
      {all.length === 0 ? (
        <p className="quiet-text">There is no past call to try it on yet.</p>
      ) : (
        <div className="stack">
          <Select label="Call" value={call} onChange={(event) => setCall(event.target.value)}>
            <option value="">Choose a call</option>
            {all.map((one) => (
              <option key={one.call} value={one.call}>
                {moment(one.started_at_ms)} · {one.file_name ?? sentence(one.playbook)} · {clock(one.duration_ms)}
              </option>
            ))}
          </Select>
          <button
            type="button"
            className="button"
            disabled={!call || !isValid || trial.isPending}
            onClick={() => trial.mutate()}
          >
            {trial.isPending ? "Trying" : "Try it"}
          </button>
        </div>
      )}
      {trial.isError && <Failure error={trial.error} />}
      {trial.data && <Outcome trial={trial.data} />}
    </section>
  );
}

function Outcome({ trial }: { trial: PlaybookTrial }) {
  const { progress, cards, findings } = trial;
  return (
    <div className="outcome" aria-live="polite">
      <h3>Landmarks: {progress.percent} %</h3>
      <ul className="notes-list">
        {progress.landmarks.map((landmark) => (
          <li key={landmark.id} className={landmark.state === "done" ? "" : "missed"}>
            <span>
              {landmark.state === "done" ? "✓ " : ""}
              {landmark.label}
            </span>
            {landmark.evidence && <span className="quiet-text">“{landmark.evidence.quote}”</span>}
          </li>
        ))}
      </ul>
      <h3>{cards.length === 0 ? "No card" : "Cards"}</h3>
      <ul className="notes-list">
        {cards.map((card) => (
          <li key={card.id}>
            <span>{card.label}</span>
            <span className="quiet-text">
              {clock(card.evidence.start_ms)} “{card.evidence.quote}”
            </span>
          </li>
        ))}
      </ul>
      <p className="hint">{findings.length} findings of the rules in all.</p>
    </div>
  );
}
