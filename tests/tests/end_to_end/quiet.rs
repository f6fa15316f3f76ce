//! What is not speech is not transcribed.

use callboard_tests::{
    audio::{Recording, generated},
    process::Machine,
    speech::Speech,
};

/// A sound, and what it is.
fn sounds() -> Vec<(&'static str, Recording)> {
    let mut random = fastrand::Rng::with_seed(7);
    let white = generated(6_000, |_| (random.f64() - 0.5) * 0.1);
    let mut random = fastrand::Rng::with_seed(8);
    let mut level = 0.0;
    let brown = generated(6_000, |_| {
        level = level * 0.995 + (random.f64() - 0.5) * 0.02;
        level
    });
    let mut random = fastrand::Rng::with_seed(9);
    // Half a second of rush, half a second of nothing, as of a door or a street.
    let bursts = generated(6_000, |at| if at % 16_000 < 8_000 { (random.f64() - 0.5) * 0.4 } else { 0.0 });
    let clicks = generated(6_000, |at| if at % 5_000 < 3 { 0.8 } else { 0.0 });
    let silence = generated(6_000, |_| 0.0);
    vec![("silence", silence), ("white noise", white), ("brown noise", brown), ("bursts", bursts), ("clicks", clicks)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_and_noise_give_no_segment_and_the_call_ends() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    for (name, sound) in sounds() {
        let file = machine.path().join("sound.wav");
        sound.write(&file);
        let ended = machine.stream(&dev, &file, &["--pace", "max"]).end().await;
        let summary = ended.messages().last().unwrap();
        assert_eq!(summary["segments"], 0, "{name}: {summary}");
        let call = summary["call"].as_str().unwrap();
        let snapshot = dev.rest().snapshot(call).await;
        assert_eq!(snapshot["call"]["status"], "ended", "{name}");
        assert_eq!(snapshot["segments"], serde_json::json!([]), "{name}");
        assert!(snapshot["notes"].is_object(), "{name}");
    }
    assert_eq!(speech.asked(), [], "nobody was asked what silence says");
}
