//! AssemblyAI's Sync API as documented, and what only it has: a longest utterance.

use callboard_adapters::speech::Provider;
use callboard_domain::speech::{Recognized, SpeechError};
use serde_json::{Value, json};

use crate::{
    harness::{TERM, WORD, ask_with, controlled, service},
    stub::{Change, Documented, KEY, SAID, Seen, Stub, wav_ms},
};

const MODEL: &str = "x-aai-model";

/// The Sync API.
pub(crate) struct AssemblyAi;

impl Documented for AssemblyAi {
    fn provider(&self) -> Provider {
        Provider::AssemblyAi
    }

    fn route(&self) -> &'static str {
        "/v1/transcribe"
    }

    fn judge(&self, seen: &Seen) -> Result<(), (u16, &'static str)> {
        if seen.header("authorization") != Some(KEY) {
            return Err((401, "unauthorized"));
        }
        if !matches!(seen.header(MODEL), Some("universal-3-5-pro" | "universal-3-5-flash")) {
            return Err((400, "unknown_model"));
        }
        let audio = seen.field("audio").ok_or((400, "missing_audio"))?;
        if audio.content_type.as_deref() != Some("audio/wav") {
            return Err((415, "unsupported_media_type"));
        }
        if !matches!(wav_ms(&audio.bytes), Some(80..=120_000)) {
            return Err((400, "audio_duration"));
        }
        match seen.field("config").map(|config| serde_json::from_slice::<Value>(&config.bytes)) {
            Some(Ok(Value::Object(_))) | None => Ok(()),
            _ => Err((400, "invalid_config")),
        }
    }

    fn refusal(&self, status: u16, code: &str, message: &str) -> Value {
        if status == 400 {
            return json!({"error_code": code, "message": message});
        }
        json!({"type": format!("urn:{code}"), "title": message, "status": status, "detail": message})
    }

    fn success(&self, _: &Seen, heard: &Recognized) -> Value {
        let words = heard.words.iter().map(|word| {
            json!({"text": word.text, "start": word.start_ms, "end": word.end_ms, "confidence": word.confidence})
        });
        let words: Vec<Value> = words.collect();
        json!({"text": heard.text, "words": words, "confidence": 0.9, "audio_duration_ms": 500, "session_id": "s",
            "request_time_ms": 90})
    }

    fn malformed(&self) -> &'static [&'static str] {
        &[r#"{"transcript":"my card"}"#, r#"{"text":["my card"]}"#, r#"{"text":"my","words":[{"text":4}]}"#]
    }

    fn told(&self, seen: &Seen) -> Value {
        let config = seen.field("config").unwrap();
        assert_eq!(config.content_type.as_deref(), Some("application/json"));
        let config: Value = serde_json::from_slice(&config.bytes).unwrap();
        json!({"model": seen.header(MODEL), "config": config})
    }

    fn other_model(&self) -> &'static str {
        "universal-3-5-flash"
    }

    fn expected(&self) -> [Value; 3] {
        let told = |model: &str, config: Value| json!({"model": model, "config": config});
        let terms = [TERM, WORD];
        [
            told(
                "universal-3-5-pro",
                json!({"language_codes": ["en"], "keyterms_prompt": terms, "timestamps": true,
                    "conversation_context": ["Good morning.", SAID]}),
            ),
            told(
                self.other_model(),
                json!({"language_codes": ["en"], "keyterms_prompt": terms, "timestamps": true,
                    "conversation_context": ["A call about a roof."]}),
            ),
            told("universal-3-5-pro", json!({"timestamps": true})),
        ]
    }

    fn audio<'a>(&self, seen: &'a Seen) -> &'a [u8] {
        &seen.field("audio").unwrap().bytes
    }

    fn shortest_ms(&self) -> usize {
        80
    }

    fn requests(&self, status: u16) -> usize {
        match status {
            429 | 503 => 3,
            500.. => 2,
            _ => 1,
        }
    }

    fn unacceptable(&self) -> Vec<(Change, u16)> {
        vec![
            (|request| request, 401),
            (|request| request.bearer_auth(KEY), 401),
            (|request| request.header("authorization", KEY), 400),
            (|request| request.header("authorization", KEY).header(MODEL, "universal-3-5-pro"), 415),
        ]
    }
}

#[tokio::test(start_paused = true)]
async fn an_utterance_that_is_too_long_is_not_sent() {
    let stub = Stub::start(&AssemblyAi, &[]).await;
    let result = controlled(ask_with(&*service(&stub), &vec![900; 121 * 16_000])).await;
    assert_eq!(result, Err(SpeechError::Refused("121000 ms of audio, 120000 at most".into())));
    assert_eq!(stub.seen().len(), 0);
}
