//! Files that cannot be streamed, and stacks that cannot be reached: the exit code, and a message that a person can
//! act on.

use std::{fs, path::PathBuf};

use callboard_tests::{audio, process::Machine, project, speech::Speech};

fn wav_of(machine: &Machine, name: &str, channels: usize, rate: u32) -> PathBuf {
    let path = machine.path().join(name);
    let row = audio::demo().cut(0, 1_000, 2_000);
    audio::Recording { rate, channels: vec![row; channels], turns: Vec::new() }.write(&path);
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_streamed_is_named_with_what_is_wrong() {
    let machine = Machine::new();
    let write = |name: &str, bytes: &[u8]| {
        let path = machine.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(project().join("dashboard/demo/demo_call.wav")).unwrap();
    let garbage: Vec<u8> = (0..5_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let with = |from: usize, bytes: &[u8]| {
        let mut broken = whole.clone();
        broken[from..from + bytes.len()].copy_from_slice(bytes);
        broken
    };
    let mp3 = [b"ID3\x04\0\0\0\0\0\0".as_slice(), &garbage].concat();
    for (file, problem) in [
        (machine.path().join("missing.wav"), "no such file"),
        (write("empty.wav", b""), "empty"),
        (write("garbage.wav", &garbage), "no WAV file"),
        (write("broken.wav", &with(12, b"junk")), "damaged"),
        (write("coded.wav", &with(20, &[0x55])), "compressed"),
        (write("chunk.wav", &with(16, &[0xff; 4])), "damaged"),
        (write("cut.wav", &whole[..100_000]), "cut off"),
        (write("header.wav", &whole[..44]), "cut off"),
        (write("music.mp3", &mp3), "an MP3 file"),
        (write("named.mp3", &garbage), "no WAV file"),
        (wav_of(&machine, "three.wav", 3, 16_000), "3 channels"),
        (wav_of(&machine, "high.wav", 1, 96_000), "96000 Hz"),
        (machine.path().to_owned(), "a directory"),
    ] {
        let file = file.to_str().unwrap();
        // No stack is needed to say so.
        let ended = machine.run(&["stream", file, "--json", "--url", "http://127.0.0.1:9"], &[]).await;
        assert_eq!(ended.code, Some(2), "{file}: {}", ended.stderr);
        assert!(ended.stderr.contains(file) && ended.stderr.contains(problem), "{problem}: {}", ended.stderr);
        assert_eq!(ended.printed.len(), 0, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_is_not_there_and_a_token_that_is_wrong_are_told() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let file = project().join("dashboard/demo/demo_call.wav");
    let file = file.to_str().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let ended = machine.run(&["stream", file, "--json", "--url", &nowhere], &[]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&nowhere) && ended.stderr.contains("`callboard dev`"), "{}", ended.stderr);

    let dev = machine.dev(&speech.url).await;
    for (arguments, settings) in
        [(vec!["--token", "not-the-token"], vec![]), (vec![], vec![("CALLBOARD_TOKEN", "not-the-token")])]
    {
        let arguments = [vec!["stream", file, "--json", "--url", &dev.url], arguments].concat();
        let ended = machine.run(&arguments, &settings).await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("401") && ended.stderr.contains("--token"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("not-the-token"), "a token is not repeated: {}", ended.stderr);
    }
    assert_eq!(dev.rest().calls().await.len(), 0);
}
