//! Recordings handed in by the command line: each becomes one call with its words, however often it is sent, interrupted,
//! renamed or found again.

use std::{fs, io::Write as _, path::Path};

use callboard_tests::{
    audio::{self, Recording},
    process::{Dev, Ended, Machine},
    speech::Speech,
    until,
};
use serde_json::Value;

use crate::streaming::assert_turns;

/// A machine with a stack, and a folder for recordings on it.
struct Desk {
    machine: Machine,
    dev: Dev,
    _speech: Speech,
}

impl Desk {
    async fn start() -> Self {
        let (machine, speech) = (Machine::new(), Speech::start());
        let dev = machine.dev(&speech.url).await;
        Self { machine, dev, _speech: speech }
    }

    /// Writes a recording under this name.
    fn write(&self, name: &str, recording: &Recording) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        recording.write(path.as_ref());
        path
    }

    fn path(&self, name: &str) -> String {
        self.machine.path().join(name).to_str().unwrap().to_owned()
    }

    async fn upload(&self, arguments: &[&str]) -> Ended {
        self.machine.run(&[&["upload", "--json", "--url", &self.dev.url], arguments].concat(), &[]).await
    }

    async fn ticket(&self, call: &str) -> Value {
        self.dev.rest().get(&format!("/v1/recordings/{call}/upload")).await.1["upload"].clone()
    }
}

/// What happened to each file, by its path: the states in their order.
fn states<'a>(ended: &'a Ended, file: &str) -> Vec<&'a str> {
    let told = ended.of_type("recording").into_iter().filter(|told| told["file"] == file);
    told.map(|told| told["state"].as_str().unwrap()).collect()
}

fn call<'a>(ended: &'a Ended, file: &str) -> &'a str {
    let told = ended.of_type("recording").into_iter().find(|told| told["file"] == file);
    told.and_then(|told| told["call"].as_str()).unwrap_or_else(|| panic!("no call of {file}: {ended:?}"))
}

