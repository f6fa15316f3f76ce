//! Server-sent events: what a watching socket is pushed, for whoever can only ask.

use std::collections::BTreeSet;

use callboard_tests::{
    audio::{self, Recording},
    dashboard::{Dashboard, Heard, heard},
    events::Events,
    new_call,
    process::Machine,
    project,
    rest::Rest,
    socket::capture,
    speech::Speech,
    stack::Local,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The feed of a call.
fn path(call: &str) -> String {
    format!("/v1/calls/{call}/events")
}

impl Feeds for Local {
    async fn events(&self, call: &str, token: &str, last_id: Option<&str>) -> Events {
        Events::open(&self.url, &path(call), Some(token), last_id).await.unwrap()
    }

    async fn all(&self, token: &str, last_id: Option<&str>) -> Events {
        Events::open(&self.url, "/transcription/events", Some(token), last_id).await.unwrap()
    }
}

trait Feeds {
    /// The feed of a call, which is let in.
    async fn events(&self, call: &str, token: &str, last_id: Option<&str>) -> Events;
    /// The feed of all calls.
    async fn all(&self, token: &str, last_id: Option<&str>) -> Events;
}

/// The revisions of events, each of which must be its event's id, and higher than the one before.
fn revisions(events: &Events) -> Vec<u64> {
    let changes = events.heard.iter().filter(|event| event.name != "end");
    let revisions: Vec<u64> = changes
        .map(|event| {
            assert_eq!(event.name, event.data["type"].as_str().unwrap());
            let revision = event.data["revision"].as_u64().unwrap();
            assert_eq!(event.id, Some(revision.to_string()), "{event:?}");
            revision
        })
        .collect();
    assert!(revisions.is_sorted_by(|one, other| one < other), "{revisions:?}");
    revisions
}

/// Events told all that a call's snapshot shows, and that it was over.
async fn assert_complete(call: &str, messages: &[Value], rest: &Rest) {
    let snapshot = Dashboard::from_snapshot(&rest.snapshot(call).await);
    assert_eq!(Dashboard::of(call, messages).shown(), snapshot.shown());
    assert_eq!(snapshot.status(), "ended");
    assert_eq!(messages.last(), Some(&json!({"type": "end", "call": call})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_call_is_told_while_it_goes_on_and_ends() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::demo());
    let mut socket = local.capture(&call).await;
    let mut events = local.events(&call, "acme-supervisor", None).await;
    let first = events.next_of("call").await;
    assert_eq!((&first["call"], &first["status"]), (&json!(call), &json!("live")));

    let last = tokio::join!(socket.play(&recording, 200, 1, 10), async {
        // The first words come while more is spoken, and exactly as a socket is told them.
        let segment = events.next_of("segment").await;
        assert_eq!(local.rest("acme-admin").snapshot(&call).await["call"]["status"], "live");
        assert!(segment["times"]["pushed"].is_i64(), "{segment}");
    });
    socket.stop(last.0).await;
    events.to_end().await;

    assert_complete(&call, &events.messages(), &local.rest("acme-admin")).await;
    revisions(&events);
    let kinds: BTreeSet<_> = events.heard.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["call", "card", "end", "notes", "progress", "segment"]));
    // Each event holds what a socket is pushed, down to the last field; only the moment of telling is another.
    socket.hear_of("notes").await;
    let untimed = |message: &Value| {
        let mut message = message.clone();
        if let Some(times) = message["times"].as_object_mut() {
            times.remove("pushed").expect("a segment says when it was told");
        }
        message
    };
    let told: Vec<Value> = events.messages().iter().map(untimed).collect();
    let pushed = socket.heard.iter().filter(|message| message["type"] == "segment" || message["type"] == "notes");
    let pushed: Vec<Value> = pushed.map(untimed).collect();
    assert!(pushed.len() > recording.turns.len() / 2, "{pushed:?}");
    assert!(pushed.iter().all(|message| told.contains(message)), "{pushed:#?} are not among {told:#?}");

    // Later, all of it comes at once; and nothing but the end to who knows all.
    let mut later = local.events(&call, "acme-admin", None).await;
    later.to_end().await;
    assert_complete(&call, &later.messages(), &local.rest("acme-admin")).await;
    let mut knowing = local.events(&call, "acme-admin", later.last_id.as_deref()).await;
    knowing.to_end().await;
    assert_eq!(knowing.messages(), [json!({"type": "end", "call": call})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_misses_nothing_and_is_told_nothing_twice() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::demo());
    let mut socket = local.capture(&call).await;
    let listening = async {
        let (mut told, mut messages, mut last_id) = (Vec::new(), Vec::new(), None::<String>);
        loop {
            let mut events = local.events(&call, "acme-admin", last_id.as_deref()).await;
            // Away after three events, as often as the call lasts.
            let mut over = false;
            while events.heard.len() < 3 && !over {
                over = events.next().await.expect("the end is told before it comes").name == "end";
            }
            told.extend(revisions(&events));
            messages.extend(events.messages());
            last_id = events.last_id.clone();
            if over {
                assert_eq!(events.next().await, None);
                return (told, messages);
            }
        }
    };
    let speaking = async {
        let last = socket.play(&recording, 200, 1, 10).await;
        socket.stop(last).await;
    };
    let ((told, messages), ()) = tokio::join!(listening, speaking);
    assert_complete(&call, &messages, &local.rest("acme-admin")).await;
    assert!(told.is_sorted_by(|one, other| one < other), "{told:?}");

    // The query does where no header can be set.
    let (half, path) = (told[told.len() / 2], path(&call));
    let mut rest =
        Events::open(&local.url, &format!("{path}?last_event_id={half}"), Some("acme-admin"), None).await.unwrap();
    rest.to_end().await;
    assert!(revisions(&rest).iter().all(|revision| *revision > half));
    assert!(!revisions(&rest).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_read_a_call_is_told_of_it() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (desk, own) = (new_call(), new_call());
    let _socket = local.capture(&desk).await;
    let _agents = local.try_capture(&capture(&own), "acme-agent").await.unwrap();
    let (desks, owns) = (path(&desk), path(&own));
    for (path, token, last_id, status, detail) in [
        (&*desks, None, None, 401, "Authorization: Bearer <token>"),
        (&*desks, Some("nobody"), None, 401, "is not known"),
        (&*desks, Some("acme-revoked"), None, 401, "is not known"),
        (&*desks, Some("acme-capture"), None, 403, "may only send audio"),
        (&*desks, Some("other-admin"), None, 404, "there is no call"),
        (&*desks, Some("acme-agent"), None, 404, "there is no call"),
        (&*owns, Some("acme-colleague"), None, 404, "there is no call"),
        ("/v1/calls/1/events", Some("acme-admin"), None, 400, "a call id is a ULID"),
        ("/v1/calls/1/2/events", Some("acme-admin"), None, 404, "there is no such feed"),
        (&*desks, Some("acme-admin"), Some("x"), 400, "Last-Event-ID \"x\" is not a revision"),
        ("/transcription/events", None, None, 401, "Authorization: Bearer <token>"),
        ("/transcription/events", Some("acme-capture"), None, 403, "may only send audio"),
        ("/transcription/events", Some("acme-admin"), Some("x"), 400, "Last-Event-ID \"x\" is not the id"),
    ] {
        let refused = Events::open(&local.url, path, token, last_id).await.unwrap_err();
        assert_eq!((refused.status, refused.header("content-type")), (status, "application/problem+json"), "{path}");
        assert_eq!(refused.json()["status"], status);
        assert!(refused.json()["detail"].as_str().unwrap().contains(detail), "{}", refused.text);
    }
    let refused = local.rest("acme-admin").ask("POST", &desks, &[], "").await.expect(405);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let told = local.events(&own, "acme-agent", None).await.next_of("call").await;
    assert_eq!(told["principal"], "al");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_listen_at_once() {
    const LISTENERS: usize = 80;
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 3, 6]));
    let mut socket = local.capture(&call).await;
    let mut all = join_all((0..LISTENERS).map(|_| local.events(&call, "acme-supervisor", None))).await;
    let last = socket.play(&recording, 200, 1, 10).await;
    socket.stop(last).await;
    join_all(all.iter_mut().map(Events::to_end)).await;
    for events in &all {
        revisions(events);
        assert_complete(&call, &events.messages(), &local.rest("acme-admin")).await;
    }
}

