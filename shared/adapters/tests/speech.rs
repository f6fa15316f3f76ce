//! The transcription adapters against services that behave as documented, faults included.
#![cfg(feature = "speech")]
#![allow(clippy::unwrap_used)]

#[path = "speech/conformance.rs"]
mod conformance;
#[path = "speech/harness.rs"]
mod harness;
#[path = "common/log.rs"]
mod log;
#[path = "speech/prerecorded.rs"]
mod prerecorded;
#[path = "speech/requests.rs"]
mod requests;
#[path = "speech/stub.rs"]
mod stub;

use std::time::Duration;

use callboard_adapters::speech::{Config, ConfigError, Provider, Secret, connect};

use harness::{PROVIDERS, TERM, config, http, log, run};
use stub::{Answer, KEY, SAID};

#[tokio::test]
async fn each_utterance_leaves_a_line_without_what_was_said() {
    for provider in PROVIDERS {
        for script in [&[][..], &[Answer::Status(500, &[]), Answer::Status(400, &[])]] {
            run(provider, script).await;
        }
    }
    let log = log().text();
    for provider in PROVIDERS {
        for (message, status) in [("utterance transcribed", "200"), ("utterance not transcribed", "400")] {
            let line = log.lines().find(|line| {
                let parts =
                    [message, &format!("asr.provider=\"{}\"", provider.as_str()), &format!("asr.status={status}")];
                parts.iter().all(|part| line.contains(part))
            });
            let line = line.unwrap_or_else(|| panic!("no line for {provider:?} {status}"));
            assert!(line.contains("asr.audio_ms=500") && line.contains("asr.duration_ms="), "{line}");
        }
    }
    for secret in [KEY, SAID, "card", TERM] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    fn check(change: impl FnOnce(&mut Config), provider: Provider, expected: ConfigError) {
        let mut config = config(provider, "http://127.0.0.1:9");
        change(&mut config);
        assert_eq!(connect(config, http()).err(), Some(expected));
    }
    for provider in PROVIDERS {
        check(|config| config.timeout = Duration::ZERO, provider, ConfigError::Timeout);
        check(|config| config.url = "localhost".into(), provider, ConfigError::Url);
        check(|config| config.api_key = Some(Secret::new("key\n")), provider, ConfigError::Key);
    }
    check(|config| config.api_key = None, Provider::AssemblyAi, ConfigError::KeyMissing);
    check(|config| config.model = "best\n".into(), Provider::AssemblyAi, ConfigError::Model);
}
