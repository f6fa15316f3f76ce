//! Recorded calls, worked on in sections that may lie on different machines: utterances and audio of any run of sections
//! are what the whole recording gives there.
//!
//! A recording is cut near every five minutes of media time, in the best pause within ten seconds to either side, told
//! from the samples of these twenty seconds alone. At each border everything starts anew, so that what is heard in a
//! section depends on the section's samples alone. The samples are those of one stream, the recording at 16 kHz (at
//! 8 kHz, if it was recorded with no more), which is the same from wherever it is begun to be read: see
//! [`Decoder::seek`] and [`Converter`](crate::decode::Converter).
//!
//! Utterances are those of the live [`Session`](crate::Session). Memory: what a session keeps, and twenty seconds of
//! samples around a border: 4 MB, however long the recording is.

mod border;
mod reader;
mod samples;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::decode::{DecodeError, Decoder};
use crate::endpoint::Spoken;

pub use reader::Sections;

/// Media time from one nominal border to the next, in milliseconds.
pub const SECTION_MS: u64 = 300_000;
/// How far a border may lie from its nominal place, in milliseconds.
pub const WINDOW_MS: u64 = 10_000;
/// A last section shorter than this is part of the one before it, in milliseconds.
pub const SHORTEST_MS: u64 = 60_000;

/// What a recording is, and into how many sections it falls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The container's name, for people.
    pub container: String,
    /// The codec's name, for people.
    pub codec: String,
    /// Samples a second and channel of the recording, in Hz.
    pub sample_rate: u32,
    /// Channels of the recording: 1 or 2.
    pub channels: u8,
    /// Duration in milliseconds, from the recording's samples, rounded down.
    pub duration_ms: u64,
    /// Number of sections: 1 at least.
    pub sections: u32,
}

/// What to make of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Both channels are mixed into one, where there are two.
    pub mono: bool,
    /// The samples are given out, too.
    pub audio: bool,
}

/// What a section has to say, in the order of media time at which it is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An utterance is complete.
    Utterance {
        /// Index of the channel.
        channel: usize,
        /// Where it is in the recording, and how it sounds.
        spoken: Spoken,
    },
    /// A second of samples, or less where a section ends. Given with [`Options::audio`] only.
    Audio {
        /// Media time of the first one, in milliseconds.
        start_ms: u64,
        /// The samples at [`Sections::sample_rate`], interleaved.
        samples: Vec<i16>,
    },
    /// All of a section was given.
    SectionEnd {
        /// Its index, from 0.
        index: u32,
        /// Where it began, in milliseconds of media time.
        from_ms: u64,
        /// Where it ended and the next one begins, in milliseconds of media time.
        to_ms: u64,
    },
}

/// Finds out what a recording is, how long, and whether all of it is there. See [`Decoder::measure`] for what is read.
pub fn plan(decoder: &mut Decoder) -> Result<Plan, DecodeError> {
    let samples = decoder.measure()?;
    let info = decoder.info();
    let duration_ms = samples.saturating_mul(1_000) / u64::from(info.sample_rate);
    Ok(Plan {
        container: info.container.to_owned(),
        codec: info.codec.to_owned(),
        sample_rate: info.sample_rate,
        channels: info.channels,
        duration_ms,
        sections: sections_of(duration_ms),
    })
}

/// Reads some of the planned sections, the range's end left out.
///
/// Fails where the first of them can't be found. A range beyond the plan is cut to it.
pub fn sections<'a>(
    decoder: &'a mut Decoder,
    plan: &Plan,
    range: Range<u32>,
    options: Options,
) -> Result<Sections<'a>, DecodeError> {
    Sections::new(decoder, plan, range, options)
}

/// Sections of a recording of this duration.
fn sections_of(duration_ms: u64) -> u32 {
    let borders = duration_ms.saturating_sub(SHORTEST_MS) / SECTION_MS;
    u32::try_from(borders).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_rest_belongs_to_the_section_before() {
        let check = |duration_ms, expected| assert_eq!(sections_of(duration_ms), expected, "{duration_ms} ms");
        check(0, 1);
        check(SECTION_MS, 1);
        check(SECTION_MS + SHORTEST_MS - 1, 1);
        check(SECTION_MS + SHORTEST_MS, 2);
        check(2 * SECTION_MS + SHORTEST_MS - 1, 2);
        check(36_000_000, 120);
        check(u64::MAX, u32::MAX);
    }
}
