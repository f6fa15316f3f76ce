//! What people think of a card: who may say it, where it is told, and what an organization learns from it.

use callboard_adapters::{accounts::Accounts, table::Table};
use callboard_domain::{OrgId, PlaybookId, feedback::VerdictCounts};
use callboard_tests::{
    audio,
    dashboard::Dashboard,
    new_call,
    process::Machine,
    project,
    rest::Rest,
    socket::{Socket, capture},
    speech::Speech,
    stack::Local,
};
use serde_json::{Value, json};

const CARD: &str = "too_expensive";

fn of_card(call: &str) -> String {
    format!("/v1/calls/{call}/cards/{CARD}/feedback")
}

/// A call of the agent al in which the customer pushes back, and the number of its last frame; it goes on.
async fn disputed(local: &Local) -> (String, Socket, u32) {
    let call = new_call();
    let mut socket = local.try_capture(&capture(&call), "acme-agent").await.unwrap();
    socket.watch(json!({"call": call})).await;
    let last = socket.play(&audio::rearranged(&[0, 3, 4]), 200, 0, 20).await;
    socket.hear_until(|message| message["type"] == "card" && message["id"] == CARD).await;
    (call, socket, last)
}

/// Who said what of the card, as a snapshot tells it.
async fn told(rest: &Rest, call: &str) -> Vec<(String, String)> {
    let snapshot = rest.snapshot(call).await;
    let card = snapshot["cards"].as_array().unwrap().iter().find(|card| card["id"] == CARD).unwrap().clone();
    let feedback = card["feedback"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    feedback.iter().map(|given| (text(&given["principal"]), text(&given["verdict"]))).collect()
}

async fn judge(socket: &mut Socket, call: &str, card: &str, verdict: &str) -> Value {
    socket.send(json!({"action": "feedback", "call": call, "card": card, "verdict": verdict})).await;
    socket.hear_until(|message| message["type"] == "feedback" || message["type"] == "error").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_is_confirmed_told_to_all_and_learned_from() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, mut agent, last) = disputed(&local).await;
    let rest = local.rest("acme-supervisor");
    let mut supervisor = local.socket("acme-supervisor").await;
    supervisor.watch(json!({"calls": true})).await;
    let began = Dashboard::from_snapshot(&rest.snapshot(&call).await);

    let confirmed = judge(&mut agent, &call, CARD, "used").await;
    assert_eq!(confirmed, json!({"type": "feedback", "call": call, "card": CARD, "verdict": "used"}));
    let pushed = supervisor.hear_until(|message| message["feedback"].is_array()).await;
    assert_eq!((&pushed["id"], &pushed["feedback"][0]["principal"]), (&json!(CARD), &json!("al")), "{pushed}");
    assert!(pushed["feedback"][0]["at_ms"].as_i64().unwrap() > 0 && pushed["say"].is_string(), "{pushed}");

    // Over REST as well; a person's later verdict takes the place of the earlier.
    rest.send("PUT", &of_card(&call), &json!({"verdict": "helpful"})).await.expect(204);
    rest.send("PUT", &of_card(&call), &json!({"verdict": "not_helpful"})).await.expect(204);
    judge(&mut agent, &call, CARD, "used").await;
    let both = [("al".into(), "used".into()), ("sue".into(), "not_helpful".into())];
    assert_eq!(told(&rest, &call).await, both);

    let accounts = Accounts::new(Table::new(aws_sdk_dynamodb::Client::new(&local.stack.sdk_config()), "AccountsTable"));
    let learned = async |org: &str| {
        let (org, playbook) = (OrgId::parse(org).unwrap(), PlaybookId::parse("sales").unwrap());
        accounts.feedback(&org, &playbook).await.unwrap()
    };
    let known = learned("acme").await;
    let counts = VerdictCounts { used: 1, not_helpful: 1, ..VerdictCounts::default() };
    assert_eq!((known[0].objection.as_str(), known[0].experience.counts), (CARD, counts));
    assert_eq!(known[0].experience.good[0].text, pushed["say"].as_str().unwrap());
    assert_eq!(known[0].experience.poor.len(), 1);
    assert_eq!(learned("other").await, []);

    // Taken back, once and again.
    rest.ask("DELETE", &of_card(&call), &[], "").await.expect(204);
    rest.ask("DELETE", &of_card(&call), &[], "").await.expect(204);
    assert_eq!(told(&rest, &call).await, [("al".to_owned(), "used".to_owned())]);
    assert_eq!(learned("acme").await[0].experience.counts, VerdictCounts { used: 1, ..VerdictCounts::default() });

    // The call goes on, and its end takes nothing of it away.
    agent.stop(last).await;
    rest.noted(&call).await;
    assert_eq!(told(&rest, &call).await, [("al".to_owned(), "used".to_owned())]);
    supervisor.hear_all(&call, &began, &Dashboard::from_snapshot(&rest.snapshot(&call).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_read_a_call_may_not_judge_its_cards() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, _agent, _) = disputed(&local).await;
    for (token, status, code) in [
        ("other-admin", 404, "not_found"),
        ("acme-colleague", 404, "forbidden"),
        ("acme-capture", 403, "forbidden"),
        ("acme-supervisor", 204, ""),
    ] {
        let rest = local.rest(token);
        rest.send("PUT", &of_card(&call), &json!({"verdict": "used"})).await.expect(status);
        rest.ask("DELETE", &of_card(&call), &[], "").await.expect(status);
        let answer = judge(&mut local.socket(token).await, &call, CARD, "dismissed").await;
        assert_eq!(answer["code"].as_str().unwrap_or_default(), code, "{token}: {answer}");
    }
    assert_eq!(told(&local.rest("acme-admin"), &call).await, [("sue".to_owned(), "dismissed".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feedback_that_is_wrong_is_told_what_is_wrong() {
    let speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, _agent, _) = disputed(&local).await;
    let rest = local.rest("acme-admin");
    let (unknown, long) = (new_call(), "x".repeat(2_000));
    let path = |call: &str, card: &str| format!("/v1/calls/{call}/cards/{card}/feedback");
    let good = r#"{"verdict":"used"}"#;
    for (path, body, status, named) in [
        (path(&call, CARD), r#"{"verdict":"great"}"#, 400, "not_helpful"),
        (path(&call, CARD), r#"{"verdict":7}"#, 400, "verdict"),
        (path(&call, CARD), "{}", 400, "verdict"),
        (path(&call, CARD), "[]", 400, "no JSON object"),
        (path(&call, CARD), "used", 400, "no JSON"),
        (path(&call, "unheard_of"), good, 404, "unheard_of"),
        (path(&call, &long), good, 404, "no card"),
        (path(&unknown, CARD), good, 404, &unknown),
        (path("1", CARD), good, 400, "call id"),
    ] {
        let answer = rest.ask("PUT", &path, &[("content-type", "application/json")], body).await.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{body}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{named}: {}", answer.text);
    }
    let mut socket = local.socket("acme-admin").await;
    for (call, card, verdict, code) in [
        (call.as_str(), CARD, "great", "bad_message"),
        (&call, "unheard_of", "used", "not_found"),
        (&call, "", "used", "not_found"),
        (&call, &long, "used", "not_found"),
        (&unknown, CARD, "used", "not_found"),
        ("1", CARD, "used", "bad_message"),
    ] {
        let answer = judge(&mut socket, call, card, verdict).await;
        assert_eq!((&answer["code"], &answer["action"]), (&json!(code), &json!("feedback")), "{answer}");
    }
    assert_eq!(told(&rest, &call).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_keeps_feedback_over_a_restart() {
    let (machine, speech) = (Machine::new(), Speech::start());
    let dev = machine.dev(&speech.url).await;
    let call = new_call();
    let file = project().join("dashboard/demo/demo_call.wav");
    machine.stream(&dev, &file, &["--pace", "10", "--call", &call]).end().await.messages();
    let mut socket = Socket::open(&dev.url, &[], Some(&dev.token)).await.unwrap();
    socket.watch(json!({"call": call})).await;
    let confirmed = judge(&mut socket, &call, CARD, "helpful").await;
    assert_eq!(confirmed["verdict"], "helpful", "{confirmed}");
    dev.terminate().await;
    let dev = machine.dev(&speech.url).await;
    assert_eq!(told(&dev.rest(), &call).await, [("local".to_owned(), "helpful".to_owned())]);
}
