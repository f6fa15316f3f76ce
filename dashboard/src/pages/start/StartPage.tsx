// Begins a call with this device: which playbook, whose sound from where, and that everybody on the line knows.

import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { wordsOf } from "../../api/client";
import { capture, startCapture } from "../../capture/capture";
import { openDevices, type Sides } from "../../capture/sources";
import { useStore } from "../../store";
import { Select } from "../../ui/forms";
import { usePlaybooks } from "../../ui/playbooks";
import { Empty, Failure } from "../../ui/states";

const sidesWords: [Sides, string, string][] = [
  [
    "microphone_and_tab",
    "Microphone and a tab, or the whole system",
    "You by the microphone, the customer by what you share next. Switch on “Share audio” when the browser asks.",
  ],
  ["microphone", "Microphone only", "Only you are heard: no cards, since those answer the customer."],
  [
    "stereo_device",
    "One device with both sides",
    "A telephone adapter or mixer: you on the left, the customer on the right.",
  ],
];

const canShare = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

export default function StartPage() {
  const running = useStore(capture);
  const playbooks = usePlaybooks();
  const navigate = useNavigate();
  const [playbook, setPlaybook] = useState("sales");
  const [sides, setSides] = useState<Sides>(canShare() ? "microphone_and_tab" : "microphone");
  const [device, setDevice] = useState("");
  const [isTold, setTold] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const devices = useMicrophones();

  if (running && !isBusy) {
    return (
      <Empty title="A call is on this device already" action={{ label: "Show it", to: `/calls/${running.call}` }}>
        End it before another begins.
      </Empty>
    );
  }
  const start = async () => {
    setBusy(true);
    setError(null);
    try {
      const source = await openDevices(sides, device || undefined);
      const call = await startCapture(source, playbook);
      navigate(`/calls/${call}`);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <div className="narrow">
      <title>Start a call · Callboard</title>
      <h1>Start a call</h1>
      <form
        className="panel stack"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <Select label="Playbook" value={playbook} onChange={(event) => setPlaybook(event.target.value)}>
          {playbooks.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
        <fieldset className="choices">
          <legend>Where the sound comes from</legend>
          {sidesWords.map(([value, label, hint]) => {
            const isShut = value === "microphone_and_tab" && !canShare();
            return (
              <label key={value} className="choice">
                <input
                  type="radio"
                  name="sides"
                  value={value}
                  checked={sides === value}
                  disabled={isShut}
                  onChange={() => setSides(value)}
                />
                <span>
                  <strong>{label}</strong>
                  <span className="hint">{isShut ? "This browser cannot share sound." : hint}</span>
                </span>
              </label>
            );
          })}
        </fieldset>
        {devices.length > 1 && (
          <Select label="Microphone" value={device} onChange={(event) => setDevice(event.target.value)}>
            <option value="">As the system has it</option>
            {devices.map(({ deviceId, label }) => (
              <option key={deviceId} value={deviceId}>
                {label}
              </option>
            ))}
          </Select>
        )}
        <label className="choice consent">
          <input type="checkbox" checked={isTold} onChange={(event) => setTold(event.target.checked)} />
          <span>
            <strong>Everybody on the line knows that the call is recorded and transcribed, and agrees</strong>
            <span className="hint">
              The sound is sent to your organization’s Callboard. In many places the law demands the consent of all.
            </span>
          </span>
        </label>
        {error !== null && <Failure error={new Error(wordsOf(error))} />}
        <button type="submit" className="button primary big" disabled={!isTold || isBusy}>
          {isBusy ? "Starting" : "Start the call"}
        </button>
      </form>
    </div>
  );
}

/** Those that the browser names: only once the microphone was allowed. */
function useMicrophones(): MediaDeviceInfo[] {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media?.enumerateDevices) return;
    const look = () =>
      media
        .enumerateDevices()
        .then((all) => setDevices(all.filter((one) => one.kind === "audioinput" && one.deviceId && one.label)))
        .catch(() => null);
    look();
    media.addEventListener("devicechange", look);
    return () => media.removeEventListener("devicechange", look);
  }, []);
  return devices;
}
