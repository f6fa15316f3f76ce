//! Recorded calls: handed in over REST, worked on in parts, and in the end what a live call is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use callboard_tests::{
    audio::{self, Recording},
    dashboard::heard,
    new_call,
    rest::Rest,
    socket::Socket,
    speech::{Fault, Flaw, Speech},
    stack::{Local, options, options_of},
    template::Changed,
    until,
    wiring::{observe, wrap},
};
use serde_json::{Value, json};

use crate::streaming::assert_turns;

/// How long a message waits whose worker died, in seconds.
const SOON_S: &str = "10";

/// The demo call again and again, until it has this length.
fn long(minutes: u64) -> Recording {
    let demo = audio::demo();
    let turns: Vec<usize> = (0..demo.turns.len()).collect();
    let once = audio::rearranged_of(&demo, &turns);
    let times = (minutes * 60_000).div_ceil(once.duration_ms());
    audio::rearranged_of(&demo, &turns.repeat(usize::try_from(times).unwrap()))
}

fn about(name: &str, bytes: usize) -> Value {
    json!({"file_name": name, "bytes": bytes})
}

/// What a snapshot says, but for when, and in what order it came to be.
fn said(snapshot: &Value) -> Value {
    let mut said = json!({});
    for part in ["segments", "cards", "progress", "notes"] {
        said[part] = snapshot[part].clone();
    }
    said["duration_ms"] = snapshot["call"]["duration_ms"].clone();
    said["missing"] = snapshot["recording"]["missing"].clone();
    forget(&mut said, &["times", "revision", "call"]);
    said
}

fn forget(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|value| forget(value, names));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| forget(value, names)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_becomes_a_call() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (rest, recording) = (local.rest("acme-agent"), audio::demo());
    let wav = recording.wav();
    let id = new_call();
    let about = json!({
        "call": id, "file_name": "friday.wav", "bytes": wav.len(), "playbook": "sales", "started_at_ms": 1_700_000_000_000_i64,
    });
    let first = rest.send("POST", "/v1/recordings", &about).await.expect(201);
    assert_eq!(first.header("location"), format!("/v1/calls/{id}"));
    let waiting = rest.snapshot(&id).await;
    assert_eq!((&waiting["call"]["status"], &waiting["recording"]["state"]), (&json!("processing"), &json!("awaited")));
    let mut socket: Socket = local.socket("acme-agent").await;
    socket.watch(json!({"call": id})).await;
    // Sent again, it is the same.
    let call = rest.hand_in(&about, &wav).await;
    assert_eq!(call, id);

    let snapshot = rest.transcribed(&call).await;
    let segments: Vec<_> = snapshot["segments"].as_array().unwrap().iter().map(heard).collect();
    assert_turns(&segments, &recording);
    let told = &snapshot["recording"];
    assert_eq!((&told["state"], &told["percent"], &told["missing"]), (&json!("done"), &json!(100), &Value::Null));
    assert_eq!((&told["sound"]["container"], &told["sound"]["channels"]), (&json!("WAV"), &json!(2)));
    let of_call = &snapshot["call"];
    assert_eq!((&of_call["status"], &of_call["file_name"]), (&json!("ended"), &json!("friday.wav")));
    assert_eq!(of_call["duration_ms"], recording.duration_ms());
    assert_eq!(of_call["channels"], json!(["agent", "customer"]));
    assert_eq!((&of_call["started_at_ms"], &of_call["principal"]), (&json!(1_700_000_000_000_i64), &json!("al")));
    assert!(snapshot["cards"].as_array().unwrap().iter().any(|card| card["id"] == "too_expensive"));
    let states = [socket.hear_of("recording").await["state"].clone(), socket.hear_of("notes").await["type"].clone()];
    assert_eq!(states[1], "notes", "{states:?}");

    let result = rest.ask("GET", &format!("/v1/calls/{call}/result"), &[], "").await.expect(200);
    let text = result.json()["text"].as_str().unwrap().to_owned();
    assert_eq!(text.lines().count(), recording.turns.len());
    assert!(text.contains(&format!("agent: {}", recording.turns[0].text)), "{text}");
    let tag = result.header("etag").to_owned();
    rest.ask("GET", &format!("/v1/calls/{call}/result"), &[("if-none-match", &tag)], "").await.expect(304);
    for (token, status) in [("acme-colleague", 404), ("other-admin", 404), ("acme-supervisor", 200)] {
        let (answered, _) = local.rest(token).get(&format!("/v1/calls/{call}/result")).await;
        assert_eq!(answered, status, "{token}");
    }
}

