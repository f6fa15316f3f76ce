// All calls that one may read: those that go on now on top, then the others by page, and what narrows them.

import { Mic, Play, Upload } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { wordsOf } from "../../api/client";
import type { Call } from "../../api/types";
import { capture, startCapture } from "../../capture/capture";
import { openDemo } from "../../capture/sources";
import { isLocal } from "../../session";
import { useStore } from "../../store";
import { useNames } from "../../ui/names";
import { Failure, Spinner } from "../../ui/states";
import { tell } from "../../ui/toasts";
import { plural } from "../../words";
import { CallTable, LiveCalls } from "./CallTable";
import { Filters } from "./Filters";
import { UploadDialog, useDropped } from "./UploadDialog";
import { matches, useCalls, useFilters, useFurther } from "./useCalls";

export function CallsPage() {
  const [filters, setFilters] = useFilters();
  const { calls, live, query } = useCalls(filters);
  const [files, setFiles] = useState<File[] | null>(null);
  const isOver = useDropped(setFiles);
  const names = useNames();
  const fits = (call: Call) => matches(call, names(call.principal), filters.search);
  const shown = calls.filter(fits);
  const { isLooking, further } = useFurther(query, filters.search, shown.length);
  const isFiltered = Object.values(filters).some(Boolean);
  const isFirst = !isFiltered && calls.length === 0 && live.length === 0;

  return (
    <>
      <title>Calls · Callboard</title>
      <div className="page-head">
        <h1>Calls</h1>
        <div className="page-actions">
          {isLocal && !isFirst && <DemoButton />}
          <button type="button" className="button" onClick={() => setFiles([])}>
            <Upload aria-hidden="true" size={16} />
            <span>
              Upload <span className="wide-only">recordings</span>
            </span>
          </button>
        </div>
      </div>
      {query.isPending ? (
        <Spinner label="Loading the calls" />
      ) : query.isError && calls.length === 0 ? (
        <Failure error={query.error} retry={() => query.refetch()} />
      ) : isFirst ? (
        <FirstCall onUpload={() => setFiles([])} />
      ) : (
        <>
          <LiveCalls calls={live.filter(fits)} />
          <section aria-labelledby="past">
            <h2 id="past" className={live.length > 0 ? "section-title" : "hidden"}>
              Past calls
            </h2>
            <Filters filters={filters} onChange={setFilters} />
            {filters.search && (
              <p className="hint searched" role="status">
                {searched(calls.length, isLooking, query.hasNextPage)}
              </p>
            )}
            {!(isLooking && shown.length === 0) && (
              <PastCalls calls={shown} isFiltered={isFiltered} onClear={() => setFilters({})} />
            )}
          </section>
          {query.hasNextPage && (
            <button type="button" className="button more" disabled={query.isFetchingNextPage} onClick={further}>
              {query.isFetchingNextPage ? "Loading" : filters.search ? "Look further back" : "Show earlier calls"}
            </button>
          )}
        </>
      )}
      {isOver && <div className="drop">Drop recordings to hand them in</div>}
      <UploadDialog files={files} onClose={() => setFiles(null)} />
    </>
  );
}

/** How much a search has looked through: what it did not see may hold more. */
function searched(calls: number, isLooking: boolean, hasMore: boolean) {
  if (isLooking) return `Looking further back: ${plural(calls, "call")} so far`;
  if (hasMore) return `Looked through the newest ${plural(calls, "call")}.`;
  return `Looked through all ${plural(calls, "call")}.`;
}

function PastCalls({ calls, isFiltered, onClear }: { calls: Call[]; isFiltered: boolean; onClear: () => void }) {
  if (calls.length > 0) return <CallTable calls={calls} />;
  return (
    <div className="empty small">
      <p>{isFiltered ? "No call fits these filters." : "No call is over yet."}</p>
      {isFiltered && (
        <button type="button" className="button" onClick={onClear}>
          Clear the filters
        </button>
      )}
    </div>
  );
}

function useDemo() {
  const navigate = useNavigate();
  return async () => {
    try {
      const call = await startCapture(await openDemo(), "sales", true);
      navigate(`/calls/${call}`);
    } catch (error) {
      tell(wordsOf(error), true);
    }
  };
}

function DemoButton() {
  const play = useDemo();
  const isBusy = useStore(capture) !== null;
  return (
    <button type="button" className="button" disabled={isBusy} onClick={play}>
      <Play aria-hidden="true" size={16} /> Play the demo call
    </button>
  );
}

function FirstCall({ onUpload }: { onUpload: () => void }) {
  const play = useDemo();
  const isBusy = useStore(capture) !== null;
  return (
    <section className="empty first">
      <h2>No calls yet</h2>
      <p>See one as it is spoken: the words, what remains to be achieved, and what to answer.</p>
      <div className="first-ways">
        {isLocal && (
          <button type="button" className="button primary" disabled={isBusy} onClick={play}>
            <Play aria-hidden="true" size={16} /> Play the demo call
          </button>
        )}
        <Link className="button" to="/start">
          <Mic aria-hidden="true" size={16} /> Start a call
        </Link>
        <button type="button" className="button" onClick={onUpload}>
          <Upload aria-hidden="true" size={16} /> Upload recordings
        </button>
      </div>
    </section>
  );
}
