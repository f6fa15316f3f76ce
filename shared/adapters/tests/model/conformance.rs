//! What holds of every provider, whatever its interface.

use std::time::Duration;

use callboard_adapters::model::{Config, Provider, Secret};
use callboard_domain::model::{ModelError, Usage};
use serde_json::json;

use crate::{
    harness::{Outcome, PROVIDERS, SAID, advice, ask, config, connect, connected, run, schema, service, usage},
    service::{Behaviour, Model},
};

/// One table for all: what the service does, and how it ends. Nothing of it is asked twice.
async fn conforms(provider: Provider) {
    use Behaviour::{Answers, Body, Breaks, BreaksJson, Busy, CutOff, Late, MissesSchema, Refuses, Says, Status};
    let full = advice().to_string();
    let half: String = full.chars().take(full.chars().count() / 2).collect();
    let other = json!({"unheard_of": SAID});
    let failed = |kind| Outcome::Failed(kind, Usage::default());
    let cases = [
        (Answers, Outcome::Answered(advice(), usage(&full))),
        (Late(20), Outcome::Answered(advice(), usage(&full))),
        (MissesSchema, Outcome::Answered(other.clone(), usage(&other.to_string()))),
        (Says(r#"["my card"]"#.into()), Outcome::Failed("malformed", usage(r#"["my card"]"#))),
        (Says("Sure! {\"say\"".into()), Outcome::Failed("malformed", usage("Sure! {\"say\""))),
        (BreaksJson, Outcome::Failed("malformed", usage(&half))),
        (CutOff, Outcome::Failed("malformed", usage(&half))),
        (Refuses, Outcome::Failed("refused", usage("I will not help with this."))),
        (Says("x".repeat(300_000)), failed("malformed")),
        (Body("<html>my card</html>".into()), failed("malformed")),
        (Body("{}".into()), failed("malformed")),
        (Body(r#"["my card"]"#.into()), failed("malformed")),
        (Busy(None), Outcome::Busy(None)),
        (Busy(Some(7)), Outcome::Busy(Some(7000))),
        (Status(503), Outcome::Busy(None)),
        (Status(529), Outcome::Busy(None)),
        (Status(500), failed("unavailable")),
        (Status(502), failed("unavailable")),
        (Status(408), failed("timed_out")),
        (Status(504), failed("timed_out")),
        (Status(400), failed("refused")),
        (Status(413), failed("refused")),
        (Status(401), failed("unauthorized")),
        (Status(403), failed("unauthorized")),
        (Status(404), failed("unauthorized")),
        (Breaks, failed("unavailable")),
    ];
    for (behaviour, outcome) in cases {
        let told = format!("{provider:?}, {behaviour:.60?}");
        assert_eq!(run(provider, behaviour).await, (outcome, 1), "{told}");
    }
}

#[tokio::test]
async fn openai_conforms() {
    conforms(Provider::OpenAi).await;
}

#[tokio::test]
async fn anthropic_conforms() {
    conforms(Provider::Anthropic).await;
}

#[tokio::test]
async fn bedrock_conforms() {
    conforms(Provider::Bedrock).await;
}

#[tokio::test]
async fn an_answer_of_any_size_below_the_limit_is_read() {
    for provider in PROVIDERS {
        let value = json!({"say": "x".repeat(255_000)});
        let given = value.clone();
        let model = Model::start(move |_| given.clone());
        let answer = ask(&*connected(provider, &model)).await.unwrap();
        assert!(answer.value == value, "{provider:?}");
    }
}

#[tokio::test]
async fn what_went_wrong_is_told_by_status_and_codes() {
    async fn check(provider: Provider, behaviour: Behaviour, expected: ModelError) {
        let model = service();
        model.next([behaviour]);
        let failure = ask(&*connected(provider, &model)).await.unwrap_err();
        assert_eq!(failure.error, expected, "{provider:?}");
    }
    let refused = |told: &str| ModelError::Unauthorized(told.into());
    check(Provider::OpenAi, Behaviour::Status(401), refused("HTTP 401 (invalid_api_key, invalid_api_key)")).await;
    check(Provider::Anthropic, Behaviour::Status(401), refused("HTTP 401 (authentication_error)")).await;
    check(Provider::Bedrock, Behaviour::Status(403), refused("HTTP 403 (AccessDeniedException)")).await;
    for provider in PROVIDERS {
        let large = ModelError::Malformed("it has more than 262144 bytes".into());
        check(provider, Behaviour::Says("x".repeat(300_000)), large).await;
        let cut = ModelError::Malformed("it was cut off at the limit of its tokens".into());
        check(provider, Behaviour::CutOff, cut).await;
    }
}

#[tokio::test]
async fn a_silent_service_takes_no_more_than_the_budget() {
    for provider in PROVIDERS {
        let model = service();
        model.always(Behaviour::Silent);
        let timeout = Duration::from_millis(300);
        let connected = connect(Config { timeout, ..config(provider, &model.url) }).unwrap();
        let failure = ask(&*connected).await.unwrap_err();
        assert_eq!(failure, ModelError::TimedOut.into(), "{provider:?}");
        assert_eq!(model.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_key_is_a_matter_of_configuration() {
    for provider in PROVIDERS {
        let model = service();
        let api_key = Some(Secret::new("another"));
        let connected = connect(Config { api_key, ..config(provider, &model.url) }).unwrap();
        let outcome: Outcome = ask(&*connected).await.into();
        assert_eq!(outcome, Outcome::Failed("unauthorized", Usage::default()), "{provider:?}");
        assert_eq!(model.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_schema_that_the_service_does_not_take_is_a_matter_of_configuration() {
    use callboard_domain::model::ModelRequest;
    let mut open = schema();
    open["additionalProperties"] = true.into();
    let mut limited = schema();
    limited["properties"]["say"]["maxLength"] = 40.into();
    for provider in PROVIDERS {
        for schema in [&open, &limited] {
            let model = service();
            let request =
                ModelRequest { system: "You coach.", user: SAID, name: "advice", schema, most_output_tokens: 300 };
            let failure = connected(provider, &model).answer(request).await.unwrap_err();
            assert_eq!(failure.error.kind(), "unauthorized", "{provider:?} {failure}");
        }
    }
}
