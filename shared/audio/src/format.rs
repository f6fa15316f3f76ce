//! What the bytes of a frame mean, and which frames are acceptable.

use serde::{Deserialize, Serialize};

use crate::{mulaw, opus};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Linear PCM, 16 bit, signed, little endian; several channels are interleaved.
    PcmS16le,
    /// mu-law (G.711), a byte a sample at 8 kHz; several channels are interleaved.
    Mulaw,
    /// Opus packets, a stream a channel; see [`opus`].
    Opus,
}

impl Encoding {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::PcmS16le, Self::Mulaw, Self::Opus];

    /// As it is spelled in parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PcmS16le => "pcm_s16le",
            Self::Mulaw => "mulaw",
            Self::Opus => "opus",
        }
    }

    /// The one that is spelled so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.as_str() == text)
    }

    /// The rate of audio whose rate is not told, in Hz.
    pub fn default_rate(self) -> u32 {
        match self {
            Self::PcmS16le | Self::Opus => 16_000,
            Self::Mulaw => MULAW_RATE,
        }
    }
}

/// The rate of mu-law, in Hz.
const MULAW_RATE: u32 = 8_000;
/// Most bytes of a millisecond of a channel of Opus: what PCM of 48 kHz has. Its highest bit rate, 510 kbit/s, is 64.
const MOST_OPUS_BYTES_PER_MS: u64 = 96;

/// The format of a call's audio: fixed for the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second and channel, in Hz; of Opus, those that are made of it.
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
    /// mu-law of another rate than telephones have.
    #[error("sample_rate {0} is not supported with mulaw: it has 8000 Hz, so leave the rate out or say so")]
    MulawRate(u32),
    /// A rate that Opus is not decoded at.
    #[error(
        "sample_rate {0} is not supported with opus: use 8000, 12000, 16000, 24000 or 48000 Hz; 16000 does for speech"
    )]
    OpusRate(u32),
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
    /// The lengths of packets do not add up to the frame.
    #[error(
        "packet {0} of the frame is cut off: put each packet behind its length in bytes, two bytes with the high one first"
    )]
    CutOff(usize),
    /// A channel has no packet for a stretch, or one of another length.
    #[error(
        "packet {0} of the frame and the one before it are not of one length: send a packet of each channel in turn, for the same stretch of time"
    )]
    Unpaired(usize),
    /// More bytes than its packets can have use for.
    #[error("a frame of {bytes} bytes is more than Opus makes of its length: send at most {most}")]
    TooDense {
        /// Length of the frame.
        bytes: usize,
        /// Most bytes that one of its duration may have.
        most: u64,
    },
    /// Shorter or longer than a frame may be.
    #[error("a frame of {0} ms is not accepted: send 20 to 1000 ms a frame")]
    Duration(u64),
    /// The same of one in which silence was left out.
    #[error(
        "a frame of {ms} ms, of which {silent_ms} ms were left out, is not accepted: send at most 1000 ms of sound and 8000 ms in all"
    )]
    WithSilence {
        /// How long it is.
        ms: u64,
        /// How much of it was left out on all channels.
        silent_ms: u64,
    },
    /// More bytes than a frame may have.
    #[error("a frame of {0} bytes is not accepted: send at most {max} bytes before base64", max = Format::MAX_FRAME_BYTES)]
    TooLarge(usize),
}

impl Format {
    /// Most bytes of one frame, before base64: what fits a 32 KiB socket frame with its envelope.
    pub const MAX_FRAME_BYTES: usize = 24_000;
    /// Shortest frame, in milliseconds.
    pub const MIN_FRAME_MS: u64 = 20;
    /// Longest frame, in milliseconds, but for…
    pub const MAX_FRAME_MS: u64 = 1_000;
    /// …one of Opus, whose silence is left out: the longest with that.
    pub const MAX_SILENT_MS: u64 = 8_000;
    /// All decisions of the session fall on this grid, in milliseconds of media time. It is common to the voice
    /// detector (16 ms), to packets (20 ms) and to the resampler.
    pub const GRID_MS: u32 = 80;

    /// Checks rate and channels.
    pub fn validate(self) -> Result<Self, FormatError> {
        let rate = self.sample_rate;
        if !(8_000..=48_000).contains(&rate) || !rate.is_multiple_of(25) {
            return Err(FormatError::SampleRate(rate));
        }
        match self.encoding {
            Encoding::Mulaw if rate != MULAW_RATE => return Err(FormatError::MulawRate(rate)),
            Encoding::Opus if !opus::RATES.contains(&rate) => return Err(FormatError::OpusRate(rate)),
            _ => {}
        }
        if !(1..=2).contains(&self.channels) {
            return Err(FormatError::Channels(self.channels));
        }
        Ok(self)
    }

