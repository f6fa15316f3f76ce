// The demo call: played aloud, and sent in real time through the same door as any call.

import { clock } from "./call.js";
import { Capture, newCallId, readWav } from "./net.js";

const RECORDING = "/demo/demo_call.wav";
const PLAYBOOK = "sales";

/** Makes the button play and stop the demo call. */
export function startDemo({ button, sound, onCall, onFail, isConnected }) {
  let capture = null;
  let sending = null;
  let aloud = null;
  let ticking = 0;

  const say = (state, text) => {
    button.dataset.state = state;
    button.textContent = text;
  };

  function finish() {
    clearInterval(ticking);
    aloud?.stop();
    aloud = null;
    capture = null;
    say("idle", "Play the demo call");
    button.disabled = !isConnected();
  }

  function fail(problem) {
    finish();
    onFail(`The demo call failed: ${problem}. Try again, or see the log of the stack.`);
  }

  function tick(playing) {
    if (capture !== playing) return;
    if (playing.positionMs >= playing.durationMs) {
      // What remains is sent by the capture itself, until the call is seen to end.
      finish();
    } else {
      say("playing", `Stop the demo · ${clock(playing.positionMs)}`);
    }
  }

  async function play() {
    say("loading", "Loading the demo call");
    button.disabled = true;
    onFail("");
    // Made within the click, or the browser keeps it silent.
    const context = newContext();
    try {
      const response = await fetch(RECORDING);
      if (!response.ok) throw new Error(`${RECORDING} answers ${response.status}`);
      const recording = await response.arrayBuffer();
      const wav = readWav(recording);
      const audio = await context?.decodeAudioData(recording.slice(0)).catch(() => null);
      const playing = new Capture(wav, {
        call: newCallId(),
        playbook: PLAYBOOK,
        onStart() {
          button.disabled = false;
          if (context && audio) aloud = playAloud(context, audio, sound);
          onCall(playing.call);
          tick(playing);
          ticking = setInterval(() => tick(playing), 250);
        },
        onFail(problem) {
          if (capture === playing) fail(problem);
          else onFail(`The demo call failed: ${problem}.`);
        },
      });
      sending?.end();
      sending = playing;
      capture = playing;
      playing.start();
    } catch (error) {
      fail(error.message);
    }
  }

  button.addEventListener("click", () => {
    if (!capture) return play();
    capture.stop();
    return finish();
  });

  return {
    /** Takes note of how calls stand: when the demo's has ended, nothing more is sent of it. */
    callChanged(call) {
      if (call.call === sending?.call && call.status === "ended") sending.end();
    },
  };
}

function newContext() {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}

/** Plays a recording; the checkbox turns the sound off and on meanwhile. */
function playAloud(context, audio, sound) {
  const source = context.createBufferSource();
  const volume = context.createGain();
  const set = () => { volume.gain.value = sound.checked ? 1 : 0; };
  source.buffer = audio;
  source.connect(volume).connect(context.destination);
  set();
  sound.addEventListener("change", set);
  context.resume?.();
  source.start();
  return {
    stop() {
      sound.removeEventListener("change", set);
      source.stop();
      context.close();
    },
  };
}
