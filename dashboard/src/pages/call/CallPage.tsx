// A call, as it is spoken or long over: what was said, what to say now, what remains, and what came of it.

import { Tab, TabList, TabPanel, TabProvider } from "@ariakit/react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useParams } from "react-router";
import { useCall } from "../../live/useCall";
import { Player } from "../../live/player";
import type { CallView } from "../../live/view";
import { Empty, Failure, Spinner } from "../../ui/states";
import { sentence } from "../../words";
import { CallHead } from "./CallHead";
import { Cards } from "./Cards";
import type { Place } from "./links";
import { Landmarks } from "./Landmarks";
import { NotesPanel } from "./NotesPanel";
import { PlayerBar } from "./PlayerBar";
import { RecordingNotice } from "./RecordingNotice";
import { TalkPanel } from "./TalkPanel";
import { Transcript } from "./Transcript";

const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export default function CallPage() {
  const { id = "" } = useParams();
  if (!ID.test(id)) {
    return (
      <Empty title="This is no call" action={{ label: "Show the calls", to: "/" }}>
        The address is not that of a call.
      </Empty>
    );
  }
  return <OneCall key={id} id={id} />;
}

function OneCall({ id }: { id: string }) {
  const { view, follower, loading, delay } = useCall(id);
  if (loading === "missing" || loading === "deleted") {
    const title = loading === "missing" ? "This call is not known" : "This call was removed";
    return (
      <Empty title={title} action={{ label: "Show the calls", to: "/" }}>
        {loading === "missing" ? "It was removed, belongs to others, or has not begun yet." : "Nothing of it is left."}
      </Empty>
    );
  }
  if (!view.call) {
    if (typeof loading === "object") return <Failure error={new Error(loading.error)} retry={() => follower.load()} />;
    return <Spinner label="Loading the call" />;
  }
  const isLive = view.call.status === "live" || view.call.status === "ending";
  return (
    <div className={isLive ? "call live" : "call"}>
      <title>{`${isLive ? "● " : ""}${sentence(view.call.playbook)} call · Callboard`}</title>
      <CallHead call={view.call} view={view} delay={delay} />
      {view.recording && <RecordingNotice recording={view.recording} />}
      <CallBody view={view} isLive={isLive} />
    </div>
  );
}

function CallBody({ view, isLive }: { view: CallView; isLive: boolean }) {
  const player = useMemo(() => new Player(view.id), [view]);
  useEffect(() => () => player.close(), [player]);
  // Each wish to be led somewhere is another, also to the same place.
  const [wanted, setWanted] = useState<{ place: Place } | null>(null);
  const show = useCallback((place: Place) => setWanted({ place }), []);
  return (
    <div className="call-body">
      <section className="panel talk" aria-label="Transcript">
        <Transcript said={view.said} version={view.version} isLive={isLive} wanted={wanted} player={player} />
        <PlayerBar player={player} duration={view.call?.duration_ms ?? 0} />
      </section>
      <div className="call-side">
        {isLive ? (
          <>
            <Cards view={view} onShow={show} isLive />
            <Landmarks view={view} onShow={show} isLive />
          </>
        ) : (
          <After view={view} onShow={show} />
        )}
      </div>
    </div>
  );
}

function After({ view, onShow }: { view: CallView; onShow: (place: Place) => void }) {
  return (
    <TabProvider defaultSelectedId="notes">
      <section className="panel tabs" aria-label="What came of the call">
        <TabList className="tab-list" aria-label="What came of the call">
          <Tab className="tab" id="notes">
            Notes
          </Tab>
          <Tab className="tab" id="coaching">
            Coaching
          </Tab>
          <Tab className="tab" id="talk">
            Talk
          </Tab>
        </TabList>
        <TabPanel className="tab-panel" tabId="notes">
          <NotesPanel view={view} onShow={onShow} />
        </TabPanel>
        <TabPanel className="tab-panel" tabId="coaching" unmountOnHide>
          <Cards view={view} onShow={onShow} isLive={false} />
          <Landmarks view={view} onShow={onShow} isLive={false} />
        </TabPanel>
        <TabPanel className="tab-panel" tabId="talk" unmountOnHide>
          <TalkPanel view={view} onShow={onShow} />
        </TabPanel>
      </section>
    </TabProvider>
  );
}
