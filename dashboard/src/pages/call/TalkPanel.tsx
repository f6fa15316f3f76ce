// Who talked how much, who cut in, and how it sounded over time.

import { scaleLinear } from "d3-scale";
import { curveMonotoneX, line } from "d3-shape";
import { type RefObject, useEffect, useRef, useState } from "react";
import type { Channel, Notes } from "../../api/types";
import type { CallView } from "../../live/view";
import { clock, speaker } from "../../words";
import type { Show } from "./links";

const HEIGHT = 150;
const EDGE = { left: 30, right: 8, top: 8, bottom: 22 };
const SIDES: Channel[] = ["agent", "customer"];

export function TalkPanel({ view, onShow }: { view: CallView; onShow: Show }) {
  const { notes } = view;
  if (!notes) return <p className="quiet-text">The shares are known once the notes are there.</p>;
  return (
    <div className="talk-panel">
      <Shares notes={notes} />
      <Sentiment notes={notes} duration={view.call?.duration_ms ?? 0} onShow={onShow} view={view} />
    </div>
  );
}

function Shares({ notes }: { notes: Notes }) {
  const { agent_percent: agent, agent_ms, customer_ms } = notes.talk;
  if (agent === null || agent === undefined) return <p className="quiet-text">Nobody spoke.</p>;
  return (
    <section>
      <h3>Share of the talk</h3>
      <svg
        className="shares"
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Agent ${agent} %, customer ${100 - agent} %`}
      >
        <rect className="share agent" x="0" y="0" width={agent} height="8" />
        <rect className="share customer" x={agent} y="0" width={100 - agent} height="8" />
      </svg>
      <dl className="facts-list">
        <div>
          <dt>Agent</dt>
          <dd>
            {agent} % · {clock(agent_ms)}
          </dd>
        </div>
        <div>
          <dt>Customer</dt>
          <dd>
            {100 - agent} % · {clock(customer_ms)}
          </dd>
        </div>
        {notes.interruptions && (
          <div>
            <dt>Cut in</dt>
            <dd>
              agent {notes.interruptions.agent}×, customer {notes.interruptions.customer}×
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

interface SentimentProps {
  notes: Notes;
  duration: number;
  view: CallView;
  onShow: Show;
}

function Sentiment({ notes, duration, view, onShow }: SentimentProps) {
  const [chart, width] = useWidth();
  const spans = notes.sentiment ?? [];
  if (spans.length === 0) return null;
  const end = Math.max(duration, ...spans.map((span) => span.to_ms));
  const x = scaleLinear([0, end], [EDGE.left, width - EDGE.right]);
  const y = scaleLinear([-100, 100], [HEIGHT - EDGE.bottom, EDGE.top]);
  const path = line<(typeof spans)[number]>()
    .x((span) => x((span.from_ms + span.to_ms) / 2))
    .y((span) => y(span.score))
    .curve(curveMonotoneX);
  const of = (channel: Channel) => spans.filter((span) => span.channel === channel);
  // The first that was said within a stretch.
  const showSpan = (span: (typeof spans)[number]) => {
    const first = view.said.find((segment) => segment.channel === span.channel && segment.end_ms > span.from_ms);
    if (first) onShow(first);
  };
  return (
    <section>
      <h3>How it sounded</h3>
      <svg className="chart" ref={chart} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={told(spans)}>
        {[-100, 0, 100].map((score) => (
          <line
            key={score}
            className={score === 0 ? "axis zero" : "axis"}
            x1={EDGE.left}
            x2={width - EDGE.right}
            y1={y(score)}
            y2={y(score)}
          />
        ))}
        <text className="tick-label" x={EDGE.left - 6} y={y(100) + 8} textAnchor="end">
          +
        </text>
        <text className="tick-label" x={EDGE.left - 6} y={y(-100) + 2} textAnchor="end">
          −
        </text>
        {x.ticks(width > 300 ? 4 : 2).map((ms) => (
          <text key={ms} className="tick-label" x={x(ms)} y={HEIGHT - 6} textAnchor="middle">
            {clock(ms)}
          </text>
        ))}
        {SIDES.map((channel) => (
          <path key={channel} className={`curve ${channel}`} d={path(of(channel)) ?? ""} />
        ))}
        {spans.map((span) => (
          <circle
            key={`${span.channel} ${span.from_ms}`}
            className={`point ${span.channel}`}
            cx={x((span.from_ms + span.to_ms) / 2)}
            cy={y(span.score)}
            r={4}
          />
        ))}
      </svg>
      <p className="legend">
        <span className="key agent">Agent</span>
        <span className="key customer">Customer</span>
      </p>
      <details className="chart-table">
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Who</th>
              <th scope="col">Score</th>
            </tr>
          </thead>
          <tbody>
            {spans.map((span) => (
              <tr key={`${span.channel} ${span.from_ms}`}>
                <td>
                  <button type="button" className="place" onClick={() => showSpan(span)}>
                    {clock(span.from_ms)}
                  </button>
                </td>
                <td>{speaker(span.channel)}</td>
                <td className="number">{span.score > 0 ? `+${span.score}` : span.score}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

/** How wide an element is, so that its letters stay as large as others. */
function useWidth(): [RefObject<SVGSVGElement | null>, number] {
  const element = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(400);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(160, entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

function told(spans: NonNullable<Notes["sentiment"]>): string {
  const last = (channel: Channel) => spans.findLast((span) => span.channel === channel)?.score;
  const words = SIDES.flatMap((channel) => {
    const score = last(channel);
    return score === undefined ? [] : [`${channel} ends at ${score}`];
  });
  return `Sentiment from −100 to 100 over the call: ${words.join(", ")}. The table below has all of it.`;
}
