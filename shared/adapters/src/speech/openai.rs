//! OpenAI's `POST /v1/audio/transcriptions`, as OpenAI and the servers that imitate it have it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest, Transcriber, Transcription};
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
    multipart::Form,
};
use serde::Deserialize;

use super::{
    Config, ConfigError, Provider, Secret,
    answer::{HeardWord, parse, recognized},
    endpoint,
    exchange::{Exchange, MOST_RETRIES},
    failure::rejected,
    hints, secret_header, wav,
};
use crate::http::failure::Rejection;

/// OpenAI refuses audio of less than a tenth of a second.
const SHORTEST_MS: u64 = 100;
/// Whisper reads the last 224 tokens of a prompt; this is about as much, and costs next to nothing elsewhere.
const LONGEST_PROMPT: usize = 800;
/// Terms get no more than this of it, so that the newest context always has room.
const LONGEST_TERMS: usize = 400;

/// A service with OpenAI's interface.
pub(super) struct OpenAi {
    http: reqwest::Client,
    url: Url,
    model: String,
    key: Option<Secret>,
    authorization: Option<HeaderValue>,
    budget: Duration,
    /// Whether only `json` is understood: known of some models, learned of others.
    plain_json: AtomicBool,
}

impl OpenAi {
    pub(super) fn new(config: Config, http: reqwest::Client) -> Result<Self, ConfigError> {
        let url = endpoint(&config.url, "/v1/audio/transcriptions")?;
        let authorization = match &config.api_key {
            Some(key) if key.expose().is_empty() => return Err(ConfigError::Key),
            Some(key) => Some(secret_header(&format!("Bearer {}", key.expose()))?),
            None => None,
        };
        Ok(Self {
            http,
            url,
            plain_json: AtomicBool::new(knows_only_json(&config.model)),
            model: config.model,
            key: config.api_key,
            authorization,
            budget: config.timeout,
        })
    }

    async fn exchange(&self, exchange: &mut Exchange, request: SpeechRequest<'_>) -> Result<Recognized, SpeechError> {
        let file = wav::write(request.pcm, request.sample_rate, SHORTEST_MS);
        let prompt = prompt(request.prompt, request.terms, request.context);
        let model = request.model.unwrap_or(&self.model);
        let language = hints::language(request.language);
        loop {
            let verbose = !self.plain_json.load(Ordering::Relaxed);
            let send = || self.request(&file, (model, prompt.as_deref(), language.as_deref()), verbose);
            match exchange.send(send, retries).await? {
                Ok(body) => return read(&body, request.duration_ms()),
                Err(rejection) if verbose && names_the_format(&rejection) => {
                    tracing::info!(asr.provider = Provider::OpenAi.as_str(), "the service answers in plain json only");
                    self.plain_json.store(true, Ordering::Relaxed);
                }
                Err(rejection) => return Err(rejected(&rejection, self.key.as_ref())),
            }
        }
    }

    fn request(
        &self,
        file: &Bytes,
        (model, prompt, language): (&str, Option<&str>, Option<&str>),
        verbose: bool,
    ) -> RequestBuilder {
        let mut form =
            Form::new().part("file", wav::part(file)).text("model", model.to_owned()).text("temperature", "0");
        form = if verbose {
            form.text("response_format", "verbose_json").text("timestamp_granularities[]", "word")
        } else {
            form.text("response_format", "json")
        };
        if let Some(prompt) = prompt {
            form = form.text("prompt", prompt.to_owned());
        }
        if let Some(language) = language {
            form = form.text("language", language.to_owned());
        }
        let request = self.http.post(self.url.clone()).multipart(form);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }
}

impl Transcriber for OpenAi {
    fn transcribe<'a>(&'a self, request: SpeechRequest<'a>) -> Transcription<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::OpenAi.as_str(), request.duration_ms(), self.budget);
            let result = self.exchange(&mut exchange, request).await;
            exchange.finish(result)
        })
    }
}

/// OpenAI's models after Whisper: `gpt-4o-transcribe`, `gpt-4o-mini-transcribe`, `gpt-transcribe` and dated ones.
fn knows_only_json(model: &str) -> bool {
    model.starts_with("gpt-") && model.contains("-transcribe")
}

fn retries(status: StatusCode) -> u32 {
    match status.as_u16() {
        408 | 409 | 429 | 500.. => MOST_RETRIES,
        _ => 0,
    }
}

/// Whether the service stumbled over the answer's form, which the utterance has nothing to do with.
fn names_the_format(rejection: &Rejection) -> bool {
    matches!(rejection.status.as_u16(), 400 | 422)
        && (rejection.mentions("response_format") || rejection.mentions("timestamp_granularities"))
}

