//! The language model adapters against a service that behaves as documented, faults included.
#![cfg(feature = "bedrock")]
#![allow(clippy::unwrap_used)]

#[path = "model/conformance.rs"]
mod conformance;
#[path = "model/connections.rs"]
mod connections;
#[path = "model/harness.rs"]
mod harness;
#[path = "common/log.rs"]
mod log;
#[path = "model/requests.rs"]
mod requests;
#[allow(unreachable_pub, dead_code, reason = "it belongs to the tests of the whole, which use all of it")]
#[path = "../../../tests/src/model/mod.rs"]
mod service;

use std::time::Duration;

use callboard_adapters::model::{Config, ConfigError, Provider, Secret};

use harness::{AWS_SECRET, PROVIDERS, SAID, ask, config, connect, connected, log, service, usage};
use service::{Behaviour, KEY};

#[tokio::test]
async fn each_request_leaves_a_line_without_what_was_said() {
    for provider in PROVIDERS {
        let model = service();
        model.next([Behaviour::Answers, Behaviour::Refuses, Behaviour::Status(400), Behaviour::Status(401)]);
        let connected = connected(provider, &model);
        for _ in 0..4 {
            ask(&*connected).await.ok();
        }
    }
    let log = log().text();
    let told = format!("model.input_tokens={}", usage("").input_tokens);
    for provider in PROVIDERS {
        let provider = format!("model.provider=\"{}\"", provider.as_str());
        for parts in [
            ["language model answered", "model.status=200", "model.attempts=1", &told],
            ["no answer from", "model.failure=\"refused\"", "model.status=200", &told],
            ["no answer from", "model.failure=\"refused\"", "model.status=400", "model.rejection=\"HTTP 400"],
            ["no answer from", "model.failure=\"unauthorized\"", "model.status=401", "model.request=\"advice\""],
        ] {
            let found =
                log.lines().any(|line| line.contains(&provider) && parts.iter().all(|part| line.contains(part)));
            assert!(found, "no line with {provider} and {parts:?}");
        }
    }
    for secret in [KEY, AWS_SECRET, SAID, "card"] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None);
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    fn check(change: impl FnOnce(&mut Config), provider: Provider, expected: ConfigError) {
        let mut config = config(provider, "http://127.0.0.1:9");
        change(&mut config);
        assert_eq!(connect(config).err(), Some(expected), "{provider:?}");
    }
    for provider in PROVIDERS {
        check(|config| config.timeout = Duration::ZERO, provider, ConfigError::Timeout);
        check(|config| config.url = "localhost".into(), provider, ConfigError::Url);
        check(|config| config.model.clear(), provider, ConfigError::Model);
        check(|config| config.api_key = Some(Secret::new("key\n")), provider, ConfigError::Key);
        check(|config| config.api_key = Some(Secret::new("")), provider, ConfigError::Key);
    }
    check(|config| config.api_key = None, Provider::Anthropic, ConfigError::KeyMissing);
}
