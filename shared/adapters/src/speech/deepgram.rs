//! Deepgram's `POST /v1/listen` for audio that there is already: one utterance at a time, its options in the query.
//!
//! It takes neither what was said before nor what is told of a recording; both are left out.

use std::time::Duration;

use bytes::Bytes;
use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest, Transcriber, Transcription};
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
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

/// No least length is documented; nothing shorter than this is heard anywhere.
const SHORTEST_MS: u64 = 100;
/// Key terms may have 500 tokens together, and no letter of a Latin script is more than one; how they are counted is not
/// documented.
const LONGEST_TERMS: usize = 500;
const MOST_TERMS: usize = 100;

/// A service with Deepgram's interface.
pub(super) struct Deepgram {
    http: reqwest::Client,
    url: Url,
    model: String,
    key: Secret,
    authorization: HeaderValue,
    budget: Duration,
}

impl Deepgram {
    pub(super) fn new(config: Config, http: reqwest::Client) -> Result<Self, ConfigError> {
        let key = config.required_key()?;
        Ok(Self {
            http,
            url: endpoint(&config.url, "/v1/listen")?,
            authorization: secret_header(&format!("Token {}", key.expose()))?,
            model: config.model,
            key,
            budget: config.timeout,
        })
    }

    async fn exchange(&self, exchange: &mut Exchange, request: SpeechRequest<'_>) -> Result<Recognized, SpeechError> {
        let file = wav::write(request.pcm, request.sample_rate, SHORTEST_MS);
        let model = request.model.unwrap_or(&self.model);
        let mut terms = terms(model, request.terms);
        loop {
            let url = address(self.url.clone(), model, request.language, &terms);
            match exchange.send(|| self.request(&url, &file), retries).await? {
                Ok(body) => return read(&body, request.duration_ms()),
                Err(rejection) if !terms.is_empty() && names_terms(&rejection) => {
                    tracing::info!(
                        asr.provider = Provider::Deepgram.as_str(),
                        asr.terms = terms.len(),
                        "the service does not take these terms, so it is asked without"
                    );
                    terms.clear();
                }
                Err(rejection) => return Err(rejected(&rejection, Some(&self.key))),
            }
        }
    }

    fn request(&self, url: &Url, file: &Bytes) -> RequestBuilder {
        self.http
            .post(url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "audio/wav")
            .body(file.clone())
    }
}

impl Transcriber for Deepgram {
    fn transcribe<'a>(&'a self, request: SpeechRequest<'a>) -> Transcription<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::Deepgram.as_str(), request.duration_ms(), self.budget);
            let result = self.exchange(&mut exchange, request).await;
            exchange.finish(result)
        })
    }
}

/// The statuses that the vendor calls passing.
fn retries(status: StatusCode) -> u32 {
    match status.as_u16() {
        408 | 429 | 500.. => MOST_RETRIES,
        _ => 0,
    }
}

/// Whether the service stumbled over the terms, which the utterance has nothing to do with.
fn names_terms(rejection: &Rejection) -> bool {
    let named = ["Keyterm", "keyterm", "Keyword", "keyword"].iter().any(|name| rejection.mentions(name));
    rejection.status == StatusCode::BAD_REQUEST && named
}

/// The query's terms, each with its name: `keyterm` is for Nova-3 alone; the models before it take `keywords`, single
/// words of which a colon would part a weight.
fn terms<'a>(model: &str, given: &'a [String]) -> Vec<(&'static str, &'a str)> {
    let newest = model.starts_with("nova-3");
    let name = if newest { "keyterm" } else { "keywords" };
    let fits = |term: &&str| newest || !term.contains(|letter: char| letter.is_whitespace() || letter == ':');
    let terms = hints::terms(given, LONGEST_TERMS, 0).into_iter().filter(fits);
    terms.take(MOST_TERMS).map(|term| (name, term)).collect()
}

