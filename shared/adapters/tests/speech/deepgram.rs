//! Deepgram's `/v1/listen` as documented, and what only it has: terms that may be too many, and a model that is none.

use callboard_adapters::speech::{Config, Provider, connect};
use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    harness::{TERM, WORD, ask, config, controlled, heard, http, service, utterance},
    stub::{Change, Documented, KEY, Seen, Stub, wav_ms},
};

/// How many characters of key terms this stub takes; the service itself counts 500 tokens.
const MOST_TERMS: usize = 450;

/// The service in the cloud.
pub(crate) struct Deepgram;

impl Documented for Deepgram {
    fn provider(&self) -> Provider {
        Provider::Deepgram
    }

    fn route(&self) -> &'static str {
        "/v1/listen"
    }

    fn judge(&self, seen: &Seen) -> Result<(), (u16, &'static str)> {
        if seen.header("authorization") != Some(&format!("Token {KEY}")) {
            return Err((401, "INVALID_AUTH"));
        }
        let all = |name| seen.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
        let (model, language) = (all("model").next().unwrap_or("base"), all("language").next());
        // Regional tags are known for few languages.
        if !matches!(model, "nova-3" | "nova-2-phonecall") || language.is_some_and(|language| language != "en") {
            return Err((400, "No such model/language/tier combination found."));
        }
        if all("keyterm").count() > 0 && model != "nova-3" || all("keywords").count() > 0 && model == "nova-3" {
            return Err((400, "Keyterms are for Nova-3 only, and keywords for the others."));
        }
        if all("keyterm").map(str::len).sum::<usize>() > MOST_TERMS {
            return Err((400, "Keyterm limit exceeded. The maximum number of tokens across all keyterms is 500."));
        }
        if seen.header("content-type") != Some("audio/wav") || wav_ms(&seen.body).is_none() {
            return Err((400, "Bad Request: failed to process audio: corrupt or unsupported data"));
        }
        Ok(())
    }

    /// A bad request has no code of its own, and what it is about stands in the message alone.
    fn refusal(&self, status: u16, code: &str, message: &str) -> Value {
        let (code, message) = match status {
            400 => ("Bad Request", format!("{code} {message}")),
            _ => (code, message.to_owned()),
        };
        json!({"err_code": code, "err_msg": message, "request_id": "32313879-0783-4b57-871d-69124a18373a"})
    }

    fn success(&self, _: &Seen, heard: &Recognized) -> Value {
        let words = heard.words.iter().map(|word| {
            json!({"word": word.text.to_lowercase(), "punctuated_word": word.text, "confidence": word.confidence,
                "start": word.start_ms as f64 / 1000.0, "end": word.end_ms as f64 / 1000.0})
        });
        let words: Vec<Value> = words.collect();
        let alternative = json!({"transcript": heard.text, "confidence": 0.9, "words": words});
        json!({
            "metadata": {"transaction_key": "deprecated", "request_id": "r", "duration": 0.5, "channels": 1},
            "results": {"channels": [{"alternatives": [alternative]}]},
        })
    }

    fn malformed(&self) -> &'static [&'static str] {
        &[
            r#"{"request_id":"of a callback"}"#,
            r#"{"results":{"channels":[]}}"#,
            r#"{"results":{"channels":[{"alternatives":[{"transcript":["my card"]}]}]}}"#,
            r#"{"results":{"channels":[{"alternatives":[]},{"alternatives":[]}]}}"#,
            r#"{"results":{"channels":[{"alternatives":[{"transcript":"my","words":[{"word":4}]}]}]}}"#,
        ]
    }

    fn told(&self, seen: &Seen) -> Value {
        json!(seen.query)
    }

    fn other_model(&self) -> &'static str {
        "nova-2-phonecall"
    }

    fn expected(&self) -> [Value; 3] {
        let formatted = ["smart_format", "true"];
        let english = ["language", "en"];
        [
            json!([["model", "nova-3"], formatted, english, ["keyterm", TERM], ["keyterm", WORD]]),
            json!([["model", self.other_model()], formatted, english, ["keywords", WORD]]),
            json!([["model", "nova-3"], formatted, ["detect_language", "true"]]),
        ]
    }

    fn audio<'a>(&self, seen: &'a Seen) -> &'a [u8] {
        &seen.body
    }

    fn shortest_ms(&self) -> usize {
        100
    }

    fn requests(&self, status: u16) -> usize {
        if matches!(status, 408 | 429 | 500..) { 3 } else { 1 }
    }

    fn unacceptable(&self) -> Vec<(Change, u16)> {
        fn keyed(request: RequestBuilder) -> RequestBuilder {
            request.header("authorization", format!("Token {KEY}"))
        }
        vec![(|request| request, 401), (|request| request.bearer_auth(KEY), 401), (keyed, 400)]
    }
}

#[tokio::test(start_paused = true)]
async fn an_utterance_is_heard_without_the_terms_that_are_too_many() {
    let stub = Stub::start(&Deepgram, &[]).await;
    let terms: Vec<String> = (100..300).map(|number| format!("term {number}")).collect();
    let request = SpeechRequest { terms: &terms, ..utterance(&[900; 8000]) };
    assert_eq!(controlled(service(&stub).transcribe(request)).await, Ok(heard()));
    let terms: Vec<_> =
        stub.seen().iter().map(|seen| seen.query.iter().filter(|(name, _)| name == "keyterm").count()).collect();
    assert_eq!(terms, [62, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_none_is_a_matter_of_configuration() {
    let stub = Stub::start(&Deepgram, &[]).await;
    let service = connect(Config { model: "nova-9".into(), ..config(Provider::Deepgram, &stub.url) }, http()).unwrap();
    assert_eq!(controlled(ask(&*service)).await, Err(SpeechError::Unauthorized("HTTP 400".into())));
    assert_eq!(stub.seen().len(), 1);
}
