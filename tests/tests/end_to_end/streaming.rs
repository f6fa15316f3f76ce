//! A recording, streamed as a live call: what comes back, when, and the same at every pace.

use std::collections::BTreeSet;

use callboard_tests::{
    audio::{self, Recording},
    dashboard::{Dashboard, Heard},
    new_call,
    process::{Ended, Machine},
    project,
    speech::Speech,
};
use serde_json::Value;

/// How far from a turn's true edges a segment may begin and end: the voice's soft beginning, and a breath.
const TOLERANCE_MS: u64 = 450;

/// Every turn is a segment of its channel, at its place, with its words, and nothing else is there.
pub(crate) fn assert_turns(segments: &[Heard], recording: &Recording) {
    let mut turns = recording.turns.clone();
    turns.sort_by_key(|turn| turn.start_ms);
    assert_eq!(segments.len(), turns.len(), "{segments:#?}");
    for (segment, turn) in segments.iter().zip(&turns) {
        assert_eq!((&segment.channel, &segment.text), (&turn.speaker, &turn.text));
        assert!(segment.start_ms.abs_diff(turn.start_ms) <= TOLERANCE_MS, "{segment:?} is not at {turn:?}");
        assert!(segment.end_ms.abs_diff(turn.end_ms) <= TOLERANCE_MS, "{segment:?} is not at {turn:?}");
    }
}

/// What must hold of every call that was streamed to its end. Returns it as a dashboard knows it.
fn assert_complete(ended: &Ended, recording: &Recording) -> Dashboard {
    let messages = ended.messages();
    let (summary, pushed) = messages.split_last().unwrap();
    let call = summary["call"].as_str().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!((&summary["segments"], &summary["errors"]), (&recording.turns.len().into(), &0.into()), "{summary}");
    assert!(pushed.iter().all(|message| message["call"] == call), "nothing of another call");
    let dashboard = Dashboard::of(call, pushed);
    assert_turns(&dashboard.segments(), recording);
    assert_eq!(dashboard.status(), "ended");
    assert_eq!(dashboard.objections(), ["ask_partner", "too_expensive"]);
    assert!(!dashboard.has_hole(), "every revision was told");
    assert_eq!(pushed.iter().filter(|message| message["type"] == "notes").count(), 1);
    dashboard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_arrives_while_the_call_goes_on_and_every_pace_gives_the_same() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let (file, demo) = (project().join("dashboard/demo/demo_call.wav"), audio::demo());
    let mut stream = machine.stream(&dev, &file, &["--playbook", "sales", "--pace", "4"]);

    // The first words are there, over the socket and over REST, long before the last are spoken.
    let first = stream.next_of("segment").await;
    let call = first["call"].as_str().unwrap().to_owned();
    let snapshot = dev.rest().snapshot(&call).await;
    assert_eq!(snapshot["call"]["status"], "live");
    assert_eq!(snapshot["segments"][0]["text"], demo.turns[0].text);

    let paced = stream.end().await;
    let dashboard = assert_complete(&paced, &demo);
    let places = |wanted: &dyn Fn(&Value) -> bool| -> Vec<usize> {
        let of_kind = paced.printed.iter().enumerate().filter(|(_, message)| wanted(message));
        of_kind.map(|(place, _)| place).collect()
    };
    let segments = places(&|message| message["type"] == "segment");
    let over = places(&|message| message["type"] == "call" && message["status"] != "live")[0];
    assert!(segments.iter().filter(|place| **place < over).count() >= demo.turns.len() - 1, "{segments:?} {over}");
    let progress = places(&|message| message["type"] == "progress");
    assert!(progress.iter().any(|place| *place < segments[4]), "progress while the call goes on");
    let card = places(&|message| message["type"] == "card" && message["objection"] == "too_expensive")[0];
    assert!(card < segments[6], "the answer is there before the customer has spoken twice again");
    let notes = places(&|message| message["type"] == "notes")[0];
    let last = demo.turns.last().unwrap();
    let heard = places(&|message| message["type"] == "segment" && message["text"] == last.text)[0];
    assert!(notes > heard, "the notes come when all is heard");
    let revisions: BTreeSet<u64> = paced.printed.iter().filter_map(|message| message["revision"].as_u64()).collect();
    assert_eq!(revisions.first(), Some(&1));

    // As fast as the stack takes it, and in frames of another length: the same segments.
    let fast = machine.stream(&dev, &file, &["--pace", "max"]).end().await;
    let fast_dashboard = Dashboard::of(fast.messages().last().unwrap()["call"].as_str().unwrap(), &fast.printed);
    assert_eq!(fast_dashboard.segments(), dashboard.segments());
    assert_eq!(fast_dashboard.objections(), dashboard.objections());
    let long = machine.stream(&dev, &file, &["--pace", "max", "--frame-ms", "370"]).end().await;
    let long_dashboard = Dashboard::of(long.messages().last().unwrap()["call"].as_str().unwrap(), &long.printed);
    assert_eq!(long_dashboard.segments(), dashboard.segments());
    assert!(dev.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_sources_polled_as_aws_polls_them_bring_the_same_call() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url, "--clock", "aws"], &[]).await;
    let file = project().join("dashboard/demo/demo_call.wav");
    let id = new_call();
    let mut stream = machine.stream(&dev, &file, &["--pace", "4", "--call", &id]);
    let first = stream.next_of("segment").await;
    assert_eq!(dev.rest().snapshot(&id).await["call"]["status"], "live", "{first}");
    let ended = stream.end().await;
    assert_turns(&Dashboard::of(&id, ended.messages()).segments(), &audio::demo());
}
