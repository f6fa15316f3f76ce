//! What the tests share: the services, a client, an utterance, its outcome, the time, and all that was logged.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use callboard_adapters::speech::{Config, Provider, Secret, connect};
use callboard_domain::{
    segment::Word,
    speech::{Recognized, SpeechError, SpeechRequest, Transcriber},
};

use crate::{
    assemblyai::AssemblyAi,
    deepgram::Deepgram,
    log::Log,
    openai::OpenAi,
    stub::{Answer, Documented, KEY, SAID, Stub},
};

/// Every provider's service.
pub(crate) const SERVICES: [&dyn Documented; Provider::ALL.len()] =
    [&OpenAi { plain_json: false }, &AssemblyAi, &Deepgram];
pub(crate) const TERM: &str = "Northwind Relief";
pub(crate) const WORD: &str = "Zephyrine";

pub(crate) fn log() -> &'static Log {
    Log::of_process(tracing::Level::TRACE)
}

/// One client a test: every test runs on a thread and a runtime of its own.
pub(crate) fn http() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    thread_local! {
        static CLIENT: reqwest::Client = reqwest::Client::builder().no_proxy().build().unwrap();
    }
    log();
    PROVIDER.get_or_init(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    CLIENT.with(Clone::clone)
}

/// Does the work in a paused time that goes on by a millisecond whenever everything that could go on without did: what
/// travels between client and stub takes a few of them, and pauses exactly as long as they are.
pub(crate) async fn controlled<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::advance(Duration::from_millis(1)) => {}
        }
    }
}

pub(crate) fn config(provider: Provider, url: &str) -> Config {
    Config {
        provider,
        url: url.to_owned(),
        model: String::new(),
        api_key: Some(Secret::new(KEY)),
        timeout: Duration::from_secs(20),
    }
}

pub(crate) fn service(stub: &Stub) -> Arc<dyn Transcriber> {
    connect(config(stub.service.provider(), &stub.url), http()).unwrap()
}

/// A request of which nothing but the sound is known.
pub(crate) fn utterance(pcm: &[i16]) -> SpeechRequest<'_> {
    SpeechRequest { pcm, sample_rate: 16_000, language: None, terms: &[], context: &[], model: None, prompt: None }
}

/// Half a second of sound, with a term and a sentence that must not be seen again.
pub(crate) async fn ask(service: &dyn Transcriber) -> Result<Recognized, SpeechError> {
    ask_with(service, &[900; 8000]).await
}

pub(crate) async fn ask_with(service: &dyn Transcriber, pcm: &[i16]) -> Result<Recognized, SpeechError> {
    let (terms, context) = ([TERM.to_owned()], ["Good morning.".to_owned(), SAID.to_owned()]);
    let request = SpeechRequest { language: Some("en-US"), terms: &terms, context: &context, ..utterance(pcm) };
    let result = service.transcribe(request).await;
    if let Err(error) = &result {
        let told = format!("{error} {error:?}");
        assert!(![KEY, SAID, "card", TERM].iter().any(|secret| told.contains(secret)), "{told}");
    }
    result
}

pub(crate) fn heard() -> Recognized {
    let word = |text: &str, start_ms, end_ms, confidence| Word {
        text: text.to_owned(),
        start_ms,
        end_ms,
        confidence: Some(confidence),
    };
    let words = vec![word("My", 100, 250, 0.5), word("card.", 300, 480, 0.75)];
    Recognized { text: SAID.to_owned(), words }
}

/// What a caller can do about an outcome: all that the providers have to agree on.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
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
pub(crate) async fn run(service: &'static dyn Documented, script: &[Answer]) -> (Outcome, usize) {
    let stub = Stub::start(service, script).await;
    let outcome = ask(&*self::service(&stub)).await.into();
    (outcome, stub.seen().len())
}
