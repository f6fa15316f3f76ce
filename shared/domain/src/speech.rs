//! The port to a transcription service: one utterance in, its words out.
//!
//! How a service is spoken to, and what is tried again within one request, is the adapter's matter. What becomes of an
//! utterance that cannot be transcribed now is decided by the caller, from the variants of [`SpeechError`].

mod breaker;
pub mod whole;

use std::{fmt, pin::Pin};

pub use breaker::Breaker;

use crate::segment::Word;

/// One utterance, and what helps to hear it rightly.
#[derive(Clone, Copy)]
pub struct SpeechRequest<'a> {
    /// The samples, mono.
    pub pcm: &'a [i16],
    /// Samples a second, in Hz: 8000 to 16000.
    pub sample_rate: u32,
    /// The language as a tag (`en`, `pt-BR`); without one the service finds out or assumes its default.
    pub language: Option<&'a str>,
    /// Names and products of the playbook, the most important first: an adapter may drop the rest.
    pub terms: &'a [String],
    /// The last sentences of the call, oldest first: an adapter drops the oldest where it must.
    pub context: &'a [String],
    /// The service's model, instead of the configured one.
    pub model: Option<&'a str>,
    /// What the service is told of the recording beforehand.
    pub prompt: Option<&'a str>,
}

impl SpeechRequest<'_> {
    /// How long the utterance is, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.pcm.len() as u64 * 1000 / u64::from(self.sample_rate)
    }
}

/// Tells sizes only, since what was said must not end up in a log.
impl fmt::Debug for SpeechRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SpeechRequest")
            .field("duration_ms", &self.duration_ms())
            .field("language", &self.language)
            .field("terms", &self.terms.len())
            .field("context", &self.context.len())
            .finish()
    }
}

/// What was heard in an utterance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recognized {
    /// The text, trimmed. Empty where nothing was said.
    pub text: String,
    /// The words with their times in milliseconds **from the utterance's start**, none of them past its end. Empty
    /// where the service gives no times.
    pub words: Vec<Word>,
}

/// Why an utterance was not transcribed. The texts hold neither spoken content nor keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// The service has no room now: try again later.
    #[error("the transcription service is busy{}", wait(*.retry_after_ms))]
    Busy {
        /// When the service wants to be asked again, in milliseconds from now, where it said so.
        retry_after_ms: Option<u64>,
    },
    /// The service was not reached, failed, or gave no usable answer in time: try again later.
    #[error("the transcription service is unavailable: {0}")]
    Unavailable(String),
    /// This utterance will never be transcribed, however often it is sent.
    #[error("the transcription service refused the utterance: {0}")]
    Refused(String),
    /// The configuration is wrong (its key, address or model): every utterance fails until somebody mends it.
    #[error("the transcription service does not accept the configuration: {0}")]
    Unauthorized(String),
}

fn wait(retry_after_ms: Option<u64>) -> String {
    retry_after_ms.map(|wait_ms| format!(" for {wait_ms} ms")).unwrap_or_default()
}

/// The answer to come. Boxed, so that a function can hold an `Arc<dyn Transcriber>` chosen by its configuration.
pub type Transcription<'a> = Pin<Box<dyn Future<Output = Result<Recognized, SpeechError>> + Send + 'a>>;

/// A transcription service.
pub trait Transcriber: Send + Sync {
    /// Transcribes one utterance. Dropping the future gives up on it.
    fn transcribe<'a>(&'a self, request: SpeechRequest<'a>) -> Transcription<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_of_a_request_holds_nothing_that_was_said() {
        let (terms, context) = (["Northwind".to_owned()], ["my card number is".to_owned()]);
        let request = SpeechRequest {
            pcm: &[7; 1600],
            sample_rate: 16_000,
            language: Some("en"),
            terms: &terms,
            context: &context,
            model: None,
            prompt: Some("about a card"),
        };
        assert_eq!(
            format!("{request:?}"),
            r#"SpeechRequest { duration_ms: 100, language: Some("en"), terms: 1, context: 1 }"#
        );
    }

    #[test]
    fn an_error_says_when_to_come_back() {
        let busy = |retry_after_ms| SpeechError::Busy { retry_after_ms }.to_string();
        assert_eq!(busy(None), "the transcription service is busy");
        assert_eq!(busy(Some(1500)), "the transcription service is busy for 1500 ms");
    }
}
