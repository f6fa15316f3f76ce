//! Uploads to a stack of the tests' own, which breaks off, refuses and forgets as it is told.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::stack::Stack;

const PART: usize = 100_000;

/// What the stack has, and what it does wrong.
#[derive(Default)]
struct Known {
    url: String,
    whole: BTreeMap<String, usize>,
    parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
    complete: BTreeMap<String, Vec<u8>>,
    /// Statuses of the next requests with audio.
    faults: Vec<u16>,
    /// Statuses of the next other requests.
    refusals: Vec<u16>,
    /// Requests with audio that were taken.
    puts: usize,
    /// Which round of addresses is good.
    round: u32,
}

type Shared = Arc<Mutex<Known>>;

struct Bench {
    folder: TempDir,
    known: Shared,
    stack: Stack,
}

impl Bench {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known = Shared::default();
        known.lock().unwrap().url = url.clone();
        let router = Router::new()
            .route("/v1/recordings", post(begin))
            .route("/v1/recordings/{call}/upload", get(renew))
            .route("/v1/recordings/{call}/complete", post(complete))
            .route("/store/{round}/{call}/{part}", put(store))
            .layer(DefaultBodyLimit::disable())
            .with_state(known.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let stack = StackArgs::with_token(&url, "").resolve().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), known, stack }
    }

    fn file(&self, bytes: usize) -> PathBuf {
        let path = self.folder.path().join("call.wav");
        fs::write(&path, (0..bytes).map(|at| (at / 7) as u8).collect::<Vec<_>>()).unwrap();
        path
    }

    async fn send(&self, file: &std::path::Path, again: bool) -> Outcome {
        let tries = Tries { most: 4, first: Duration::from_millis(1), longest: Duration::from_millis(2) };
        let state = self.folder.path().join("state");
        let uploader = Uploader::with(&state, self.stack.clone(), WishArgs::default(), 2, tries).unwrap();
        uploader.send(&Identity::look(file).unwrap(), again, Arc::new(Nobody)).await
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap())
    }
}

/// Nobody looks on.
struct Nobody;

impl Progress for Nobody {
    fn there(&self, _: u64) {}
    fn sent(&self, _: u64) {}
    fn lost(&self, _: u64) {}
}

impl Known {
    fn refusal(&mut self) -> Option<Response> {
        let status = StatusCode::from_u16(self.refusals.pop()?).unwrap();
        Some((status, Json(json!({"detail": "as the test asked"}))).into_response())
    }

    fn ticket(&self, call: &str) -> Response {
        let upload = if self.complete.contains_key(call) {
            json!({"kind": "complete"})
        } else if self.whole[call] <= PART {
            json!({"kind": "put", "url": self.address(call, 0), "expires_at_ms": 0})
        } else {
            let there: Vec<u32> = self.parts.get(call).into_iter().flat_map(|parts| parts.keys().copied()).collect();
            let numbers = 1..=u32::try_from(self.whole[call].div_ceil(PART)).unwrap();
            let missing: Vec<Value> = numbers
                .filter(|number| !there.contains(number))
                .map(|number| json!({"number": number, "url": self.address(call, number)}))
                .collect();
            json!({"kind": "parts", "part_bytes": PART, "uploaded": there, "parts": missing, "expires_at_ms": 0})
        };
        Json(json!({"call": call, "upload": upload})).into_response()
    }

    fn address(&self, call: &str, part: u32) -> String {
        format!("{}/store/{}/{call}/{part}", self.url, self.round)
    }
}

async fn begin(State(known): State<Shared>, Json(new): Json<Value>) -> Response {
    let mut known = known.lock().unwrap();
    if let Some(refusal) = known.refusal() {
        return refusal;
    }
    let call = new["call"].as_str().unwrap();
    known.whole.insert(call.to_owned(), usize::try_from(new["bytes"].as_u64().unwrap()).unwrap());
    known.ticket(call)
}

async fn renew(State(known): State<Shared>, Path(call): Path<String>) -> Response {
    known.lock().unwrap().ticket(&call)
}

async fn complete(State(known): State<Shared>, Path(call): Path<String>) -> Response {
    let mut known = known.lock().unwrap();
    if let Some(refusal) = known.refusal() {
        return refusal;
    }
    if known.complete.contains_key(&call) {
        return known.ticket(&call);
    }
    let whole: Vec<u8> = known.parts[&call].values().flat_map(|part| part.to_vec()).collect();
    if whole.len() == known.whole[&call] {
        known.complete.insert(call.clone(), whole);
    }
    known.ticket(&call)
}

