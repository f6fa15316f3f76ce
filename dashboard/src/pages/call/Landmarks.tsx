// What the call must reach, as a list that is ticked off while people talk, each with the words that show it.

import { Check } from "lucide-react";
import type { CallView } from "../../live/view";
import { Quote, type Show } from "./links";

const said = { open: "Open: ", started: "Begun: ", done: "Reached: ", reopened: "Open again: " };

interface Props {
  view: CallView;
  onShow: Show;
  isLive: boolean;
}

export function Landmarks({ view, onShow, isLive }: Props) {
  const { progress, notes } = view;
  const why = new Map(notes?.missed.map((landmark) => [landmark.id, landmark.why]));
  return (
    <section className={isLive ? "panel goals" : "goals"} aria-labelledby="goals-title">
      <div className="goals-head">
        <h2 id="goals-title" className="panel-title">
          Landmarks
        </h2>
        {progress && <p className="percent">{progress.percent} %</p>}
      </div>
      {progress ? (
        <>
          <progress max={100} value={progress.percent} aria-labelledby="goals-title" />
          <ul className="landmarks">
            {progress.landmarks.map((landmark) => (
              <li key={landmark.id} className={`landmark ${landmark.state}`}>
                <span className="tick" aria-hidden="true">
                  {landmark.state === "done" && <Check size={12} strokeWidth={3.5} />}
                  {landmark.state === "reopened" && "!"}
                </span>
                <span className="landmark-label">
                  <span className="hidden">{said[landmark.state]}</span>
                  {landmark.label}
                  {landmark.state === "started" && <span className="landmark-state">begun</span>}
                  {landmark.state === "reopened" && <span className="landmark-state">open again</span>}
                  {!landmark.required && <span className="landmark-state">optional</span>}
                </span>
                {landmark.evidence ? (
                  <Quote place={landmark.evidence} quote={landmark.evidence.quote} onShow={onShow} />
                ) : (
                  !isLive && why.get(landmark.id) && <span className="landmark-why">{why.get(landmark.id)}</span>
                )}
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p className="quiet-text">
          {isLive ? "The list appears with the first words." : "Nothing was said, so nothing was reached."}
        </p>
      )}
    </section>
  );
}
