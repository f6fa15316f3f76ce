//! A transcription service that costs nothing: it answers at once, with as many words as people say in that time. What it
//! hears it does not read: the length of the request tells enough.

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, header::CONTENT_LENGTH},
    routing::{MethodRouter, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Bytes of a second of what the functions send: 16 bit, 16 kHz, one channel.
const BYTES_PER_S: f64 = 32_000.0;
/// Words that people say in a second.
const WORDS_PER_S: f64 = 2.5;
/// What is said, over and over: plain words that no rule and no redaction makes anything of.
const WORDS: [&str; 12] =
    ["the", "weather", "was", "quite", "nice", "so", "we", "walked", "along", "the", "old", "river"];

/// One that answers until it is dropped.
pub(crate) struct Speech {
    /// Its address.
    pub url: String,
    serving: JoinHandle<()>,
}

impl Speech {
    /// Starts one on this machine.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::answering(post(transcribe)).await
    }

    /// Starts one whose answers are those of a handler of `POST /v1/audio/transcriptions`.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) async fn answering(handler: MethodRouter) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/v1/audio/transcriptions", handler).layer(DefaultBodyLimit::disable());
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the transcription service ended");
            }
        });
        Ok(Self { url, serving })
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn transcribe(headers: HeaderMap, body: axum::body::Bytes) -> Json<Value> {
    let stated = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<f64>().ok());
    Json(talk(stated.unwrap_or(body.len() as f64) / BYTES_PER_S))
}

/// As many words as are said in that time.
fn talk(audio_s: f64) -> Value {
    let count = ((audio_s * WORDS_PER_S) as usize).max(1);
    answer(&WORDS.iter().copied().cycle().take(count).collect::<Vec<_>>(), audio_s)
}

/// The answer that these words fill the time.
pub(crate) fn answer(said: &[&str], audio_s: f64) -> Value {
    let each = audio_s / said.len().max(1) as f64;
    let word =
        |(at, word): (usize, &&str)| json!({"word": word, "start": at as f64 * each, "end": (at + 1) as f64 * each});
    json!({"text": said.join(" "), "words": said.iter().enumerate().map(word).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_words_in_proportion() {
        for (audio_s, words) in [(0.1, 1), (4.0, 10), (30.0, 75)] {
            let answer = talk(audio_s);
            assert_eq!(answer["text"].as_str().unwrap().split(' ').count(), words);
            let end = answer["words"][words - 1]["end"].as_f64().unwrap();
            assert!((end - audio_s).abs() < 1e-6, "{end}");
        }
    }
}
