//! OpenAI's interface as documented, and what only it has: two forms of the answer.

use callboard_adapters::speech::{Config, Provider, connect};
use callboard_domain::speech::Recognized;
use serde_json::{Value, json};

use crate::{
    harness::{TERM, WORD, ask, config, controlled, http, service},
    stub::{Change, Documented, KEY, SAID, Seen, Stub, wav_ms},
};

/// OpenAI itself, or a small server that refuses `verbose_json` whatever the model.
pub(crate) struct OpenAi {
    pub(crate) plain_json: bool,
}

impl Documented for OpenAi {
    fn provider(&self) -> Provider {
        Provider::OpenAi
    }

    fn route(&self) -> &'static str {
        "/v1/audio/transcriptions"
    }

    fn judge(&self, seen: &Seen) -> Result<(), (u16, &'static str)> {
        if seen.header("authorization") != Some(&format!("Bearer {KEY}")) {
            return Err((401, "invalid_api_key"));
        }
        let (model, format) = (seen.text("model").unwrap_or_default(), seen.text("response_format"));
        let verbose = format == Some("verbose_json");
        if model.is_empty() {
            return Err((400, "model"));
        }
        let known = matches!(format, None | Some("json" | "verbose_json"));
        if !known || verbose && (self.plain_json || model.starts_with("gpt-")) {
            return Err((400, "response_format"));
        }
        if seen.field("timestamp_granularities[]").is_some() && !verbose {
            return Err((400, "timestamp_granularities"));
        }
        match seen.field("file") {
            Some(file) if file.file_name.is_some() && wav_ms(&file.bytes) >= Some(100) => Ok(()),
            _ => Err((400, "file")),
        }
    }

    fn refusal(&self, status: u16, code: &str, message: &str) -> Value {
        let param = (status == 400).then_some(code);
        json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": null}})
    }

    fn success(&self, seen: &Seen, heard: &Recognized) -> Value {
        if seen.text("response_format") != Some("verbose_json") {
            return json!({"text": heard.text});
        }
        let words = heard.words.iter().map(|word| {
            json!({"word": word.text, "start": word.start_ms as f64 / 1000.0, "end": word.end_ms as f64 / 1000.0,
                "probability": word.confidence})
        });
        let words: Vec<Value> = words.collect();
        json!({"task": "transcribe", "language": "english", "duration": 0.5, "text": heard.text, "words": words})
    }

    fn malformed(&self) -> &'static [&'static str] {
        &[r#"{"transcript":"my card"}"#, r#"{"text":["my card"]}"#, r#"{"text":"my","words":[{"word":4}]}"#]
    }

    fn told(&self, seen: &Seen) -> Value {
        let texts = seen.fields.iter().filter(|field| field.file_name.is_none());
        texts.map(|field| (field.name.clone(), Value::from(seen.text(&field.name)))).collect()
    }

    fn other_model(&self) -> &'static str {
        "whisper-large-v3-turbo"
    }

    fn expected(&self) -> [Value; 3] {
        let told = |model: &str, language: Option<&str>, prompt: Option<String>| {
            let mut told = json!({"model": model, "temperature": "0", "response_format": "verbose_json",
                "timestamp_granularities[]": "word"});
            for (name, value) in [("language", language.map(str::to_owned)), ("prompt", prompt)] {
                if let Some(value) = value {
                    told[name] = value.into();
                }
            }
            told
        };
        [
            told("whisper-1", Some("en"), Some(format!("{TERM}, {WORD}. Good morning. {SAID}"))),
            told(self.other_model(), Some("en"), Some(format!("A call about a roof. {TERM}, {WORD}."))),
            told("whisper-1", None, None),
        ]
    }

    fn audio<'a>(&self, seen: &'a Seen) -> &'a [u8] {
        let file = seen.field("file").unwrap();
        assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
        assert_eq!(file.file_name.as_deref(), Some("utterance.wav"));
        &file.bytes
    }

    fn shortest_ms(&self) -> usize {
        100
    }

    fn requests(&self, status: u16) -> usize {
        if matches!(status, 408 | 409 | 429 | 500..) { 3 } else { 1 }
    }

    fn unacceptable(&self) -> Vec<(Change, u16)> {
        vec![
            (|request| request, 401),
            (|request| request.bearer_auth(KEY), 400),
            (|request| request.header("authorization", KEY), 401),
        ]
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_after_whisper_is_asked_for_json_from_the_start() {
    let stub = Stub::start(&OpenAi { plain_json: false }, &[]).await;
    let model = "gpt-4o-transcribe".to_owned();
    let service = connect(Config { model, ..config(Provider::OpenAi, &stub.url) }, http()).unwrap();
    let recognized = controlled(ask(&*service)).await.unwrap();
    assert_eq!(recognized, Recognized { text: SAID.into(), words: vec![] });
    assert_eq!(stub.seen().len(), 1);
    assert_eq!(stub.seen()[0].text("response_format"), Some("json"));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_verbose_answers_is_asked_in_vain_only_once() {
    let stub = Stub::start(&OpenAi { plain_json: true }, &[]).await;
    let service = service(&stub);
    for requests in [2, 3, 4] {
        assert_eq!(controlled(ask(&*service)).await.unwrap().text, SAID);
        assert_eq!(stub.seen().len(), requests);
    }
}
