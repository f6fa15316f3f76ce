//! Partial text: an utterance is read while it goes on, and its segment takes the place of it.

use std::collections::BTreeMap;

use callboard_adapters::{
    calls::Calls,
    table::{Table, Written},
};
use callboard_domain::{CallId, Channel, OrgId, Placeholder, PlaybookId, Segment};
use callboard_tests::{
    audio,
    dashboard::Dashboard,
    new_call,
    speech::{Flaw, Speech},
    stack::{Local, options},
    until,
};
use serde_json::Value;

use crate::streaming::assert_turns;

/// What was not heard before it is shown this much later at most, in milliseconds of media time.
const LONGEST_PAUSE_MS: u64 = 1_500;

async fn partial_text(speech: &Speech) -> Local {
    let mut options = options(&speech.url);
    options.overrides.insert("PartialText".into(), "on".into());
    Local::start_with(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_utterance_is_read_while_it_goes_on() {
    let speech = Speech::start();
    let local = partial_text(&speech).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1]));
    let mut socket = local.capture(&call).await;
    // In one of them nothing is heard in the end.
    let turn = &recording.turns[1].text;
    let comes_to_nothing = async {
        speech.wait_for(1, "partial text", |asked| asked.text == *turn).await;
        speech.flaw(turn, Some(Flaw::Silent));
    };
    let (last, ()) = tokio::join!(socket.play(&recording, 100, 1, 1), comes_to_nothing);
    socket.stop(last).await;
    let rest = local.rest("acme-admin");
    let ended = async || {
        let known = Dashboard::from_snapshot(&rest.snapshot(&call).await);
        (known.status() == "ended" && known.shown().contains_key("notes")).then_some(known)
    };
    let known = until("the end of the call, and its notes", ended).await;
    let heard_of_all = audio::rearranged(&[0, 1]);
    assert_turns(&known.segments(), &audio::Recording { turns: heard_of_all.turns[..1].to_vec(), ..heard_of_all });
    socket.hear_all(&call, &Dashboard::default(), &known).await;

    let mut told: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for message in socket.heard.iter().filter(|message| message["type"] == "segment") {
        told.entry(format!("{} {}", message["start_ms"], message["channel"])).or_default().push(message);
    }
    assert_eq!(told.len(), 2, "partial text has the key of its segment: {told:#?}");
    for messages in told.into_values() {
        let (whole, parts) = messages.split_last().unwrap();
        assert!(whole["final"] == true && parts.iter().all(|part| part["final"] == false), "{messages:#?}");
        assert!(!parts.is_empty(), "{whole}");
        if whole["text"] == "" {
            continue;
        }
        let ends = parts.iter().chain([whole]).map(|part| part["end_ms"].as_u64().unwrap());
        let mut shown_ms = whole["start_ms"].as_u64().unwrap();
        for end_ms in ends {
            assert!(end_ms >= shown_ms && end_ms <= shown_ms + LONGEST_PAUSE_MS, "{end_ms} after {shown_ms}");
            shown_ms = end_ms;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_is_shown_unless_it_is_asked_for() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0]));
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 100, 1, 1).await;
    socket.stop(last).await;
    socket.hear_until(|message| message["type"] == "segment" && message["final"] == true).await;
    assert!(socket.heard.iter().all(|message| message["final"] != false), "{:?}", socket.heard);
    assert_eq!(speech.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_text_gives_way_to_all_but_what_it_outgrows() {
    let local = Local::start(&Speech::start().url).await;
    let calls = Calls::new(Table::new(aws_sdk_dynamodb::Client::new(&local.stack.sdk_config()), "CallsTable"));
    let (org, playbook) = (OrgId::parse("acme").unwrap(), PlaybookId::parse("sales").unwrap());
    let nothing = |call: &CallId| Segment::nothing(call.clone(), Channel::Agent, 0, 5_000);
    let partial = |end_ms| move |call: &CallId| Segment { end_ms, is_final: false, text: "so".into(), ..nothing(call) };
    let placed = |placeholder| {
        move |call: &CallId| Segment {
            is_final: false,
            placeholder: Some(placeholder),
            text: "…".into(),
            ..nothing(call)
        }
    };
    type Made = Box<dyn Fn(&CallId) -> Segment>;
    let cases: [Vec<(Made, Written)>; 4] = [
        vec![
            (Box::new(partial(1_000)), Written::Yes),
            (Box::new(partial(1_000)), Written::No),
            (Box::new(partial(2_000)), Written::Yes),
            (Box::new(partial(1_500)), Written::No),
            (Box::new(nothing), Written::Yes),
            (Box::new(partial(3_000)), Written::No),
        ],
        vec![
            (Box::new(partial(1_000)), Written::Yes),
            (Box::new(placed(Placeholder::Waiting)), Written::Yes),
            (Box::new(partial(6_000)), Written::No),
            (Box::new(nothing), Written::Yes),
        ],
        vec![(Box::new(placed(Placeholder::Failed)), Written::Yes), (Box::new(partial(6_000)), Written::No)],
        vec![(Box::new(nothing), Written::Yes), (Box::new(partial(6_000)), Written::No)],
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let call = CallId::parse(&new_call()).unwrap();
        for (at, (made, expected)) in case.into_iter().enumerate() {
            let written = calls.put_segment(&made(&call), &org, "desk-1", &playbook).await.unwrap();
            assert_eq!(written, expected, "case {number}, write {at}");
        }
    }
}
