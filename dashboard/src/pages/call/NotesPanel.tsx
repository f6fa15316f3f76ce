// The notes of a call: each thing with the words that show it.

import type { Link, Notes } from "../../api/types";
import type { CallView } from "../../live/view";
import { sentence, speaker } from "../../words";
import { PlaceLink, Quote, type Show } from "./links";

export function NotesPanel({ view, onShow }: { view: CallView; onShow: Show }) {
  const { notes, call } = view;
  if (!notes) {
    return (
      <p className="quiet-text">
        {call?.status === "processing"
          ? "Notes are written when the recording is transcribed."
          : "The notes are being written."}
      </p>
    );
  }
  return (
    <div className="notes">
      {notes.quality?.low && (
        <div className="notice warn">
          <p>Much of this call was hard to understand, so these notes may be wrong.</p>
          {notes.quality.problems?.length > 0 && (
            <ul>
              {notes.quality.problems.map((problem: string) => (
                <li key={problem}>{sentence(problem)}</li>
              ))}
            </ul>
          )}
        </div>
      )}
      <p className="summary">{notes.summary}</p>
      <p className="hint">
        Written by {notes.source === "model" ? "the language model, upon what the rules found" : "the rules"}
        {notes.scorecard && notes.scorecard.parts.length > 0 && ` · score ${notes.scorecard.score} of 100`}
      </p>
      <Items title="Agreed" items={notes.agreements} onShow={onShow} />
      <Items
        title="To do"
        items={notes.actions?.map((action) => ({ ...action, text: `${sentence(action.owner)}: ${action.text}` }))}
        onShow={onShow}
      />
      <Items title="What hurts" items={notes.pain_points} onShow={onShow} />
      <Items title="Left open" items={notes.open_questions} onShow={onShow} />
      <Objections notes={notes} onShow={onShow} />
      <Reached notes={notes} onShow={onShow} />
      <Entities notes={notes} onShow={onShow} />
      <DiaryNotes notes={notes} onShow={onShow} />
      <Score notes={notes} />
    </div>
  );
}

interface Item {
  text: string;
  due?: string | null;
  quote: string;
  links: Link[];
}

function Items({ title, items, onShow }: { title: string; items: Item[] | undefined; onShow: Show }) {
  if (!items || items.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="notes-list">
        {items.map((item, at) => (
          <li key={at}>
            <span>
              {item.text}
              {item.due && <span className="due">{item.due}</span>}
            </span>
            {item.links[0] && <Said item={item} place={item.links[0]} onShow={onShow} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Where it was said; and how, unless that is what stands there already. */
function Said({ item, place, onShow }: { item: Item; place: Link; onShow: Show }) {
  if (item.text.endsWith(item.quote)) return <PlaceLink place={place} onShow={onShow} />;
  return <Quote place={place} quote={item.quote} onShow={onShow} />;
}

const outcomes = { answered: "answered", resolved: "resolved", unanswered: "not answered" };

function Objections({ notes, onShow }: { notes: Notes; onShow: Show }) {
  if (notes.objections.length === 0) return null;
  return (
    <section>
      <h3>Pushback</h3>
      <ul className="notes-list">
        {notes.objections.map((objection) => (
          <li key={objection.id}>
            <span>
              {objection.label}
              {objection.met && (
                <span className={`due ${objection.met.outcome}`}>{outcomes[objection.met.outcome]}</span>
              )}
            </span>
            <Quote place={objection.evidence} quote={objection.evidence.quote} onShow={onShow} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Reached({ notes, onShow }: { notes: Notes; onShow: Show }) {
  if (notes.missed.length === 0 && notes.reached.length === 0) return null;
  return (
    <section>
      <h3>Landmarks: {notes.percent} %</h3>
      <ul className="notes-list">
        {notes.reached.map((landmark) => (
          <li key={landmark.id}>
            <span>✓ {landmark.label}</span>
            <Quote place={landmark.evidence} quote={landmark.evidence.quote} onShow={onShow} />
          </li>
        ))}
        {notes.missed.map((landmark) => (
          <li key={landmark.id} className="missed">
            <span>
              {landmark.label}
              {landmark.required && <span className="due">missed</span>}
            </span>
            {landmark.why && <span className="landmark-why">{landmark.why}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

const kinds = { person: "People", organization: "Organizations", amount: "Amounts", date: "Dates" };

function Entities({ notes, onShow }: { notes: Notes; onShow: Show }) {
  const all = notes.entities ?? [];
  const groups = Object.entries(kinds).flatMap(([kind, title]) => {
    const entities = all.filter((entity) => entity.kind === kind);
    return entities.length > 0 ? [{ title, entities }] : [];
  });
  if (groups.length === 0) return null;
  return (
    <section>
      <h3>Named</h3>
      <dl className="entities">
        {groups.map(({ title, entities }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>
              {entities.map((entity) => (
                <span key={entity.text} className="entity">
                  {entity.text} {entity.links[0] && <PlaceLink place={entity.links[0]} onShow={onShow} />}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function DiaryNotes({ notes, onShow }: { notes: Notes; onShow: Show }) {
  const { diary } = notes;
  if (!diary) return null;
  return (
    <>
      <h3>{diary.title}</h3>
      <Items title="About" items={diary.topics} onShow={onShow} />
      <Items title="Done" items={diary.done} onShow={onShow} />
      <Items title="Still to do" items={diary.todo} onShow={onShow} />
      {diary.mood && <Items title="Mood" items={[diary.mood]} onShow={onShow} />}
    </>
  );
}

function Score({ notes }: { notes: Notes }) {
  const parts = notes.scorecard?.parts ?? [];
  const longest = notes.longest_monologue;
  if (parts.length === 0 && !longest) return null;
  return (
    <section>
      <h3>Score</h3>
      <ul className="score">
        {parts.map((part) => (
          <li key={part.id}>
            <span className="score-label">{part.label}</span>
            <meter min={0} max={part.of} value={part.points} aria-label={part.label} />
            <span className="number">
              {part.points}/{part.of}
            </span>
            <span className="hint">{part.why}</span>
          </li>
        ))}
      </ul>
      {longest && (
        <p className="hint">
          Longest without a word from the other side: {speaker(longest.channel).toLowerCase()},{" "}
          {Math.round((longest.end_ms - longest.start_ms) / 1000)} s.
        </p>
      )}
    </section>
  );
}