/// The summary's counts: uploaded, there already, done, failed.
fn counts(ended: &Ended) -> [u64; 4] {
    let summary = ended.of_type("summary").last().copied().unwrap_or_else(|| panic!("no summary: {ended:?}"));
    ["uploaded", "there", "done", "failed"].map(|count| summary[count].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_become_calls_with_their_words_and_only_once() {
    let desk = Desk::start().await;
    let recordings = [audio::rearranged(&[0, 1]), audio::rearranged(&[2, 3])];
    let files = [desk.write("one.wav", &recordings[0]), desk.write("zwei & drei.wav", &recordings[1])];
    let arguments = [files[0].as_str(), files[1].as_str(), "--wait", "--playbook", "sales", "--language", "en"];
    let first = desk.upload(&arguments).await;
    assert_eq!((first.code, counts(&first)), (Some(0), [2, 0, 2, 0]), "{first:?}");
    for (file, recording) in files.iter().zip(&recordings) {
        assert_eq!(states(&first, file), ["uploaded", "done"], "{first:?}");
        let snapshot = desk.dev.rest().noted(call(&first, file)).await;
        assert_eq!((&snapshot["call"]["status"], &snapshot["recording"]["state"]), (&"ended".into(), &"done".into()));
        assert_turns(&desk.dev.rest().transcript(call(&first, file)).await, recording);
    }
    // Once more, under another name: the same calls.
    let renamed = desk.path("renamed.wav");
    fs::rename(&files[0], &renamed).unwrap();
    let second = desk.upload(&[&[renamed.as_str()], &arguments[1..]].concat()).await;
    assert_eq!((second.code, counts(&second)), (Some(0), [0, 2, 2, 0]), "{second:?}");
    assert_eq!(call(&second, &renamed), call(&first, &files[0]));
    assert_eq!(desk.dev.rest().calls().await.len(), 2);
    // With other options it is not the same that is asked for; as another call it may be.
    let other = desk.upload(&[&renamed, "--language", "de"]).await;
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.of_type("recording")[0]["reason"].as_str().unwrap().contains("--again"), "{other:?}");
    let again = desk.upload(&[&renamed, "--language", "de", "--again"]).await;
    assert_eq!((again.code, counts(&again)), (Some(0), [1, 0, 0, 0]), "{again:?}");
    assert_ne!(call(&again, &renamed), call(&first, &files[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_told_and_the_others_go_on() {
    let desk = Desk::start().await;
    let good = desk.write("good.wav", &audio::rearranged(&[0]));
    let [missing, empty, text] = ["missing.wav", "empty.wav", "text.wav"].map(|name| desk.path(name));
    fs::write(&empty, "").unwrap();
    fs::write(&text, "Good morning. This is not a recording, but what somebody wrote down of one.\n".repeat(20))
        .unwrap();
    let folder = desk.machine.path().to_str().unwrap();
    let bad = desk.upload(&[&missing, folder, &empty, &good]).await;
    assert_eq!((bad.code, counts(&bad)), (Some(2), [1, 0, 0, 3]), "{bad:?}");
    for (file, words) in [(&*missing, "there is no such file"), (folder, "watch-folder"), (&empty, "is empty")] {
        assert!(bad.stderr.is_empty(), "{}", bad.stderr);
        let told = bad.of_type("recording").into_iter().find(|told| told["file"] == file).unwrap();
        assert!(told["reason"].as_str().unwrap().contains(words), "{told}");
    }
    // What is no audio is seen only when it is looked at.
    let failed = desk.upload(&[&text, "--wait"]).await;
    assert_eq!((failed.code, states(&failed, &text)), (Some(1), vec!["uploaded", "failed"]), "{failed:?}");
    assert!(failed.of_type("recording")[1]["reason"].as_str().unwrap().len() > 10, "{failed:?}");
    for (arguments, words) in [
        (&["--channels", "left,right"][..], "agent, customer, or both"),
        (&["--language", "plain English"], "no language tag"),
        (&["--url", "nowhere"], "is not the address of a stack"),
    ] {
        let refused = desk.machine.run(&[&["upload", &good], arguments].concat(), &[]).await;
        assert_eq!((refused.code, refused.stderr.contains(words)), (Some(2), true), "{refused:?}");
    }
    let refused = desk.upload(&[&good, "--again", "--token", "wrong"]).await;
    assert_eq!((refused.code, counts(&refused)), (Some(1), [0, 0, 0, 1]), "{refused:?}");
}

/// A WAV file of silence, 48 kHz in two channels; what it holds takes no room on the disk.
fn silence(path: &str, bytes: u32) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut header = spec.into_header_for_infinite_file();
    let data = bytes - u32::try_from(header.len()).unwrap();
    let sizes = header.len() - 4;
    header[4..8].copy_from_slice(&(bytes - 8).to_le_bytes());
    header[sizes..].copy_from_slice(&data.to_le_bytes());
    let mut file = fs::File::create(path).unwrap();
    file.write_all(&header).unwrap();
    file.set_len(u64::from(bytes)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_killed_goes_on_where_it_was() {
    let desk = Desk::start().await;
    let file = desk.path("long.wav");
    let (whole, part) = (100 << 20, 16_u64 << 20);
    silence(&file, whole);
    let arguments = ["upload", &file, "--json", "--at-once", "1", "--url", &desk.dev.url];
    let running = desk.machine.start(&arguments, &[]);
    let begun = async || {
        let call = desk.dev.rest().calls().await.first()?["call"].as_str()?.to_owned();
        let ticket = desk.ticket(&call).await;
        let some = ticket["uploaded"].as_array().is_some_and(|parts| !parts.is_empty());
        (some || ticket["kind"] == "complete").then_some(call)
    };
    let id = until("a part that is there", begun).await;
    running.kill().await;
    let ticket = desk.ticket(&id).await;
    let there = ticket["uploaded"].as_array().map_or(u64::from(whole), |parts| parts.len() as u64 * part);
    let again = desk.upload(&[&file]).await;
    assert_eq!((again.code, call(&again, &file)), (Some(0), &*id), "{again:?}");
    let told = again.of_type("recording")[0];
    assert_eq!((&told["resumed"], told["sent_bytes"].as_u64()), (&true.into(), u64::from(whole).checked_sub(there)));
    assert_eq!(desk.ticket(&id).await["kind"], "complete");
    let third = desk.upload(&[&file]).await;
    assert_eq!(counts(&third), [0, 1, 0, 0]);
    assert_eq!(desk.dev.rest().calls().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_watched_over_restarts() {
    let desk = Desk::start().await;
    let folder = desk.path("in");
    fs::create_dir_all(&folder).unwrap();
    let options = ["watch-folder", &folder, "--json", "--settle", "1", "--wait", "--url", &desk.dev.url];
    let mut watching = desk.machine.start(&options, &[]);
    // It is copied under another name first, into a folder of its own.
    let copied = desk.write("in/today/one.wav.part", &audio::rearranged(&[0]));
    let one = desk.path("in/today/one.wav");
    fs::write(desk.path("in/notes.txt"), "no recording").unwrap();
    fs::rename(&copied, &one).unwrap();
    let told = watching.next_of("recording").await;
    assert_eq!((&told["file"], &told["state"]), (&"today/one.wav".into(), &"uploaded".into()));
    let done = watching.next_of("recording").await;
    assert_eq!((&done["call"], &done["state"]), (&told["call"], &"done".into()));
    watching.kill().await;

    fs::rename(&one, desk.path("in/first.wav")).unwrap();
    desk.write("in/two.wav", &audio::rearranged(&[1]));
    let mut watching = desk.machine.start(&options, &[]);
    let next = watching.next_of("recording").await;
    assert_eq!(next["file"], "two.wav", "the first is known");
    watching.signal("INT").await;
    let ended = watching.end().await;
    assert_eq!((ended.code, &counts(&ended)[..2]), (Some(0), &[1, 0][..]), "{ended:?}");

    let once = desk.machine.run(&[&options[..], &["--once"]].concat(), &[]).await;
    assert_eq!((once.code, counts(&once)), (Some(0), [0, 0, 0, 0]), "{once:?}");
    assert_eq!(desk.dev.rest().calls().await.len(), 2);
    let nowhere = desk.machine.run(&["watch-folder", &desk.path("nowhere")], &[]).await;
    assert_eq!((nowhere.code, nowhere.stderr.contains("cannot be watched")), (Some(2), true), "{nowhere:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_at_once_are_each_there_once() {
    let desk = Desk::start().await;
    let arguments = ["bench", "uploads", "--files", "8", "--workers", "4", "--json", "--url", &desk.dev.url];
    let ended = desk.machine.run(&arguments, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let measured = &ended.printed[0];
    for (count, expected) in
        [("calls", 8), ("done", 8), ("failed", 0), ("lost", 0), ("twice", 0), ("segments_differ", 0)]
    {
        assert_eq!(measured[count], expected, "{count}: {measured}");
    }
    assert_eq!(measured["right"], true);
    assert_eq!(desk.dev.rest().calls().await.len(), 8);
}
