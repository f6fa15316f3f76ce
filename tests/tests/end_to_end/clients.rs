//! Clients that exist already: they know a URL and one shape of message.

use callboard_tests::{
    audio::{self, Recording},
    process::Machine,
    rest::Rest,
    socket::{Socket, audio_data},
    speech::Speech,
    stack::Local,
    until,
};
use serde_json::Value;

use crate::streaming::assert_turns;

/// The agent's side alone, as such a client hears it.
fn agent() -> Recording {
    audio::demo().channel(0)
}

async fn play(socket: &mut Socket, frames: &[Vec<u8>]) {
    for frame in frames {
        socket.send(audio_data(frame)).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The one call of a stack, once it is there.
async fn only_call(rest: &Rest) -> Value {
    let calls = async || rest.calls().await.into_iter().next();
    let call = until("the call", calls).await;
    assert_eq!(rest.calls().await.len(), 1);
    call
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_knows_only_a_url_gets_a_call_with_its_text() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let frames = agent().frames(500);
    let mut socket = Socket::open(&dev.url, &[], None).await.unwrap();
    assert_eq!(dev.rest().calls().await.len(), 0, "a connection alone is no call");
    play(&mut socket, &frames[..10]).await;
    let rest = dev.rest();
    let call = only_call(&rest).await;
    assert_eq!((&call["status"], &call["playbook"]), (&"live".into(), &"sales".into()));
    assert_eq!(call["channels"], serde_json::json!(["agent"]));
    let call = call["call"].as_str().unwrap().to_owned();

    // It may watch its own call over the same connection.
    socket.watch(serde_json::json!({"call": call})).await;
    play(&mut socket, &frames[10..]).await;
    let segment = socket.hear_of("segment").await;
    assert_eq!(segment["call"], call);
    socket.close().await;

    let snapshot = rest.noted(&call).await;
    assert_eq!((&snapshot["call"]["status"], &snapshot["call"]["end_reason"]), (&"ended".into(), &"stopped".into()));
    assert_turns(&rest.transcript(&call).await, &agent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_key_in_the_url_sends_audio_and_a_connection_is_a_call() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let frames = agent().frames(500);
    let key = [("capture_key", "acme-capture")];
    let mut first = Socket::open(&local.url, &key, None).await.unwrap();
    let mut second = Socket::open(&local.url, &key, None).await.unwrap();
    // The first hears the call's beginning, the second its end.
    tokio::join!(play(&mut first, &frames[..24]), play(&mut second, &frames[24..]));
    first.close().await;
    second.close().await;
    let rest = local.rest("acme-admin");
    let ended = async || {
        let calls = rest.calls().await;
        (calls.len() == 2 && calls.iter().all(|call| call["status"] == "ended")).then_some(calls)
    };
    let mut texts = Vec::new();
    for call in until("both calls' ends", ended).await {
        assert_eq!(call["principal"], "desk-1");
        let transcript = rest.transcript(call["call"].as_str().unwrap()).await;
        texts.push(transcript.into_iter().map(|segment| segment.text).collect::<Vec<_>>());
    }
    texts.sort_by_key(|texts| texts[0] != agent().turns[0].text);
    let spoken: Vec<_> = agent().turns.into_iter().map(|turn| turn.text).collect();
    assert_eq!(texts, [&spoken[..2], &spoken[2..]]);
    assert_eq!(local.rest("other-admin").calls().await.len(), 0);
}
