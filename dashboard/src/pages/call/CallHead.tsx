// What the call is, how it stands, and what can be done with the whole of it.

import { Menu, MenuButton, MenuItem, MenuProvider } from "@ariakit/react";
import { ArrowLeft, Download, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { readCall } from "../../api/calls";
import { api, body, wordsOf } from "../../api/client";
import type { Call } from "../../api/types";
import type { Format } from "../../files/transcript";
import type { Delay } from "../../live/delay";
import type { CallView } from "../../live/view";
import { useMay } from "../../permissions";
import { Confirm } from "../../ui/forms";
import { useNames } from "../../ui/names";
import { tell } from "../../ui/toasts";
import { useNow } from "../../ui/useNow";
import { clock, moment, seconds, sentence, statusWords } from "../../words";

export function CallHead({ call, view, delay }: { call: Call; view: CallView; delay: Delay | null }) {
  const names = useNames();
  const isLive = call.status === "live" || call.status === "ending";
  return (
    <div className="call-head">
      <Link className="button quiet icon" to="/" aria-label="Back to the calls">
        <ArrowLeft aria-hidden="true" size={18} />
      </Link>
      <div className="call-about">
        <h1>{call.file_name ?? `${sentence(call.playbook)} call`}</h1>
        <p className="facts">
          <span className={`status ${call.status}`}>{statusWords[call.status]}</span>
          <span className="call-who">{names(call.principal)}</span>
          {call.file_name && <span>{sentence(call.playbook)}</span>}
          {isLive ? <Elapsed since={call.started_at_ms} /> : <span>{moment(call.started_at_ms)}</span>}
          {!isLive && call.duration_ms > 0 && <span>{clock(call.duration_ms)} long</span>}
          {call.end_reason === "vanished" && <span>Its sender was not heard of any more</span>}
          {isLive && delay && <DelayWords delay={delay} />}
        </p>
      </div>
      <div className="call-actions">
        <Export view={view} />
        {!isLive && <Remove call={call.call} />}
      </div>
    </div>
  );
}

function Elapsed({ since }: { since: number }) {
  return <span className="number">{clock(Math.max(0, useNow(1000) - since))}</span>;
}

function DelayWords({ delay }: { delay: Delay }) {
  const spent = `Pause ${seconds(delay.closing)}, recognition ${seconds(delay.asr)}, the rest ${seconds(delay.added)}`;
  return (
    <span className="number" title={spent}>
      Text after {seconds(delay.all)}
      <span className="hidden">: {spent}</span>
    </span>
  );
}

const formats: [Format, string][] = [
  ["txt", "Plain text"],
  ["srt", "Subtitles (SRT)"],
  ["vtt", "Subtitles (WebVTT)"],
  ["md", "Markdown"],
  ["json", "JSON"],
];

function Export({ view }: { view: CallView }) {
  const save = async (format: Format) => {
    try {
      const { written } = await import("../../files/transcript");
      download(`${view.id}.${format}`, written(format, await readCall(view.id)));
    } catch (error) {
      tell(`The file could not be made: ${wordsOf(error)}`, true);
    }
  };
  return (
    <MenuProvider placement="bottom-end">
      <MenuButton className="button">
        <Download aria-hidden="true" size={16} /> <span className="button-words">Export</span>
      </MenuButton>
      <Menu className="menu" gutter={6} unmountOnHide>
        {formats.map(([format, label]) => (
          <MenuItem key={format} className="menu-item" onClick={() => save(format)}>
            {label}
          </MenuItem>
        ))}
      </Menu>
    </MenuProvider>
  );
}

function download(name: string, text: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Remove({ call }: { call: string }) {
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const navigate = useNavigate();
  if (!useMay("remove_calls")) return null;
  const remove = async () => {
    setBusy(true);
    try {
      await body(api.DELETE("/v1/calls/{id}", { params: { path: { id: call } } }));
      tell("The call is removed");
      navigate("/");
    } catch (error) {
      tell(wordsOf(error), true);
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" className="button quiet icon" aria-label="Remove the call" onClick={() => setAsked(true)}>
        <Trash2 aria-hidden="true" size={17} />
      </button>
      <Confirm
        title="Remove this call?"
        confirm="Remove the call"
        open={isAsked}
        busy={isBusy}
        onClose={() => setAsked(false)}
        onConfirm={remove}
      >
        <p>Its text, notes and audio are removed for everybody. This cannot be taken back.</p>
      </Confirm>
    </>
  );
}
