//! Several calls and several watchers at once: nobody gets another's words, and all get the same.

use callboard_tests::{
    audio, dashboard::Dashboard, new_call, process::Machine, project, socket::Socket, speech::Speech,
};
use serde_json::json;

use crate::streaming::assert_turns;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calls_at_once_do_not_mix_and_every_watcher_sees_the_same() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let (one, two) = (new_call(), new_call());
    let other = audio::rearranged(&[5, 6, 3, 0, 7]);
    let other_file = machine.path().join("other.wav");
    other.write(&other_file);

    let mut watches_all = Socket::open(&dev.url, &[], Some(&dev.token)).await.unwrap();
    watches_all.watch(json!({"calls": true})).await;
    let demo_file = project().join("dashboard/demo/demo_call.wav");
    let first = machine.stream(&dev, &demo_file, &["--pace", "5", "--call", &one]);
    let second = machine.stream(&dev, &other_file, &["--pace", "3", "--call", &two]);
    watches_all.hear_until(|message| message["type"] == "call" && message["call"] == one.as_str()).await;
    let mut watches_one = Socket::open(&dev.url, &[], Some(&dev.token)).await.unwrap();
    watches_one.watch(json!({"call": one})).await;

    // A dashboard that is opened in the middle of the call.
    watches_one.hear_of("progress").await;
    let mut late = Socket::open(&dev.url, &[], Some(&dev.token)).await.unwrap();
    late.watch(json!({"call": one})).await;
    let late_dashboard = Dashboard::from_snapshot(&dev.rest().snapshot(&one).await);
    assert_eq!(late_dashboard.status(), "live");

    let (first, second) = tokio::join!(first.end(), second.end());
    let ends = [(&one, &first, audio::demo()), (&two, &second, other)];
    for (call, ended, recording) in &ends {
        let pushed = &ended.messages()[..ended.printed.len() - 1];
        assert!(pushed.iter().all(|message| message["call"] == call.as_str()));
        assert_turns(&Dashboard::of(call, pushed).segments(), recording);
    }
    for (call, ended) in [(&one, &first), (&two, &second)] {
        let known = Dashboard::from_snapshot(&dev.rest().snapshot(call).await);
        assert_eq!(Dashboard::of(call, &ended.printed).shown(), known.shown(), "the capture client's own");
        watches_all.hear_all(call, &Dashboard::default(), &known).await;
    }
    let known = Dashboard::from_snapshot(&dev.rest().snapshot(&one).await);
    watches_one.hear_all(&one, &Dashboard::default(), &known).await;
    late.hear_all(&one, &late_dashboard, &known).await;
    assert!(watches_one.heard.iter().all(|message| message["call"] != two.as_str()), "nothing of the other call");

    // Doubled and out of order, it ends the same.
    let twice = watches_all.heard.iter().rev().chain(&watches_all.heard);
    assert_eq!(Dashboard::of(&one, twice).shown(), known.shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_was_taken_back_brings_nothing_more() {
    let speech = Speech::start();
    let local = callboard_tests::stack::Local::start(&speech.url).await;
    let id = new_call();
    let mut capture = local.capture(&id).await;
    let mut watcher = local.socket("acme-supervisor").await;
    watcher.watch(json!({"call": id})).await;
    watcher.send(json!({"action": "unwatch", "call": id})).await;
    assert_eq!(watcher.hear_of("watching").await, json!({"type": "watching", "call": id, "active": false}));
    let known = watcher.heard.len();
    let last = capture.play(&audio::rearranged(&[0]), 200, 1, 20).await;
    capture.stop(last).await;
    capture.hear_of("notes").await;
    watcher.ping().await;
    assert_eq!(watcher.heard[known..], [json!({"type": "pong"})]);
}
