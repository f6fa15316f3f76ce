//! From samples to the frames of a live call, in any encoding: what a capture client sends.
//!
//! Opus is SILK at 16 kbit/s, in packets of 20 ms. Where a channel is quiet, packets are left out (DTX), all of them: what
//! other encoders send in between is there for ears to rest on, and may pass for a voice.
//!
//! Frames end early where an utterance ends: that is when somebody waits for its words. Where that is, a session of the
//! encoder's own hears, as the one that the frames are for will hear it; that one may close it a step of the grid later,
//! having heard what an encoding makes of the samples. Where samples come from, and when frames are sent, is decided
//! elsewhere.

use std::collections::VecDeque;

use ropus::{Application, Bandwidth, Bitrate, Channels, Signal};

use crate::{
    format::{Encoding, Format},
    mulaw, opus,
    sequence::FrameKey,
    session::{Frame, Poll, Session},
};

/// Packets a second.
const UNITS: u32 = 50;
/// Bits a second of a channel that speaks.
const BIT_RATE: u32 = 16_000;
/// How hard the encoder tries, of 10.
const COMPLEXITY: u8 = 10;
/// Longest packet of one frame, in bytes, as RFC 6716 has it.
const LONGEST_PACKET: usize = 1_275;
/// Mean square below which a packet is quiet: -66 dB of full scale.
const SILENT: f32 = 256.0;
/// How much louder than the background a packet may be and still be quiet, as power: 4 dB.
const ABOVE_FLOOR: f32 = 2.5;
/// How fast the background is believed to get louder, a packet: 2 dB a second.
const FLOOR_RISE: f32 = 1.009;
/// The loudest background, as mean square: -45 dB of full scale. What is louder is never left out.
const LOUDEST_FLOOR: f32 = 34_000.0;
/// Quiet packets before the first that is left out: 80 ms, so that no word's end is cut.
const QUIET_BEFORE: u32 = 4;
/// Packets on the session's grid.
const PER_STEP: usize = (Format::GRID_MS * UNITS / 1_000) as usize;
/// Steps of the grid at which a frame ends, from the one on that closes an utterance.
const ENDS: u32 = 2;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Its samples, a channel.
    pub samples: u64,
}

/// See the module.
pub struct Encoder {
    format: Format,
    /// Packets of the longest frame.
    longest: usize,
    /// Samples of a packet, over all channels.
    unit: usize,
    /// Samples that make no packet yet, interleaved.
    pending: Vec<i16>,
    channels: Vec<Channel>,
    /// Hears where utterances end.
    session: Session,
    /// PCM of the step that is not complete yet.
    step: Vec<u8>,
    /// Steps that the session has heard.
    steps: u32,
    /// Frames that still end early, one a step.
    ends: u32,
    frame: Vec<u8>,
    units: usize,
    ready: VecDeque<Encoded>,
}

/// What a channel's next packet depends on.
struct Channel {
    /// None where no packets are made.
    engine: Option<ropus::Encoder>,
    /// Mean square of the background.
    floor: f32,
    /// Quiet packets in a row.
    quiet: u32,
}

impl Encoder {
    /// For a call that begins, in frames of `frame_ms` (20 to 1000) or less. None where the format cannot be made: Opus is
    /// made at 8 and 16 kHz, PCM of rates that have whole samples in 20 ms.
    pub fn new(format: Format, frame_ms: u64) -> Option<Self> {
        let format = format.validate().ok()?;
        let with_packets = match (format.encoding, format.sample_rate) {
            (Encoding::Mulaw, _) => false,
            (Encoding::PcmS16le, rate) if rate.is_multiple_of(UNITS) => false,
            (Encoding::Opus, 8_000 | 16_000) => true,
            _ => return None,
        };
        let channel = |_| {
            let engine = if with_packets { Some(engine(format.sample_rate)?) } else { None };
            Some(Channel { engine, floor: SILENT / ABOVE_FLOOR, quiet: 0 })
        };
        let unit = (format.sample_rate / UNITS) as usize * usize::from(format.channels);
        let wanted = (frame_ms.clamp(Format::MIN_FRAME_MS, Format::MAX_FRAME_MS) * u64::from(UNITS) / 1_000) as usize;
        let most = match format.encoding {
            Encoding::PcmS16le => Format::MAX_FRAME_BYTES / (2 * unit),
            Encoding::Mulaw | Encoding::Opus => wanted,
        };
        Some(Self {
            format,
            longest: wanted.min(most),
            unit,
            pending: Vec::new(),
            channels: (0..format.channels).map(channel).collect::<Option<_>>()?,
            session: Session::new(Format { encoding: Encoding::PcmS16le, ..format }),
            step: Vec::new(),
            steps: 0,
            ends: 0,
            frame: Vec::new(),
            units: 0,
            ready: VecDeque::new(),
        })
    }

