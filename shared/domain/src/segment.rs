//! A segment: one transcribed utterance of one channel.

use serde::{Deserialize, Serialize};

use crate::{call::Channel, ids::CallId, redaction::Span};

/// A word with its place in the call, in milliseconds of media time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Word {
    /// The word as recognized.
    pub text: String,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// How sure the service is, 0 to 1, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

impl Word {
    /// The same word, of something that begins so much later.
    #[must_use]
    pub fn shifted(self, by_ms: u64) -> Self {
        Self { start_ms: by_ms + self.start_ms, end_ms: by_ms + self.end_ms, ..self }
    }
}

/// The times that a segment carries. All but `asr_ms` and `closing_ms` are wall clock, milliseconds since the
/// Unix epoch; a spoken time is media time anchored by the smallest (received − media) seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SegmentTimes {
    /// When the end of the utterance was spoken (and reached the gateway, by the anchor).
    pub spoken: i64,
    /// When the frame that closed the utterance reached the gateway.
    pub received: i64,
    /// When the transcription service answered.
    pub transcribed: i64,
    /// When the segment was handed to the table.
    pub stored: i64,
    /// When it was pushed; set by the push itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<i64>,
    /// The silence that closed the utterance, in milliseconds.
    pub closing_ms: u64,
    /// How long the transcription service took, in milliseconds.
    pub asr_ms: u64,
}

/// Why a segment has no text yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Placeholder {
    /// The transcription service could not do it; it is asked again, and the text replaces this.
    Waiting,
    /// It was asked as often as is reasonable. A person can have it asked again.
    Failed,
}

impl Placeholder {
    /// What people read in the text's place.
    pub fn text(self) -> &'static str {
        match self {
            Self::Waiting => "(waiting for the transcription service)",
            Self::Failed => "(this part could not be transcribed)",
        }
    }
}

/// One transcribed utterance. Its key is (call, start, channel): stable whatever is redelivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The call.
    pub call: CallId,
    /// Who spoke.
    pub channel: Channel,
    /// Where the utterance begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// What was said; what people read instead while it is not known; empty where it turned out that nothing was.
    pub text: String,
    /// The words with their times, where the service gives them.
    pub words: Vec<Word>,
    /// False while a placeholder or partial stands in for the text.
    pub is_final: bool,
    /// Why there is no text yet, where that is so.
    pub placeholder: Option<Placeholder>,
    /// What was masked in the text.
    pub masked: Vec<Span>,
    /// True while what is said next decides whether something in the text is masked.
    pub provisional: bool,
    /// When it was spoken, received, transcribed and stored.
    pub times: SegmentTimes,
}

impl Segment {
    /// An utterance of which it turned out that nothing was said.
    pub fn nothing(call: CallId, channel: Channel, start_ms: u64, end_ms: u64) -> Self {
        Self {
            call,
            channel,
            start_ms,
            end_ms,
            text: String::new(),
            words: Vec::new(),
            is_final: true,
            placeholder: None,
            masked: Vec::new(),
            provisional: false,
            times: SegmentTimes::default(),
        }
    }

    /// Whether it shows what was heard so far of an utterance that goes on.
    pub fn is_partial(&self) -> bool {
        !self.is_final && self.placeholder.is_none()
    }
}
