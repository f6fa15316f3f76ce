//! What remains of calls: kept audio that a browser plays, the lines of the export, and nothing after a removal.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use callboard_local::{registry, stack::StackOptions};
use callboard_runtime::Clock;
use callboard_tests::{
    audio::{self, Recording},
    new_call,
    rest::{Rest, client},
    speech::Speech,
    stack::{Local, options},
    until,
};
use serde_json::{Value, json};

use crate::wiring::files;

const DAY_MS: i64 = 86_400_000;

/// A stack whose files can be looked at, and whose removals are final at once.
pub(crate) async fn start(speech: &Speech, data: &Path) -> Local {
    Local::start_with(of_data(options(&speech.url), data)).await.unwrap()
}

pub(crate) fn of_data(mut options: StackOptions, data: &Path) -> StackOptions {
    // And whose frames are put aside soon.
    for (name, value) in [("DeleteAgainSeconds", "0"), ("KeepWindowSeconds", "1"), ("DeferredBackoffSeconds", "1")] {
        options.overrides.insert(name.to_owned(), value.to_owned());
    }
    StackOptions { data_dir: Some(data.to_owned()), ..options }
}

/// Hands in a recording of a call that began now or later, and waits for what comes of it; returns the call.
async fn recorded(rest: &Rest, recording: &Recording, later_ms: i64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.wav");
    recording.write(&path);
    let bytes = std::fs::read(&path).unwrap();
    let started_at_ms = Clock::system().now_ms() + later_ms;
    let about = json!({"file_name": "call.wav", "bytes": bytes.len(), "started_at_ms": started_at_ms});
    let ticket = rest.send("POST", "/v1/recordings", &about).await.expect(201).json();
    let sent = client().put(ticket["upload"]["url"].as_str().unwrap()).body(bytes).send().await.unwrap();
    assert!(sent.status().is_success(), "{sent:?}");
    let call = ticket["call"].as_str().unwrap().to_owned();
    rest.noted(&call).await;
    call
}

/// Objects of a stack whose keys hold this, by bucket and key.
pub(crate) fn objects(data: &Path, part: &str) -> Vec<String> {
    let root = data.join("s3");
    let keys = files(&root).into_iter().filter_map(|file| Some(file.strip_prefix(root.to_str()?)?.to_owned()));
    keys.filter(|key| !key.starts_with("/.") && key.contains(part)).collect()
}

/// What the tables of a stack hold of a call.
async fn items(local: &Local, call: &str) -> Vec<String> {
    let client = aws_sdk_dynamodb::Client::new(&local.stack.sdk_config());
    let mut found = Vec::new();
    for table in ["CallsTable", "LiveTable", "SocketsTable", "AccountsTable"] {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = format!("{table}: {:?}", item.unwrap());
            found.extend(item.contains(call).then_some(item));
        }
    }
    found
}

