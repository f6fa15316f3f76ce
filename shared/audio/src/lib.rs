//! Audio: formats, resampling, voice activity, the live session that turns frames into utterances, and, with the feature
//! `decode`, recordings of the usual kinds.
//!
//! Pure: no I/O, no clock, no environment. Time is either media time (counted in samples, told in milliseconds)
//! or the gateway's time of receipt, which every frame carries with it.

pub mod channel;
#[cfg(feature = "decode")]
pub mod decode;
mod echo;
#[cfg(feature = "encode")]
pub mod encode;
pub mod endpoint;
pub mod format;
pub mod keep;
pub mod mulaw;
pub mod opus;
pub mod outbox;
#[cfg(feature = "decode")]
pub mod recorded;
#[cfg(feature = "decode")]
pub mod replay;
pub mod resample;
pub mod sequence;
pub mod session;
pub mod wav;

#[cfg(feature = "decode")]
pub use decode::{DecodeError, Decoder};
pub use format::{Encoding, Format, FormatError};
pub use outbox::Outbox;
#[cfg(feature = "decode")]
pub use replay::Replay;
pub use sequence::{FrameKey, Heard};
pub use session::{Checkpoint, Frame, Poll, Session, Utterance};

/// Sample rate that voice detection works on and that utterances are delivered in, in Hz.
pub const RATE: u32 = 16_000;