/// What is told of a recording, the terms as one sentence, then the newest of what was said: a prompt reads like the text
/// before the utterance.
fn prompt(told: Option<&str>, terms: &[String], context: &[String]) -> Option<String> {
    // Of what is told, the beginning counts; of what was said, the end does.
    let mut prompt: String = told.unwrap_or_default().trim().chars().take(LONGEST_PROMPT - LONGEST_TERMS - 4).collect();
    if !prompt.is_empty() {
        prompt.push(' ');
    }
    let terms = hints::terms(terms, LONGEST_TERMS, 2).join(", ");
    if !terms.is_empty() {
        prompt = format!("{prompt}{terms}. ");
    }
    let room = LONGEST_PROMPT - prompt.chars().count();
    prompt.push_str(&hints::newest(context, usize::MAX, room, 1).join(" "));
    let prompt = prompt.trim_end();
    (!prompt.is_empty()).then(|| prompt.to_owned())
}

/// `json` and `verbose_json` alike. whisper.cpp's server keeps the words within the segments.
#[derive(Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    words: Option<Vec<AnswerWord>>,
    #[serde(default)]
    segments: Option<Vec<AnswerSegment>>,
}

#[derive(Deserialize)]
struct AnswerSegment {
    #[serde(default)]
    words: Option<Vec<AnswerWord>>,
}

/// Times are in seconds.
#[derive(Deserialize)]
struct AnswerWord {
    word: String,
    start: Option<f64>,
    end: Option<f64>,
    probability: Option<f32>,
}

fn read(body: &[u8], audio_ms: u64) -> Result<Recognized, SpeechError> {
    let answer: Answer = parse(body)?;
    let words = answer.words.unwrap_or_else(|| {
        answer.segments.into_iter().flatten().filter_map(|segment| segment.words).flatten().collect()
    });
    let heard = words.into_iter().map(|word| HeardWord {
        text: word.word,
        start_ms: word.start.map(|seconds| seconds * 1000.0),
        end_ms: word.end.map(|seconds| seconds * 1000.0),
        confidence: word.probability,
    });
    Ok(recognized(&answer.text, heard, audio_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_prompt_holds_the_terms_and_the_newest_context() {
        let (terms, context) = (strings(&["Northwind", "Ada Quell"]), strings(&["Good morning.", "How are you?"]));
        assert_eq!(prompt(None, &terms, &context).as_deref(), Some("Northwind, Ada Quell. Good morning. How are you?"));
        assert_eq!(prompt(None, &terms, &[]).as_deref(), Some("Northwind, Ada Quell."));
        assert_eq!(prompt(None, &[], &context).as_deref(), Some("Good morning. How are you?"));
        assert_eq!(prompt(None, &[], &[]), None);
        assert_eq!(prompt(Some("A call. "), &terms, &[]).as_deref(), Some("A call. Northwind, Ada Quell."));
        assert_eq!(
            prompt(Some(&"x".repeat(2_000)), &terms, &context).map(|it| it.chars().count() <= LONGEST_PROMPT),
            Some(true)
        );

        let terms: Vec<String> = (0..100).map(|number| format!("product {number}")).collect();
        let context: Vec<String> = (0..100).map(|number| format!("This is sentence {number}.")).collect();
        let long = prompt(None, &terms, &context).expect("a prompt");
        assert!(long.chars().count() <= LONGEST_PROMPT, "{long}");
        assert!(long.starts_with("product 0, product 1,"), "{long}");
        assert!(long.ends_with("This is sentence 98. This is sentence 99."), "{long}");
    }

    #[test]
    fn the_models_after_whisper_answer_json_only() {
        for model in ["gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-12-15", "gpt-transcribe"] {
            assert!(knows_only_json(model), "{model}");
        }
        for model in ["whisper-1", "Systran/faster-whisper-small.en", "pocketsphinx", "whisper-large-v3-turbo"] {
            assert!(!knows_only_json(model), "{model}");
        }
    }

    #[test]
    fn words_are_found_where_each_server_puts_them() {
        let expected = |confidence| {
            let heard = HeardWord { text: "hi".into(), start_ms: Some(40.0), end_ms: Some(220.0), confidence };
            Ok(recognized("hi", [heard], 1000))
        };
        let openai = br#"{"task":"transcribe","text":"hi","words":[{"word":"hi","start":0.04,"end":0.22}]}"#;
        assert_eq!(read(openai, 1000), expected(None));
        let whisper_cpp = br#"{"text":" hi\n","segments":[{"id":0,"words":[
            {"word":" hi","start":0.04,"end":0.22,"t_dtw":-1,"probability":0.5}]}]}"#;
        assert_eq!(read(whisper_cpp, 1000), expected(Some(0.5)));
        let plain = Recognized { text: "hi".into(), words: vec![] };
        for body in [r#"{"text":"hi"}"#, r#"{"text":"hi","words":null,"segments":[{"id":0}]}"#] {
            assert_eq!(read(body.as_bytes(), 1000), Ok(plain.clone()));
        }
    }
}