async fn store(
    State(known): State<Shared>,
    Path((round, call, part)): Path<(u32, String, u32)>,
    body: Bytes,
) -> Response {
    let mut known = known.lock().unwrap();
    if let Some(status) = known.faults.pop() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    if round != known.round {
        return (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response();
    }
    known.puts += 1;
    if part == 0 {
        known.complete.insert(call, body.to_vec());
    } else {
        known.parts.entry(call).or_default().insert(part, body);
    }
    StatusCode::OK.into_response()
}

fn arrived(outcome: &Outcome) -> (u64, bool) {
    let arrived = outcome.result.as_ref().unwrap();
    (arrived.sent_bytes, arrived.resumed)
}

fn reason(outcome: &Outcome) -> &str {
    outcome.result.as_ref().unwrap_err().reason()
}

/// What the stack has is what the file holds.
fn assert_whole(bench: &Bench, outcome: &Outcome, file: &std::path::Path) {
    let call = outcome.call.as_ref().unwrap().to_string();
    assert!(bench.known(|known| known.complete[&call] == fs::read(file).unwrap()), "{call}");
}

#[tokio::test]
async fn a_recording_is_sent_whole_and_once() {
    for (bytes, puts) in [(1, 1), (PART, 1), (PART + 1, 2), (3 * PART + 5, 4)] {
        let bench = Bench::start().await;
        let file = bench.file(bytes);
        let first = bench.send(&file, false).await;
        assert_eq!(arrived(&first), (bytes as u64, false));
        assert_whole(&bench, &first, &file);
        let second = bench.send(&file, false).await;
        assert_eq!((second.call.clone(), arrived(&second)), (first.call.clone(), (0, true)));
        assert_eq!(bench.known(|known| known.puts), puts, "{bytes}");
        let another = bench.send(&file, true).await;
        assert_ne!(another.call, first.call);
        assert_whole(&bench, &another, &file);
    }
}

#[tokio::test]
async fn interrupted_it_goes_on_where_it_was() {
    let bench = Bench::start().await;
    let file = bench.file(4 * PART + 5);
    // Some parts get through, then the store refuses for good.
    bench.known(|known| known.faults = vec![400, 503, 503]);
    let first = bench.send(&file, false).await;
    assert!(reason(&first).contains("the store refuses it (400"), "{first:?}");
    let call = first.call.clone().unwrap().to_string();
    // Two are sent at once: one of them failed.
    let there = bench.known(|known| known.parts.get(&call).map_or(0, BTreeMap::len));
    let before = bench.known(|known| std::mem::take(&mut known.puts));
    assert_eq!(there, before);
    bench.known(|known| {
        let bytes = Bytes::from(fs::read(&file).unwrap());
        known.parts.entry(call.clone()).or_default().insert(3, bytes.slice(2 * PART..3 * PART));
    });
    let there = bench.known(|known| known.parts[&call].len());
    let second = bench.send(&file, false).await;
    assert_eq!((&second.call, second.result.as_ref().unwrap().resumed), (&first.call, true));
    assert_eq!(bench.known(|known| known.puts), 5 - there, "only what was missing");
    assert_whole(&bench, &second, &file);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_told() {
    let check = async |refusals: &[u16], faults: &[u16], expected: &str| {
        let bench = Bench::start().await;
        let file = bench.file(2 * PART);
        bench.known(|known| (known.refusals, known.faults) = (refusals.to_vec(), faults.to_vec()));
        let outcome = bench.send(&file, false).await;
        if expected.is_empty() {
            assert_whole(&bench, &outcome, &file);
        } else {
            assert!(reason(&outcome).contains(expected), "{refusals:?} {faults:?}: {outcome:?}");
        }
    };
    check(&[503, 500, 429], &[503, 500], "").await;
    check(&[], &[403], "").await;
    check(&[503; 4], &[], "cannot answer just now (503 as the test asked)").await;
    check(&[], &[503; 8], "the store cannot take it just now (503").await;
    check(&[401], &[], "no token is known").await;
    check(&[400], &[], "refuses this: as the test asked").await;
    check(&[], &[403; 64], "the store refuses it (403").await;
}

#[tokio::test]
async fn an_address_that_is_no_longer_good_is_replaced() {
    let bench = Bench::start().await;
    let file = bench.file(3 * PART);
    let call = bench.stack_of_old_addresses(&file).await;
    let outcome = bench.send(&file, false).await;
    assert_eq!(outcome.call.clone().unwrap().to_string(), call);
    assert_whole(&bench, &outcome, &file);
}

impl Bench {
    /// From the first request with audio on, the addresses that were given out are no longer good.
    async fn stack_of_old_addresses(&self, file: &std::path::Path) -> String {
        self.known(|known| known.faults = vec![400]);
        let first = self.send(file, false).await;
        self.known(|known| {
            known.parts.clear();
            known.round = 1;
            // What is given out next is of the round before.
            known.faults = vec![403, 403];
        });
        first.call.unwrap().to_string()
    }
}

#[tokio::test]
async fn a_file_that_is_written_to_is_not_declared_complete() {
    let bench = Bench::start().await;
    let file = bench.file(2 * PART);
    let looked = Identity::look(&file).unwrap();
    bench.file(2 * PART + 1);
    let tries = Tries { most: 1, ..Tries::default() };
    let state = bench.folder.path().join("state");
    let uploader = Uploader::with(&state, bench.stack.clone(), WishArgs::default(), 1, tries).unwrap();
    let outcome = uploader.send(&looked, false, Arc::new(Nobody)).await;
    assert!(matches!(outcome.result, Err(Failure::Unusable(_))), "{outcome:?}");
    assert!(bench.known(|known| known.complete.is_empty()));
}