    /// Checks one frame: its length, and that it falls into whole samples or packets. What is in the packets is not
    /// looked at: one that is damaged is silent.
    pub fn validate_frame(&self, frame: &[u8]) -> Result<(), FormatError> {
        let bytes = frame.len();
        if bytes > Self::MAX_FRAME_BYTES {
            return Err(FormatError::TooLarge(bytes));
        }
        match self.sample_bytes() {
            Some(unit) if !bytes.is_multiple_of(unit) => return Err(FormatError::Torn { bytes, unit }),
            Some(_) => {}
            None => self.validate_packets(frame)?,
        }
        let duration_ms = self.samples_to_ms(self.samples(frame));
        if duration_ms < Self::MIN_FRAME_MS {
            return Err(FormatError::Duration(duration_ms));
        }
        if duration_ms > Self::MAX_FRAME_MS {
            let silent_ms = self.samples_to_ms(self.left_out(frame));
            if silent_ms == 0 {
                return Err(FormatError::Duration(duration_ms));
            }
            if duration_ms > Self::MAX_SILENT_MS || duration_ms - silent_ms > Self::MAX_FRAME_MS {
                return Err(FormatError::WithSilence { ms: duration_ms, silent_ms });
            }
        }
        let most = duration_ms * u64::from(self.channels) * MOST_OPUS_BYTES_PER_MS;
        if self.encoding == Encoding::Opus && bytes as u64 > most {
            return Err(FormatError::TooDense { bytes, most });
        }
        Ok(())
    }

    fn validate_packets(&self, frame: &[u8]) -> Result<(), FormatError> {
        let channels = usize::from(self.channels);
        let mut count = 0;
        let mut before = None;
        for packet in opus::packets(frame) {
            let duration = opus::duration(packet.map_err(|_| FormatError::CutOff(count + 1))?);
            if !count.is_multiple_of(channels) && before != Some(duration) {
                return Err(FormatError::Unpaired(count + 1));
            }
            before = Some(duration);
            count += 1;
        }
        if count.is_multiple_of(channels) { Ok(()) } else { Err(FormatError::Unpaired(count + 1)) }
    }

    /// Bytes of one sample over all channels; none where it has no bytes of its own.
    pub fn sample_bytes(&self) -> Option<usize> {
        let channels = usize::from(self.channels);
        match self.encoding {
            Encoding::PcmS16le => Some(2 * channels),
            Encoding::Mulaw => Some(channels),
            Encoding::Opus => None,
        }
    }

    /// Samples a channel in a frame.
    pub fn samples(&self, frame: &[u8]) -> u64 {
        if let Some(unit) = self.sample_bytes() {
            return (frame.len() / unit) as u64;
        }
        opus::packets(frame)
            .flatten()
            .step_by(usize::from(self.channels))
            .map(|packet| self.packet_samples(packet))
            .sum()
    }

    /// Samples a channel in a frame that were left out of all channels.
    fn left_out(&self, frame: &[u8]) -> u64 {
        if self.encoding != Encoding::Opus {
            return 0;
        }
        let packets: Vec<&[u8]> = opus::packets(frame).flatten().collect();
        let silent =
            packets.chunks(usize::from(self.channels)).filter(|stretch| stretch.iter().all(|it| it.len() <= 1));
        silent.map(|stretch| self.packet_samples(stretch[0])).sum()
    }

    fn packet_samples(&self, packet: &[u8]) -> u64 {
        u64::from(opus::duration(packet)) * u64::from(self.sample_rate) / u64::from(opus::RATE)
    }

    /// Source samples of one grid step.
    pub fn grid_samples(&self) -> u64 {
        u64::from(self.sample_rate) * u64::from(Self::GRID_MS) / 1_000
    }

    /// Media time of a sample position, rounded down to the millisecond.
    pub fn samples_to_ms(&self, samples: u64) -> u64 {
        samples * 1_000 / u64::from(self.sample_rate)
    }

