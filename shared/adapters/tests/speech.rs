//! The transcription adapters against services that behave as documented, faults included.
#![cfg(feature = "speech")]
#![allow(clippy::unwrap_used)]

#[path = "speech/stub.rs"]
mod stub;

use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use callboard_adapters::speech::{Config, ConfigError, Provider, Secret, connect};
use callboard_domain::{
    segment::Word,
    speech::{Recognized, SpeechError, SpeechRequest, Transcriber},
};
use serde_json::json;
use stub::{Answer, KEY, SAID, Stub};

const PROVIDERS: [Provider; 2] = [Provider::OpenAi, Provider::AssemblyAi];
const TERM: &str = "Northwind Relief";

/// All that is logged by this process, at every level, from every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

fn http() -> reqwest::Client {
    log();
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap()
    });
    reqwest::Client::new()
}

fn config(provider: Provider, url: &str) -> Config {
    Config {
        provider,
        url: url.to_owned(),
        model: String::new(),
        api_key: Some(Secret::new(KEY)),
        timeout: Duration::from_secs(20),
    }
}

fn service(stub: &Stub) -> Arc<dyn Transcriber> {
    connect(config(stub.provider, &stub.url), http()).unwrap()
}

/// Half a second of sound, with a term and a sentence that must not be seen again.
async fn ask(service: &dyn Transcriber) -> Result<Recognized, SpeechError> {
    ask_with(service, &[900; 8000]).await
}

async fn ask_with(service: &dyn Transcriber, pcm: &[i16]) -> Result<Recognized, SpeechError> {
    let (terms, context) = (
        [TERM.to_owned()],
        ["Good morning.".to_owned(), SAID.to_owned()],
    );
    let result = service
        .transcribe(SpeechRequest {
            pcm,
            language: Some("en-US"),
            terms: &terms,
            context: &context,
        })
        .await;
    if let Err(error) = &result {
        let told = format!("{error} {error:?}");
        assert!(
            ![KEY, SAID, "card", TERM]
                .iter()
                .any(|secret| told.contains(secret)),
            "{told}"
        );
    }
    result
}

fn heard() -> Recognized {
    let word = |text: &str, start_ms, end_ms, confidence| Word {
        text: text.to_owned(),
        start_ms,
        end_ms,
        confidence: Some(confidence),
    };
    let words = vec![word("my", 100, 250, 0.5), word("card", 300, 480, 0.75)];
    Recognized {
        text: SAID.to_owned(),
        words,
    }
}

/// What a caller can do about an outcome: all that the providers have to agree on.
#[derive(Debug, PartialEq)]
enum Outcome {
    Heard(Recognized),
    Busy(Option<u64>),
    Unavailable,
    Refused,
    Unauthorized,
}

impl From<Result<Recognized, SpeechError>> for Outcome {
    fn from(result: Result<Recognized, SpeechError>) -> Self {
        match result {
            Ok(recognized) => Self::Heard(recognized),
            Err(SpeechError::Busy { retry_after_ms }) => Self::Busy(retry_after_ms),
            Err(SpeechError::Unavailable(_)) => Self::Unavailable,
            Err(SpeechError::Refused(_)) => Self::Refused,
            Err(SpeechError::Unauthorized(_)) => Self::Unauthorized,
        }
    }
}

/// Runs one script, and says how it ended after how many requests.
async fn run(provider: Provider, script: &[Answer]) -> (Outcome, usize) {
    let stub = Stub::start(provider, script).await;
    let outcome = ask(&*service(&stub)).await.into();
    (outcome, stub.seen().len())
}

