//! What was given up is taken up again: the words come back, none is doubled, and to do it twice changes nothing.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use callboard_adapters::redrive::Redrive;
use callboard_local::{aws::queue::NewMessage, stack::StackOptions};
use callboard_tests::{
    audio::{self, Recording},
    dashboard::Dashboard,
    new_call,
    process::{Dev, Machine},
    project,
    socket::{Socket, capture, pairs},
    speech::{Flaw, Speech},
    stack::{Local, options_of},
    template::Changed,
    until,
    wiring::{observe, wrap},
};
use serde_json::{Value, json};

use crate::{keep::of_data, keep_live::kept, streaming::assert_turns, wiring::files};

/// Runs the command against a stack; gives its summary, of one that took up all that was there.
async fn redrive(machine: &Machine, dev: &Dev, project: &Path) -> Value {
    let project = project.to_str().unwrap();
    let ended = machine.run(&["redrive", "--json", "--url", &dev.url, "--project", project], &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.printed.len(), 1, "{:?}", ended.printed);
    ended.printed[0].clone()
}

/// The batches that a stack gave up, each as its file and what it holds.
fn given_up(data: &Path) -> Vec<(String, Value)> {
    let bucket = data.join("s3/failedbatchesbucket/aws");
    let read = |file: String| Some((file.clone(), serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()?));
    files(&bucket).into_iter().filter_map(read).collect()
}