/// The segments of events, sorted by what they say: of more than one call.
fn segments(events: &[Value]) -> Vec<(String, Heard)> {
    let mut segments: Vec<_> =
        events.iter().map(|message| (message["call"].as_str().unwrap().to_owned(), heard(message))).collect();
    segments.sort();
    segments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_of_all_calls_tells_each_finished_segment_once() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (before, one, two) = (new_call(), new_call(), new_call());
    // What was said before somebody listens is not told to them.
    let mut earlier = local.capture(&before).await;
    let last = earlier.play(&audio::rearranged(&[0]), 200, 1, 10).await;
    earlier.stop(last).await;
    earlier.hear_of("notes").await;

    let mut supervisor = local.all("acme-supervisor", None).await;
    let mut agent = local.all("acme-agent", None).await;
    let mut stranger = local.all("other-admin", None).await;
    let speak = async |call: &str, token: &str, recording: &Recording| {
        let mut socket = local.try_capture(&capture(call), token).await.unwrap();
        let last = socket.play(recording, 200, 1, 10).await;
        socket.stop(last).await;
    };
    let (first, second) = (audio::rearranged(&[0, 3, 6]), audio::rearranged(&[5, 2, 7, 1]));
    let turns = first.turns.len() + second.turns.len();
    let ((), (), told) = tokio::join!(speak(&one, "acme-capture", &first), speak(&two, "acme-agent", &second), async {
        // Half of it, and the other half after a while away.
        let mut told = Vec::new();
        while told.len() < turns / 2 {
            told.push(supervisor.next_of("segment").await);
        }
        let mut back = local.all("acme-supervisor", supervisor.last_id.as_deref()).await;
        while told.len() < turns {
            told.push(back.next_of("segment").await);
        }
        told
    });
    let known = async |call: &str| -> Vec<(String, Heard)> {
        let rest = local.rest("acme-admin");
        rest.noted(call).await;
        rest.transcript(call).await.into_iter().map(|heard| (call.to_owned(), heard)).collect()
    };
    let mut expected = [known(&one).await, known(&two).await].concat();
    expected.sort();
    assert_eq!(segments(&told), expected);
    assert!(told.iter().all(|segment| segment["final"] == true && segment["type"] == "segment"));

    let mut own = Vec::new();
    while own.len() < second.turns.len() {
        own.push(agent.next_of("segment").await);
    }
    assert_eq!(segments(&own), known(&two).await);

    // Nothing else came: a segment of their own is the first that anybody of the other organization hears.
    let theirs = new_call();
    let third = audio::rearranged(&[4]);
    speak(&theirs, "other-capture", &third).await;
    assert_eq!(stranger.next_of("segment").await["call"], json!(theirs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_stops_although_somebody_listens() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let file = project().join("dashboard/demo/demo_call.wav");
    let mut stream = machine.stream(&dev, &file, &["--pace", "4"]);
    let call = stream.next_of("segment").await["call"].as_str().unwrap().to_owned();
    let mut events = Events::open(&dev.url, &path(&call), Some(&dev.token), None).await.unwrap();
    events.next_of("segment").await;
    assert!(dev.terminate().await.success());
    events.to_end().await;
    assert!(events.heard.iter().all(|event| event.name != "end"), "the call did not end");
}
