//! Everything is delivered at least once: a batch that comes again, whole or in parts, changes nothing.

use callboard_local::stack::StackOptions;
use callboard_tests::{
    audio,
    dashboard::Dashboard,
    new_call,
    speech::Speech,
    stack::{Local, options},
    wiring::fail_once_afterwards,
};
use serde_json::Value;

use crate::streaming::assert_turns;

/// Plays the demo call through a stack. Returns what a watcher saw and the snapshot after it.
async fn play(options: StackOptions) -> (Dashboard, Value) {
    let local = Local::start_with(options).await.unwrap();
    let call = new_call();
    let mut socket = local.capture(&call).await;
    let last = socket.play(&audio::demo(), 200, 1, 15).await;
    socket.stop(last).await;
    let snapshot = local.rest("acme-admin").noted(&call).await;
    let hear = async || Dashboard::of(&call, &socket.heard).shown().contains_key("notes").then_some(());
    if hear().await.is_none() {
        socket.hear_of("notes").await;
    }
    (Dashboard::of(&call, &socket.heard), snapshot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_come_twice_give_the_same_call() {
    let speech = Speech::start();
    let (undisturbed, snapshot) = play(options(&speech.url)).await;
    assert_turns(&undisturbed.segments(), &audio::demo());
    for function in ["transcribe", "analyze", "push"] {
        let mut options = options(&speech.url);
        let failed = fail_once_afterwards(&mut options.registry, function);
        let (dashboard, repeated) = play(options).await;
        assert!(failed.lock().unwrap().len() >= 5, "{function} was disturbed");
        assert_eq!(dashboard.segments(), undisturbed.segments(), "{function}");
        assert_eq!(dashboard.objections(), undisturbed.objections(), "{function}");
        for part in ["notes", "progress"] {
            assert_eq!(repeated[part], snapshot[part], "{function}");
        }
        let cards = |snapshot: &Value| snapshot["cards"].as_array().unwrap().clone();
        assert_eq!(cards(&repeated), cards(&snapshot), "{function}");
        assert_eq!(repeated["segments"].as_array().unwrap().len(), audio::demo().turns.len(), "{function}");
    }
}
