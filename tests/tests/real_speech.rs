//! The demo call through the real speech server: what live cutting costs in words, against cutting at the true turns.
//!
//! A binary of its own, since it takes as long as the call and needs the server's environment.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on ends here, and tells its figures"
)]

use std::{fs::File, path::Path};

use callboard_tests::{
    audio::{self, Recording},
    dashboard::Dashboard,
    process::Machine,
    project,
    rest::client,
};
use serde_json::Value;

/// Most words wrong of the streamed call, as a multiple of what the true turns give.
const MOST_ADDED: f64 = 1.15;
/// Far above what either engine gets wrong; reached by nothing but broken audio.
const SANE: f64 = 0.3;

/// Words as they are counted: without case, marks, and the spelling of contractions.
fn words(text: &str) -> Vec<String> {
    let kept = text.to_lowercase().replace(['\'', '’'], "");
    kept.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Least number of words to change, insert or leave out.
fn distance(truth: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in truth.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, other) in heard.iter().enumerate() {
            let cost = diagonal + usize::from(word != other);
            diagonal = row[place + 1];
            row[place + 1] = cost.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[heard.len()]
}

/// The share of wrong words over both channels, given what was heard on each, in order.
fn error_rate(recording: &Recording, heard: &[String; 2]) -> f64 {
    let truth = |channel: usize| {
        let turns = recording.turns.iter().filter(|turn| turn.channel == channel);
        turns.flat_map(|turn| words(&turn.text)).collect::<Vec<_>>()
    };
    let wrong: usize = (0..2).map(|channel| distance(&truth(channel), &words(&heard[channel]))).sum();
    wrong as f64 / (truth(0).len() + truth(1).len()) as f64
}

/// What the server hears in the audio of one turn.
async fn transcribe(url: &str, folder: &Path, pcm: Vec<i16>, rate: u32) -> String {
    let path = folder.join("turn.wav");
    Recording { rate, channels: vec![pcm], turns: Vec::new() }.write(&path);
    let file = reqwest::multipart::Part::bytes(std::fs::read(&path).unwrap()).file_name("turn.wav");
    let form = reqwest::multipart::Form::new().part("file", file).text("model", "any").text("response_format", "json");
    let answer = client().post(format!("{url}/v1/audio/transcriptions")).multipart(form).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    answer["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}")).to_owned()
}

#[test]
fn words_are_counted_as_people_count_them() {
    for (truth, heard, expected) in [
        ("Yes, Monday is fine.", "yes monday is fine", 0),
        ("It's too expensive for us.", "its expensive for all of us", 3),
        ("one two three", "", 3),
        ("", "one", 1),
        ("one two three", "one three two", 2),
    ] {
        assert_eq!(distance(&words(truth), &words(heard)), expected, "{truth}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streamed_demo_call_reads_almost_as_well_as_its_true_turns() {
    let python = project().join("infra/speech/.venv/bin/python");
    assert!(python.exists(), "the speech server is not installed: run `make speech`");
    let machine = Machine::new();
    let dev = machine.dev_with(&["--port", "0"], &[("SPEECH_ENGINE", "pocketsphinx")]).await;
    let status = client().get(format!("{}/_local/status", dev.url)).send().await.unwrap();
    let status: Value = serde_json::from_slice(&status.bytes().await.unwrap()).unwrap();
    assert_eq!(status["speech"]["engine"], "pocketsphinx", "{status}");
    let url = status["speech"]["url"].as_str().unwrap();

    let demo = audio::demo();
    let mut cut = [String::new(), String::new()];
    for turn in &demo.turns {
        let pcm = demo.cut(turn.channel, turn.start_ms, turn.end_ms);
        cut[turn.channel] += &format!("{} ", transcribe(url, machine.path(), pcm, demo.rate).await);
    }
    let of_turns = error_rate(&demo, &cut);

    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--playbook", "sales", "--pace", "1"]).end().await;
    let summary = ended.messages().last().unwrap();
    let dashboard = Dashboard::of(summary["call"].as_str().unwrap(), &ended.printed);
    let mut streamed = [String::new(), String::new()];
    for segment in dashboard.segments() {
        streamed[usize::from(segment.channel == "customer")] += &format!("{} ", segment.text);
    }
    let of_stream = error_rate(&demo, &streamed);
    eprintln!("word error rate: {of_stream:.3} streamed, {of_turns:.3} cut at the true turns");
    eprintln!("added delay: {}; speech engine: {}", summary["latency_ms"], summary["asr_ms"]);
    assert!(of_stream <= of_turns * MOST_ADDED, "{of_stream:.3} streamed, {of_turns:.3} cut: {streamed:#?} {cut:#?}");
    assert!(of_stream < SANE && of_turns < SANE, "{of_stream:.3} streamed, {of_turns:.3} cut: {streamed:#?}");
    assert!(summary["latency_ms"]["p95"].is_u64(), "{summary}");

    let truth: Value = serde_json::from_reader(File::open(file.with_extension("json")).unwrap()).unwrap();
    let mut made: Vec<&str> =
        truth["expect"]["objections"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    made.sort_unstable();
    assert_eq!(dashboard.objections(), made, "those that were made, and no other");
}
