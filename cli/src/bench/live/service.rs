//! A transcription service that knows the script by its sound, and takes as long as a real one does.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::Request, response::IntoResponse as _, routing::post};
use callboard_audio::wav;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::{print::Print, script::Script};
use crate::bench::speech::{Speech, answer};

/// What it says of a sound that is not in the script.
const UNKNOWN: &str = "nobody said that";

/// How long a service takes for an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Delay {
    /// No time at all
    None,
    /// 300 ms and a tenth of the audio's length
    Real,
}

impl Delay {
    /// For so much audio.
    pub(super) fn of(self, audio_ms: u64) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Real => Duration::from_millis(300 + audio_ms / 10),
        }
    }
}

/// Starts one.
///
/// # Errors
/// No port is free.
pub(super) async fn start(script: &Arc<Script>, delay: Delay) -> anyhow::Result<Speech> {
    let script = script.clone();
    let handler = move |request: Request| {
        let (script, asked) = (script.clone(), Instant::now());
        async move {
            let Ok(body) = request.into_body().collect().await else {
                return axum::http::StatusCode::BAD_REQUEST.into_response();
            };
            let Some((text, audio_ms)) = recognize(&script, &body.to_bytes()) else {
                return axum::http::StatusCode::UNPROCESSABLE_ENTITY.into_response();
            };
            tokio::time::sleep_until(asked + delay.of(audio_ms)).await;
            Json(words(&text, audio_ms)).into_response()
        }
    };
    Speech::answering(post(handler)).await
}

/// What is said in the WAV file of a request, and how long it is; none where there is no such file.
fn recognize(script: &Script, body: &[u8]) -> Option<(String, u64)> {
    let file = &body[body.windows(4).position(|bytes| bytes == b"RIFF")?..];
    let head = file.get(..wav::HEAD_BYTES)?;
    let number = |at: usize| head[at..].first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    let (sample_rate, length) = (number(24)?, number(40)? as usize);
    let samples = file.get(wav::HEAD_BYTES..wav::HEAD_BYTES + length)?.chunks_exact(2);
    let pcm: Vec<i16> = samples.map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect();
    let known = Print::of(&pcm, sample_rate).nearest(script.said().map(|said| &said.print));
    Some(match known.and_then(|at| script.said().nth(at)) {
        Some(said) => (said.text.clone(), said.audio_ms),
        None => (UNKNOWN.to_owned(), pcm.len() as u64 * 1_000 / u64::from(sample_rate.max(1))),
    })
}

fn words(text: &str, audio_ms: u64) -> Value {
    answer(&text.split(' ').collect::<Vec<_>>(), audio_ms as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::talk::demo;

    #[test]
    fn what_is_heard_is_the_wav_file_of_a_form() {
        let script = Script::new(
            &demo(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref()),
            callboard_audio::Encoding::PcmS16le,
        )
        .unwrap();
        let check = |sound: &[i16], cut: usize, expected: Option<(&str, u64)>| {
            let form = [b"--x\r\nname=file\r\n\r\n".as_slice(), &wav::file(16_000, 1, sound), b"\r\n--x--"].concat();
            let heard = recognize(&script, &form[..form.len() - cut]);
            assert_eq!(heard.as_ref().map(|(text, ms)| (text.as_str(), *ms)), expected);
        };
        check(&[5; 16_000], 0, Some((UNKNOWN, 1_000)));
        check(&[], 0, Some((UNKNOWN, 0)));
        check(&[5; 16_000], 100, None);
        check(&[], 50, None);
    }
}
