//! What a call outlives, shown with the real processes: in the end it is word for word the undisturbed one.

use std::time::Duration;

use callboard_tests::{
    audio,
    cut::Wire,
    dashboard::Dashboard,
    new_call,
    process::{Dev, Ended, Machine},
    project,
    speech::Speech,
};

use crate::streaming::assert_turns;

/// What the client heard, and what the stack tells whoever asks, are the whole call.
async fn assert_whole(dev: &Dev, call: &str, ended: &Ended) {
    let heard = Dashboard::of(call, ended.messages());
    assert_turns(&heard.segments(), &audio::demo());
    assert_turns(&dev.rest().transcript(call).await, &audio::demo());
    let snapshot = Dashboard::from_snapshot(&dev.rest().snapshot(call).await);
    assert_eq!(snapshot.objections(), ["ask_partner", "too_expensive"]);
    assert_eq!(snapshot.status(), "ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_is_killed_in_the_middle_of_a_call_loses_no_word() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    let mut stream = machine.stream(&dev, &file, &["--pace", "4", "--call", &call]);
    stream.next_of("segment").await;
    stream.next_of("segment").await;
    let port = dev.port().to_owned();
    dev.kill().await;
    let dev = machine.dev_with(&["--port", &port, "--speech", &speech.url], &[]).await;
    let ended = stream.end().await;
    assert!(ended.stderr.contains("the connection was lost"), "{}", ended.stderr);
    assert_whole(&dev, &call, &ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcription_service_that_is_away_for_half_a_minute_costs_no_word() {
    let (machine, mut speech) = (Machine::new(), Speech::start());
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url], &[("DEFERRED_BACKOFF_SECONDS", "5")]).await;
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    let mut stream = machine.stream(&dev, &file, &["--pace", "2", "--call", &call]);
    stream.next_of("segment").await;
    speech.stop();
    let back = tokio::time::Instant::now() + Duration::from_secs(30);
    // The call goes on meanwhile: places for the words that are to come, and even its end.
    let waiting = stream.next_of("segment").await;
    assert_eq!((&waiting["final"], &waiting["placeholder"]), (&false.into(), &"waiting".into()));
    stream.next_of("notes").await;
    assert!(tokio::time::Instant::now() < back, "the end of the call did not wait for the service");
    tokio::time::sleep_until(back).await;
    speech.restart();
    let ended = stream.end().await;
    assert_whole(&dev, &call, &ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_network_is_cut_for_twenty_seconds_loses_no_word() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let wire = Wire::to(&dev.url).await;
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    let (file, url, token) = (file.to_str().unwrap(), wire.url.as_str(), dev.token.as_str());
    let mut stream = machine.start(&["stream", file, "--json", "--url", url, "--token", token, "--call", &call], &[]);
    stream.next_of("segment").await;
    wire.cut();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let known = dev.rest().transcript(&call).await.len();
    assert!(known < audio::demo().turns.len(), "nothing got through meanwhile");
    wire.mend();
    let ended = stream.end().await;
    assert!(ended.stderr.contains("the connection was lost"), "{}", ended.stderr);
    assert_whole(&dev, &call, &ended).await;
}
