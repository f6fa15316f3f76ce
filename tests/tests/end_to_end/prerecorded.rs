//! A recording that is handed whole to AssemblyAI's pre-recorded API: once, with an address that works, and its words
//! become segments like any other's.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
    routing::{get, post},
};
use callboard_tests::{audio, process::Machine, rest, speech::Speech, until};
use serde_json::{Value, json};

const KEY: &str = "pre-recorded-key";
const SECRET: &str = "hook-secret";

/// What came to the service, and how often it is still asked in vain.
#[derive(Default)]
struct Seen {
    submitted: Vec<Value>,
    loaded: Vec<usize>,
    asked: usize,
    lost: usize,
    busy: usize,
}

#[derive(Clone)]
struct Service {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    /// One whose first submissions come to nothing, and that says so often that it is still at work.
    async fn start(lost: usize, busy: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { url, seen: Arc::new(Mutex::new(Seen { lost, busy, ..Seen::default() })) };
        let routes = Router::new().route("/v2/transcript", post(submit)).route("/v2/transcript/{id}", get(poll));
        let routes = routes.with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        service
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("RECORDINGS_ENGINE", "assemblyai"),
            ("RECORDINGS_URL", &self.url),
            ("RECORDINGS_API_KEY", KEY),
            ("RECORDINGS_HOOK_SECRET", SECRET),
            ("RECORDINGS_POLL_SECONDS", "0"),
        ]
    }
}

async fn submit(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    assert_eq!(headers["authorization"], KEY);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let loaded = rest::client().get(body["audio_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(loaded.status(), 200);
    let bytes = loaded.bytes().await.unwrap().len();
    let mut seen = service.seen.lock().unwrap();
    seen.loaded.push(bytes);
    seen.submitted.push(body);
    Json(json!({"id": format!("transcript-{}", seen.submitted.len()), "status": "queued"}))
}

async fn poll(State(service): State<Service>, Path(id): Path<String>) -> Json<Value> {
    let mut seen = service.seen.lock().unwrap();
    seen.asked += 1;
    if seen.lost > 0 {
        seen.lost -= 1;
        return Json(json!({"id": id, "status": "error", "error": "Download error, unable to download"}));
    }
    if seen.busy > 0 {
        seen.busy -= 1;
        return Json(json!({"id": id, "status": "processing"}));
    }
    let word = |text: &str, start: u32, channel: &str| json!({"text": text, "start": start, "end": start + 300, "confidence": 0.9, "channel": channel});
    let words =
        [word("Good", 0, "1"), word("morning.", 400, "1"), word("Hello?", 500, "2"), word("Thanks.", 3_000, "1")];
    Json(json!({"id": id, "status": "completed", "words": words}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_handed_over_whole_and_its_words_are_segments() {
    let (machine, speech, service) = (Machine::new(), Speech::start(), Service::start(1, 2).await);
    let settings = service.settings();
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url], &settings).await;
    let file = machine.path().join("call.wav");
    audio::rearranged(&[0, 3]).write(&file);
    let bytes = std::fs::read(&file).unwrap();
    let (sent, rest, client) = (bytes.len(), dev.rest(), rest::client());
    let ticket = rest.send("POST", "/v1/recordings", &json!({"file_name": "call.wav", "bytes": sent})).await;
    let ticket = ticket.expect(201).json();
    let (call, address) = (ticket["call"].as_str().unwrap(), ticket["upload"]["url"].as_str().unwrap());
    assert_eq!(client.put(address).body(bytes).send().await.unwrap().status(), 200);

    let snapshot = rest.noted(call).await;
    assert_eq!((&snapshot["call"]["status"], &snapshot["recording"]["state"]), (&json!("ended"), &json!("done")));
    let said: Vec<_> = rest.transcript(call).await.into_iter().map(|it| (it.channel, it.text, it.start_ms)).collect();
    let expected = [("agent", "Good morning.", 0), ("customer", "Hello?", 500), ("agent", "Thanks.", 3_000)];
    assert_eq!(said, expected.map(|(channel, text, at)| (channel.to_owned(), text.to_owned(), at)));
    assert!(speech.asked().is_empty(), "no utterance was asked about");
    {
        let seen = service.seen.lock().unwrap();
        // The first came to nothing, the second was asked about until it was done.
        assert_eq!((seen.submitted.len(), seen.asked), (2, 4));
        assert_eq!(seen.loaded, [sent; 2]);
        assert_eq!(
            (&seen.submitted[1]["multichannel"], &seen.submitted[1]["language_code"]),
            (&json!(true), &json!("en"))
        );
        let hook = seen.submitted[1]["webhook_url"].as_str().unwrap();
        assert!(hook.ends_with(&format!("/hooks/assemblyai?org=local&call={call}")), "{hook}");
        assert_eq!(seen.submitted[1]["webhook_auth_header_value"], SECRET);
    }

    // What tells that it is done must show the secret; told of what is over, nothing changes.
    let hook = format!("{}/hooks/assemblyai?org=local&call={call}", dev.url);
    for (secret, body, status) in [
        ("wrong", r#"{"transcript_id":"transcript-2","status":"completed"}"#, 401),
        (SECRET, "{}", 400),
        (SECRET, r#"{"transcript_id":"transcript-2","status":"completed"}"#, 204),
    ] {
        let told = client.post(&hook).header("x-callboard-hook", secret).header("content-type", "application/json");
        assert_eq!(told.body(body).send().await.unwrap().status(), status, "{secret} {body}");
    }
    assert_eq!(rest.transcript(call).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_the_service_gives_up_again_and_again_fails_with_the_reason() {
    let (machine, speech, service) = (Machine::new(), Speech::start(), Service::start(usize::MAX, 0).await);
    let dev = machine.dev_with(&["--port", "0", "--speech", &speech.url], &service.settings()).await;
    let file = machine.path().join("call.wav");
    audio::rearranged(&[0]).write(&file);
    let rest = dev.rest();
    let ticket = rest.send("POST", "/v1/recordings", &json!({"file_name": "call.wav"})).await.expect(201).json();
    let (call, address) = (ticket["call"].as_str().unwrap(), ticket["upload"]["url"].as_str().unwrap());
    let sent = rest::client().put(address).body(std::fs::read(&file).unwrap()).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let failed = async || {
        let snapshot = rest.snapshot(call).await;
        (snapshot["call"]["status"] == "failed").then_some(snapshot)
    };
    let snapshot = until("the call's failure", failed).await;
    let reason = snapshot["recording"]["reason"].as_str().unwrap();
    assert!(reason.contains("could not load the recording"), "{reason}");
    assert_eq!(service.seen.lock().unwrap().submitted.len(), 3);
}
