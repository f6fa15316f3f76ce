//! The transcription service stumbles: its words come later, and in the end none is missing and none is there twice.

use std::collections::BTreeMap;

use callboard_local::stack::StackOptions;
use callboard_tests::{
    audio::{self, Recording},
    dashboard::Dashboard,
    new_call,
    socket::{self, Socket},
    speech::{Fault, Flaw, Speech},
    stack::{Local, options},
    until,
    wiring::fail_once_afterwards,
};
use serde_json::Value;

use crate::streaming::assert_turns;

struct Played {
    local: Local,
    socket: Socket,
    call: String,
    recording: Recording,
}

/// The stack as the template has it, but that what waits is tried so often, with pauses that a test can bear.
fn impatient(speech: &Speech, tries: &str, backoff_s: &str) -> StackOptions {
    let mut options = options(&speech.url);
    options.overrides.insert("DeferredTries".into(), tries.into());
    options.overrides.insert("DeferredBackoffSeconds".into(), backoff_s.into());
    options
}

impl Played {
    /// Plays a call of four turns whole, and stops it.
    async fn start(options: StackOptions) -> Self {
        let local = Local::start_with(options).await.unwrap();
        let (call, recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3]));
        let mut socket = local.capture(&call).await;
        let last = socket.play(&recording, 200, 1, 20).await;
        socket.stop(last).await;
        Self { local, socket, call, recording }
    }

    async fn snapshot(&self) -> Value {
        self.local.rest("acme-admin").snapshot(&self.call).await
    }

    /// Waits until something holds of the segments' placeholders, empty where there is none; gives the snapshot.
    async fn placeholders(&self, what: &str, holds: impl Fn(&[&str]) -> bool) -> Value {
        let look = async || {
            let snapshot = self.snapshot().await;
            let segments = snapshot["segments"].as_array().unwrap();
            let placeholders: Vec<&str> =
                segments.iter().map(|segment| segment["placeholder"].as_str().unwrap_or_default()).collect();
            holds(&placeholders).then(|| snapshot.clone())
        };
        until(what, look).await
    }

    /// Waits until the call is as it is without any fault: the words, and what came of them, and no more than that.
    async fn assert_whole(&mut self) {
        let expected = undisturbed().await;
        let rest = self.local.rest("acme-admin");
        let whole = async || {
            let known = Dashboard::from_snapshot(&rest.snapshot(&self.call).await);
            let same = known.segments() == expected.segments() && known.coaching() == expected.coaching();
            (same && known.status() == "ended").then_some(known)
        };
        let known = until("the call as it is without faults", whole).await;
        assert_turns(&rest.transcript(&self.call).await, &self.recording);
        self.socket.hear_all(&self.call, &Dashboard::default(), &known).await;
        let mut told: BTreeMap<String, u32> = BTreeMap::new();
        for message in self.socket.heard.iter().filter(|message| message["final"] == true) {
            *told.entry(format!("{} {}", message["start_ms"], message["channel"])).or_default() += 1;
        }
        assert_eq!(told.len(), self.recording.turns.len());
        assert!(told.values().all(|times| *times == 1), "each was told once: {told:?}");
    }

    /// How many messages a queue holds, whatever their state.
    fn held(&self, queue: &str) -> usize {
        let counts = self.local.stack.aws().sqs().with(queue, |queue, now_ms| queue.counts(now_ms)).unwrap();
        counts.visible + counts.in_flight + counts.delayed
    }

    /// Waits until no utterance waits and no audio is kept.
    async fn assert_nothing_waits(&self) {
        until("an empty queue", async || (self.held("DeferredQueue") == 0).then_some(())).await;
        let kept = callboard_adapters::audio::client(&self.local.stack.sdk_config());
        let kept = kept.list_objects_v2().bucket("audiobucket").send().await.unwrap();
        assert_eq!(kept.contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}

/// The same call with a service that never fails.
async fn undisturbed() -> Dashboard {
    let speech = Speech::start();
    let played = Played::start(options(&speech.url)).await;
    Dashboard::from_snapshot(&played.local.rest("acme-admin").noted(&played.call).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_service_is_asked_again_when_it_said() {
    let speech = Speech::start();
    speech.fail_next([Fault::Busy(400), Fault::Status(503), Fault::Busy(50)]);
    let mut played = Played::start(options(&speech.url)).await;
    played.assert_whole().await;
    let statuses: Vec<u16> = speech.asked().iter().map(|asked| asked.status).collect();
    assert_eq!(statuses[..3], [429, 503, 429], "all of it was asked of a service that refused");
    played.assert_nothing_waits().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_for_a_while_costs_no_word_and_stops_no_call() {
    let speech = Speech::start();
    speech.fail_all(Some(500));
    let mut played = Played::start(impatient(&speech, "20", "1")).await;
    // The call goes on to its end, with a place for each utterance, and notes of what is known: nothing yet.
    let first = played.socket.hear_of("segment").await;
    assert_eq!((&first["final"], &first["placeholder"]), (&false.into(), &"waiting".into()));
    assert!(first["text"].as_str().unwrap().starts_with("(waiting"));
    let snapshot = played.placeholders("four that wait", |segments| segments == ["waiting"; 4]).await;
    assert!(snapshot["segments"][2]["start_ms"].as_u64().unwrap().abs_diff(played.recording.turns[2].start_ms) < 500);
    let noted = played.local.rest("acme-admin").noted(&played.call).await;
    assert_eq!(noted["call"]["status"], "ended");
    assert!(noted["notes"]["summary"].as_str().unwrap().contains("nothing was said"));
    assert_eq!(played.held("DeferredQueue"), 4);
    speech.fail_all(None);
    played.assert_whole().await;
    played.assert_nothing_waits().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_utterance_that_is_deferred_twice_is_there_once() {
    let speech = Speech::start();
    speech.fail_all(Some(500));
    let mut options = impatient(&speech, "20", "1");
    let repeated = fail_once_afterwards(&mut options.registry, "transcribe");
    let mut played = Played::start(options).await;
    let snapshot = played.placeholders("four that wait", |segments| segments == ["waiting"; 4]).await;
    until("the call's end", async || (played.snapshot().await["call"]["status"] == "ended").then_some(())).await;
    assert!(!repeated.lock().unwrap().is_empty());
    let again = played.snapshot().await;
    assert_eq!(again["segments"], snapshot["segments"], "no placeholder was written twice");
    speech.fail_all(None);
    played.assert_whole().await;
    played.assert_nothing_waits().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_crashes_in_the_middle_of_a_call_costs_no_word() {
    let mut speech = Speech::start();
    let local = Local::start_with(impatient(&speech, "20", "1")).await.unwrap();
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3]));
    let mut socket = local.capture(&call).await;
    let frames = recording.frames(200);
    let half = frames.len() / 2;
    for (seq, frame) in (0..).zip(&frames[..half]) {
        socket.send(socket::audio(seq, frame)).await;
    }
    let first = socket.hear_of("segment").await;
    assert_eq!(first["final"], true);
    speech.stop();
    for (seq, frame) in (0..).zip(&frames).skip(half) {
        socket.send(socket::audio(seq, frame)).await;
    }
    socket.stop(u32::try_from(frames.len() - 1).unwrap()).await;
    // Everything is acknowledged, and the call ends, while nothing can be transcribed.
    socket.hear_until(|message| message["type"] == "call" && message["status"] == "ended").await;
    let mut played = Played { local, socket, call, recording };
    played.placeholders("the last to wait", |segments| segments.len() == 4 && segments[3] == "waiting").await;
    speech.restart();
    played.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_utterance_that_is_refused_to_the_last_says_so_and_its_message_is_kept() {
    let speech = Speech::start();
    let refused = audio::rearranged(&[0, 1, 2, 3]).turns[0].text.clone();
    speech.flaw(&refused, Some(Flaw::Refused));
    let played = Played::start(impatient(&speech, "2", "0")).await;
    let snapshot = played.placeholders("one that failed", |segments| segments == ["failed", "", "", ""]).await;
    let segments = snapshot["segments"].as_array().unwrap();
    assert_eq!(segments[0]["text"], "(this part could not be transcribed)");
    assert_eq!(segments[0]["final"], false);
    assert_eq!(segments[1]["text"], played.recording.turns[1].text);
    until("the message in the dead letters", async || (played.held("DeferredDeadLetterQueue") == 1).then_some(()))
        .await;
    assert_eq!(played.held("DeferredQueue"), 0);
    // Once as the call went on, and twice from the queue: the tries are counted.
    let asked = speech.asked().iter().filter(|asked| asked.text == refused).count();
    assert_eq!(asked, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_placeholder_goes_where_it_turns_out_that_nothing_was_said() {
    let speech = Speech::start();
    speech.fail_next([Fault::Status(400)]);
    speech.flaw(&audio::rearranged(&[0]).turns[0].text, Some(Flaw::Silent));
    let played = Played::start(impatient(&speech, "20", "0")).await;
    let snapshot = played.placeholders("no placeholder", |segments| segments == [""; 4]).await;
    assert_eq!((&snapshot["segments"][0]["final"], &snapshot["segments"][0]["text"]), (&true.into(), &"".into()));
    let read = played.local.rest("acme-admin").transcript(&played.call).await;
    assert_eq!(read.len(), 3, "a transcript has what was said");
    assert_eq!(read[0].text, played.recording.turns[1].text);
}
