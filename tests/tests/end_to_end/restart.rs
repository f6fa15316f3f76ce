//! The stack stops and comes back: what was finished is kept.

use callboard_tests::{dashboard::Dashboard, new_call, process::Machine, project, speech::Speech};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finished_calls_are_kept_over_a_restart() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--pace", "max", "--call", &call]).end().await;
    let streamed = Dashboard::of(&call, ended.messages());
    // A call that goes through: everything that the one before left behind has been worked on by then.
    machine.stream(&dev, &file, &["--pace", "max"]).end().await;
    let before = dev.rest().snapshot(&call).await;
    let asked = speech.asked().len();
    assert!(dev.terminate().await.success(), "SIGTERM is an orderly end");

    let dev = machine.dev(&speech.url).await;
    let rest = dev.rest();
    let calls = rest.calls().await;
    assert_eq!(calls.len(), 2);
    assert_eq!((&calls[1]["call"], &calls[1]["status"]), (&call.as_str().into(), &"ended".into()));
    assert_eq!(rest.transcript(&call).await, streamed.segments());

    let next = machine.stream(&dev, &file, &["--pace", "max"]).end().await;
    assert_eq!(next.messages().last().unwrap()["segments"], 8);
    assert_eq!(rest.snapshot(&call).await, before, "not a revision more");
    assert_eq!(speech.asked().len() * 2, asked * 3, "nothing was transcribed again");
}
