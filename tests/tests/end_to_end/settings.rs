//! Settings that are missing or malformed stop the start, and are named.

use callboard_tests::{process::Machine, speech::Speech};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_does_not_fit_stops_the_start_and_is_named() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let data = machine.path().join("data");
    let data = data.to_str().unwrap();
    let stated = ["--speech", speech.url.as_str()];
    for (options, name, value, named) in [
        (&stated[..], "SPEECH_TIMEOUT_MS", "soon", "SPEECH_TIMEOUT_MS"),
        (&stated, "SPEECH_TIMEOUT_MS", "0", "SPEECH_TIMEOUT_MS"),
        (&stated, "SPEECH_PROVIDER", "siri", "SPEECH_PROVIDER"),
        (&stated, "SPEECH_PROVIDER", "assemblyai", "SPEECH_API_KEY"),
        (&[], "SPEECH_PROVIDER", "assemblyai", "SPEECH_API_KEY"),
        (&[], "SPEECH_PROVIDER", "deepgram", "SPEECH_API_KEY"),
        (&[], "SPEECH_URL", "nowhere", "SPEECH_URL"),
        (&stated, "SWEEP_GRACE_SECONDS", "1", "SWEEP_GRACE_SECONDS"),
        (&stated, "SWEEP_GRACE_SECONDS", "long", "SWEEP_GRACE_SECONDS"),
        (&stated, "DEFERRED_TRIES", "0", "DEFERRED_TRIES"),
        (&stated, "DEFERRED_TRIES", "1.5", "DEFERRED_TRIES"),
        (&stated, "DEFERRED_BACKOFF_SECONDS", "901", "DEFERRED_BACKOFF_SECONDS"),
        (&stated, "PLAYBACK_SECONDS", "0", "PLAYBACK_SECONDS"),
        (&stated, "UPLOAD_PATIENCE_HOURS", "0", "UPLOAD_PATIENCE_HOURS"),
        (&stated, "DELETE_AGAIN_SECONDS", "901", "DELETE_AGAIN_SECONDS"),
        (&stated, "SHARDS", "0", "SHARDS"),
        (&stated, "ANONYMOUS_CAPTURE_ORG", "A#B", "ANONYMOUS_CAPTURE_ORG"),
        (&stated, "CALLBOARD_LOG", "=", "CALLBOARD_LOG"),
        (&stated, "LOG_FILTER", "=[", "LOG_FILTER"),
        (&[], "SPEECH_PROVIDER", "nope", "SPEECH_PROVIDER"),
    ] {
        let arguments = [&["dev", "--port", "0", "--data", data], options].concat();
        let ended = machine.run(&arguments, &[(name, value)]).await;
        assert!(matches!(ended.code, Some(1..)), "{name}={value}: {ended:?}");
        assert!(ended.stderr.contains(named), "{name}={value}: {}", ended.stderr);
        assert!(ended.printed.is_empty(), "{name}={value}: it did not say that it is ready");
    }
    // With none of them, it starts on the same data.
    let dev = machine.dev(&speech.url).await;
    assert!(dev.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told_and_the_first_stack_goes_on() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let data = machine.path().join("other");
    let arguments = ["dev", "--port", dev.port(), "--speech", &speech.url, "--data", data.to_str().unwrap()];
    let ended = machine.run(&arguments, &[]).await;
    assert!(matches!(ended.code, Some(1..)), "{ended:?}");
    assert!(ended.stderr.contains(dev.port()), "{}", ended.stderr);
    assert_eq!(dev.rest().get("/v1/calls").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_stack_leaves_the_first_ones_data_alone() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let data = machine.path().join("data");
    let arguments = ["dev", "--port", "0", "--speech", &speech.url, "--data", data.to_str().unwrap()];
    let ended = machine.run(&arguments, &[]).await;
    assert!(matches!(ended.code, Some(1..)), "{ended:?}");
    assert!(ended.stderr.contains("another `callboard dev` uses"), "{}", ended.stderr);
    assert_eq!(dev.rest().get("/v1/calls").await.0, 200);
}
