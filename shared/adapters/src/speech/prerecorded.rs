//! AssemblyAI's pre-recorded API: a whole recording at once. It is told where the file lies, and asked again until its
//! text is there: `POST /v2/transcript`, `GET /v2/transcript/{id}`.
//!
//! When to ask again, and where the id is kept meanwhile, is the caller's matter. A submission whose answer got lost on
//! its way is sent again, so that the service may work twice; the caller knows of one id only.

use std::time::Duration;

use callboard_domain::speech::{SpeechError, whole::HeardUtterance};
use callboard_wire::work::HOOK_HEADER;
use reqwest::{
    StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::Serialize;

use super::{
    ConfigError, Secret,
    answer::parse,
    endpoint,
    exchange::{Exchange, MOST_RETRIES},
    failure::rejected,
    hints, secret_header,
};
use crate::http::failure::Rejection;

mod reading;

use reading::{Answer, Submitted, read};

/// The vendor's own address.
pub const DEFAULT_URL: &str = "https://api.assemblyai.com";

/// The first that knows the recording's language is taken.
const DEFAULT_MODELS: [&str; 2] = ["universal-3-5-pro", "universal-2"];
const PROVIDER: &str = "assemblyai";
/// Words of a term that are taken at most, and terms that the smaller of the models takes.
const TERM_WORDS: usize = 6;
const MOST_TERMS: usize = 200;
const LONGEST_TERMS: usize = 8_192;
/// A word of a transcript is about 100 bytes, and it comes twice where there are channels: 300,000 words, 30 hours.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// What is needed to reach the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrerecordedConfig {
    /// Where it is: [`DEFAULT_URL`], or `https://api.eu.assemblyai.com`.
    pub url: String,
    /// Its key.
    pub api_key: Secret,
    /// Its model; an empty name leaves the choice to the service.
    pub model: String,
    /// How long one request may take, with everything that is tried again.
    pub timeout: Duration,
    /// Where it tells that a recording is done; none, and it is only asked.
    pub webhook: Option<Webhook>,
}

/// Where the service tells that a recording is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What it shows there, in [`HOOK_HEADER`].
    pub secret: Secret,
}

/// A recording, and what helps to hear it rightly.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Where the service loads it: good without a token, until the service has begun.
    pub audio_url: &'a str,
    /// Whether its channels are heard apart.
    pub multichannel: bool,
    /// The language as a tag (`en`, `pt-BR`); without one the service finds out.
    pub language: Option<&'a str>,
    /// Names and products, the most important first.
    pub terms: &'a [String],
    /// What the recording is about.
    pub prompt: Option<&'a str>,
    /// A model instead of the configured one.
    pub model: Option<&'a str>,
    /// What is behind the `?` of the webhook's address for this recording. No secret: addresses get logged.
    pub hook_query: &'a str,
}

/// How far a recording is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It waits for its turn.
    Queued,
    /// It is worked on.
    Working,
    /// What was heard in it.
    Done(Vec<HeardUtterance>),
    /// Nothing comes of this submission, but another may do better. The reason is for a person.
    Lost(&'static str),
}

/// The service.
pub struct Prerecorded {
    http: reqwest::Client,
    url: Url,
    config: PrerecordedConfig,
    authorization: HeaderValue,
}

/// The body of a submission.
#[derive(Serialize)]
struct Body<'a> {
    audio_url: &'a str,
    speech_models: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    multichannel: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    language_detection: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyterms_prompt: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_auth_header_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_auth_header_value: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn new(given: Submission<'a>, config: &'a PrerecordedConfig) -> Self {
        let model = given.model.or(Some(config.model.as_str()).filter(|model| !model.is_empty()));
        let mut terms = hints::terms(given.terms, LONGEST_TERMS, 0);
        terms.retain(|term| term.split_whitespace().count() <= TERM_WORDS);
        terms.truncate(MOST_TERMS);
        // The service takes either; its own advice is to name the terms within the prompt then.
        let prompt = given.prompt.map(|prompt| match terms.is_empty() {
            true => prompt.to_owned(),
            false => format!("{prompt}\n\nContext: {}", std::mem::take(&mut terms).join(", ")),
        });
        let language_code = hints::language(given.language);
        let webhook = config.webhook.as_ref();
        Self {
            audio_url: given.audio_url,
            speech_models: model.map_or(DEFAULT_MODELS.to_vec(), |model| vec![model]),
            multichannel: given.multichannel,
            language_detection: language_code.is_none(),
            language_code,
            prompt,
            keyterms_prompt: terms,
            webhook_url: webhook.map(|webhook| format!("{}?{}", webhook.url, given.hook_query)),
            webhook_auth_header_name: webhook.map(|_| HOOK_HEADER),
            webhook_auth_header_value: webhook.map(|webhook| webhook.secret.expose()),
        }
    }
}