    /// The samples of one channel in a frame whose samples have bytes of their own; a torn one at its end is left out.
    /// None of Opus, whose packets depend on those before: a [`ChannelDecoder`](crate::channel::ChannelDecoder) does that.
    pub fn decode(&self, channel: u8, frame: &[u8]) -> Vec<i16> {
        let channel = usize::from(channel);
        let Some(unit) = self.sample_bytes() else { return Vec::new() };
        let samples = frame.chunks_exact(unit);
        match self.encoding {
            Encoding::Mulaw => samples.map(|sample| mulaw::decode(sample[channel])).collect(),
            _ => samples.map(|sample| i16::from_le_bytes([sample[2 * channel], sample[2 * channel + 1]])).collect(),
        }
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
    fn an_encoding_may_have_rates_of_its_own() {
        for encoding in Encoding::ALL {
            assert_eq!(Encoding::parse(encoding.as_str()), Some(encoding));
            let format = Format { encoding, sample_rate: encoding.default_rate(), channels: 1 };
            assert_eq!(format.validate(), Ok(format));
        }
        let of = |encoding, sample_rate| Format { encoding, sample_rate, channels: 1 }.validate();
        assert_eq!(of(Encoding::Mulaw, 16_000), Err(FormatError::MulawRate(16_000)));
        assert_eq!(of(Encoding::Opus, 44_100), Err(FormatError::OpusRate(44_100)));
        assert_eq!(of(Encoding::Opus, 96_000), Err(FormatError::SampleRate(96_000)));
    }

    #[test]
    fn packets_are_whole_paired_and_as_long_as_a_frame_may_be() {
        // First bytes of packets of 20 and of 60 ms, as SILK at 16 kHz writes them.
        let (short, long): (&[u8], &[u8]) = (&[0x48, 1, 2], &[0x58, 1, 2]);
        let check = |channels: u8, packets: &[&[u8]], more: &[u8], expected: Result<u64, FormatError>| {
            let format = Format { encoding: Encoding::Opus, sample_rate: 16_000, channels };
            let mut frame = Vec::new();
            packets.iter().for_each(|packet| opus::append(&mut frame, packet));
            frame.extend(more);
            assert_eq!(format.validate_frame(&frame).map(|()| format.samples(&frame)), expected, "{packets:?}");
        };
        check(1, &[short], &[], Ok(320));
        check(1, &[&[], &[0x48], short, long], &[], Ok(1_920));
        check(2, &[short, &[]], &[], Ok(320));
        check(1, &[short; 50], &[], Ok(16_000));
        check(1, &[short; 51], &[], Err(FormatError::Duration(1_020)));
        check(2, &[short; 100], &[], Ok(16_000));
        let with_silence =
            |count: usize, sound: &'static [&'static [u8]]| [vec![&b""[..]; count], sound.repeat(50)].concat();
        check(1, &with_silence(350, &[&[0x48, 1, 2]]), &[], Ok(128_000));
        check(
            1,
            &with_silence(351, &[&[0x48, 1, 2]]),
            &[],
            Err(FormatError::WithSilence { ms: 8_020, silent_ms: 7_020 }),
        );
        check(2, &with_silence(100, &[&[0x48], &[0x48, 1, 2]]), &[], Ok(32_000));
        check(
            2,
            &with_silence(0, &[&[0x48], &[0x48, 1, 2], &[], &[0x48, 1, 2]]),
            &[],
            Err(FormatError::Duration(2_000)),
        );
        check(1, &[], &[], Err(FormatError::Duration(0)));
        // CELT of 2.5 ms, seven of them, and eight.
        check(1, &[&[0xe0, 9][..]; 7], &[], Err(FormatError::Duration(17)));
        check(1, &[&[0xe0, 9][..]; 8], &[], Ok(320));
        check(1, &[&[0x48; 1_918]], &[], Ok(320));
        check(1, &[&[0x48; 1_919]], &[], Err(FormatError::TooDense { bytes: 1_921, most: 1_920 }));
        check(2, &[short, long], &[], Err(FormatError::Unpaired(2)));
        check(2, &[short], &[], Err(FormatError::Unpaired(2)));
        check(1, &[short], &[0], Err(FormatError::CutOff(2)));
        check(1, &[short], &[0, 3, 0x48], Err(FormatError::CutOff(2)));
    }

    #[test]
    fn frames_are_20_to_1000_ms_whole_and_small() {
        let format = pcm(8_000, 2);
        assert!(format.validate_frame(&[0; 8_000 * 4 / 50]).is_ok());
        assert_eq!(format.validate_frame(&[0; 8_001 * 4]), Err(FormatError::TooLarge(32_004)));
        for (bytes, expected) in [
            (0, FormatError::Duration(0)),
            (4, FormatError::Duration(0)),
            (642, FormatError::Torn { bytes: 642, unit: 4 }),
            (24_004, FormatError::TooLarge(24_004)),
        ] {
            assert_eq!(format.validate_frame(&vec![0; bytes]), Err(expected));
        }
        assert_eq!(pcm(8_000, 1).validate_frame(&[0; 20_000]), Err(FormatError::Duration(1_250)));
        assert_eq!(pcm(8_000, 1).validate_frame(&[0; 16_000]), Ok(()));
    }

    #[test]
    fn channels_are_interleaved() {
        let payload: Vec<u8> = [1i16, -2, 3, -4].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(pcm(16_000, 2).decode(0, &payload), [1, 3]);
        assert_eq!(pcm(16_000, 2).decode(1, &payload), [-2, -4]);
    }
}
