// What to say now: the gravest pushback that waits for an answer, large enough to read while talking; what was met or
// put away in a line each. And what to ask next.

import { useEffect, useState } from "react";
import { api, body, wordsOf } from "../../api/client";
import type { Card, Verdict } from "../../api/types";
import type { CallView } from "../../live/view";
import { useMe } from "../../permissions";
import { tell } from "../../ui/toasts";
import { clock } from "../../words";
import { Quote, type Show } from "./links";

const OPEN_CARDS = 3;
const verdicts: [Verdict, string][] = [
  ["used", "Used"],
  ["helpful", "Helpful"],
  ["not_helpful", "Not helpful"],
  ["dismissed", "Dismiss"],
];
const states: Partial<Record<Card["status"], string>> = {
  answered: "answered",
  resolved: "resolved",
  reopened: "said again",
  dismissed: "put away",
};

interface Props {
  view: CallView;
  onShow: Show;
  isLive: boolean;
}

export function Cards({ view, onShow, isLive }: Props) {
  const mine = useMyVerdicts(view);
  const sorted = [...view.cards.values()].sort(
    (a, b) => b.evidence.start_ms - a.evidence.start_ms || rank(b) - rank(a),
  );
  const waits = (card: Card) => ["active", "reopened"].includes(card.status) && mine.of(card) !== "dismissed";
  const open = isLive
    ? sorted
        .filter(waits)
        .sort((a, b) => rank(b) - rank(a))
        .slice(0, OPEN_CARDS)
    : [];
  const earlier = sorted.filter((card) => !open.includes(card));
  // The question of a card stands on the card.
  const wanted = isLive ? view.progress?.next_question : null;
  const question = open.some((card) => card.follow_up === wanted) ? null : wanted;
  return (
    <section className={isLive ? "panel advice" : "advice"} aria-labelledby="cards-title">
      <h2 id="cards-title" className="panel-title">
        {isLive ? "What to say now" : "Pushback and answers"}
      </h2>
      {/* What is read after the call is no news. */}
      <div className="cards" aria-live={isLive ? "polite" : "off"} aria-relevant="additions text">
        {open.map((card) => (
          <article key={card.id} className={`card ${card.severity}`} data-card={card.id}>
            <h3>
              {card.label}
              {card.status === "reopened" && <span className="card-state">said again</span>}
              {card.severity === "high" && <span className="risk">High risk</span>}
            </h3>
            <CardWords card={card} onShow={onShow} mine={mine} />
          </article>
        ))}
      </div>
      {/* Where nothing waits for an answer, the question is what one reads. */}
      {question && (
        <p className={open.length === 0 ? "next first" : "next"}>
          <span>Ask next</span> <strong>{question}</strong>
        </p>
      )}
      {sorted.length === 0 && (
        <p className="quiet-text">
          {isLive ? "A card appears here the moment the customer pushes back." : "The customer did not push back."}
        </p>
      )}
      {earlier.length > 0 && (
        <div className="earlier-cards">
          {isLive && <h3 className="quiet-title">Earlier</h3>}
          {earlier.map((card) => (
            <details key={card.id} className={`card ${card.severity}`} data-card={card.id}>
              <summary>
                {card.label}
                <span className="card-state">
                  {clock(card.evidence.start_ms)}
                  {states[card.status] && ` · ${states[card.status]}`}
                </span>
              </summary>
              <CardWords card={card} onShow={onShow} mine={mine} />
            </details>
          ))}
        </div>
      )}
    </section>
  );
}

const rank = (card: Card) => ["low", "medium", "high"].indexOf(card.severity);

function CardWords({ card, onShow, mine }: { card: Card; onShow: Show; mine: MyVerdicts }) {
  return (
    <div className="card-words">
      <p className="say">{card.say}</p>
      {card.follow_up && <p className="ask">{card.follow_up}</p>}
      {card.facts && card.facts.length > 0 && (
        <details className="card-facts">
          <summary>To lean on</summary>
          <ul>
            {card.facts.map((fact) => (
              <li key={fact}>{fact}</li>
            ))}
          </ul>
        </details>
      )}
      <Quote
        place={card.evidence}
        quote={card.evidence.quote}
        more={card.source === "model" ? " · worded by the model" : ""}
        onShow={onShow}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: a row of buttons is no fieldset */}
      <div className="verdicts" role="group" aria-label={`What you think of “${card.label}”`}>
        {verdicts.map(([verdict, label]) => {
          const count = (card.feedback ?? []).filter((given) => given.verdict === verdict).length;
          const isMine = mine.of(card) === verdict;
          return (
            <button
              key={verdict}
              type="button"
              className="verdict"
              aria-pressed={isMine}
              onClick={() => mine.give(card, isMine ? null : verdict)}
            >
              {label}
              {count > 1 && <span className="verdict-count"> · {count}</span>}
            </button>
          );
        })}
      </div>
    </div>
  );
}

interface MyVerdicts {
  of(card: Card): Verdict | null;
  give(card: Card, verdict: Verdict | null): void;
}

/** What this person thinks of the cards: at once on the page, then as the stack has it. */
function useMyVerdicts(view: CallView): MyVerdicts {
  const principal = useMe()?.principal;
  const [given, setGiven] = useState<Map<string, Verdict | null>>(new Map());
  // What the stack tells counts from then on.
  useEffect(() => {
    setGiven((now) => {
      const left = [...now].filter(([id, verdict]) => stored(view.cards.get(id), principal) !== verdict);
      return left.length === now.size ? now : new Map(left);
    });
  }, [view.version, principal]);
  const give = async (card: Card, verdict: Verdict | null) => {
    setGiven((now) => new Map(now).set(card.id, verdict));
    const params = { path: { id: view.id, card: card.id } };
    try {
      if (verdict) await body(api.PUT("/v1/calls/{id}/cards/{card}/feedback", { params, body: { verdict } }));
      else await body(api.DELETE("/v1/calls/{id}/cards/{card}/feedback", { params }));
    } catch (error) {
      setGiven((now) => new Map([...now].filter(([id]) => id !== card.id)));
      tell(wordsOf(error), true);
    }
  };
  const of = (card: Card) => (given.has(card.id) ? (given.get(card.id) ?? null) : stored(card, principal));
  return { of, give };
}

const stored = (card: Card | undefined, principal: string | undefined): Verdict | null =>
  card?.feedback?.findLast((one) => one.principal === principal)?.verdict ?? null;