/// What holds of every provider, whatever its interface.
async fn conforms(provider: Provider) {
    use Answer::{Body, Cut, Status};
    let text_only = Recognized {
        text: "one two".into(),
        words: vec![],
    };
    let no = |status| Status(status, &[]);
    let at_once = |status| Status(status, &[("retry-after", "0")]);
    let in_an_hour = |status| Status(status, &[("retry-after", "3600")]);
    let by_date = Status(
        503,
        &[
            ("date", "Wed, 11 Nov 2026 10:00:00 GMT"),
            ("retry-after", "Wed, 11 Nov 2026 10:01:00 GMT"),
        ],
    );
    let after_failure = if provider == Provider::OpenAi { 3 } else { 2 };
    let cases = [
        (vec![], Outcome::Heard(heard()), 1),
        (
            vec![Body(r#"{"text":" one two "}"#)],
            Outcome::Heard(text_only),
            1,
        ),
        (
            vec![Body(r#"{"text":"","words":[]}"#)],
            Outcome::Heard(Recognized::default()),
            1,
        ),
        (vec![Body(r#"{"text":"my card"#)], Outcome::Unavailable, 1),
        (
            vec![Body(r#"{"transcript":"my card"}"#)],
            Outcome::Unavailable,
            1,
        ),
        (
            vec![Body(r#"{"text":["my card"]}"#)],
            Outcome::Unavailable,
            1,
        ),
        (vec![no(400)], Outcome::Refused, 1),
        (vec![no(413)], Outcome::Refused, 1),
        (vec![no(415)], Outcome::Refused, 1),
        (vec![no(422)], Outcome::Refused, 1),
        (vec![no(401)], Outcome::Unauthorized, 1),
        (vec![no(403)], Outcome::Unauthorized, 1),
        (vec![no(404)], Outcome::Unauthorized, 1),
        (vec![at_once(429)], Outcome::Heard(heard()), 2),
        (vec![at_once(503), no(429)], Outcome::Heard(heard()), 3),
        (
            vec![at_once(429), at_once(429), at_once(429)],
            Outcome::Busy(Some(0)),
            3,
        ),
        (vec![no(429), no(503), no(429)], Outcome::Busy(None), 3),
        (vec![in_an_hour(429)], Outcome::Busy(Some(3_600_000)), 1),
        (
            vec![at_once(429), in_an_hour(503)],
            Outcome::Busy(Some(3_600_000)),
            2,
        ),
        (vec![by_date], Outcome::Busy(Some(60_000)), 1),
        (vec![no(500)], Outcome::Heard(heard()), 2),
        (vec![no(504)], Outcome::Heard(heard()), 2),
        (
            vec![no(500), no(500), no(500)],
            Outcome::Unavailable,
            after_failure,
        ),
        (
            vec![no(504), no(504), no(504)],
            Outcome::Unavailable,
            after_failure,
        ),
        (vec![Cut], Outcome::Heard(heard()), 2),
        (vec![no(500), no(401)], Outcome::Unauthorized, 2),
    ];
    for (number, (script, outcome, requests)) in cases.into_iter().enumerate() {
        assert_eq!(
            run(provider, &script).await,
            (outcome, requests),
            "{provider:?}, case {number}"
        );
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
    let waits = [
        (Provider::OpenAi, ("retry-after-ms", "700")),
        (Provider::AssemblyAi, ("retry-after", "0.7")),
    ];
    for (provider, header) in waits {
        let headers: &'static [_] = Box::leak(Box::new([header]));
        let stub = Stub::start(provider, &[Answer::Status(429, headers)]).await;
        assert_eq!(ask(&*service(&stub)).await, Ok(heard()));
        let seen = stub.seen();
        assert!(
            seen[1].at - seen[0].at >= Duration::from_millis(700),
            "{provider:?}"
        );
    }
}

#[tokio::test]
async fn a_silent_service_takes_no_more_than_the_budget() {
    for provider in PROVIDERS {
        // With the first try answered, the second has only the rest of the time.
        let stub = Stub::start(provider, &[Answer::Status(500, &[]), Answer::Never]).await;
        let timeout = Duration::from_millis(600);
        let service = connect(
            Config {
                timeout,
                ..config(provider, &stub.url)
            },
            http(),
        )
        .unwrap();
        let result = ask(&*service).await;
        assert_eq!(
            result,
            Err(SpeechError::Unavailable("no answer within 600 ms".into()))
        );
        assert_eq!(stub.seen().len(), 2);
    }
}

#[tokio::test]
async fn an_absent_service_is_unavailable() {
    for provider in PROVIDERS {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = ask(&*connect(config(provider, &url), http()).unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, SpeechError::Unavailable(told) if told.contains("refused")),
            "{error}"
        );
        assert!(!error.to_string().contains(&url), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_a_matter_of_configuration() {
    for provider in PROVIDERS {
        let stub = Stub::start(provider, &[]).await;
        let api_key = Some(Secret::new("another"));
        let service = connect(
            Config {
                api_key,
                ..config(provider, &stub.url)
            },
            http(),
        )
        .unwrap();
        assert!(matches!(
            ask(&*service).await,
            Err(SpeechError::Unauthorized(_))
        ));
        assert_eq!(stub.seen().len(), 1);
    }
}

#[tokio::test]
async fn openai_is_told_what_it_documents() {
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    ask(&*service(&stub)).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.text("model"), Some("whisper-1"));
    assert_eq!(seen.text("language"), Some("en"));
    assert_eq!(seen.text("temperature"), Some("0"));
    assert_eq!(seen.text("response_format"), Some("verbose_json"));
    assert_eq!(seen.text("timestamp_granularities[]"), Some("word"));
    assert_eq!(
        seen.text("prompt"),
        Some(format!("{TERM}. Good morning. {SAID}").as_str())
    );
    let file = seen.field("file").unwrap();
    assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
    assert_eq!(file.file_name.as_deref(), Some("utterance.wav"));
    assert_eq!(file.bytes.len(), 44 + 2 * 8000);
    assert_eq!(file.bytes[44..46], 900i16.to_le_bytes());
}

#[tokio::test]
async fn a_model_after_whisper_is_asked_for_json_from_the_start() {
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    let model = "gpt-4o-transcribe".to_owned();
    let service = connect(
        Config {
            model,
            ..config(stub.provider, &stub.url)
        },
        http(),
    )
    .unwrap();
    let recognized = ask(&*service).await.unwrap();
    assert_eq!(
        recognized,
        Recognized {
            text: SAID.into(),
            words: vec![]
        }
    );
    assert_eq!(stub.seen().len(), 1);
    assert_eq!(stub.seen()[0].text("response_format"), Some("json"));
}

#[tokio::test]
async fn a_server_without_verbose_answers_is_asked_in_vain_only_once() {
    let stub = Stub::start_with(Provider::OpenAi, &[], true).await;
    let service = service(&stub);
    for requests in [2, 3, 4] {
        assert_eq!(ask(&*service).await.unwrap().text, SAID);
        assert_eq!(stub.seen().len(), requests);
    }
}

#[tokio::test]
async fn assemblyai_is_told_what_it_documents() {
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    ask(&*service(&stub)).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.headers["authorization"], KEY);
    assert_eq!(seen.headers["x-aai-model"], "universal-3-5-pro");
    assert_eq!(
        seen.field("config").unwrap().content_type.as_deref(),
        Some("application/json")
    );
    let config: serde_json::Value = serde_json::from_str(seen.text("config").unwrap()).unwrap();
    let expected = json!({
        "keyterms_prompt": [TERM],
        "conversation_context": ["Good morning.", SAID],
        "language_codes": ["en"],
        "timestamps": true,
    });
    assert_eq!(config, expected);
}

#[tokio::test]
async fn utterances_are_brought_to_the_length_that_a_service_takes() {
    for (provider, part, shortest_ms) in [
        (Provider::OpenAi, "file", 100),
        (Provider::AssemblyAi, "audio", 80),
    ] {
        let stub = Stub::start(provider, &[]).await;
        let recognized = ask_with(&*service(&stub), &[900; 160]).await.unwrap();
        assert!(
            recognized.words.iter().all(|word| word.end_ms <= 10),
            "{recognized:?}"
        );
        assert_eq!(
            stub.seen()[0].field(part).unwrap().bytes.len(),
            44 + shortest_ms * 32
        );
    }
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    let result = ask_with(&*service(&stub), &vec![900; 121 * 16_000]).await;
    assert_eq!(
        result,
        Err(SpeechError::Refused(
            "121000 ms of audio, 120000 at most".into()
        ))
    );
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn the_stubs_refuse_what_the_services_refuse() {
    async fn refused(
        stub: &Stub,
        route: &str,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> u16 {
        let form = reqwest::multipart::Form::new()
            .text("model", "whisper-1")
            .text("audio", "noise");
        let request = http().post(format!("{}{route}", stub.url)).multipart(form);
        change(request).send().await.unwrap().status().as_u16()
    }
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    let route = "/v1/transcribe";
    assert_eq!(refused(&stub, route, |request| request).await, 401);
    assert_eq!(
        refused(&stub, route, |request| request.header("authorization", KEY)).await,
        400
    );
    let with_model = |request: reqwest::RequestBuilder| {
        request
            .header("authorization", KEY)
            .header("x-aai-model", "universal-3-5-pro")
    };
    assert_eq!(refused(&stub, route, with_model).await, 415);
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    assert_eq!(
        refused(&stub, "/v1/audio/transcriptions", |request| request).await,
        401
    );
    assert_eq!(
        refused(&stub, "/v1/audio/transcriptions", |request| request
            .bearer_auth(KEY))
        .await,
        400
    );
}

#[tokio::test]
async fn each_utterance_leaves_a_line_without_what_was_said() {
    for provider in PROVIDERS {
        for script in [
            &[][..],
            &[Answer::Status(500, &[]), Answer::Status(400, &[])],
        ] {
            run(provider, script).await.0;
        }
    }
    let log = String::from_utf8(log().0.lock().unwrap().clone()).unwrap();
    for provider in PROVIDERS {
        for (message, status) in [
            ("utterance transcribed", "200"),
            ("utterance not transcribed", "400"),
        ] {
            let line = log.lines().find(|line| {
                let parts = [
                    message,
                    &format!("asr.provider=\"{}\"", provider.as_str()),
                    &format!("asr.status={status}"),
                ];
                parts.iter().all(|part| line.contains(part))
            });
            let line = line.unwrap_or_else(|| panic!("no line for {provider:?} {status}"));
            assert!(
                line.contains("asr.audio_ms=500") && line.contains("asr.duration_ms="),
                "{line}"
            );
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
        check(
            |config| config.timeout = Duration::ZERO,
            provider,
            ConfigError::Timeout,
        );
        check(
            |config| config.url = "localhost".into(),
            provider,
            ConfigError::Url,
        );
        check(
            |config| config.api_key = Some(Secret::new("key\n")),
            provider,
            ConfigError::Key,
        );
    }
    check(
        |config| config.api_key = None,
        Provider::AssemblyAi,
        ConfigError::KeyMissing,
    );
    check(
        |config| config.model = "best\n".into(),
        Provider::AssemblyAi,
        ConfigError::Model,
    );
}
