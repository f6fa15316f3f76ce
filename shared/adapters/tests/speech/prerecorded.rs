//! AssemblyAI's pre-recorded API, against a service that behaves as documented, faults included.
//!
//! Every refusal quotes the key, what was said, and the recording's address, as the service does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use callboard_adapters::speech::{
    ConfigError, Secret,
    prerecorded::{Prerecorded, PrerecordedConfig, Progress, Submission, Webhook},
};
use callboard_domain::speech::SpeechError;
use callboard_wire::work::HOOK_HEADER;
use serde_json::{Value, json};

use crate::{
    harness::{TERM, http},
    stub::{KEY, SAID},
};

const ID: &str = "5552493-16d8-42d8-8feb-c2a16b56f6e8";
const ADDRESS: &str = "https://bucket.example/recordings/source?X-Amz-Signature=0011";
const HOOK: &str = "hook-secret-hook-secret";

/// A scripted answer: status, headers, body.
type Scripted = (u16, &'static [(&'static str, &'static str)], Value);

#[derive(Clone)]
struct Service {
    url: String,
    script: Arc<Mutex<VecDeque<Scripted>>>,
    submitted: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<usize>>,
}

impl Service {
    async fn start(script: impl IntoIterator<Item = Scripted>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        let service = Self { url, script, submitted: Arc::default(), asked: Arc::default() };
        let routes = Router::new().route("/v2/transcript", post(submit)).route("/v2/transcript/{id}", get(poll));
        let routes = routes.with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        service
    }

    fn next(&self, headers: &HeaderMap, success: Value) -> Response {
        *self.asked.lock().unwrap() += 1;
        let key = headers.get("authorization").map(|value| value.to_str().unwrap());
        let (status, headers, body) = match self.script.lock().unwrap().pop_front() {
            _ if key != Some(KEY) => (401, &[][..], refusal("Authentication error, API token missing/invalid")),
            Some(scripted) => scripted,
            None => (200, &[][..], success),
        };
        let mut response = (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        response
    }

    fn client(&self) -> Prerecorded {
        Prerecorded::new(config(&self.url), http()).unwrap()
    }

    async fn poll(&self) -> Result<Progress, SpeechError> {
        kept_quiet(self.client().poll(ID).await)
    }
}

async fn submit(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    service.submitted.lock().unwrap().push(body.clone());
    let known = body["audio_url"].is_string() && body["speech_models"].is_array();
    // Both cannot be used in the same request.
    if !known || body["prompt"].is_string() && body["keyterms_prompt"].is_array() {
        return (StatusCode::BAD_REQUEST, axum::Json(refusal("Invalid endpoint schema"))).into_response();
    }
    service.next(&headers, json!({"id": ID, "status": "queued", "audio_url": body["audio_url"], "words": null}))
}

async fn poll(State(service): State<Service>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if id != ID {
        let body = refusal("Transcript lookup error, transcript id not found");
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    service.next(&headers, json!({"id": id, "status": "processing", "words": null, "error": null}))
}

fn refusal(error: &str) -> Value {
    json!({"error": format!("{error}; key {KEY}; {SAID}; {ADDRESS}")})
}

fn gave_up(error: &str) -> Scripted {
    (200, &[], json!({"id": ID, "status": "error", "error": format!("{error} {ADDRESS} {SAID}"), "words": null}))
}

fn completed(words: Value) -> Scripted {
    let body = json!({"id": ID, "status": "completed", "error": null, "text": SAID, "words": words,
        "utterances": [{"text": SAID, "words": words, "speaker": "1"}], "audio_duration": 9});
    (200, &[], body)
}

fn config(url: &str) -> PrerecordedConfig {
    PrerecordedConfig {
        url: url.to_owned(),
        api_key: Secret::new(KEY),
        model: String::new(),
        timeout: Duration::from_secs(20),
        webhook: None,
    }
}

fn submission<'a>(terms: &'a [String]) -> Submission<'a> {
    let (language, prompt, model) = (Some("en-US"), None, None);
    Submission { audio_url: ADDRESS, multichannel: true, language, terms, prompt, model, hook_query: "call=1" }
}

/// The result, once it is sure that an error tells nothing that must not be told.
#[track_caller]
fn kept_quiet<T: std::fmt::Debug>(result: Result<T, SpeechError>) -> Result<T, SpeechError> {
    if let Err(error) = &result {
        let told = format!("{error} {error:?}");
        assert!(![KEY, SAID, ADDRESS, "Signature"].iter().any(|secret| told.contains(secret)), "{told}");
    }
    result
}

async fn submitted(change: impl FnOnce(&mut PrerecordedConfig), recording: Submission<'_>) -> Value {
    let service = Service::start([]).await;
    let mut config = config(&service.url);
    change(&mut config);
    let client = Prerecorded::new(config, http()).unwrap();
    assert_eq!(client.submit(recording).await, Ok(ID.to_owned()));
    let bodies = service.submitted.lock().unwrap();
    assert_eq!(bodies.len(), 1);
    bodies[0].clone()
}

#[tokio::test]
async fn a_recording_is_submitted_as_documented() {
    let models = json!(["universal-3-5-pro", "universal-2"]);
    let terms = [TERM.to_owned(), "one two three four five six seven".to_owned()];
    assert_eq!(
        submitted(|_| (), submission(&terms)).await,
        json!({"audio_url": ADDRESS, "speech_models": models, "multichannel": true, "language_code": "en",
            "keyterms_prompt": [TERM]})
    );
    // Terms go into a prompt that there is, since the service takes one of the two.
    let about = Submission { prompt: Some("A call about a roof."), multichannel: false, ..submission(&terms) };
    let about = Submission { language: None, model: Some("universal-2"), ..about };
    assert_eq!(
        submitted(|_| (), about).await,
        json!({"audio_url": ADDRESS, "speech_models": ["universal-2"], "language_detection": true,
            "prompt": format!("A call about a roof.\n\nContext: {TERM}")})
    );
    let webhook = Webhook { url: "https://host/hooks/assemblyai".to_owned(), secret: Secret::new(HOOK) };
    let told = submitted(
        |config| {
            config.webhook = Some(webhook);
            config.model = "universal-3-pro".to_owned();
        },
        submission(&[]),
    );
    assert_eq!(
        told.await,
        json!({"audio_url": ADDRESS, "speech_models": ["universal-3-pro"], "multichannel": true,
            "language_code": "en", "webhook_url": "https://host/hooks/assemblyai?call=1",
            "webhook_auth_header_name": HOOK_HEADER, "webhook_auth_header_value": HOOK})
    );
}

#[tokio::test]
async fn a_recording_is_asked_about_until_its_words_are_there() {
    let word = |text: &str, start: u32, end: u32, channel: Value| json!({"text": text, "start": start, "end": end, "confidence": 0.9, "channel": channel, "speaker": channel});
    let words = json!([
        word("Hello", 100, 400, json!("1")),
        word("there.", 450, 800, json!("1")),
        word("Hi.", 500, 700, json!(2)),
        word("So?", 1_500, 1_900, json!("1")),
    ]);
    let queued = (200, &[][..], json!({"id": ID, "status": "queued"}));
    let service =
        Service::start([queued, (200, &[], json!({"id": ID, "status": "processing"})), completed(words)]).await;
    assert_eq!(service.poll().await, Ok(Progress::Queued));
    assert_eq!(service.poll().await, Ok(Progress::Working));
    let Ok(Progress::Done(heard)) = service.poll().await else { panic!("not done") };
    let told: Vec<_> = heard.iter().map(|it| (it.channel, it.text.as_str(), it.start_ms, it.end_ms)).collect();
    assert_eq!(told, [(0, "Hello there.", 100, 800), (1, "Hi.", 500, 700), (0, "So?", 1_500, 1_900)]);
    assert_eq!(heard[0].words[1].confidence, Some(0.9));
}

#[tokio::test]
async fn one_channel_has_no_number() {
    let words = json!([{"text": "Hello", "start": 1, "end": 2, "confidence": 1, "channel": null, "speaker": null}]);
    let service = Service::start([completed(words), completed(Value::Null)]).await;
    let Ok(Progress::Done(heard)) = service.poll().await else { panic!("not done") };
    assert_eq!(heard.iter().map(|it| it.channel).collect::<Vec<_>>(), [0]);
    assert_eq!(service.poll().await, Ok(Progress::Done(Vec::new())));
}

/// What a caller can do about the answer to a poll.
#[derive(Debug, PartialEq)]
enum Outcome {
    Working,
    Silent,
    Lost,
    Busy(Option<u64>),
    Unavailable,
    Refused,
    Unauthorized,
}

async fn check(script: Vec<Scripted>, expected: Outcome, asked: usize) {
    let told = format!("{script:?}");
    let service = Service::start(script).await;
    let outcome = match service.poll().await {
        Ok(Progress::Queued | Progress::Working) => Outcome::Working,
        Ok(Progress::Done(heard)) if heard.is_empty() => Outcome::Silent,
        Ok(Progress::Done(heard)) => panic!("{heard:?}"),
        Ok(Progress::Lost(_)) => Outcome::Lost,
        Err(SpeechError::Busy { retry_after_ms }) => Outcome::Busy(retry_after_ms),
        Err(SpeechError::Unavailable(_)) => Outcome::Unavailable,
        Err(SpeechError::Refused(_)) => Outcome::Refused,
        Err(SpeechError::Unauthorized(_)) => Outcome::Unauthorized,
    };
    assert_eq!((outcome, *service.asked.lock().unwrap()), (expected, asked), "{told}");
}

#[tokio::test]
async fn faults_are_told_apart() {
    let no = |status| (status, &[][..], refusal("no"));
    let at_once = |status| (status, &[("retry-after", "0")][..], refusal("busy"));
    let in_an_hour = (429, &[("retry-after", "3600")][..], refusal("busy"));
    let said = |body: Value| (200, &[][..], body);
    for (script, expected, asked) in [
        (vec![at_once(429), at_once(503)], Outcome::Working, 3),
        (vec![at_once(429), at_once(429), at_once(429)], Outcome::Busy(Some(0)), 3),
        (vec![in_an_hour], Outcome::Busy(Some(3_600_000)), 1),
        (vec![no(500)], Outcome::Working, 2),
        (vec![no(500), no(504)], Outcome::Unavailable, 2),
        (vec![no(401)], Outcome::Unauthorized, 1),
        (vec![no(400)], Outcome::Refused, 1),
        (vec![(400, &[], refusal("Your current account balance is negative"))], Outcome::Unauthorized, 1),
        (vec![(400, &[], refusal("Transcript lookup error, transcript id not found"))], Outcome::Lost, 1),
        (vec![no(404)], Outcome::Lost, 1),
        (vec![said(json!({"id": ID}))], Outcome::Unavailable, 1),
        (vec![said(json!({"id": ID, "status": "asleep"}))], Outcome::Unavailable, 1),
        (vec![said(json!("done"))], Outcome::Unavailable, 1),
        (vec![completed(json!([{"text": "my card"}]))], Outcome::Unavailable, 1),
        (vec![completed(json!([{"text": "a", "start": 1, "end": 2, "channel": "left"}]))], Outcome::Unavailable, 1),
        (vec![completed(json!([{"text": "a", "start": 1, "end": 2, "channel": 0}]))], Outcome::Unavailable, 1),
        (vec![gave_up("Download error, unable to download")], Outcome::Lost, 1),
        (vec![gave_up("Server error, developers have been alerted.")], Outcome::Lost, 1),
        (vec![gave_up("File does not appear to contain audio. File type is text/html.")], Outcome::Refused, 1),
        (vec![gave_up("Audio duration is too short.")], Outcome::Refused, 1),
        (vec![gave_up("language_detection cannot be performed on files with no spoken audio.")], Outcome::Silent, 1),
        (vec![gave_up("?")], Outcome::Refused, 1),
    ] {
        check(script, expected, asked).await;
    }
}

#[tokio::test]
async fn a_submission_that_is_not_taken_is_told() {
    for (scripted, expected) in [
        ((401, &[][..], refusal("no")), SpeechError::Unauthorized("HTTP 401".into())),
        ((400, &[], refusal("audio_url is invalid")), SpeechError::Refused("HTTP 400".into())),
        ((200, &[], json!({"id": "../v2"})), SpeechError::Unavailable("the answer holds no usable id".into())),
    ] {
        let service = Service::start([scripted]).await;
        assert_eq!(kept_quiet(service.client().submit(submission(&[])).await), Err(expected));
    }
    let service = Service::start([]).await;
    let wrong = PrerecordedConfig { api_key: Secret::new("another"), ..config(&service.url) };
    let wrong = Prerecorded::new(wrong, http()).unwrap();
    assert!(matches!(wrong.submit(submission(&[])).await, Err(SpeechError::Unauthorized(_))));
    // What is no id is not asked about.
    assert!(matches!(service.client().poll("a/b").await, Err(SpeechError::Refused(_))));
    assert_eq!(*service.asked.lock().unwrap(), 1);
}

#[test]
fn a_configuration_of_it_that_cannot_work_is_refused_at_once() {
    for (config, expected) in [
        (PrerecordedConfig { url: "nowhere".into(), ..config("http://h") }, ConfigError::Url),
        (PrerecordedConfig { api_key: Secret::new(""), ..config("http://h") }, ConfigError::KeyMissing),
        (PrerecordedConfig { api_key: Secret::new("a\n"), ..config("http://h") }, ConfigError::Key),
        (PrerecordedConfig { timeout: Duration::ZERO, ..config("http://h") }, ConfigError::Timeout),
    ] {
        assert_eq!(Prerecorded::new(config, http()).err(), Some(expected));
    }
    assert!(!format!("{:?}", Prerecorded::new(config("http://h"), http()).unwrap()).contains(KEY));
}
