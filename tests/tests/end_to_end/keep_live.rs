//! Kept audio of live calls: what was sent, sample by sample, in the media time of the words; whatever came late, twice,
//! never, or after the end.

use std::path::Path;

use callboard_tests::{
    audio::{self, Recording},
    new_call,
    process::Machine,
    project,
    rest::Rest,
    socket::{Socket, audio as frame},
    speech::Speech,
    stack::{Local, options},
    until,
    wiring::{fail_once_afterwards, observe},
};
use serde_json::{Value, json};

use crate::keep::{load, objects, of_data, rows, start};

/// Where all decisions of a session fall, in milliseconds: a call's end is filled up to it.
const GRID_MS: u64 = 80;

/// Waits until a call's audio is kept up to there, in pieces without a gap; gives its samples, one row a channel.
pub(crate) async fn kept(rest: &Rest, call: &str, to_ms: u64) -> Vec<Vec<i16>> {
    let pieces = async || {
        let (status, audio) = rest.get(&format!("/v1/calls/{call}/audio")).await;
        let pieces = audio["pieces"].as_array().filter(|_| status == 200)?.clone();
        let mut at_ms = 0;
        for piece in &pieces {
            if piece["from_ms"] != at_ms {
                return None;
            }
            at_ms = piece["to_ms"].as_u64().unwrap();
        }
        (at_ms == to_ms).then_some(pieces)
    };
    let pieces = until(&format!("{to_ms} ms of audio"), pieces).await;
    let mut all = vec![Vec::new(); 2];
    for piece in pieces {
        for (all, row) in all.iter_mut().zip(rows(&load(&piece).await)) {
            all.extend(row);
        }
    }
    all
}

/// How long a call is kept that was sent in so many frames of 16 kHz.
fn filled_up(frames: usize, frame_ms: u64) -> u64 {
    (frames as u64 * frame_ms).next_multiple_of(GRID_MS)
}

