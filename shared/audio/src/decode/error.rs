//! Why a recording can't be decoded, in words for the person who handed it in. One variant a decision.

use std::io;

/// What is accepted, as every refusal says it.
const ACCEPTED: &str = "WAV, MP3, M4A/AAC, FLAC, Ogg (Opus, Vorbis) or WebM";

/// Why a recording can't be decoded, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are something else.
    #[error("this is {looks_like}, not a recording that can be read: send {ACCEPTED}")]
    NotAudio {
        /// What they look like, with its article.
        looks_like: &'static str,
    },
    /// A container that holds no audio track.
    #[error("this {container} file holds no sound: send a recording with an audio track")]
    NoSound {
        /// Its name.
        container: &'static str,
    },
    /// The audio is coded, or packed, in a way that is not decoded here.
    #[error("recordings in {codec} are not supported: convert it to {ACCEPTED} and send that")]
    Unsupported {
        /// The codec or its variant.
        codec: String,
    },
    /// More than two channels: who speaks on which is not known.
    #[error("{0} channels are not supported: send one channel, or two with a speaker on each")]
    Channels(usize),
    /// A rate that speech is not recorded in.
    #[error("a sample rate of {0} Hz is not supported: use 4000 to 192000 Hz, a multiple of 25")]
    SampleRate(u32),
    /// Nothing to hear: no bytes, or no samples.
    #[error("the recording is empty: there is no audio in it")]
    Empty,
    /// All before this time was given; what comes after it can't be read.
    #[error("the recording is damaged from {from_ms} ms on ({reason}): send it again, or go on with what was read")]
    Damaged {
        /// Media time of the first sample that is missing.
        from_ms: u64,
        /// What was found there.
        reason: &'static str,
    },
    /// The source could not be read. [`Decoder::seek`](super::Decoder::seek) to where the last block ended tries again.
    #[error("the recording could not be fetched: {0}")]
    Source(#[source] io::Error),
}