impl Prerecorded {
    /// The service of this configuration. Nothing is sent yet. `http` should be the process's one client.
    pub fn new(config: PrerecordedConfig, http: reqwest::Client) -> Result<Self, ConfigError> {
        if config.timeout.is_zero() {
            return Err(ConfigError::Timeout);
        }
        if config.api_key.expose().is_empty() {
            return Err(ConfigError::KeyMissing);
        }
        let (url, authorization) = (endpoint(&config.url, "/v2/transcript")?, secret_header(config.api_key.expose())?);
        Ok(Self { http, url, config, authorization })
    }

    /// Hands a recording over; returns the id that it is asked about by.
    ///
    /// # Errors
    /// See [`SpeechError`]: of a refusal, nothing but another recording or configuration helps.
    pub async fn submit(&self, recording: Submission<'_>) -> Result<String, SpeechError> {
        let body = Body::new(recording, &self.config);
        let request = || self.http.post(self.url.clone()).header(AUTHORIZATION, self.authorization.clone()).json(&body);
        let mut exchange = Exchange::about_recording(PROVIDER, self.config.timeout, LARGEST_ANSWER);
        let answered = exchange.send(request, retries).await;
        let id = answered.and_then(|answer| match answer {
            Ok(body) => parse::<Submitted>(&body).and_then(Submitted::id),
            Err(rejection) => Err(self.refused(&rejection)),
        });
        exchange.finish_request("submit", id)
    }

    /// Asks how far a recording is.
    ///
    /// # Errors
    /// [`SpeechError::Refused`] where no text will ever come of the recording; the others say to ask again.
    pub async fn poll(&self, id: &str) -> Result<Progress, SpeechError> {
        let url = is_id(id).then(|| self.url.join(&format!("transcript/{id}")).ok()).flatten();
        let url = url.ok_or_else(|| SpeechError::Refused("the submission's id is none".into()))?;
        let request = || self.http.get(url.clone()).header(AUTHORIZATION, self.authorization.clone());
        let mut exchange = Exchange::about_recording(PROVIDER, self.config.timeout, LARGEST_ANSWER);
        let answered = exchange.send(request, retries).await;
        let progress = answered.and_then(|answer| match answer {
            Ok(body) => parse::<Answer>(&body).and_then(read),
            // What is asked about is gone: it was removed there, or belongs to another account.
            Err(rejection) if rejection.status == StatusCode::NOT_FOUND || rejection.mentions("id not found") => {
                Ok(Progress::Lost("it does not know the submission any more"))
            }
            Err(rejection) => Err(self.refused(&rejection)),
        });
        exchange.finish_request("poll", progress)
    }

    fn refused(&self, rejection: &Rejection) -> SpeechError {
        let told = rejected(rejection, Some(&self.config.api_key));
        // Of an account without money, the service says no more than 400.
        match told {
            SpeechError::Refused(told) if rejection.mentions("account balance") => SpeechError::Unauthorized(told),
            told => told,
        }
    }
}

impl std::fmt::Debug for Prerecorded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Prerecorded").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The vendor's advice, as for utterances.
fn retries(status: StatusCode) -> u32 {
    match status.as_u16() {
        429 | 503 => MOST_RETRIES,
        500.. => 1,
        _ => 0,
    }
}

/// What may stand in an address as it is.
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
