// One playbook as text: what is wrong with it line by line, what it would have made of a past call, and saving it
// without writing over what somebody else saved meanwhile.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, Check } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { wordsOf } from "../../api/client";
import type { TextProblem } from "../../api/types";
import { useMay } from "../../permissions";
import { Confirm } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { tell } from "../../ui/toasts";
import { plural } from "../../words";
import { Conflict, type PlaybookText, read, remove, save, validate } from "./document";
import { Trial } from "./Trial";

const Editor = lazy(() => import("./Editor"));
const PAUSE_MS = 600;

const EMPTY = `id: my_playbook
name: My playbook
version: 1
language: en
# What is left out is taken over from there.
extends: sales
`;

export default function PlaybookPage() {
  const { id = "" } = useParams();
  const isNew = id === "new";
  const query = useQuery({
    queryKey: ["playbook", id],
    queryFn: () => (isNew ? Promise.resolve<PlaybookText>({ text: EMPTY, etag: null, origin: null }) : read(id)),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (query.isPending) return <Spinner label="Loading the playbook" />;
  if (query.isError) return <Failure error={query.error} retry={() => query.refetch()} />;
  return <Edit key={id} id={id} isNew={isNew} loaded={query.data} />;
}

function Edit({ id, isNew, loaded }: { id: string; isNew: boolean; loaded: PlaybookText }) {
  const [base, setBase] = useState(loaded);
  const [text, setText] = useState(loaded.text);
  const [problems, setProblems] = useState<TextProblem[] | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [conflict, setConflict] = useState<PlaybookText | null>(null);
  const [isAsked, setAsked] = useState(false);
  const [goTo, setGoTo] = useState<{ line: number; column: number } | null>(null);
  const canWrite = useMay("write_playbooks");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const isChanged = text !== base.text;
  const isOwn = base.origin === "own";
  const title = isNew ? "New playbook" : (nameOf(base.text) ?? id);

  useChecked(text, setProblems);
  useUnsaved(isChanged && canWrite);

  const store = async (etag: string | null) => {
    setBusy(true);
    try {
      const saved = await save(id, text, { isOwn, etag });
      queries.invalidateQueries({ queryKey: ["playbooks"] });
      tell(`Saved as version ${saved.version}. Calls that go on see it within a minute.`);
      setBase(await read(saved.id));
      setConflict(null);
      if (saved.id !== id) navigate(`/playbooks/${saved.id}`, { replace: true });
    } catch (error) {
      if (error instanceof Conflict) setConflict(error.theirs);
      else tell(wordsOf(error), true);
    }
    setBusy(false);
  };
  const takeAway = async () => {
    try {
      await remove(id, base.etag);
      queries.invalidateQueries({ queryKey: ["playbooks"] });
      setText(base.text);
      tell("Your own playbook is deleted");
      navigate("/playbooks");
    } catch (error) {
      tell(wordsOf(error), true);
    }
    setAsked(false);
  };
  return (
    <>
      <title>{`${title} · Callboard`}</title>
      <div className="call-head">
        <Link className="button quiet icon" to="/playbooks" aria-label="Back to the playbooks">
          <ArrowLeft aria-hidden="true" size={18} />
        </Link>
        <div className="call-about">
          <h1>{title}</h1>
          <p className="facts">
            {!isNew && <code>{id}</code>}
            {isOwn ? <span>Your own</span> : !isNew && <span>To change it makes a copy of your own</span>}
            <Standing problems={problems} />
            {isChanged && <span>Not saved</span>}
          </p>
        </div>
        {canWrite && (
          <div className="call-actions">
            {isOwn && (
              <button type="button" className="button" onClick={() => setAsked(true)}>
                Delete
              </button>
            )}
            <button
              type="button"
              className="button primary"
              disabled={isBusy || problems === null || problems.length > 0 || (!isChanged && !isNew)}
              onClick={() => store(base.etag)}
            >
              {isOwn || isNew ? "Save" : "Save as your own"}
            </button>
          </div>
        )}
      </div>
      {conflict && (
        <div className="notice warn" role="alert">
          <p>Somebody else saved this playbook while you were writing. Yours is not saved yet.</p>
          <details>
            <summary>What they changed</summary>
            <Changes from={base.text} to={conflict.text} />
          </details>
          <div className="notice-actions">
            <button
              type="button"
              className="button small"
              onClick={() => {
                setBase(conflict);
                setText(conflict.text);
                setConflict(null);
              }}
            >
              Take theirs, and drop mine
            </button>
            <button type="button" className="button small" onClick={() => store(conflict.etag)}>
              Write mine over theirs
            </button>
          </div>
        </div>
      )}
      <div className="playbook">
        <section className="panel editor-panel" aria-label="The playbook as YAML">
          <Suspense fallback={<Spinner label="Loading the editor" />}>
            <Editor text={text} onChange={setText} problems={problems ?? []} readOnly={!canWrite} goTo={goTo} />
          </Suspense>
        </section>
        <div className="call-side">
          {problems && problems.length > 0 && (
            <section className="panel" aria-labelledby="problems-title">
              <h2 id="problems-title" className="panel-title">
                {plural(problems.length, "problem")}
              </h2>
              <ul className="problems">
                {problems.map((problem) => (
                  <li key={`${problem.line} ${problem.column} ${problem.message}`}>
                    <button type="button" className="quote" onClick={() => setGoTo({ ...problem })}>
                      <span className="quote-time">Line {problem.line}</span> {problem.message}
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          )}
          <Trial text={text} isValid={problems?.length === 0} />
        </div>
      </div>
      <Confirm
        title="Delete your own playbook?"
        confirm="Delete it"
        open={isAsked}
        onClose={() => setAsked(false)}
        onConfirm={takeAway}
      >
        <p>Calls can no longer name it, unless a shared one of the same id takes its place.</p>
      </Confirm>
    </>
  );
}

/** What people call it; the id where its text does not say. */
const nameOf = (text: string) => /^name:\s*["']?(.+?)["']?\s*$/m.exec(text)?.[1];

/** The lines that one text has and the other has not. */
function Changes({ from, to }: { from: string; to: string }) {
  const [before, after] = [from.split("\n"), to.split("\n")];
  const gone = before.filter((line) => line.trim() && !after.includes(line)).map((line) => `− ${line}`);
  const come = after.filter((line) => line.trim() && !before.includes(line)).map((line) => `+ ${line}`);
  return <pre className="changes">{[...gone, ...come].join("\n") || "The order of its lines"}</pre>;
}

function Standing({ problems }: { problems: TextProblem[] | null }) {
  if (problems === null) return <span role="status">Checking</span>;
  if (problems.length > 0)
    return (
      <span className="status failed" role="status">
        {plural(problems.length, "problem")}
      </span>
    );
  return (
    <span className="status ended good" role="status">
      <Check aria-hidden="true" size={14} /> Nothing is wrong with it
    </span>
  );
}

/** What is wrong with the text, a moment after its last change. */
function useChecked(text: string, setProblems: (problems: TextProblem[] | null) => void) {
  const turn = useRef(0);
  useEffect(() => {
    turn.current += 1;
    const mine = turn.current;
    setProblems(null);
    const timer = setTimeout(async () => {
      try {
        const found = await validate(text);
        if (turn.current === mine) setProblems(found);
      } catch (error) {
        if (turn.current === mine) setProblems([{ line: 1, column: 1, message: wordsOf(error) }]);
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, setProblems]);
}

/** Asks before what was written is lost. */
function useUnsaved(isChanged: boolean) {
  useEffect(() => {
    if (!isChanged) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isChanged]);
}