/// `smart_format` brings punctuation with it. Languages go without their region, since Nova-3 knows few of those.
fn address(mut url: Url, model: &str, language: Option<&str>, terms: &[(&str, &str)]) -> Url {
    let mut query = url.query_pairs_mut();
    query.append_pair("model", model).append_pair("smart_format", "true");
    match hints::language(language) {
        Some(language) => query.append_pair("language", &language),
        None => query.append_pair("detect_language", "true"),
    };
    query.extend_pairs(terms);
    drop(query);
    url
}

/// One channel was sent, so that one is there; alternatives are the best first.
#[derive(Deserialize)]
struct Answer {
    results: Results,
}

#[derive(Deserialize)]
struct Results {
    channels: [Channel; 1],
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Default, Deserialize)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    words: Vec<AnswerWord>,
}

/// Times are in seconds. The transcript is made of the words as they are punctuated.
#[derive(Deserialize)]
struct AnswerWord {
    word: String,
    punctuated_word: Option<String>,
    start: Option<f64>,
    end: Option<f64>,
    confidence: Option<f32>,
}

fn read(body: &[u8], audio_ms: u64) -> Result<Recognized, SpeechError> {
    let answer: Answer = parse(body)?;
    let [channel] = answer.results.channels;
    let best = channel.alternatives.into_iter().next().unwrap_or_default();
    let heard = best.words.into_iter().map(|word| HeardWord {
        text: word.punctuated_word.unwrap_or(word.word),
        start_ms: word.start.map(|seconds| seconds * 1000.0),
        end_ms: word.end.map(|seconds| seconds * 1000.0),
        confidence: word.confidence,
    });
    Ok(recognized(&best.transcript, heard, audio_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_terms(model: &str, given: &[&str], expected: &[(&str, &str)]) {
        let given: Vec<String> = given.iter().map(|term| (*term).to_owned()).collect();
        assert_eq!(terms(model, &given), expected, "{model}");
    }

    #[test]
    fn each_model_gets_the_terms_that_it_takes() {
        let given = ["Northwind Relief", "Zeta", "ratio 3:1", "zeta"];
        let all = [("keyterm", "Northwind Relief"), ("keyterm", "Zeta"), ("keyterm", "ratio 3:1")];
        check_terms("nova-3", &given, &all);
        check_terms("nova-3-medical", &given, &all);
        check_terms("nova-2-phonecall", &given, &[("keywords", "Zeta")]);
        let many: Vec<String> = (100..350).map(|number| number.to_string()).collect();
        assert_eq!(terms("nova-3", &many).len(), MOST_TERMS);
        assert_eq!(terms("nova-3", &[String::from("x").repeat(LONGEST_TERMS + 1)]), []);
    }

    #[test]
    fn a_language_that_is_not_known_is_left_to_the_service() {
        let url = |language| address(Url::parse("https://h/v1/listen").expect("a URL"), "nova-3", language, &[]).into();
        let told: String = url(Some("en-CA"));
        assert_eq!(told, "https://h/v1/listen?model=nova-3&smart_format=true&language=en");
        let told: String = url(None);
        assert_eq!(told, "https://h/v1/listen?model=nova-3&smart_format=true&detect_language=true");
    }

    #[test]
    fn words_are_read_as_they_stand_in_the_transcript() {
        let body = br#"{"metadata":{"channels":1},"results":{"channels":[{"alternatives":[{"transcript":"Hi.","confidence":0.9,
            "words":[{"word":"hi","start":0.04,"end":0.22,"confidence":0.75,"punctuated_word":"Hi."}]},
            {"transcript":"High."}]}]}}"#;
        let heard = HeardWord { text: "Hi.".into(), start_ms: Some(40.0), end_ms: Some(220.0), confidence: Some(0.75) };
        assert_eq!(read(body, 1000), Ok(recognized("Hi.", [heard], 1000)));
    }
}
