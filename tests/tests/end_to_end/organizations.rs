//! Everything belongs to an organization, and a call to whoever captured it.

use callboard_tests::{audio, new_call, socket::capture, speech::Speech, stack::Local};
use serde_json::json;

use crate::streaming::assert_turns;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_organization_sees_nothing_of_a_call() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 3]));
    let mut stranger = local.socket("other-admin").await;
    stranger.watch(json!({"calls": true})).await;
    let mut socket = local.capture(&call).await;
    let last = socket.play(&recording, 200, 0, 20).await;
    socket.hear_of("segment").await;
    // While it goes on, and after it.
    for over in [false, true] {
        if over {
            socket.stop(last).await;
            socket.hear_of("notes").await;
        }
        stranger.send(json!({"action": "watch", "call": call})).await;
        let answer = stranger.hear().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("not_found")), "{answer}");
        let rest = local.rest("other-admin");
        assert_eq!(rest.calls().await.len(), 0);
        let missing = rest.get(&format!("/v1/calls/{}", new_call())).await;
        for path in [format!("/v1/calls/{call}"), format!("/v1/calls/{call}/transcript")] {
            let (status, body) = rest.get(&path).await;
            assert_eq!((status, &body["title"]), (404, &missing.1["title"]), "as one that never was: {body}");
        }
    }
    stranger.ping().await;
    let told: Vec<_> = stranger.heard.iter().filter(|message| message["call"] == call.as_str()).collect();
    assert!(told.is_empty(), "{told:?}");
    assert_turns(&local.rest("acme-admin").transcript(&call).await, &recording);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_id_in_two_organizations_is_two_calls() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, ours, theirs) = (new_call(), audio::rearranged(&[0, 3]), audio::rearranged(&[6, 5]));
    let mut one = local.capture(&call).await;
    let mut two = local.try_capture(&capture(&call), "other-capture").await.unwrap();
    two.watch(json!({"call": call})).await;
    let (last_one, last_two) = tokio::join!(one.play(&ours, 100, 1, 10), two.play(&theirs, 100, 1, 10));
    one.stop(last_one).await;
    one.hear_of("notes").await;
    assert_eq!(local.rest("other-admin").snapshot(&call).await["call"]["status"], "live");
    two.stop(last_two).await;
    two.hear_of("notes").await;
    for (token, socket, recording) in [("acme-admin", &one, &ours), ("other-admin", &two, &theirs)] {
        assert_turns(&local.rest(token).transcript(&call).await, recording);
        assert_turns(&callboard_tests::dashboard::Dashboard::of(&call, &socket.heard).segments(), recording);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_sees_their_own_calls_and_a_supervisor_all() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let call = new_call();
    let _capture = local.try_capture(&capture(&call), "acme-agent").await.unwrap();
    let path = format!("/v1/calls/{call}");
    for (token, sees_it, sees_all) in
        [("acme-agent", true, false), ("acme-colleague", false, false), ("acme-supervisor", true, true)]
    {
        let rest = local.rest(token);
        assert_eq!(rest.get(&path).await.0, if sees_it { 200 } else { 404 }, "{token}");
        assert_eq!(rest.calls().await.len(), usize::from(sees_it), "{token}");
        let mut socket = local.socket(token).await;
        for (target, may) in [(json!({"call": call}), sees_it), (json!({"calls": true}), sees_all)] {
            let mut message = target.clone();
            message["action"] = json!("watch");
            socket.send(message).await;
            let answer = socket.hear_until(|it| it["type"] == "watching" || it["type"] == "error").await;
            let expected = if may { ("watching", None) } else { ("error", Some("forbidden")) };
            assert_eq!((answer["type"].as_str().unwrap(), answer["code"].as_str()), expected, "{token} {target}");
        }
    }
}
