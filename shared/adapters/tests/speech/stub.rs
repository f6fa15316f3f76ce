//! Transcription services that behave as documented, on real sockets, with the faults that a test scripts.
//!
//! A request is judged by the service's rules first, then by the next scripted answer; without one it succeeds. Every
//! refusal quotes the key and what was said, as a careless service might.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::{FromRequest, Multipart, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use callboard_adapters::speech::Provider;
use serde_json::{Value, json};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SAID: &str = "my card number is four two";

/// A scripted answer.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A status with headers and a body of the service's own shape.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// A success with this body.
    Body(&'static str),
    /// None, ever.
    Never,
    /// The connection breaks in the middle of a success.
    Cut,
}

/// A part of a form.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) file_name: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) headers: HeaderMap,
    pub(crate) fields: Vec<Field>,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| std::str::from_utf8(&field.bytes).unwrap())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A running service.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) provider: Provider,
    pub(crate) url: String,
    /// Whether `verbose_json` is refused whatever the model, as small servers do.
    pub(crate) plain_json: bool,
    script: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    pub(crate) async fn start(provider: Provider, script: &[Answer]) -> Self {
        Self::start_with(provider, script, false).await
    }

    pub(crate) async fn start_with(provider: Provider, script: &[Answer], plain_json: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            provider,
            url: format!("http://{}", listener.local_addr().unwrap()),
            plain_json,
            script: Arc::new(Mutex::new(script.iter().cloned().collect())),
            seen: Arc::default(),
        };
        let route = match provider {
            Provider::OpenAi => "/v1/audio/transcriptions",
            Provider::AssemblyAi => "/v1/transcribe",
        };
        let router = Router::new().route(route, post(answer)).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        stub
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn success(&self, seen: &Seen) -> Value {
        let words = |word: &str, scale: f64| {
            json!([
                {word: "my", "start": 100.0 / scale, "end": 250.0 / scale, "confidence": 0.5, "probability": 0.5},
                {word: "card", "start": 300.0 / scale, "end": 480.0 / scale, "confidence": 0.75, "probability": 0.75},
            ])
        };
        match self.provider {
            Provider::OpenAi if seen.text("response_format") == Some("verbose_json") => {
                json!({"task": "transcribe", "language": "english", "text": SAID, "words": words("word", 1000.0)})
            }
            Provider::OpenAi => json!({"text": SAID}),
            Provider::AssemblyAi => {
                json!({"text": SAID, "words": words("text", 1.0), "confidence": 0.9,
                "audio_duration_ms": 500, "session_id": "s", "request_time_ms": 90})
            }
        }
    }

    fn refusal(&self, status: u16, code: &str, param: Option<&str>) -> Response {
        let message = format!("key {KEY}: cannot take {SAID}");
        let body = match self.provider {
            Provider::OpenAi => {
                json!({"error": {"message": message, "type": code, "param": param, "code": null}})
            }
            Provider::AssemblyAi if status == 400 => {
                json!({"error_code": code, "message": message})
            }
            Provider::AssemblyAi => {
                json!({"type": format!("urn:{code}"), "title": message, "status": status, "detail": message})
            }
        };
        (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
    }

    /// The refusal of a request that is not what the service's documentation asks of a request.
    fn judge(&self, seen: &Seen) -> Option<Response> {
        match self.provider {
            Provider::OpenAi => self.judge_openai(seen),
            Provider::AssemblyAi => self.judge_assemblyai(seen),
        }
    }

    fn judge_openai(&self, seen: &Seen) -> Option<Response> {
        if seen.header("authorization") != Some(&format!("Bearer {KEY}")) {
            return Some(self.refusal(401, "invalid_api_key", None));
        }
        let refuse = |param| Some(self.refusal(400, "invalid_request_error", Some(param)));
        let (model, format) = (seen.text("model").unwrap_or_default(), seen.text("response_format"));
        let verbose = format == Some("verbose_json");
        if model.is_empty() {
            return refuse("model");
        }
        if !matches!(format, None | Some("json" | "verbose_json"))
            || verbose && (self.plain_json || model.starts_with("gpt-"))
        {
            return refuse("response_format");
        }
        if seen.field("timestamp_granularities[]").is_some() && !verbose {
            return refuse("timestamp_granularities");
        }
        match seen.field("file") {
            Some(file) if file.file_name.is_some() && wav_ms(&file.bytes) >= Some(100) => None,
            _ => refuse("file"),
        }
    }

    fn judge_assemblyai(&self, seen: &Seen) -> Option<Response> {
        if seen.header("authorization") != Some(KEY) {
            return Some(self.refusal(401, "unauthorized", None));
        }
        if seen.header("x-aai-model") != Some("universal-3-5-pro") {
            return Some(self.refusal(400, "unknown_model", None));
        }
        let Some(audio) = seen.field("audio") else {
            return Some(self.refusal(400, "missing_audio", None));
        };
        if audio.content_type.as_deref() != Some("audio/wav") {
            return Some(self.refusal(415, "unsupported_media_type", None));
        }
        match wav_ms(&audio.bytes) {
            Some(80..=120_000) => {}
            _ => return Some(self.refusal(400, "audio_duration", None)),
        }
        let config = seen.field("config").map(|config| serde_json::from_slice::<Value>(&config.bytes));
        match config {
            Some(Ok(Value::Object(_))) | None => None,
            _ => Some(self.refusal(400, "invalid_config", None)),
        }
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> Response {
    let at = Instant::now();
    let headers = request.headers().clone();
    assert!(headers.contains_key("content-length"), "a body of unknown length");
    let mut form = Multipart::from_request(request, &()).await.unwrap();
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        fields.push(Field {
            name: field.name().unwrap().to_owned(),
            content_type: field.content_type().map(str::to_owned),
            file_name: field.file_name().map(str::to_owned),
            bytes: field.bytes().await.unwrap().to_vec(),
        });
    }
    let seen = Seen { at, headers, fields };
    stub.seen.lock().unwrap().push(seen.clone());
    if let Some(refusal) = stub.judge(&seen) {
        return refusal;
    }
    let next = stub.script.lock().unwrap().pop_front();
    match next {
        None => axum::Json(stub.success(&seen)).into_response(),
        Some(Answer::Body(body)) => body.into_response(),
        Some(Answer::Never) => std::future::pending().await,
        Some(Answer::Cut) => {
            let parts = [Ok("{\"text\":"), Err(std::io::Error::other("cut"))];
            Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
        Some(Answer::Status(status, headers)) => {
            let mut response = stub.refusal(status, "scripted_fault", None);
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
    }
}

/// The length of a 16 kHz mono WAV file with 16 bits, if it is one whose header fits its size.
fn wav_ms(file: &[u8]) -> Option<u64> {
    let number = |at: usize| file.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().unwrap()));
    let sound = file.starts_with(b"RIFF")
        && file.get(8..16) == Some(b"WAVEfmt ")
        && file.get(20..24) == Some(&[1, 0, 1, 0])
        && number(24) == Some(16_000)
        && number(4)? as usize == file.len() - 8
        && number(40)? as usize == file.len() - 44;
    sound.then(|| (file.len() as u64 - 44) / 32)
}
