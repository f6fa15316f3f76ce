//! AssemblyAI's Sync API: `POST /v1/transcribe`, one utterance of up to two minutes at a time.
//!
//! Its `prompt` is left out on purpose: it replaces the service's own instruction and makes it ignore the language;
//! terms and context have fields of their own.

use std::time::Duration;

use bytes::Bytes;
use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest, Transcriber, Transcription};
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
    multipart::{Form, Part},
};
use serde::{Deserialize, Serialize};

use super::{
    Config, ConfigError, Provider, Secret,
    answer::{HeardWord, parse, recognized},
    endpoint,
    exchange::{Exchange, MOST_RETRIES},
    failure::rejected,
    hints, secret_header, typed, wav,
};

const MODEL_HEADER: &str = "x-aai-model";
const SHORTEST_MS: u64 = 80;
const LONGEST_MS: u64 = 120_000;
const LONGEST_KEYTERMS: usize = 2048;
const MOST_TURNS: usize = 100;
const LONGEST_CONTEXT: usize = 4096;

/// The Sync API.
pub(super) struct AssemblyAi {
    http: reqwest::Client,
    url: Url,
    model: HeaderValue,
    key: Secret,
    authorization: HeaderValue,
    budget: Duration,
}

/// The request's `config` part.
#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyterms_prompt: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conversation_context: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_codes: Option<[String; 1]>,
    timestamps: bool,
}

impl<'a> Options<'a> {
    fn new(request: SpeechRequest<'a>) -> Self {
        Self {
            keyterms_prompt: hints::terms(request.terms, LONGEST_KEYTERMS, 0),
            conversation_context: context(request),
            language_codes: hints::language(request.language).map(|code| [code]),
            timestamps: true,
        }
    }
}

/// What was said before the utterance; what is told of the recording reads like it.
fn context(request: SpeechRequest<'_>) -> Vec<&str> {
    let told: Vec<&str> = request.prompt.into_iter().collect();
    let room = LONGEST_CONTEXT - told.iter().map(|told| told.chars().count()).sum::<usize>().min(LONGEST_CONTEXT);
    let said = hints::newest(request.context, MOST_TURNS - told.len(), room, 0);
    told.into_iter().chain(said).collect()
}

impl AssemblyAi {
    pub(super) fn new(config: Config, http: reqwest::Client) -> Result<Self, ConfigError> {
        let key = config.required_key()?;
        Ok(Self {
            http,
            url: endpoint(&config.url, "/v1/transcribe")?,
            model: HeaderValue::from_str(&config.model).map_err(|_| ConfigError::Model)?,
            authorization: secret_header(key.expose())?,
            key,
            budget: config.timeout,
        })
    }

    async fn exchange(&self, exchange: &mut Exchange, request: SpeechRequest<'_>) -> Result<Recognized, SpeechError> {
        let audio_ms = request.duration_ms();
        if audio_ms > LONGEST_MS {
            return Err(SpeechError::Refused(format!("{audio_ms} ms of audio, {LONGEST_MS} at most")));
        }
        let file = wav::write(request.pcm, request.sample_rate, SHORTEST_MS);
        let options = serde_json::to_string(&Options::new(request))
            .map_err(|_| SpeechError::Refused("its options cannot be written as JSON".into()))?;
        let model = request.model.map_or(Ok(self.model.clone()), HeaderValue::from_str);
        let model = model.map_err(|_| SpeechError::Refused("the model's name is none".to_owned()))?;
        match exchange.send(|| self.request(&file, &options, &model), retries).await? {
            Ok(body) => read(&body, audio_ms),
            Err(rejection) => Err(rejected(&rejection, Some(&self.key))),
        }
    }

    fn request(&self, file: &Bytes, options: &str, model: &HeaderValue) -> RequestBuilder {
        let config = typed(Part::text(options.to_owned()), "application/json");
        self.http
            .post(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(MODEL_HEADER, model.clone())
            .multipart(Form::new().part("audio", wav::part(file)).part("config", config))
    }
}

impl Transcriber for AssemblyAi {
    fn transcribe<'a>(&'a self, request: SpeechRequest<'a>) -> Transcription<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::AssemblyAi.as_str(), request.duration_ms(), self.budget);
            let result = self.exchange(&mut exchange, request).await;
            exchange.finish(result)
        })
    }
}

/// The vendor's advice: 429 and 503 once the wait is over, the other failures of the server once.
fn retries(status: StatusCode) -> u32 {
    match status.as_u16() {
        429 | 503 => MOST_RETRIES,
        500.. => 1,
        _ => 0,
    }
}

/// Times are in milliseconds.
#[derive(Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    words: Option<Vec<AnswerWord>>,
}

#[derive(Deserialize)]
struct AnswerWord {
    text: String,
    start: Option<f64>,
    end: Option<f64>,
    confidence: Option<f32>,
}

fn read(body: &[u8], audio_ms: u64) -> Result<Recognized, SpeechError> {
    let answer: Answer = parse(body)?;
    let heard = answer.words.unwrap_or_default().into_iter().map(|word| HeardWord {
        text: word.text,
        start_ms: word.start,
        end_ms: word.end,
        confidence: word.confidence,
    });
    Ok(recognized(&answer.text, heard, audio_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(language: Option<&str>, terms: &[String], context: &[String]) -> serde_json::Value {
        let request =
            SpeechRequest { pcm: &[], sample_rate: 16_000, language, terms, context, model: None, prompt: None };
        serde_json::to_value(Options::new(request)).expect("options")
    }

    #[test]
    fn what_is_not_known_is_not_sent() {
        assert_eq!(options(None, &[], &[]), serde_json::json!({"timestamps": true}));
    }

    #[test]
    fn what_is_sent_keeps_to_the_limits() {
        let terms: Vec<String> = (100..400).map(|number| format!("product {number}")).collect();
        let context: Vec<String> = (0..300).map(|number| format!("Sentence {number}.")).collect();
        let sent = options(Some("en-US"), &terms, &context);
        assert_eq!(sent["language_codes"], serde_json::json!(["en"]));
        assert_eq!(sent["keyterms_prompt"].as_array().map(Vec::len), Some(2048 / "product 100".len()));
        assert_eq!(sent["keyterms_prompt"][0], "product 100");
        assert_eq!(sent["conversation_context"].as_array().map(Vec::len), Some(100));
        assert_eq!(sent["conversation_context"][99], "Sentence 299.");

        let long: Vec<String> = (0..9).map(|_| "word ".repeat(200).trim().to_owned()).collect();
        assert_eq!(options(None, &[], &long)["conversation_context"].as_array().map(Vec::len), Some(4));
    }
}
