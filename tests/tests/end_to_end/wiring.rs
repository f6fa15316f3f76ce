//! The local stack is the template: what is changed in a copy of it is different when it runs.

use std::{collections::BTreeSet, sync::Arc};

use callboard_local::stack::StackOptions;
use callboard_tests::{
    audio, new_call,
    socket::{Socket, audio as frame, capture, pairs},
    speech::Speech,
    stack::{Local, options, options_of},
    template::Changed,
    until,
    wiring::{Events, observe, wrap},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The values of one field of all events, by JSON pointer.
fn all(events: &Events, pointer: &str) -> BTreeSet<String> {
    let events = events.lock().unwrap();
    events.iter().filter_map(|event| Some(event.pointer(pointer)?.as_str()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_is_renamed_is_renamed_here() {
    let speech = Speech::start();
    let changed = Changed::at("\n        audio: {", "\n        sound: {");
    for (mut options, of_audio, of_sound) in
        [(options(&speech.url), "audio", "$default"), (options_of(changed.path(), &speech.url), "$default", "sound")]
    {
        let events = observe(&mut options.registry, "ingest");
        let local = Local::start_with(options).await.unwrap();
        let mut socket = local.try_capture(&capture(&new_call()), "acme-capture").await.unwrap();
        for (action, route) in [("audio", of_audio), ("sound", of_sound)] {
            events.lock().unwrap().clear();
            let mut message = frame(1, &[0; 6_400]);
            message["action"] = json!(action);
            socket.send(message).await;
            let came = async || (!events.lock().unwrap().is_empty()).then_some(());
            until("the message at ingest", came).await;
            assert_eq!(all(&events, "/requestContext/routeKey"), BTreeSet::from([route.to_owned()]));
        }
    }
    // A route of another function: a client sees it at once.
    let changed = Changed::at("\n        ping: {", "\n        hello: {");
    let local = Local::start_with(options_of(changed.path(), &speech.url)).await.unwrap();
    let mut socket = local.socket("acme-admin").await;
    socket.send(json!({"action": "ping"})).await;
    assert_eq!(socket.hear().await["code"], "unknown_action");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stage_is_where_the_socket_is() {
    let speech = Speech::start();
    let changed = Changed::property("SocketApi", "StageName", "line");
    let local = Local::start_with(options_of(changed.path(), &speech.url)).await.unwrap();
    let refused = Socket::open(&local.url, &[], Some("acme-admin")).await.expect_err("nothing is at /ws");
    assert_eq!(refused.status, 404);
    let client = callboard_tests::rest::client();
    let answer = client.get(format!("{}/line", local.url)).send().await.unwrap();
    assert_eq!(answer.status(), 426, "a WebSocket is asked for here");
}

/// The greatest number of records in one batch of frames, where all frames are there before the second batch is read.
async fn largest_batch(mut options: StackOptions) -> usize {
    let gate = Arc::new(Semaphore::new(0));
    let events = observe(&mut options.registry, "transcribe");
    let opened = gate.clone();
    wrap(&mut options.registry, "transcribe", move |_, handled| {
        let gate = opened.clone();
        Box::pin(async move {
            let _open = gate.acquire().await;
            handled.await
        })
    });
    let local = Local::start_with(options).await.unwrap();
    let call = new_call();
    let mut socket = local.capture(&call).await;
    let frames = audio::rearranged(&[1]).frames(100);
    for (seq, bytes) in (1..).zip(&frames) {
        socket.send(frame(seq, bytes)).await;
    }
    socket.stop(u32::try_from(frames.len()).unwrap()).await;
    let stream = &local.stack.template().streams[0].name;
    // Connected, the frames, and the stop.
    let kinesis = local.stack.aws().kinesis();
    let stored =
        async || (kinesis.read(stream, 0, 0, 1_000, 10 << 20).unwrap().len() == frames.len() + 2).then_some(());
    until("all frames in the stream", stored).await;
    gate.add_permits(64);
    local.rest("acme-admin").noted(&call).await;
    let sizes = events.lock().unwrap().iter().map(|event| event["Records"].as_array().unwrap().len()).max();
    sizes.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_batch_size_is_the_templates() {
    let speech = Speech::start();
    assert!(largest_batch(options(&speech.url)).await > 7);
    for size in [1, 7] {
        let changed = Changed::property("TranscribeFunction", "BatchSize", &size.to_string());
        assert_eq!(largest_batch(options_of(changed.path(), &speech.url)).await, size);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_as_many_shards_as_the_template_says() {
    let speech = Speech::start();
    let changed = Changed::property("FrameStream", "ShardCount", "3");
    let mut parameter = options(&speech.url);
    parameter.overrides.insert("Shards".into(), "2".into());
    for (mut options, shards) in
        [(options(&speech.url), 1), (options_of(changed.path(), &speech.url), 3), (parameter, 2)]
    {
        let events = observe(&mut options.registry, "transcribe");
        let local = Local::start_with(options).await.unwrap();
        // Where a call goes is its key's hash: of forty, none of three shards stays empty, but once in millions of runs.
        for _ in 0..40 {
            local.try_capture(&capture(&new_call()), "acme-capture").await.unwrap();
        }
        let all_came = async || {
            let events = events.lock().unwrap();
            let records = events.iter().flat_map(|event| event["Records"].as_array().unwrap());
            let ids: Vec<String> = records.map(|record| record["eventID"].as_str().unwrap().to_owned()).collect();
            let shards: BTreeSet<String> = ids.iter().map(|id| id.split(':').next().unwrap().to_owned()).collect();
            (ids.len() >= 40).then_some(shards)
        };
        let seen = until("a record of each call", all_came).await;
        assert_eq!(seen.len(), shards, "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_filter_keeps_out_does_not_come() {
    let speech = Speech::start();
    let changed = Changed::at(r#""RECORDING","PROGRESS","NOTES""#, r#""RECORDING","NOTES""#);
    for (options, told) in [(options(&speech.url), true), (options_of(changed.path(), &speech.url), false)] {
        let local = Local::start_with(options).await.unwrap();
        let (call, recording) = (new_call(), audio::rearranged(&[0, 3]));
        let mut socket = local.capture(&call).await;
        let last = socket.play(&recording, 200, 1, 20).await;
        socket.stop(last).await;
        socket.hear_of("notes").await;
        let progress = socket.heard.iter().filter(|message| message["type"] == "progress").count();
        assert_eq!(progress > 0, told, "{progress} were told");
        // The rest comes as ever; which of two items is pushed first is not said.
        if !socket.heard.iter().any(|message| message["type"] == "card") {
            socket.hear_of("card").await;
        }
        assert_ne!(local.rest("acme-admin").snapshot(&call).await["progress"], Value::Null, "it is there, untold");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_functions_environment_is_the_templates() {
    let speech = Speech::start();
    for (function, variable, value) in [
        ("TranscribeFunction", "SPEECH_TIMEOUT_MS", "soon"),
        ("DeferredFunction", "DEFERRED_TRIES", "21"),
        ("KeepFunction", "KEEP_WINDOW_SECONDS", "301"),
        ("SweepFunction", "SWEEP_GRACE_SECONDS", "1"),
        ("AuthorizerFunction", "ANONYMOUS_CAPTURE_ORG", "A#B"),
    ] {
        let changed = Changed::property(function, variable, value);
        let error = Local::start_with(options_of(changed.path(), &speech.url)).await.map(|_| ()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(function) && error.contains(variable), "{error}");
    }
    // A value that fits does what it says: without a key, an organization of the template's choice.
    let changed = Changed::property("AuthorizerFunction", "ANONYMOUS_CAPTURE_ORG", "other");
    let local = Local::start_with(options_of(changed.path(), &speech.url)).await.unwrap();
    let call = new_call();
    let _capture = Socket::open(&local.url, &pairs(&capture(&call)), None).await.unwrap();
    assert_eq!(local.rest("other-admin").calls().await.len(), 1);
    assert_eq!(local.rest("acme-admin").calls().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_given_up_goes_where_the_template_says() {
    let speech = Speech::start();
    let changed = Changed::property("TranscribeFunction", "MaximumRetryAttempts", "1");
    let data = tempfile::tempdir().unwrap();
    let mut options =
        StackOptions { data_dir: Some(data.path().to_owned()), ..options_of(changed.path(), &speech.url) };
    wrap(&mut options.registry, "transcribe", |_, _| Box::pin(async { Err("as the test asked".to_owned()) }));
    let local = Local::start_with(options).await.unwrap();
    let call = new_call();
    let mut socket = local.capture(&call).await;
    let last = socket.play(&audio::rearranged(&[1]), 100, 1, 50).await;
    socket.stop(last).await;
    let bucket = "failedbatchesbucket";
    let kept = async || {
        files(data.path()).into_iter().find(|file| file.contains(&format!("/{bucket}/")) && file.contains("shardId-"))
    };
    let kept = until("a batch in the bucket", kept).await;
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    let function = kept["requestContext"]["functionArn"].as_str().unwrap_or_default();
    assert!(function.contains("TranscribeFunction"), "{kept}");
    assert!(kept["payload"].as_str().is_some_and(|payload| payload.contains("Records")), "the records are kept");
}

/// All files below a folder, as paths.
pub(crate) fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() { files(&path) } else { vec![path.to_string_lossy().into_owned()] }
    });
    below.collect()
}