    /// The next samples, interleaved, at the format's rate.
    pub fn push(&mut self, interleaved: &[i16]) {
        self.pending.extend_from_slice(interleaved);
        let pending = std::mem::take(&mut self.pending);
        let units = pending.chunks_exact(self.unit);
        self.pending = units.remainder().to_vec();
        units.for_each(|unit| self.encode(unit));
    }

    /// The next frame, if one is complete.
    pub fn pop(&mut self) -> Option<Encoded> {
        self.ready.pop_front()
    }

    /// There are no more samples: what is left is a frame, filled up with silence to 20 ms.
    pub fn finish(&mut self) {
        if !self.pending.is_empty() {
            let mut last = std::mem::take(&mut self.pending);
            last.resize(self.unit, 0);
            self.encode(&last);
        }
        self.end_frame();
    }

    fn encode(&mut self, unit: &[i16]) {
        let count = self.channels.len();
        for (at, channel) in self.channels.iter_mut().enumerate() {
            let row: Vec<i16> = unit.iter().skip(at).step_by(count).copied().collect();
            channel.listen(&row);
            if let Some(packet) = channel.packet(&row, self.format.sample_rate) {
                opus::append(&mut self.frame, &packet);
            }
        }
        match self.format.encoding {
            Encoding::PcmS16le => self.frame.extend(unit.iter().flat_map(|sample| sample.to_le_bytes())),
            Encoding::Mulaw => self.frame.extend(unit.iter().map(|sample| mulaw::encode(*sample))),
            Encoding::Opus => {}
        }
        self.units += 1;
        if self.listen(unit) || self.units >= self.longest {
            self.end_frame();
        }
    }

    /// Hears the next samples; says whether a frame ends behind them.
    fn listen(&mut self, unit: &[i16]) -> bool {
        self.step.extend(unit.iter().flat_map(|sample| sample.to_le_bytes()));
        if self.step.len() < PER_STEP * 2 * self.unit {
            return false;
        }
        let payload = std::mem::take(&mut self.step);
        self.session.hear(Frame { key: FrameKey::Numbered(self.steps), received_ms: 0, payload });
        self.steps += 1;
        while let Poll::Utterance(_) = self.session.poll() {
            self.ends = ENDS;
        }
        let ends = self.ends > 0;
        self.ends = self.ends.saturating_sub(1);
        ends
    }

    fn end_frame(&mut self) {
        if self.units > 0 {
            let samples = self.units as u64 * u64::from(self.format.sample_rate / UNITS);
            self.ready.push_back(Encoded { payload: std::mem::take(&mut self.frame), samples });
            self.units = 0;
        }
    }
}

impl Channel {
    /// Hears whether a packet is quiet.
    fn listen(&mut self, row: &[i16]) {
        let power = row.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / row.len().max(1) as f32;
        self.floor = (self.floor * FLOOR_RISE).min(power.max(1.0)).min(LOUDEST_FLOOR);
        let is_quiet = power <= SILENT.max(self.floor * ABOVE_FLOOR);
        self.quiet = if is_quiet { self.quiet.saturating_add(1) } else { 0 };
    }

    /// A packet; of its first byte alone where it may be left out. None where no packets are made.
    fn packet(&mut self, row: &[i16], rate: u32) -> Option<Vec<u8>> {
        let engine = self.engine.as_mut()?;
        if self.quiet > QUIET_BEFORE {
            // SILK, mono, one frame of 20 ms: narrow band of 8 kHz, wide band of 16 kHz.
            return Some(vec![if rate == 8_000 { 1 << 3 } else { 9 << 3 }]);
        }
        let mut packet = vec![0; LONGEST_PACKET];
        let length = engine.encode(row, &mut packet).unwrap_or_default();
        packet.truncate(length);
        Some(packet)
    }
}

