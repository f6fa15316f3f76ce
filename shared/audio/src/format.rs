//! What the bytes of a frame mean, and which frames are acceptable.

use serde::{Deserialize, Serialize};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Linear PCM, 16 bit, signed, little endian; several channels are interleaved.
    PcmS16le,
}

/// The format of a call's audio: fixed for the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second and channel, in Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
}

/// Why a format or a frame is not acceptable, in words for the person who wrote the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The rate is out of range, or 80 ms of it is no whole number of samples.
    #[error("sample_rate {0} is not supported: use 8000 to 48000 Hz, a multiple of 25")]
    SampleRate(u32),
    /// Neither mono nor stereo.
    #[error("{0} channels are not supported: use 1 or 2")]
    Channels(u8),
    /// A sample is cut in two.
    #[error("a frame of {bytes} bytes is no whole number of samples: {unit} bytes make one over all channels")]
    Torn {
        /// Length of the frame.
        bytes: usize,
        /// Bytes of one sample over all channels.
        unit: usize,
    },
    /// Shorter or longer than a frame may be.
    #[error("a frame of {0} ms is not accepted: send 20 to 1000 ms a frame")]
    Duration(u64),
    /// More bytes than a frame may have.
    #[error("a frame of {0} bytes is not accepted: send at most {max} bytes before base64", max = Format::MAX_FRAME_BYTES)]
    TooLarge(usize),
}

impl Format {
    /// Most bytes of one frame, before base64: what fits a 32 KiB socket frame with its envelope.
    pub const MAX_FRAME_BYTES: usize = 24_000;
    /// Shortest frame, in milliseconds.
    pub const MIN_FRAME_MS: u64 = 20;
    /// Longest frame, in milliseconds.
    pub const MAX_FRAME_MS: u64 = 1_000;
    /// All decisions of the session fall on this grid, in milliseconds of media time. It is common to the voice
    /// detector (16 ms), to packets (20 ms) and to the resampler.
    pub const GRID_MS: u32 = 80;

    /// Checks rate and channels.
    pub fn validate(self) -> Result<Self, FormatError> {
        if !(8_000..=48_000).contains(&self.sample_rate) || !self.sample_rate.is_multiple_of(25) {
            return Err(FormatError::SampleRate(self.sample_rate));
        }
        if !(1..=2).contains(&self.channels) {
            return Err(FormatError::Channels(self.channels));
        }
        Ok(self)
    }

    /// Checks one frame's length.
    pub fn validate_frame(&self, bytes: usize) -> Result<(), FormatError> {
        if bytes > Self::MAX_FRAME_BYTES {
            return Err(FormatError::TooLarge(bytes));
        }
        let unit = self.sample_bytes();
        if !bytes.is_multiple_of(unit) {
            return Err(FormatError::Torn { bytes, unit });
        }
        let duration_ms = self.samples_to_ms((bytes / unit) as u64);
        if !(Self::MIN_FRAME_MS..=Self::MAX_FRAME_MS).contains(&duration_ms) {
            return Err(FormatError::Duration(duration_ms));
        }
        Ok(())
    }

    /// Bytes of one sample over all channels.
    pub fn sample_bytes(&self) -> usize {
        2 * usize::from(self.channels)
    }

    /// Samples a channel in a frame of this many bytes.
    pub fn samples(&self, bytes: usize) -> u64 {
        (bytes / self.sample_bytes()) as u64
    }

    /// Source samples of one grid step.
    pub fn grid_samples(&self) -> u64 {
        u64::from(self.sample_rate) * u64::from(Self::GRID_MS) / 1_000
    }

    /// Media time of a sample position, rounded down to the millisecond.
    pub fn samples_to_ms(&self, samples: u64) -> u64 {
        samples * 1_000 / u64::from(self.sample_rate)
    }

    /// The samples of one channel in a frame; a torn sample at its end is left out.
    pub fn decode(&self, channel: u8, payload: &[u8]) -> Vec<i16> {
        let offset = 2 * usize::from(channel);
        payload
            .chunks_exact(self.sample_bytes())
            .map(|sample| i16::from_le_bytes([sample[offset], sample[offset + 1]]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(sample_rate: u32, channels: u8) -> Format {
        Format { encoding: Encoding::PcmS16le, sample_rate, channels }
    }

    #[test]
    fn rates_need_whole_samples_on_the_grid() {
        for rate in [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
            assert!(pcm(rate, 1).validate().is_ok(), "{rate}");
            assert_eq!(u64::from(rate) * 80 % 1_000, 0, "{rate}");
        }
        for rate in [0, 7_999, 8_001, 48_001, 96_000] {
            assert_eq!(pcm(rate, 1).validate(), Err(FormatError::SampleRate(rate)));
        }
        assert_eq!(pcm(16_000, 3).validate(), Err(FormatError::Channels(3)));
    }

    #[test]
    fn frames_are_20_to_1000_ms_whole_and_small() {
        let format = pcm(8_000, 2);
        assert!(format.validate_frame(8_000 * 4 / 50).is_ok());
        for (bytes, expected) in [
            (0, FormatError::Duration(0)),
            (4, FormatError::Duration(0)),
            (642, FormatError::Torn { bytes: 642, unit: 4 }),
            (24_004, FormatError::TooLarge(24_004)),
        ] {
            assert_eq!(format.validate_frame(bytes), Err(expected));
        }
        assert_eq!(pcm(8_000, 1).validate_frame(20_000), Err(FormatError::Duration(1_250)));
    }

    #[test]
    fn channels_are_interleaved() {
        let payload: Vec<u8> = [1i16, -2, 3, -4].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(pcm(16_000, 2).decode(0, &payload), [1, 3]);
        assert_eq!(pcm(16_000, 2).decode(1, &payload), [-2, -4]);
    }
}
