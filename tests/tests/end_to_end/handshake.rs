//! Who gets a socket, and what the others are told.

use callboard_tests::{
    audio, new_call,
    process::Machine,
    socket::{Refused, Socket, capture, capture_but, pairs},
    speech::Speech,
    stack::Local,
};
use serde_json::{Value, json};

/// The message of a refusal.
fn message(refused: &Refused) -> String {
    let body: Value = serde_json::from_str(&refused.body).unwrap_or_else(|_| panic!("no JSON: {refused:?}"));
    body["message"].as_str().unwrap_or_else(|| panic!("no message: {refused:?}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_shows_a_valid_key_is_let_in() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let query = capture(&new_call());
    let query = pairs(&query);
    for (query, token, status) in [
        (&[][..], None, 401),
        (&[], Some("wrong"), 401),
        (&[], Some("acme-revoked"), 401),
        (&query, None, 401),
        (&query, Some("wrong"), 401),
        (&[("capture_key", "wrong")], None, 401),
        (&[("capture_key", "acme-revoked")], None, 401),
        // A person's token has no place in a URL.
        (&[("capture_key", "acme-admin")], None, 403),
        (&[("capture_key", "acme-agent")], None, 403),
    ] {
        let refused = Socket::open(&local.url, query, token).await.expect_err("it must be refused");
        assert_eq!(refused.status, status, "{query:?} {token:?}: {refused:?}");
        if status == 401 {
            assert_eq!(message(&refused), "Unauthorized");
        }
    }
    for (query, token) in [(&[][..], "acme-admin"), (&[], "acme-agent"), (&query, "acme-capture")] {
        Socket::open(&local.url, query, Some(token)).await.unwrap().ping().await;
    }
    Socket::open(&local.url, &[("capture_key", "acme-capture")], None).await.unwrap().ping().await;
    for (token, status) in [("wrong", 401), ("acme-revoked", 401), ("acme-capture", 403), ("acme-agent", 200)] {
        assert_eq!(local.rest(token).get("/v1/calls").await.0, status, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_a_local_stack_takes_audio_and_tells_nothing() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let call = new_call();
    let mut own = Socket::open(&dev.url, &pairs(&capture(&call)), Some(&dev.token)).await.unwrap();
    own.ping().await;
    let mut anonymous = Socket::open(&dev.url, &[], None).await.unwrap();
    for target in [json!({"action": "watch", "calls": true}), json!({"action": "watch", "call": call})] {
        anonymous.send(target).await;
        let answer = anonymous.hear().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("forbidden")), "{answer}");
    }
    anonymous.ping().await;
    let client = callboard_tests::rest::client();
    for path in ["/v1/calls".to_owned(), format!("/v1/calls/{call}")] {
        let answer = client.get(format!("{}{path}", dev.url)).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
    let refused = Socket::open(&dev.url, &[], Some("wrong")).await.expect_err("a wrong token is no anonymous client");
    assert_eq!(refused.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_does_not_fit_is_named() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    for (name, value) in [
        ("call", "1"),
        ("call", "01arz3ndektsv4rrffq69g5fav"),
        ("call", ""),
        ("encoding", "flac"),
        ("sample_rate", "fast"),
        ("sample_rate", "-16000"),
        ("sample_rate", "96000"),
        ("sample_rate", "8001"),
        ("channels", "left,right"),
        ("channels", "agent,agent"),
        ("channels", "agent,customer,agent"),
        ("playbook", "A B"),
        ("playbook", "no-such-playbook"),
        ("role", "boss"),
    ] {
        let query = capture_but(&new_call(), name, value);
        let refused = local.try_capture(&query, "acme-capture").await.expect_err(value);
        assert_eq!(refused.status, 403, "{name}={value}: {refused:?}");
        let told = message(&refused);
        assert!(told.starts_with(&format!("parameter {name}")), "{name}={value}: {told}");
    }
    assert_eq!(local.rest("acme-admin").calls().await, Vec::<Value>::new(), "no call was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_on_with_the_same_parameters_and_the_same_principal_only() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1]));
    let mut first = local.capture(&call).await;
    let frames = recording.frames(200);
    let half = u32::try_from(frames.len() / 2).unwrap();
    for (seq, frame) in (0..half).zip(&frames) {
        first.send(callboard_tests::socket::audio(seq, frame)).await;
    }
    first.hear_of("ack").await;

    let others =
        [("sample_rate", "8000"), ("channels", "customer,agent"), ("channels", "agent"), ("playbook", "tax_relief")];
    for (name, value) in others {
        let refused = local.try_capture(&capture_but(&call, name, value), "acme-capture").await.expect_err(value);
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(message(&refused).contains("call id is taken"), "{refused:?}");
    }
    let refused = local.try_capture(&capture(&call), "acme-agent").await.expect_err("somebody else's call");
    assert_eq!(refused.status, 403);

    // The connection breaks without a word; the client comes back to its call.
    drop(first);
    let mut second = local.capture(&call).await;
    for (seq, frame) in (half..).zip(&frames[half as usize..]) {
        second.send(callboard_tests::socket::audio(seq, frame)).await;
    }
    second.stop(u32::try_from(frames.len() - 1).unwrap()).await;
    second.hear_of("notes").await;
    crate::streaming::assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
}