/// What must be kept of recordings of 16 kHz, each of which ended the call: each with silence behind it, up to a time.
fn expected(ends: &[(&Recording, u64)]) -> Vec<Vec<i16>> {
    let mut all = vec![Vec::new(); 2];
    for (recording, to_ms) in ends {
        for (all, row) in all.iter_mut().zip(&recording.channels) {
            all.extend(row);
            all.resize(usize::try_from(to_ms * 16).unwrap(), 0);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_call_is_kept_sample_by_sample() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let file = project().join("dashboard/demo/demo_call.wav");
    let ended = machine.stream(&dev, &file, &["--pace", "max"]).end().await;
    let call = ended.messages().last().unwrap()["call"].as_str().unwrap().to_owned();
    let snapshot = dev.rest().noted(&call).await;
    let to_ms = snapshot["call"]["duration_ms"].as_u64().unwrap();
    let (recording, kept) = (audio::demo(), kept(&dev.rest(), &call, to_ms).await);
    assert_eq!(recording.rate, 16_000);
    assert!(kept == expected(&[(&recording, to_ms)]), "sample by sample");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_twice_or_never_is_kept_as_it_was_heard() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let mut options = of_data(options(&speech.url), data.path());
    let repeated = fail_once_afterwards(&mut options.registry, "keep");
    let local = Local::start_with(options).await.unwrap();
    let (call, mut recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3, 4].repeat(5)));
    let frames = recording.frames(100);
    let last = u32::try_from(frames.len()).unwrap();
    let mut socket = local.capture(&call).await;
    // Frames 31 to 40 are lost. Of each three others the first comes last, and the second comes again a second later.
    let mut order: Vec<u32> = (1..=last).filter(|seq| !(31..=40).contains(seq)).collect();
    order.chunks_mut(3).for_each(|three| three.rotate_left(1));
    for (at, seq) in order.iter().enumerate() {
        let again = at.checked_sub(10).filter(|before| before % 3 == 0).map(|before| order[before]);
        for seq in [Some(*seq), again].into_iter().flatten() {
            socket.send(frame(seq, &frames[seq as usize - 1])).await;
        }
        if *seq == 60 {
            socket.send(json!({"action": "gone", "from": 31, "to": 40})).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    socket.stop(last).await;
    recording.channels.iter_mut().for_each(|row| row[48_000..64_000].fill(0));
    let rest = local.rest("acme-agent");
    let to_ms = filled_up(frames.len(), 100);
    assert!(to_ms > 60_000, "more than a minute");
    assert!(kept(&local.rest("acme-admin"), &call, to_ms).await == expected(&[(&recording, to_ms)]));
    assert_eq!(local.rest("acme-admin").noted(&call).await["call"]["duration_ms"], to_ms);
    assert_eq!(rest.get(&format!("/v1/calls/{call}/audio")).await.0, 404, "a call of somebody else");
    assert!(!repeated.lock().unwrap().is_empty(), "batches came twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_goes_on_after_its_end_is_kept_anew() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    let (rest, call) = (local.rest("acme-admin"), new_call());
    let (before, after) = (audio::rearranged(&[0, 1]), audio::rearranged(&[2, 3, 4].repeat(6)));
    let mut socket = local.capture(&call).await;
    let last = socket.play(&before, 300, 0, 50).await;
    socket.stop(last).await;
    let first_ms = filled_up(before.frames(300).len(), 300);
    assert!(kept(&rest, &call, first_ms).await == expected(&[(&before, first_ms)]));
    let first_ones = objects(data.path(), &format!("/audio/acme/{call}/"));

    let last = socket.play(&after, 300, last + 1, 50).await;
    socket.stop(last).await;
    let more_ms = filled_up(after.frames(300).len(), 300);
    let all = kept(&rest, &call, first_ms + more_ms).await;
    assert!(all == expected(&[(&before, first_ms), (&after, first_ms + more_ms)]));
    let left = objects(data.path(), &format!("/audio/acme/{call}/"));
    assert!(left.len() > 1 && !left.contains(&first_ones[0]), "{left:?} after {first_ones:?}");

    // Asked for once more, nothing changes.
    let body = json!({"version": 1, "org": "acme", "call": call, "task": {"keep": {"asked": 0}}}).to_string();
    let queue = "arn:aws:sqs:local:000000000000:WorkQueue";
    let event = json!({"Records": [{"messageId": "1", "body": body, "eventSourceARN": queue}]});
    let answer = local.stack.invoke("RecordingsFunction", event).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
    assert_eq!(objects(data.path(), &format!("/audio/acme/{call}/")), left);
    assert!(kept(&rest, &call, first_ms + more_ms).await == all);
}

/// Lets a stack silence what it masks.
async fn drop_masked_audio(local: &Local) {
    let settings = json!({"redaction": "mask_and_drop_audio"});
    local.rest("acme-admin").send("PUT", "/v1/settings", &settings).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_number_that_is_spoken_is_not_heard() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    drop_masked_audio(&local).await;
    let (rest, call, mut recording) = (local.rest("acme-admin"), new_call(), audio::rearranged(&[0, 1, 2]));
    let secret = recording.turns[1].clone();
    speech.mishears(&secret.text, "My card number is 4111 1111 1111 1111.");
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 200, 0, 20).await;
    socket.stop(last).await;
    let segment = rest.noted(&call).await["segments"][1].clone();
    assert!(segment["text"].as_str().unwrap().contains("[card number]"), "{segment}");
    let masked = &segment["masked"][0]["time_ms"];
    let at = |place: &Value| usize::try_from(place.as_u64().unwrap() * 16).unwrap();
    let (from, to) = (at(&masked[0]), at(&masked[1]));
    assert!(recording.channels[secret.channel][from..to].iter().any(|sample| *sample != 0), "there was something");
    let to_ms = filled_up(recording.frames(200).len(), 200);
    let kept = kept(&rest, &call, to_ms).await;
    // So much more at either side as times of words are off.
    let margin = 120 * 16;
    recording.channels[secret.channel][from - margin..to + margin].fill(0);
    assert!(kept == expected(&[(&recording, to_ms)]), "that is silent, and nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_words_decide_what_is_heard_they_are_waited_for() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let mut options = of_data(options(&speech.url), data.path());
    let events = observe(&mut options.registry, "recordings");
    let local = Local::start_with(options).await.unwrap();
    drop_masked_audio(&local).await;
    let (rest, call, recording) = (local.rest("acme-admin"), new_call(), audio::rearranged(&[0, 1]));
    speech.fail_all(Some(500));
    let mut socket: Socket = local.capture(&call).await;
    let last = socket.play(&recording, 200, 0, 20).await;
    socket.stop(last).await;
    let put_off = async || {
        let events = events.lock().unwrap();
        let bodies = events.iter().filter_map(|event| event["Records"][0]["body"].as_str());
        let asked = |body: &str| Some(serde_json::from_str::<Value>(body).ok()?["task"]["keep"]["asked"].as_u64()? > 0);
        bodies.filter_map(asked).any(|again| again).then_some(())
    };
    until("the audio to be put off", put_off).await;
    assert_eq!(rest.get(&format!("/v1/calls/{call}/audio")).await.0, 404, "nobody knows what is in it");
    speech.fail_all(None);
    let to_ms = filled_up(recording.frames(200).len(), 200);
    assert!(kept(&rest, &call, to_ms).await == expected(&[(&recording, to_ms)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_put_aside_once_however_often_they_come() {
    let (speech, data) = (Speech::start(), tempfile::tempdir().unwrap());
    let local = start(&speech, data.path()).await;
    let event: Value = serde_json::from_str(include_str!("../../../events/keep.json")).unwrap();
    let keep = async |event: &Value| {
        let answer = local.stack.invoke("KeepFunction", event.clone()).await.unwrap();
        answer["batchItemFailures"].as_array().unwrap().clone()
    };
    let aside = |data: &Path| objects(data, "/frames/acme/");
    assert_eq!(keep(&event).await, [] as [Value; 0]);
    let once = aside(data.path());
    assert_eq!((once.len(), keep(&event).await.len()), (1, 0));
    assert_eq!(aside(data.path()), once);

    let mut damaged = event.clone();
    damaged["Records"][1]["kinesis"]["data"] = json!("CQ==");
    let failure = json!({"itemIdentifier": event["Records"][1]["kinesis"]["sequenceNumber"]});
    assert_eq!(keep(&damaged).await, [failure]);
    let more = aside(data.path());
    assert!(more.len() == 2 && more.contains(&once[0]), "what is before it is put aside: {more:?}");

    let removed = data.path().join("s3/audiobucket");
    std::fs::remove_dir_all(&removed).unwrap();
    std::fs::write(&removed, "").unwrap();
    let failure = json!({"itemIdentifier": event["Records"][0]["kinesis"]["sequenceNumber"]});
    assert_eq!(keep(&event).await, [failure], "and nothing is lost where nothing can be written");
}
