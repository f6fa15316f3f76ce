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

use crate::streaming::assert_turns;

/// Plays the demo call through a stack, until a watcher has seen all that the stack knows of it.
async fn play(options: StackOptions) -> Dashboard {
    let local = Local::start_with(options).await.unwrap();
    let call = new_call();
    let mut socket = local.capture(&call).await;
    let last = socket.play(&audio::demo(), 200, 1, 15).await;
    socket.stop(last).await;
    let known = Dashboard::from_snapshot(&local.rest("acme-admin").noted(&call).await);
    socket.hear_all(&call, &Dashboard::default(), &known).await;
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_come_twice_give_the_same_call() {
    let speech = Speech::start();
    let undisturbed = play(options(&speech.url)).await;
    assert_turns(&undisturbed.segments(), &audio::demo());
    assert_eq!(undisturbed.objections(), ["ask_partner", "too_expensive"]);
    for function in ["transcribe", "analyze", "push"] {
        let mut options = options(&speech.url);
        let failed = fail_once_afterwards(&mut options.registry, function);
        let repeated = play(options).await;
        assert!(failed.lock().unwrap().len() >= 5, "{function} was disturbed");
        assert_eq!(repeated.segments(), undisturbed.segments(), "{function}");
        assert_eq!(repeated.coaching(), undisturbed.coaching(), "{function}");
    }
}