pub(crate) async fn load(piece: &Value) -> Vec<u8> {
    let loaded = client().get(piece["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(loaded.status(), 200);
    loaded.bytes().await.unwrap().to_vec()
}

/// The samples of a WAV file, one row a channel.
pub(crate) fn rows(wav: &[u8]) -> Vec<Vec<i16>> {
    let reader = hound::WavReader::new(wav).unwrap();
    let channels = usize::from(reader.spec().channels);
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    (0..channels).map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audio_is_kept_and_played_by_range() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    let (rest, recording) = (local.rest("acme-agent"), audio::rearranged(&[0, 1, 2, 3, 4].repeat(5)));
    let call = recorded(&rest, &recording, 0).await;
    let path = format!("/v1/calls/{call}/audio");
    let (status, audio) = rest.get(&path).await;
    assert_eq!(status, 200, "{audio}");
    let pieces = audio["pieces"].as_array().unwrap();
    let mut at_ms = 0;
    let mut rows_of_all = vec![Vec::new(); 2];
    for piece in pieces {
        assert_eq!((&piece["from_ms"], &piece["offset_ms"]), (&json!(at_ms), &json!(0)), "{audio}");
        at_ms = piece["to_ms"].as_u64().unwrap();
        for (all, row) in rows_of_all.iter_mut().zip(rows(&load(piece).await)) {
            all.extend(row);
        }
    }
    assert!(pieces.len() > 1 && at_ms == recording.duration_ms(), "{audio}");
    assert_eq!((recording.rate, rows_of_all == recording.channels), (16_000, true), "sample by sample");

    // As a browser asks: from another page, for a part of it.
    let ranged = client().get(pieces[1]["url"].as_str().unwrap()).header("range", "bytes=100-299");
    let ranged = ranged.header("origin", "https://calls.example.com").send().await.unwrap();
    assert_eq!(ranged.status(), 206);
    let header = |name: &str| ranged.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    assert_eq!((header("content-type"), header("access-control-allow-origin")), ("audio/wav".into(), "*".into()));
    assert!(header("content-range").starts_with("bytes 100-299/"), "{}", header("content-range"));
    assert_eq!(ranged.bytes().await.unwrap()[..], load(&pieces[1]).await[100..300]);
    let altered = pieces[1]["url"].as_str().unwrap().replace("/audio/acme/", "/audio/other/");
    assert_eq!(client().get(altered).send().await.unwrap().status(), 403);

    let (_, part) = rest.get(&format!("{path}?from_ms=61000&to_ms=61001&channel=customer")).await;
    assert_eq!((&part["pieces"][0]["from_ms"], &part["pieces"][0]["offset_ms"]), (&json!(60_000), &json!(1_000)));
    assert_eq!((part["pieces"].as_array().unwrap().len(), &part["channel_index"]), (1, &json!(1)), "{part}");
    for (token, query, expected) in [
        ("acme-supervisor", "", 200),
        ("acme-colleague", "", 404),
        ("other-admin", "", 404),
        ("acme-agent", "?from_ms=2&to_ms=2", 422),
        ("acme-agent", "?from_ms=soon", 400),
        ("acme-agent", "?channel=bob", 400),
        ("acme-agent", "?from_ms=99999999", 404),
    ] {
        assert_eq!(local.rest(token).get(&format!("{path}{query}")).await.0, expected, "{token} {query}");
    }
    let gone = async || objects(data.path(), "/recordings/").is_empty().then_some(());
    until("the uploaded file to be removed", gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_masked_is_not_heard() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    let settings = json!({"redaction": "mask_and_drop_audio", "keep_source": true});
    local.rest("acme-admin").send("PUT", "/v1/settings", &settings).await.expect(200);
    let recording = audio::rearranged(&[0, 1, 2]);
    let (secret, at_end) = (recording.turns[1].clone(), recording.duration_ms());
    speech.mishears(&secret.text, "My card number is 4111 1111 1111 1111.");
    let rest = local.rest("acme-agent");
    let call = recorded(&rest, &recording, 0).await;
    let segment = rest.snapshot(&call).await["segments"][1].clone();
    assert!(segment["text"].as_str().unwrap().contains("[card number]"), "{segment}");
    let masked = &segment["masked"][0]["time_ms"];
    let (from_ms, to_ms) = (masked[0].as_u64().unwrap(), masked[1].as_u64().unwrap());
    let (_, audio) = rest.get(&format!("/v1/calls/{call}/audio")).await;
    let kept = rows(&load(&audio["pieces"][0]).await);
    let at = |ms: u64| usize::try_from(ms * u64::from(recording.rate) / 1_000).unwrap();
    let is_heard = |channel: usize, from_ms, to_ms| {
        kept[channel][at(from_ms)..at(to_ms)] == recording.channels[channel][at(from_ms)..at(to_ms)]
    };
    assert!(recording.cut(secret.channel, from_ms, to_ms).iter().any(|sample| *sample != 0), "there was something");
    assert!(kept[secret.channel][at(from_ms)..at(to_ms)].iter().all(|sample| *sample == 0), "{segment}");
    assert!(is_heard(secret.channel, 0, secret.start_ms) && is_heard(secret.channel, secret.end_ms + 1_000, at_end));
    assert!(is_heard(1 - secret.channel, 0, at_end), "the other side");
    let gone = async || objects(data.path(), "/recordings/").is_empty().then_some(());
    until("the uploaded file to be removed, whatever else is set", gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_written_out_and_removed_without_a_trace() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    let (admin, call, recording) = (local.rest("acme-admin"), new_call(), audio::rearranged(&[0, 1, 2, 3]));
    let path = format!("/v1/calls/{call}");
    let delete = async |token: &str| local.rest(token).ask("DELETE", &path, &[], "").await.status;
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 200, 0, 20).await;
    socket.hear_of("segment").await;
    assert_eq!((delete("acme-admin").await, delete("other-admin").await), (409, 404), "it goes on");
    socket.stop(last).await;
    socket.hear_of("notes").await;
    let snapshot = admin.noted(&call).await;
    let card = snapshot["cards"][0]["id"].as_str().expect("a card").to_owned();
    let verdict = format!("{path}/cards/{card}/feedback");
    admin.send("PUT", &verdict, &json!({"verdict": "helpful"})).await;
    let lines = async |table: &str| {
        let key = async || objects(data.path(), &call).into_iter().find(|key| key.contains(&format!("/{table}/date=")));
        let key = until("the lines of a call", key).await;
        let text = std::fs::read_to_string(data.path().join("s3").join(&key[1..])).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let calls = lines("calls").await;
    assert_eq!(calls.len(), 1);
    assert_eq!((&calls[0]["kind"], &calls[0]["call"]), (&json!("live"), &json!(call)));
    assert_eq!(lines("segments").await.len(), recording.turns.len());
    let sounds = ["/frames/acme/", "/audio/acme/"].map(|kind| format!("{kind}{call}/"));
    let kept = async || sounds.iter().all(|kind| !objects(data.path(), kind).is_empty()).then_some(());
    until("its frames, and the audio that is made of them", kept).await;

    assert_eq!(delete("acme-supervisor").await, 403);
    assert_eq!(delete("acme-agent").await, 404, "not one of theirs");
    assert_eq!(delete("acme-admin").await, 204);
    assert_eq!(admin.get(&path).await.0, 404);
    assert_eq!(admin.calls().await.len(), 0);
    socket.hear_until(|message| message["type"] == "call" && message["status"] == "deleted").await;
    drop(socket);
    let nothing = async || {
        let left = [items(&local, &call).await, objects(data.path(), &call)].concat();
        left.is_empty().then_some(())
    };
    until("nothing of the call", nothing).await;
    assert_eq!(delete("acme-admin").await, 404, "as one that never was");

    // The same again changes nothing, and its id can be taken anew.
    let message = json!({"version": 1, "org": "acme", "call": call, "wanted": {"kind": "delete", "finally": true}});
    let event = json!({"Records": [{"messageId": "1", "body": message.to_string()}]});
    let answer = local.stack.invoke("ArchiveFunction", event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
    let _again = local.capture(&call).await;
    assert_eq!(admin.calls().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_kept_for_as_long_as_is_said() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let later_ms = Arc::new(AtomicI64::new(0));
    let (later, system) = (later_ms.clone(), Clock::system());
    let clock = Clock::from_fn(move || system.now_ms() + later.load(Ordering::SeqCst));
    let options = StackOptions { registry: registry::functions(&clock), ..options(&speech.url) };
    let local = Local::start_with(of_data(options, data.path())).await.unwrap();
    let (rest, recording) = (local.rest("acme-admin"), audio::rearranged(&[0, 1]));
    for (settings, expected) in [
        (json!({"retention_days": 0}), 400),
        (json!({"retention_days": 3_651}), 400),
        (json!({"retention_days": 1, "export": false}), 200),
    ] {
        assert_eq!(rest.send("PUT", "/v1/settings", &settings).await.status, expected, "{settings}");
    }
    let old = recorded(&rest, &recording.channel(0), 0).await;
    let new = recorded(&rest, &recording.channel(0), 3 * DAY_MS).await;
    let about = json!({"file_name": "never.wav", "bytes": 1_000});
    let never = rest.send("POST", "/v1/recordings", &about).await.expect(201).json()["call"].clone();
    let tick = async || {
        let tick = serde_json::from_str(include_str!("../../../events/sweep.json")).unwrap();
        local.stack.invoke("ArchiveFunction", tick).await.unwrap()
    };
    assert_eq!(tick().await, json!({"organizations": 1, "removed": 0, "given_up": 0}));

    later_ms.store(3 * DAY_MS, Ordering::SeqCst);
    assert_eq!(tick().await, json!({"organizations": 1, "removed": 1, "given_up": 1}));
    let failed = rest.snapshot(never.as_str().unwrap()).await;
    assert_eq!((&failed["call"]["status"], &failed["recording"]["state"]), (&json!("failed"), &json!("failed")));
    assert!(failed["recording"]["reason"].as_str().unwrap().contains("did not come"), "{failed}");
    let gone = async || (rest.get(&format!("/v1/calls/{old}")).await.0 == 404).then_some(());
    until("the old call to be removed", gone).await;
    let nothing = async || items(&local, &old).await.is_empty().then_some(());
    until("nothing of the old call", nothing).await;
    assert_eq!(objects(data.path(), "/calls/date="), [] as [String; 0], "nothing is written out");
    assert_eq!(rest.snapshot(&new).await["call"]["status"], "ended", "and the new one stays");
}
