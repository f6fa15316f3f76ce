//! A transcription service on a real socket, with the faults that a test scripts; which service it is, a [`Documented`]
//! knows.
//!
//! A request is judged by the service's rules first, then by the next scripted answer; without one it succeeds. Every
//! refusal quotes the key and what was said, as a careless service might.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use callboard_adapters::speech::Provider;
use callboard_domain::speech::Recognized;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::heard;

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SAID: &str = "my card number is four two";

/// What is done to a request before it is sent.
pub(crate) type Change = fn(RequestBuilder) -> RequestBuilder;

/// A service as its documentation has it, and what sets it apart from the others.
pub(crate) trait Documented: Send + Sync {
    fn provider(&self) -> Provider;

    fn route(&self) -> &'static str;

    /// Status and code of the refusal of a request that is not as the documentation asks.
    fn judge(&self, seen: &Seen) -> Result<(), (u16, &'static str)>;

    /// The body of a refusal.
    fn refusal(&self, status: u16, code: &str, message: &str) -> Value;

    /// The body of a success; words without text for those that are not asked for.
    fn success(&self, seen: &Seen, heard: &Recognized) -> Value;

    /// Bodies of a success that are JSON, but not what is documented.
    fn malformed(&self) -> &'static [&'static str];

    /// All that a request tells beside the audio and the key, in the service's own words.
    fn told(&self, seen: &Seen) -> Value;

    /// Another model than the default one.
    fn other_model(&self) -> &'static str;

    /// What it is to be told of an utterance with language, terms and context; of one of a recording, with terms, a
    /// prompt and the other model; and of one about which nothing is known.
    fn expected(&self) -> [Value; 3];

    /// The sound within a request.
    fn audio<'a>(&self, seen: &'a Seen) -> &'a [u8];

    /// What an utterance is filled up to where it is shorter, in milliseconds.
    fn shortest_ms(&self) -> usize;

    /// How often an utterance is sent while the answer remains this status.
    fn requests(&self, status: u16) -> usize;

    /// Requests that it refuses, and how.
    fn unacceptable(&self) -> Vec<(Change, u16)>;
}

/// A scripted answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A status with headers and a body of the service's own shape.
    Status(u16, &'static [(&'static str, &'static str)]),
    /// A success in the service's own shape, with this text and no words.
    Text(&'static str),
    /// A success with this body.
    Body(&'static str),
    /// A success of so many bytes.
    Large(usize),
    /// None, ever.
    Never,
    /// The beginning of a success, and then nothing.
    Stalled,
    /// The connection breaks in the middle of a success.
    Cut,
}

/// A part of a form.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) file_name: Option<String>,
    pub(crate) bytes: Bytes,
}

/// A request as it arrived: the parts of a form, or a body that is none.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Bytes,
}

impl Seen {
    async fn read(request: Request) -> Self {
        let at = Instant::now();
        let headers = request.headers().clone();
        assert!(headers.contains_key("content-length"), "a body of unknown length");
        let url = Url::parse(&format!("http://h{}", request.uri())).unwrap();
        let query = url.query_pairs().into_owned().collect();
        let mut seen = Self { at, headers, query, fields: Vec::new(), body: Bytes::new() };
        if !seen.header("content-type").unwrap_or_default().starts_with("multipart/form-data") {
            seen.body = Bytes::from_request(request, &()).await.unwrap();
            return seen;
        }
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        while let Some(field) = form.next_field().await.unwrap() {
            seen.fields.push(Field {
                name: field.name().unwrap().to_owned(),
                content_type: field.content_type().map(str::to_owned),
                file_name: field.file_name().map(str::to_owned),
                bytes: field.bytes().await.unwrap(),
            });
        }
        seen
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| std::str::from_utf8(&field.bytes).unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A running service.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) service: &'static dyn Documented,
    pub(crate) url: String,
    script: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    pub(crate) async fn start(service: &'static dyn Documented, script: &[Answer]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            service,
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: Arc::new(Mutex::new(script.iter().cloned().collect())),
            seen: Arc::default(),
        };
        let router = Router::new().route(service.route(), post(answer)).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        stub
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn refuse(&self, status: u16, code: &str) -> Response {
        let body = self.service.refusal(status, code, &format!("key {KEY}: cannot take {SAID}"));
        (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> Response {
    let seen = Seen::read(request).await;
    stub.seen.lock().unwrap().push(seen.clone());
    if let Err((status, code)) = stub.service.judge(&seen) {
        return stub.refuse(status, code);
    }
    let succeed = |heard: Recognized| axum::Json(stub.service.success(&seen, &heard)).into_response();
    let begun = Ok::<_, std::io::Error>("{\"text\":");
    let next = stub.script.lock().unwrap().pop_front();
    match next {
        None => succeed(heard()),
        Some(Answer::Text(text)) => succeed(Recognized { text: text.to_owned(), words: vec![] }),
        Some(Answer::Body(body)) => body.into_response(),
        Some(Answer::Large(bytes)) => " ".repeat(bytes).into_response(),
        Some(Answer::Never) => std::future::pending().await,
        Some(Answer::Stalled) => {
            let rest = futures_util::stream::pending();
            Body::from_stream(futures_util::StreamExt::chain(futures_util::stream::iter([begun]), rest)).into_response()
        }
        Some(Answer::Cut) => {
            let parts = [begun, Err(std::io::Error::other("cut"))];
            Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
        Some(Answer::Status(status, headers)) => {
            let mut response = stub.refuse(status, "SCRIPTED_FAULT");
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
    }
}

/// The length of a 16 kHz mono WAV file with 16 bits, if it is one whose header fits its size.
pub(crate) fn wav_ms(file: &[u8]) -> Option<u64> {
    let number = |at: usize| file.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().unwrap()));
    let sound = file.starts_with(b"RIFF")
        && file.get(8..16) == Some(b"WAVEfmt ")
        && file.get(20..24) == Some(&[1, 0, 1, 0])
        && number(24) == Some(16_000)
        && number(4)? as usize == file.len() - 8
        && number(40)? as usize == file.len() - 44;
    sound.then(|| (file.len() as u64 - 44) / 32)
}
