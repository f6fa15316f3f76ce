//! Messages that are wrong: each gets its answer, the connection lives, and so do the calls beside it.

use callboard_tests::{
    audio, new_call,
    socket::{Socket, audio as frame, audio_data, capture, capture_but},
    speech::Speech,
    stack::Local,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::streaming::assert_turns;

/// Sends a text, hears one error, and sees that the connection lives.
async fn check(socket: &mut Socket, text: &str, code: &str, told: &str) {
    let brief: String = text.chars().take(80).collect();
    socket.send_raw(Message::text(text)).await;
    let answer = socket.hear().await;
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{brief}: {answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(told), "{brief}: {message}");
    let action = serde_json::from_str::<Value>(text).ok().and_then(|sent| sent["action"].as_str().map(str::to_owned));
    assert_eq!(answer["action"].as_str(), action.as_deref(), "{brief}: the error names the action");
    socket.ping().await;
}

/// Plays a call to its end, at the pace of the speaker times this.
async fn good_call(local: &Local, turns: &[usize], times: u32) {
    let (call, recording) = (new_call(), audio::rearranged(turns));
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 100, 1, times).await;
    socket.stop(last).await;
    socket.hear_of("notes").await;
    assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_messages_are_answered_and_the_calls_go_on() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let call = new_call();
    // Not watching, so that nothing but answers is heard.
    let mut socket = local.try_capture(&capture(&call), "acme-capture").await.unwrap();
    let bad = async {
        let good = [0; 4 * 1_600];
        let with_seq = |seq: Value| {
            let mut message = frame(1, &good);
            message["seq"] = seq;
            message.to_string()
        };
        let unknown = new_call();
        let both = json!({"action": "watch", "call": call, "calls": true}).to_string();
        for (text, code, told) in [
            (r#"{"action":"audio","seq":1,"data":"%%%"}"#, "bad_base64", "data"),
            (r#"{"action":"audio","seq":1,"data":"AAAA="}"#, "bad_base64", "data"),
            (&with_seq(json!(-1)), "bad_seq", "seq"),
            (&with_seq(json!(5_000_001)), "bad_seq", "seq"),
            (&with_seq(json!(1e300)), "bad_seq", "seq"),
            (&with_seq(json!(u64::MAX)), "bad_seq", "seq"),
            (&with_seq(json!(1.5)), "bad_seq", "seq"),
            (&with_seq(json!("1")), "bad_seq", "seq"),
            (&with_seq(json!(null)), "bad_seq", "seq"),
            (r#"{"action":"audio","data":"AAAA"}"#, "bad_message", "seq is missing"),
            (r#"{"action":"audio","seq":1}"#, "bad_message", "data"),
            (r#"{"action":"audio","seq":1,"data":7}"#, "bad_message", "data"),
            (&frame(1, &[]).to_string(), "bad_frame", "0 ms"),
            (&frame(1, &[0; 4 * 160]).to_string(), "bad_frame", "10 ms"),
            (&frame(1, &[0; 4 * 1_600 + 2]).to_string(), "bad_frame", "whole number of samples"),
            (&frame(1, &[0; 4 * 1_600 + 1]).to_string(), "bad_frame", "whole number of samples"),
            (&frame(1, &[0; 24_004]).to_string(), "bad_frame", "24004 bytes"),
            (&audio_data(&[0; 10]).to_string(), "bad_frame", "whole number of samples"),
            (r#"{"action":"stop"}"#, "bad_message", "seq is missing"),
            (r#"{"action":"stop","seq":-3}"#, "bad_seq", "seq"),
            (r#"{"action":"gone","from":5,"to":4}"#, "bad_seq", "from"),
            (r#"{"action":"sing"}"#, "unknown_action", "sing"),
            (r#"{"action":7}"#, "unknown_action", "string"),
            (r#"{"seq":7}"#, "unknown_action", "no action"),
            ("{}", "unknown_action", "no action"),
            ("hello", "bad_json", "JSON"),
            ("", "bad_json", "JSON"),
            ("[1,2]", "bad_json", "JSON"),
            (r#""audio""#, "bad_json", "JSON"),
            (r#"{"action":"audio","seq":1"#, "bad_json", "JSON"),
            (r#"{"action":"watch"}"#, "bad_message", "what to watch"),
            (r#"{"action":"watch","calls":false}"#, "bad_message", "what to watch"),
            (r#"{"action":"watch","call":7}"#, "bad_message", ""),
            (r#"{"action":"watch","call":"1"}"#, "bad_message", "call id"),
            (r#"{"action":"watch","calls":true}"#, "forbidden", "capture"),
            (&both, "bad_message", "what to watch"),
            (&json!({"action": "watch", "call": unknown}).to_string(), "not_found", &unknown),
        ] {
            check(&mut socket, text, code, told).await;
        }
    };
    tokio::join!(Box::pin(bad), good_call(&local, &[0, 5, 6], 4));

    // The call of the abused connection is none the worse.
    let recording = audio::rearranged(&[3, 4]);
    let last = socket.play(&recording, 100, 1, 20).await;
    socket.stop(last).await;
    local.rest("acme-admin").noted(&call).await;
    assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
    let errors = socket.heard.iter().filter(|message| message["type"] == "error").count();
    assert_eq!(errors, 37, "one for each, and none for the good frames");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_may_last_a_second_and_no_longer() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let mut query = capture_but(&new_call(), "sample_rate", "8000");
    query.retain(|(name, _)| *name != "channels");
    query.push(("channels", "agent".to_owned()));
    let mut socket = local.try_capture(&query, "acme-capture").await.unwrap();
    check(&mut socket, &frame(1, &[0; 20_000]).to_string(), "bad_frame", "1250 ms").await;
    check(&mut socket, &frame(1, &[0; 16_016]).to_string(), "bad_frame", "1001 ms").await;
    socket.send(frame(0, &[0; 16_000])).await;
    assert_eq!(socket.hear().await["type"], "ack", "a second is accepted");
    // Two seconds do not even fit the gateway's frame.
    socket.send(frame(1, &[0; 32_000])).await;
    assert_eq!(socket.close_code().await, Some(1009));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubled_frame_is_heard_once_and_one_far_ahead_is_refused() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1]));
    let mut socket = local.capture(&call).await;
    let frames = recording.frames(100);
    for (seq, bytes) in (1..).zip(&frames) {
        socket.send(frame(seq, bytes)).await;
        socket.send(frame(seq, bytes)).await;
    }
    socket.send(frame(4_999_999, &frames[0])).await;
    let refused = socket.hear_of("error").await;
    assert_eq!(refused["code"], "bad_seq", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("4999999"), "{refused}");
    socket.ping().await;
    socket.stop(u32::try_from(frames.len()).unwrap()).await;
    socket.hear_of("notes").await;
    assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
    // The call's length is that of the frames once, up to the session's grid of 80 ms.
    let heard_ms = local.rest("acme-admin").snapshot(&call).await["call"]["duration_ms"].as_u64().unwrap();
    let sent_ms = frames.len() as u64 * 100;
    assert!((sent_ms..sent_ms + 80).contains(&heard_ms), "{heard_ms} ms of {sent_ms} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_and_overtaken_frames_are_asked_for_and_put_in_order() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[2]));
    let mut socket = local.capture(&call).await;
    let frames = recording.frames(100);
    let last = u32::try_from(frames.len()).unwrap();
    // Every other pair swapped, and two frames in the middle of the words lost.
    let lost = 20..=21;
    let mut order: Vec<u32> = (1..=last).collect();
    order.chunks_mut(4).filter(|four| four.len() == 4).for_each(|four| four.swap(1, 2));
    for seq in order.into_iter().filter(|seq| !lost.contains(seq)) {
        socket.send(frame(seq, &frames[seq as usize - 1])).await;
    }
    socket.stop(last).await;
    let asked = socket.hear_of("resend").await;
    assert_eq!((&asked["from"], &asked["to"]), (&json!(20), &json!(21)), "{asked}");
    assert_eq!(local.rest("acme-admin").transcript(&call).await, [], "not a word of what is not whole");
    for seq in lost {
        socket.send(frame(seq, &frames[seq as usize - 1])).await;
    }
    socket.hear_of("notes").await;
    assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_cannot_carry_closes_the_connection_and_not_the_call() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let large = Message::text(json!({"action": "audio", "seq": 1, "data": "A".repeat(33 * 1024)}).to_string());
    let binary = Message::binary(vec![0; 3_200]);
    let refusals = async {
        for (message, code) in [(large, 1009), (binary, 1003)] {
            let (call, recording) = (new_call(), audio::rearranged(&[7]));
            let frames = recording.frames(100);
            let mut socket = local.capture(&call).await;
            for (seq, bytes) in (0..10).zip(&frames) {
                socket.send(frame(seq, bytes)).await;
            }
            socket.hear_of("ack").await;
            socket.send_raw(message).await;
            assert_eq!(socket.close_code().await, Some(code));
            let mut socket = local.capture(&call).await;
            for (seq, bytes) in (0..).zip(&frames) {
                socket.send(frame(seq, bytes)).await;
            }
            socket.stop(u32::try_from(frames.len() - 1).unwrap()).await;
            socket.hear_of("notes").await;
            assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
        }
    };
    tokio::join!(Box::pin(refusals), good_call(&local, &[0, 1], 4));
}
