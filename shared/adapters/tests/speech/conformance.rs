//! What holds of every provider, whatever its interface.

use std::time::Duration;

use callboard_adapters::speech::{Config, Provider, Secret, connect};
use callboard_domain::speech::{Recognized, SpeechError};

use crate::{
    harness::{Outcome, PROVIDERS, ask, config, heard, http, run, service},
    stub::{Answer, Stub},
};

/// One table for all: a script, how it ends, and after how many requests.
async fn conforms(provider: Provider) {
    use Answer::{Body, Cut, Status};
    let text_only = Recognized { text: "one two".into(), words: vec![] };
    let no = |status| Status(status, &[]);
    let at_once = |status| Status(status, &[("retry-after", "0")]);
    let in_an_hour = |status| Status(status, &[("retry-after", "3600")]);
    let by_date =
        Status(503, &[("date", "Wed, 11 Nov 2026 10:00:00 GMT"), ("retry-after", "Wed, 11 Nov 2026 10:01:00 GMT")]);
    let after_failure = if provider == Provider::OpenAi { 3 } else { 2 };
    let cases = [
        (vec![], Outcome::Heard(heard()), 1),
        (vec![Body(r#"{"text":" one two "}"#)], Outcome::Heard(text_only), 1),
        (vec![Body(r#"{"text":"","words":[]}"#)], Outcome::Heard(Recognized::default()), 1),
        (vec![Body(r#"{"text":"my card"#)], Outcome::Unavailable, 1),
        (vec![Body(r#"{"transcript":"my card"}"#)], Outcome::Unavailable, 1),
        (vec![Body(r#"{"text":["my card"]}"#)], Outcome::Unavailable, 1),
        (vec![no(400)], Outcome::Refused, 1),
        (vec![no(413)], Outcome::Refused, 1),
        (vec![no(415)], Outcome::Refused, 1),
        (vec![no(422)], Outcome::Refused, 1),
        (vec![no(401)], Outcome::Unauthorized, 1),
        (vec![no(403)], Outcome::Unauthorized, 1),
        (vec![no(404)], Outcome::Unauthorized, 1),
        (vec![at_once(429)], Outcome::Heard(heard()), 2),
        (vec![at_once(503), no(429)], Outcome::Heard(heard()), 3),
        (vec![at_once(429), at_once(429), at_once(429)], Outcome::Busy(Some(0)), 3),
        (vec![no(429), no(503), no(429)], Outcome::Busy(None), 3),
        (vec![in_an_hour(429)], Outcome::Busy(Some(3_600_000)), 1),
        (vec![at_once(429), in_an_hour(503)], Outcome::Busy(Some(3_600_000)), 2),
        (vec![by_date], Outcome::Busy(Some(60_000)), 1),
        (vec![no(500)], Outcome::Heard(heard()), 2),
        (vec![no(504)], Outcome::Heard(heard()), 2),
        (vec![no(500), no(500), no(500)], Outcome::Unavailable, after_failure),
        (vec![no(504), no(504), no(504)], Outcome::Unavailable, after_failure),
        (vec![Cut], Outcome::Heard(heard()), 2),
        (vec![no(500), no(401)], Outcome::Unauthorized, 2),
    ];
    for (number, (script, outcome, requests)) in cases.into_iter().enumerate() {
        assert_eq!(run(provider, &script).await, (outcome, requests), "{provider:?}, case {number}");
    }
}

#[tokio::test]
async fn openai_conforms() {
    conforms(Provider::OpenAi).await;
}

#[tokio::test]
async fn assemblyai_conforms() {
    conforms(Provider::AssemblyAi).await;
}

#[tokio::test]
async fn the_service_is_given_the_time_it_asked_for() {
    let waits = [(Provider::OpenAi, ("retry-after-ms", "700")), (Provider::AssemblyAi, ("retry-after", "0.7"))];
    for (provider, header) in waits {
        let headers: &'static [_] = Box::leak(Box::new([header]));
        let stub = Stub::start(provider, &[Answer::Status(429, headers)]).await;
        assert_eq!(ask(&*service(&stub)).await, Ok(heard()));
        let seen = stub.seen();
        assert!(seen[1].at - seen[0].at >= Duration::from_millis(700), "{provider:?}");
    }
}

#[tokio::test]
async fn a_silent_service_takes_no_more_than_the_budget() {
    for provider in PROVIDERS {
        // With the first try answered, the second has only the rest of the time.
        let stub = Stub::start(provider, &[Answer::Status(500, &[]), Answer::Never]).await;
        let timeout = Duration::from_millis(1500);
        let service = connect(Config { timeout, ..config(provider, &stub.url) }, http()).unwrap();
        let result = ask(&*service).await;
        assert_eq!(result, Err(SpeechError::Unavailable("no answer within 1500 ms".into())));
        assert_eq!(stub.seen().len(), 2);
    }
}

#[tokio::test]
async fn an_absent_service_is_unavailable() {
    for provider in PROVIDERS {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = ask(&*connect(config(provider, &url), http()).unwrap()).await.unwrap_err();
        assert!(matches!(&error, SpeechError::Unavailable(told) if told.contains("refused")), "{error}");
        assert!(!error.to_string().contains(&url), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_a_matter_of_configuration() {
    for provider in PROVIDERS {
        let stub = Stub::start(provider, &[]).await;
        let api_key = Some(Secret::new("another"));
        let service = connect(Config { api_key, ..config(provider, &stub.url) }, http()).unwrap();
        assert!(matches!(ask(&*service).await, Err(SpeechError::Unauthorized(_))));
        assert_eq!(stub.seen().len(), 1);
    }
}
