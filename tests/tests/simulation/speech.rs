//! The transcription service: it says what it hears by time range, is slow, busy, down, or refuses a turn for ever.

use std::{sync::Arc, time::Duration};

use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest, Transcriber, Transcription};

use crate::world::World;

/// See the module.
pub(crate) struct Speech(pub(crate) Arc<World>);

impl Transcriber for Speech {
    fn transcribe<'a>(&'a self, request: SpeechRequest<'a>) -> Transcription<'a> {
        let words = self.0.lexicon.words(request.pcm);
        Box::pin(async move {
            let world = &self.0;
            world.delay(world.plan.faults.speech_ms).await;
            let fault = self.fault(&words);
            let told = fault.as_ref().map_or_else(|| words.join(" "), |error| format!("not transcribed, {error}"));
            if matches!(fault, Some(SpeechError::Unavailable(_))) {
                tokio::time::sleep(Duration::from_secs(8)).await;
            }
            world.log(format_args!("speech: {told}"));
            match fault {
                Some(error) => Err(error),
                None => Ok(Recognized { text: words.join(" "), words: Vec::new() }),
            }
        })
    }
}

impl Speech {
    fn fault(&self, words: &[String]) -> Option<SpeechError> {
        if self.0.lexicon.refuses(words) {
            return Some(SpeechError::Refused("it is never heard".into()));
        }
        if !self.0.fails(|faults| faults.speech) {
            return None;
        }
        Some(match fastrand::u32(..4) {
            0 => SpeechError::Busy { retry_after_ms: Some(fastrand::u64(100..5_000)) },
            1 => SpeechError::Busy { retry_after_ms: None },
            2 => SpeechError::Unavailable("no answer in time".into()),
            _ => SpeechError::Unauthorized("the key is not known".into()),
        })
    }
}