/// `RECORDING_MINUTES=61` makes it twelve parts of an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_part_or_many_it_is_the_same_call() {
    let minutes = std::env::var("RECORDING_MINUTES").map_or(12, |minutes| minutes.parse().unwrap());
    let recording = long(minutes);
    let many = (recording.duration_ms() - 60_000) / 300_000 + 1;
    let wav = recording.wav();
    let mut calls = Vec::new();
    for sections in [1, 100] {
        let speech = Speech::start();
        // The worker of all parts at once needs its time, and nobody dies there.
        let patience = if sections == 1 { SOON_S } else { "900" };
        let changed = Changed::property("WorkQueue", "VisibilityTimeout", patience);
        let changed = changed.and_property("RecordingsFunction", "Timeout", patience);
        let mut options = options_of(changed.path(), &speech.url);
        options.overrides.insert("RecordingPartSections".to_owned(), sections.to_string());
        // In many parts, each is worked on and then its worker dies, once, before anybody hears of it.
        let died = Arc::new(AtomicUsize::new(0));
        let dies = died.clone();
        wrap(&mut options.registry, "recordings", move |event, handled| {
            let body = event["Records"][0]["body"].as_str().unwrap_or_default();
            let first = event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1";
            let dies = (sections == 1 && first && body.contains(r#""part""#)).then(|| dies.clone());
            Box::pin(async move {
                let handled = handled.await;
                match dies {
                    None => handled,
                    Some(count) => {
                        count.fetch_add(1, Ordering::SeqCst);
                        Err("it was killed".to_owned())
                    }
                }
            })
        });
        let local = Local::start_with(options).await.unwrap();
        let rest = local.rest("acme-admin");
        let call = rest.hand_in(&about("long.wav", wav.len()), &wav).await;
        let snapshot = rest.transcribed(&call).await;
        let parts = &snapshot["recording"]["parts"];
        let expected = if sections == 1 { many } else { 1 };
        assert_eq!(parts, &json!(expected), "{}", snapshot["recording"]);
        // One that takes too long is killed by the stack itself, and does not come to count.
        assert_eq!(died.load(Ordering::SeqCst) > 0, sections == 1);
        let segments: Vec<_> = snapshot["segments"].as_array().unwrap().iter().map(heard).collect();
        assert_turns(&segments, &recording);
        calls.push(said(&snapshot));
    }
    assert_eq!(calls[0], calls[1]);
}

/// What is no recording fails with a reason, and leaves nothing half done.
async fn check_failed(rest: &Rest, name: &str, bytes: &[u8], reason: &str) {
    let call = rest.hand_in(&json!({"file_name": name}), bytes).await;
    let snapshot = rest.transcribed(&call).await;
    let told = &snapshot["recording"];
    assert_eq!((&snapshot["call"]["status"], &told["state"]), (&json!("failed"), &json!("failed")), "{name}");
    assert!(told["reason"].as_str().unwrap().contains(reason), "{name}: {told}");
    assert_eq!(snapshot["segments"], json!([]), "{name}");
    assert!(snapshot["notes"].is_null(), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_recording_fails_with_a_reason() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let rest = local.rest("acme-admin");
    let wav = audio::rearranged(&[0, 1]).wav();
    let no_samples = Recording { rate: 16_000, channels: vec![Vec::new()], turns: Vec::new() }.wav();
    let noise: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    check_failed(&rest, "cut.wav", &wav[..wav.len() / 2], "damaged").await;
    check_failed(&rest, "empty.wav", &[], "empty").await;
    check_failed(&rest, "nothing.wav", &no_samples, "empty").await;
    check_failed(&rest, "noise.mp3", &noise, "not a recording").await;
    check_failed(&rest, "letter.mp3", "Dear Sir or Madam, please find enclosed. ".repeat(99).as_bytes(), "text").await;
    assert!(speech.asked().is_empty(), "nobody is asked about what fails");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_does_not_do_is_tried_again_or_told() {
    let speech = Speech::start();
    let mut options = options(&speech.url);
    options.overrides.insert("DeferredBackoffSeconds".to_owned(), "0".to_owned());
    let tries = observe(&mut options.registry, "recordings");
    let local = Local::start_with(options).await.unwrap();
    let (rest, recording) = (local.rest("acme-admin"), audio::rearranged(&[0, 1, 2]));
    speech.flaw(&recording.turns[1].text, Some(Flaw::Refused));
    speech.fail_next([Fault::Busy(1)]);
    speech.fail_all(Some(503));
    let call = rest.hand_in(&about("call.wav", recording.wav().len()), &recording.wav()).await;
    let again = async || {
        let seen = tries.lock().unwrap();
        seen.iter().any(|event| event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2").then_some(())
    };
    until("a second try", again).await;
    speech.fail_all(None);
    let snapshot = rest.transcribed(&call).await;
    let told = &snapshot["recording"];
    assert_eq!(told["state"], "done");
    let missing = told["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{told}");
    assert!(missing[0]["reason"].as_str().unwrap().contains("refused"), "{told}");
    let segments = snapshot["segments"].as_array().unwrap();
    let texts: Vec<_> = segments.iter().map(|it| (&it["final"], it["text"].as_str().unwrap())).collect();
    assert_eq!(texts[0], (&json!(true), recording.turns[0].text.as_str()));
    assert_eq!((texts[1].0, &segments[1]["placeholder"]), (&json!(false), &json!("failed")));
    assert_eq!(texts[2], (&json!(true), recording.turns[2].text.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_files_go_up_in_parts_and_go_on_where_they_were() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let rest = local.rest("acme-agent");
    let mut recording = audio::rearranged(&[0, 1]);
    // Forty megabytes, most of them silence.
    recording.channels.iter_mut().for_each(|row| row.resize(10_000_000, 0));
    let wav = recording.wav();
    let about = json!({"call": new_call(), "file_name": "long.wav", "bytes": wav.len()});
    let ticket = rest.send("POST", "/v1/recordings", &about).await.expect(201).json();
    let (call, mut upload) = (ticket["call"].as_str().unwrap(), ticket["upload"].clone());
    assert_eq!((&upload["kind"], upload["parts"].as_array().unwrap().len()), (&json!("parts"), 3));
    upload["parts"].as_array_mut().unwrap().truncate(1);
    rest.send_audio(&upload, &wav).await;
    let early = rest.send("POST", &format!("/v1/recordings/{call}/complete"), &json!({})).await.expect(409);
    assert!(early.json()["detail"].as_str().unwrap().contains("2 parts are missing"), "{}", early.text);
    let rest_of_it = rest.get(&format!("/v1/recordings/{call}/upload")).await.1;
    assert_eq!(rest_of_it["upload"]["uploaded"], json!([1]));
    assert_eq!(rest.hand_in(&about, &wav).await, call);
    let snapshot = rest.transcribed(call).await;
    let segments: Vec<_> = snapshot["segments"].as_array().unwrap().iter().map(heard).collect();
    assert_turns(&segments, &recording);
    // Once more: all of it is there, and nothing is done twice.
    let asked = speech.asked().len();
    let again = rest.send("POST", &format!("/v1/recordings/{call}/complete"), &json!({})).await.expect(200);
    assert_eq!(again.json()["upload"]["kind"], "complete");
    assert_eq!((rest.snapshot(call).await, speech.asked().len()), (snapshot, asked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_meant_is_named() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let rest = local.rest("acme-admin");
    for (body, status, words) in [
        (json!({}), 400, "file_name"),
        (json!({"file_name": "a.wav", "bytes": "many"}), 400, "not understood"),
        (json!({"file_name": "a.wav", "chanels": ["agent"]}), 400, "chanels"),
        (json!({"file_name": ""}), 422, "1 to 255"),
        (json!({"file_name": "a.wav", "bytes": 0}), 422, "bytes"),
        (json!({"file_name": "a.wav", "playbook": "nope"}), 422, "no playbook"),
        (json!({"file_name": "a.wav", "call": "x"}), 422, "ULID"),
        (json!({"file_name": "a.wav", "language": "english please"}), 422, "language tag"),
        (json!({"file_name": "a.wav", "channels": ["agent", "agent"]}), 422, "channels"),
    ] {
        let answer = rest.send("POST", "/v1/recordings", &body).await.expect(status);
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{body}: {}", answer.text);
    }
    let call = new_call();
    let mine = json!({"call": call, "file_name": "a.wav"});
    rest.send("POST", "/v1/recordings", &mine).await.expect(201);
    rest.send("POST", "/v1/recordings", &json!({"call": call, "file_name": "b.wav"})).await.expect(409);
    local.rest("acme-agent").send("POST", "/v1/recordings", &mine).await.expect(409);
    // Another organization has calls of its own, whatever they are called.
    local.rest("other-admin").send("POST", "/v1/recordings", &mine).await.expect(201);
    local.rest("acme-agent").ask("GET", &format!("/v1/recordings/{call}/upload"), &[], "").await.expect(404);
    // An address is for its object and for nothing else, and needs its signature.
    let ticket = rest.get(&format!("/v1/recordings/{call}/upload")).await.1;
    let url = ticket["upload"]["url"].as_str().unwrap();
    let client = callboard_tests::rest::client();
    for wrong in [url.replace(&call, &new_call()), url.split('?').next().unwrap().to_owned()] {
        let answered = client.put(wrong).body("x").send().await.unwrap();
        assert_eq!(answered.status(), 403);
    }
    let two_for_one = json!({"file_name": "mono.wav", "channels": ["agent", "customer"]});
    let failed = rest.hand_in(&two_for_one, &audio::demo().channel(0).wav()).await;
    let snapshot = until("its end", async || {
        let snapshot = rest.snapshot(&failed).await;
        (snapshot["call"]["status"] == "failed").then_some(snapshot)
    })
    .await;
    assert!(snapshot["recording"]["reason"].as_str().unwrap().contains("has one"), "{}", snapshot["recording"]);
}