/// An encoder of speech.
fn engine(rate: u32) -> Option<ropus::Encoder> {
    let encoder = ropus::Encoder::builder(rate, Channels::Mono, Application::Voip).signal(Signal::Voice);
    let encoder = encoder.bitrate(Bitrate::Bits(BIT_RATE)).complexity(COMPLEXITY);
    encoder.max_bandwidth(Bandwidth::Wideband).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of this loudness, as samples of both channels.
    fn tone(amplitude: f32, ms: usize, format: Format) -> Vec<i16> {
        let count = ms * format.sample_rate as usize / 1_000;
        let at = |at: usize| (amplitude * (at as f32 * 0.2).sin()) as i16;
        (0..count).flat_map(|index| vec![at(index); usize::from(format.channels)]).collect()
    }

    /// Lengths of the frames, in milliseconds, of stretches of so many milliseconds that are so loud.
    fn check(format: Format, frame_ms: u64, stretches: &[(f32, usize)], expected: &[u64]) -> usize {
        let mut encoder = Encoder::new(format, frame_ms).unwrap();
        let mut frames: Vec<Encoded> = Vec::new();
        for (amplitude, ms) in stretches {
            for piece in tone(*amplitude, *ms, format).chunks(2 * 333) {
                encoder.push(piece);
                frames.extend(std::iter::from_fn(|| encoder.pop()));
            }
        }
        encoder.finish();
        frames.extend(std::iter::from_fn(|| encoder.pop()));
        for frame in &frames {
            assert_eq!(format.validate_frame(&frame.payload), Ok(()));
            assert_eq!(format.samples(&frame.payload), frame.samples);
            assert_eq!(crate::opus::damaged(&frame.payload), 0);
        }
        let lengths: Vec<u64> = frames.iter().map(|frame| format.samples_to_ms(frame.samples)).collect();
        assert_eq!(lengths, expected, "{stretches:?}");
        frames.iter().map(|frame| frame.payload.len()).sum()
    }

    #[test]
    fn frames_are_as_long_as_they_may_be() {
        let opus = |sample_rate, channels| Format { encoding: Encoding::Opus, sample_rate, channels };
        let spoken: [(f32, usize); 3] = [(0.0, 300), (9_000.0, 1_500), (0.0, 1_301)];
        // A tone passes for a voice.
        let lengths = [1_000, 1_000, 480, 80, 560];
        for format in [opus(16_000, 2), opus(8_000, 1)] {
            let bytes = check(format, 1_000, &spoken, &lengths);
            let spoken = check(format, 1_000, &[(9_000.0, 1_500)], &[1_000, 500]);
            assert!(bytes < spoken * 3 / 2, "{bytes} bytes with pauses, {spoken} without");
        }
        let mulaw = Format { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: 2 };
        check(mulaw, 80, &[(9_000.0, 200)], &[80, 80, 40]);
        check(mulaw, 80, &[(9_000.0, 1)], &[20]);
        check(mulaw, 80, &[], &[]);
        let pcm = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 2 };
        check(pcm, 1_000, &[(9_000.0, 730)], &[360, 360, 20]);
    }

    #[test]
    fn a_frame_ends_where_an_utterance_does() {
        let mut reader =
            hound::WavReader::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav")).unwrap();
        let demo: Vec<i16> = reader.samples::<i16>().map(|sample| sample.unwrap()).collect();
        for encoding in [Encoding::PcmS16le, Encoding::Opus] {
            let format = Format { encoding, sample_rate: 16_000, channels: 2 };
            let mut encoder = Encoder::new(format, 1_000).unwrap();
            encoder.push(&demo);
            let mut session = Session::new(format);
            let (mut sent_ms, mut utterances) = (0, 0);
            for seq in 0.. {
                let Some(frame) = encoder.pop() else { break };
                sent_ms += format.samples_to_ms(frame.samples);
                session.hear(Frame { key: FrameKey::Numbered(seq), received_ms: 0, payload: frame.payload });
                while let Poll::Utterance(utterance) = session.poll() {
                    let waited_ms = sent_ms - utterance.spoken.closed_ms;
                    assert!(waited_ms <= 80, "{waited_ms} ms after {} ms", utterance.spoken.closed_ms);
                    utterances += 1;
                }
            }
            assert!(utterances >= 8, "{utterances}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_not() {
        for (encoding, sample_rate) in
            [(Encoding::PcmS16le, 11_025), (Encoding::Opus, 48_000), (Encoding::Mulaw, 16_000)]
        {
            assert!(Encoder::new(Format { encoding, sample_rate, channels: 1 }, 80).is_none(), "{encoding:?}");
        }
    }
}
