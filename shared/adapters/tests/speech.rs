//! The transcription adapters against services that behave as documented, faults included.
#![cfg(feature = "speech")]
#![allow(clippy::unwrap_used)]

#[path = "speech/assemblyai.rs"]
mod assemblyai;
#[path = "speech/conformance.rs"]
mod conformance;
#[path = "speech/deepgram.rs"]
mod deepgram;
#[path = "speech/harness.rs"]
mod harness;
#[path = "common/log.rs"]
mod log;
#[path = "speech/openai.rs"]
mod openai;
#[path = "speech/prerecorded.rs"]
mod prerecorded;
#[path = "speech/stub.rs"]
mod stub;

use std::time::Duration;

use callboard_adapters::speech::{Config, ConfigError, Provider, Secret, connect};

use harness::{SERVICES, TERM, WORD, config, controlled, http, log, run};
use stub::{Answer, KEY, SAID};

#[tokio::test(start_paused = true)]
async fn each_utterance_leaves_a_line_without_what_was_said() {
    for service in SERVICES {
        for script in [&[][..], &[Answer::Status(500, &[]), Answer::Status(400, &[])]] {
            controlled(run(service, script)).await;
        }
    }
    let log = log().text();
    for provider in Provider::ALL {
        for (message, status) in [("utterance transcribed", "200"), ("utterance not transcribed", "400")] {
            let line = log.lines().find(|line| {
                let (provider, status) =
                    (format!("asr.provider=\"{}\"", provider.as_str()), format!("asr.status={status}"));
                [message, &provider, &status, "asr.audio_ms=500"].iter().all(|part| line.contains(part))
            });
            let line = line.unwrap_or_else(|| panic!("no line for {provider:?} {status}"));
            assert!(line.contains("asr.duration_ms=") && line.contains("asr.attempts="), "{line}");
        }
    }
    // Terms may stand in an address, which writes its blanks otherwise.
    for secret in [KEY, SAID, "card", TERM, "Northwind", WORD] {
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
    for provider in Provider::ALL {
        check(|config| config.timeout = Duration::ZERO, provider, ConfigError::Timeout);
        check(|config| config.url = "localhost".into(), provider, ConfigError::Url);
        check(|config| config.api_key = Some(Secret::new("key\n")), provider, ConfigError::Key);
    }
    for provider in [Provider::AssemblyAi, Provider::Deepgram] {
        check(|config| config.api_key = None, provider, ConfigError::KeyMissing);
        check(|config| config.api_key = Some(Secret::new("")), provider, ConfigError::KeyMissing);
    }
    check(|config| config.model = "best\n".into(), Provider::AssemblyAi, ConfigError::Model);
}