/// Plays a recording into a call of a process, and stops it.
async fn play(dev: &Dev, call: &str, recording: &Recording) -> Socket {
    let mut socket = Socket::open(&dev.url, &pairs(&capture(call)), Some(&dev.token)).await.unwrap();
    socket.watch(json!({"call": call})).await;
    let last = socket.play(recording, 100, 1, 50).await;
    socket.stop(last).await;
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_were_given_up_bring_their_words_back() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let changed = Changed::property("TranscribeFunction", "MaximumRetryAttempts", "1");
    let folder = changed.path().parent().unwrap().to_owned();
    let options = ["--port", "0", "--speech", &speech.url, "--project", folder.to_str().unwrap()];
    let dev = machine.dev_with(&options, &[]).await;
    // No words, and no place where an utterance could wait for them: its batch fails, and is given up.
    speech.fail_all(Some(500));
    let data = machine.path().join("data");
    let audio_bucket = data.join("s3/audiobucket");
    std::fs::remove_dir(&audio_bucket).unwrap();
    std::fs::write(&audio_bucket, "").unwrap();
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1]));
    let _client = play(&dev, &call, &recording).await;
    until("a batch that was given up", async || given_up(&data).first().cloned()).await;
    assert_eq!(dev.rest().transcript(&call).await, []);

    std::fs::remove_file(&audio_bucket).unwrap();
    std::fs::create_dir(&audio_bucket).unwrap();
    speech.fail_all(None);
    let kept = given_up(&data);
    let summary = redrive(&machine, &dev, &folder).await;
    assert!(summary["objects"].as_u64().unwrap() >= kept.len() as u64, "{summary}");
    assert!(summary["records"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!((&summary["items"], &summary["failed"]), (&0.into(), &0.into()), "{summary}");
    let noted = dev.rest().noted(&call).await;
    assert_turns(&dev.rest().transcript(&call).await, &recording);
    assert_eq!(noted["call"]["status"], "ended");
    let nothing = json!({"objects": 0, "records": 0, "items": 0, "messages": 0, "failed": 0});
    assert_eq!(redrive(&machine, &dev, &folder).await, nothing);

    // The same batches once more. A call behind them in the stream ends after they were worked on.
    for (file, object) in &kept {
        std::fs::write(file, object.to_string()).unwrap();
    }
    assert_eq!(redrive(&machine, &dev, &folder).await["objects"], kept.len());
    let next = new_call();
    let _client = play(&dev, &next, &recording).await;
    dev.rest().noted(&next).await;
    let again = dev.rest().snapshot(&call).await;
    for part in ["segments", "cards", "notes"] {
        assert_eq!(again[part], noted[part], "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_given_up_are_told_again() {
    let speech = Speech::start();
    let changed = Changed::property("AnalyzeFunction", "MaximumRetryAttempts", "1");
    let data = tempfile::tempdir().unwrap();
    let mut options =
        StackOptions { data_dir: Some(data.path().to_owned()), ..options_of(changed.path(), &speech.url) };
    let broken = Arc::new(AtomicBool::new(true));
    let fails = broken.clone();
    wrap(&mut options.registry, "analyze", move |_, handled| {
        let fails = fails.load(Ordering::SeqCst);
        Box::pin(async move { if fails { Err("as the test asked".to_owned()) } else { handled.await } })
    });
    let local = Local::start_with(options).await.unwrap();
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3]));
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 200, 1, 20).await;
    socket.stop(last).await;
    let all = async || {
        let payloads: String = given_up(data.path()).iter().map(|(_, object)| object["payload"].to_string()).collect();
        let ended = payloads.contains(r#"\"status\":{\"S\":\"ended\"}"#);
        (ended && payloads.matches(r#"\"sk\":{\"S\":\"SEG#"#).count() >= 8).then_some(())
    };
    until("the segments and the call's end among what was given up", all).await;
    let rest = local.rest("acme-admin");
    assert_eq!(rest.snapshot(&call).await["notes"], Value::Null);

    broken.store(false, Ordering::SeqCst);
    let redrive = Redrive::new(&local.stack.sdk_config());
    let mut items = 0;
    for key in redrive.batches("failedbatchesbucket").await.unwrap() {
        items += redrive.replay("failedbatchesbucket", &key, 1).await.unwrap().items;
    }
    assert!(items >= 5, "four segments and the call");
    let known = Dashboard::from_snapshot(&rest.noted(&call).await);
    assert_turns(&known.segments(), &recording);
    assert_eq!(known.objections(), ["too_expensive"]);
    assert_eq!(given_up(data.path()), []);
    socket.hear_of("notes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audio_that_was_given_up_is_kept_after_all_and_no_word_is_asked_for_twice() {
    let speech = Speech::start();
    let changed = Changed::property("KeepFunction", "MaximumRetryAttempts", "1");
    let data = tempfile::tempdir().unwrap();
    let mut options = of_data(options_of(changed.path(), &speech.url), data.path());
    let broken = Arc::new(AtomicBool::new(true));
    let fails = broken.clone();
    wrap(&mut options.registry, "keep", move |_, handled| {
        let fails = fails.load(Ordering::SeqCst);
        Box::pin(async move { if fails { Err("as the test asked".to_owned()) } else { handled.await } })
    });
    let local = Local::start_with(options).await.unwrap();
    let (rest, call, recording) = (local.rest("acme-admin"), new_call(), audio::rearranged(&[0, 1]));
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 300, 0, 20).await;
    socket.stop(last).await;
    let known = rest.noted(&call).await;
    let count = |object: &Value| object["KinesisBatchInfo"]["batchSize"].as_u64().unwrap();
    // Connected, the frames from 0 on, and the stop.
    let all = async || {
        let records: u64 = given_up(data.path()).iter().map(|(_, object)| count(object)).sum();
        (records == u64::from(last) + 3).then_some(())
    };
    until("all of the call among what was given up", all).await;
    let asked = speech.asked().len();

    broken.store(false, Ordering::SeqCst);
    let redrive = Redrive::new(&local.stack.sdk_config());
    for key in redrive.batches("failedbatchesbucket").await.unwrap() {
        redrive.replay("failedbatchesbucket", &key, 1).await.unwrap();
    }
    let to_ms = known["call"]["duration_ms"].as_u64().unwrap();
    let kept = kept(&rest, &call, to_ms).await;
    let kept_rows = kept.iter().zip(&recording.channels);
    assert!(kept_rows.into_iter().all(|(kept, row)| kept[..row.len()] == row[..]), "sample by sample");
    let again = rest.snapshot(&call).await;
    for part in ["segments", "cards", "notes"] {
        assert_eq!(again[part], known[part], "{part}");
    }
    assert_eq!(again["call"]["duration_ms"], known["call"]["duration_ms"]);
    assert_eq!(speech.asked().len(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_tried_again() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let options = ["--port", "0", "--speech", &speech.url];
    let dev = machine.dev_with(&options, &[("DEFERRED_TRIES", "1"), ("DEFERRED_BACKOFF_SECONDS", "0")]).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1]));
    speech.flaw(&recording.turns[0].text, Some(Flaw::Refused));
    let mut socket = play(&dev, &call, &recording).await;
    socket.hear_until(|message| message["placeholder"] == "failed").await;
    speech.flaw(&recording.turns[0].text, None);
    // It is on its way to the dead letters, or there.
    let moved = async || (redrive(&machine, &dev, &project()).await["messages"] == 1).then_some(());
    until("a message in the dead letters", moved).await;
    let whole = async || {
        let heard = dev.rest().transcript(&call).await;
        (heard.len() == 2 && heard[0].text == recording.turns[0].text).then_some(heard)
    };
    assert_turns(&until("the words", whole).await, &recording);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_fifo_queue_keep_their_group() {
    let speech = Speech::start();
    let mut options = options_of(project().join("template.yaml"), &speech.url);
    let wanted = observe(&mut options.registry, "advise");
    let local = Local::start_with(options).await.unwrap();
    let (group, deduplication) = (Some("acme/call".to_owned()), Some("once".to_owned()));
    let message = NewMessage { body: "not understood".to_owned(), group, deduplication, ..NewMessage::default() };
    let sent = local.stack.aws().sqs().with("AdviceDeadLetterQueue.fifo", |queue, now_ms| queue.send(message, now_ms));
    sent.unwrap().unwrap();
    let url = |name: &str| format!("http://local/000000000000/{name}");
    let redrive = Redrive::new(&local.stack.sdk_config());
    let moved = redrive.move_messages(&url("AdviceDeadLetterQueue.fifo"), &url("AdviceQueue.fifo"), i64::MAX).await;
    assert_eq!(moved.unwrap(), 1);
    let event = until("the message", async || wanted.lock().unwrap().first().cloned()).await;
    let attributes = &event["Records"][0]["attributes"];
    assert_eq!(attributes["MessageGroupId"], "acme/call", "{event}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_stack_it_says_what_to_name() {
    let machine = Machine::new();
    let ended = machine.run(&["redrive", "--url", "http://127.0.0.1:1"], &[]).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("--bucket") && ended.stderr.contains("callboard dev"), "{}", ended.stderr);
}
