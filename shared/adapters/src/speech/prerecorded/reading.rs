//! What the service answers: an id, or how far a recording is, in the end with its words.

use callboard_domain::{
    segment::Word,
    speech::{
        SpeechError,
        whole::{HeardWord, utterances},
    },
};
use serde::Deserialize;

use super::{Progress, is_id};

/// The answer to a submission.
#[derive(Deserialize)]
pub(super) struct Submitted {
    id: String,
}

impl Submitted {
    /// The id, if it may be asked by.
    pub(super) fn id(self) -> Result<String, SpeechError> {
        let unusable = || SpeechError::Unavailable("the answer holds no usable id".into());
        is_id(&self.id).then_some(self.id).ok_or_else(unusable)
    }
}

/// The answer to a poll. Its `text` and `utterances` say the words once more, and are passed over.
#[derive(Deserialize)]
pub(super) struct Answer {
    status: Status,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    words: Option<Vec<AnswerWord>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Queued,
    Processing,
    Completed,
    Error,
}

/// Times are in milliseconds.
#[derive(Deserialize)]
struct AnswerWord {
    text: String,
    start: f64,
    end: f64,
    #[serde(default)]
    confidence: Option<f32>,
    #[serde(default)]
    channel: Option<AnswerChannel>,
}

/// Counted from 1; some answers have it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnswerChannel {
    Number(usize),
    Text(String),
}

impl AnswerChannel {
    fn index(&self) -> Option<usize> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        };
        number?.checked_sub(1)
    }
}

/// What it means.
pub(super) fn read(answer: Answer) -> Result<Progress, SpeechError> {
    match answer.status {
        Status::Queued => Ok(Progress::Queued),
        Status::Processing => Ok(Progress::Working),
        Status::Error => gave_up(answer.error.as_deref().unwrap_or_default()),
        Status::Completed => {
            let words = answer.words.unwrap_or_default().into_iter().map(|word| {
                let channel = word.channel.as_ref().map_or(Some(0), AnswerChannel::index);
                let channel = channel.ok_or_else(|| SpeechError::Unavailable("a word is on no channel".into()))?;
                Ok(HeardWord { channel, word: placed(word) })
            });
            Ok(Progress::Done(utterances(words.collect::<Result<_, SpeechError>>()?)))
        }
    }
}

fn placed(word: AnswerWord) -> Word {
    let start_ms = word.start.max(0.0).round() as u64;
    let end_ms = (word.end.max(0.0).round() as u64).max(start_ms);
    let confidence = word.confidence.map(|confidence| confidence.clamp(0.0, 1.0));
    Word { text: word.text.trim().to_owned(), start_ms, end_ms, confidence }
}

/// What its reason means. The reason itself holds the address of the recording, which is good without a token: none of it
/// is passed on.
fn gave_up(reason: &str) -> Result<Progress, SpeechError> {
    let reason = reason.to_lowercase();
    let says = |some: &[&str]| some.iter().any(|part| reason.contains(part));
    if says(&["no spoken audio", "no speech"]) {
        return Ok(Progress::Done(Vec::new()));
    }
    if says(&["download", "unable to access"]) {
        return Ok(Progress::Lost("it could not load the recording"));
    }
    if says(&["server error", "internal", "try again"]) {
        return Ok(Progress::Lost("it failed while it worked on the recording"));
    }
    Err(if says(&["too short"]) {
        SpeechError::Refused("the recording is too short".into())
    } else if says(&["audio", "transcoding", "file type"]) {
        SpeechError::Refused("it found no sound in the file that it can read".into())
    } else {
        SpeechError::Refused("it gave up on the recording".into())
    })
}
