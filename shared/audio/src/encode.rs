//! From samples to the frames of a live call, in any encoding: what a capture client sends.
//!
//! Opus is SILK at 16 kbit/s, in packets of 20 ms. Where a channel is quiet, packets are left out (DTX), all of them: what
//! other encoders send in between is there for ears to rest on, and may pass for a voice.
//!
//! Frames end early where an utterance ends: that is when somebody waits for its words. Where that is, a session of the
//! encoder's own hears, from the same packets as the one that the frames are for. Where frames may be as long as any, and
//! all that one holds was left out, nobody waits for it: it goes on up to [`Format::MAX_SILENT_MS`], or for as long as any
//! from where something is heard. Behind sound in which no utterance ended it is shorter: that sound may be acknowledged with
//! it, for which an outbox waits. Where samples come from, and when frames are sent, is decided elsewhere.

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
/// Packets of the longest frame of silence…
const LONGEST_SILENT: usize = (Format::MAX_SILENT_MS * UNITS as u64 / 1_000) as usize;
/// …and of the longest behind sound that may not have been acknowledged, in milliseconds.
const MAX_WAITED_FOR_MS: u64 = 2_000;
/// Packets on the session's grid.
const PER_STEP: usize = (Format::GRID_MS * UNITS / 1_000) as usize;

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
    /// Packets of the longest frame…
    longest: usize,
    /// …and of the longest whose beginning was left out: behind sound, and behind silence or an utterance's end.
    longest_silent: [usize; 2],
    /// The last frame was of silence, or an utterance ended with it.
    is_settled: bool,
    /// Samples of a packet, over all channels.
    unit: usize,
    /// Samples that make no packet yet, interleaved.
    pending: Vec<i16>,
    /// Empty where no packets are made.
    channels: Vec<Channel>,
    /// Hears where utterances end.
    session: Session,
    /// Bytes of the step that is not complete yet…
    step: Vec<u8>,
    /// …and the packets, or stretches as long, in it.
    step_units: usize,
    /// Steps that the session has heard.
    steps: u32,
    frame: Vec<u8>,
    /// Packets, or stretches as long, in the frame…
    units: usize,
    /// …and how many of them, from its beginning on, were left out on all channels.
    left_out: usize,
    ready: VecDeque<Encoded>,
}

/// What a channel's next packet depends on.
struct Channel {
    engine: ropus::Encoder,
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
        let streams = match (format.encoding, format.sample_rate) {
            (Encoding::Mulaw, _) => 0,
            (Encoding::PcmS16le, rate) if rate.is_multiple_of(UNITS) => 0,
            (Encoding::Opus, 8_000 | 16_000) => format.channels,
            _ => return None,
        };
        let channel =
            |_| Some(Channel { engine: engine(format.sample_rate)?, floor: LOUDEST_FLOOR, quiet: QUIET_BEFORE });
        let unit = (format.sample_rate / UNITS) as usize * usize::from(format.channels);
        let wanted = (frame_ms.clamp(Format::MIN_FRAME_MS, Format::MAX_FRAME_MS) * u64::from(UNITS) / 1_000) as usize;
        let longest = match format.encoding {
            Encoding::PcmS16le => wanted.min(Format::MAX_FRAME_BYTES / (2 * unit)),
            Encoding::Mulaw | Encoding::Opus => wanted,
        };
        let waited_for = (MAX_WAITED_FOR_MS * u64::from(UNITS) / 1_000) as usize;
        let longest_silent = if frame_ms < Format::MAX_FRAME_MS { [longest; 2] } else { [waited_for, LONGEST_SILENT] };
        Some(Self {
            format,
            longest,
            longest_silent,
            is_settled: false,
            unit,
            pending: Vec::new(),
            channels: (0..streams).map(channel).collect::<Option<_>>()?,
            session: Session::new(format),
            step: Vec::new(),
            step_units: 0,
            steps: 0,
            frame: Vec::new(),
            units: 0,
            left_out: 0,
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
        let before = self.frame.len();
        let is_left_out = self.append(unit);
        self.step.extend_from_slice(&self.frame[before..]);
        self.left_out += usize::from(is_left_out && self.left_out == self.units);
        self.units += 1;
        let ends = self.listen();
        let longest_silent = self.longest_silent[usize::from(self.is_settled)];
        if ends || self.units - self.left_out >= self.longest || self.units >= longest_silent {
            self.is_settled = ends || self.units == self.left_out;
            self.end_frame();
        }
    }

    /// Adds a packet of each channel, or samples as they are, to the frame; says whether all packets were left out.
    fn append(&mut self, unit: &[i16]) -> bool {
        match self.format.encoding {
            Encoding::PcmS16le => self.frame.extend(unit.iter().flat_map(|sample| sample.to_le_bytes())),
            Encoding::Mulaw => self.frame.extend(unit.iter().map(|sample| mulaw::encode(*sample))),
            Encoding::Opus => {}
        }
        let count = self.channels.len();
        let mut is_left_out = count > 0;
        for (at, channel) in self.channels.iter_mut().enumerate() {
            let row: Vec<i16> = unit.iter().skip(at).step_by(count).copied().collect();
            let packet = channel.packet(&row);
            is_left_out &= packet.is_empty();
            opus::append(&mut self.frame, &packet);
        }
        is_left_out
    }

    /// Hears the grid's step, once it is complete; says whether an utterance ends there.
    fn listen(&mut self) -> bool {
        self.step_units += 1;
        if self.step_units < PER_STEP {
            return false;
        }
        self.step_units = 0;
        let payload = std::mem::take(&mut self.step);
        self.session.hear(Frame { key: FrameKey::Numbered(self.steps), received_ms: 0, payload });
        self.steps += 1;
        let mut ends = false;
        while let Poll::Utterance(_) = self.session.poll() {
            ends = true;
        }
        ends
    }

    fn end_frame(&mut self) {
        if self.units > 0 {
            let samples = self.units as u64 * u64::from(self.format.sample_rate / UNITS);
            self.ready.push_back(Encoded { payload: std::mem::take(&mut self.frame), samples });
            (self.units, self.left_out) = (0, 0);
        }
    }
}

impl Channel {
    /// Whether the next packet may be left out.
    fn is_quiet(&mut self, row: &[i16]) -> bool {
        let power = row.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / row.len().max(1) as f32;
        self.floor = (self.floor * FLOOR_RISE).min(power.max(1.0)).min(LOUDEST_FLOOR);
        let is_quiet = power <= SILENT.max(self.floor * ABOVE_FLOOR);
        self.quiet = if is_quiet { self.quiet.saturating_add(1) } else { 0 };
        self.quiet > QUIET_BEFORE
    }

    /// The next packet; of no bytes where it is left out.
    fn packet(&mut self, row: &[i16]) -> Vec<u8> {
        if self.is_quiet(row) {
            return Vec::new();
        }
        let mut packet = vec![0; LONGEST_PACKET];
        let length = self.engine.encode(row, &mut packet).unwrap_or_default();
        packet.truncate(length);
        packet
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

    /// Noise, which is no voice, of this loudness, as samples of both channels.
    fn noise(amplitude: i32, ms: usize, format: Format) -> Vec<i16> {
        let count = ms * format.sample_rate as usize / 1_000;
        let mut state = 1u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let sample = (((state >> 8) % 2_001) as i32 - 1_000) * amplitude / 1_000;
            vec![sample as i16; usize::from(format.channels)]
        };
        (0..count).flat_map(next).collect()
    }

    /// Lengths of the frames, in milliseconds, of stretches of so many milliseconds that are so loud.
    fn check(format: Format, frame_ms: u64, stretches: &[(i32, usize)], expected: &[u64]) -> usize {
        let mut encoder = Encoder::new(format, frame_ms).unwrap();
        let mut frames: Vec<Encoded> = Vec::new();
        for (amplitude, ms) in stretches {
            for piece in noise(*amplitude, *ms, format).chunks(2 * 333) {
                encoder.push(piece);
                frames.extend(std::iter::from_fn(|| encoder.pop()));
            }
        }
        encoder.finish();
        frames.extend(std::iter::from_fn(|| encoder.pop()));
        for frame in &frames {
            assert_eq!(format.validate_frame(&frame.payload), Ok(()));
            assert_eq!(format.samples(&frame.payload), frame.samples);
            if format.encoding == Encoding::Opus {
                assert_eq!(crate::opus::damaged(&frame.payload), 0);
            }
        }
        let lengths: Vec<u64> = frames.iter().map(|frame| format.samples_to_ms(frame.samples)).collect();
        assert_eq!(lengths, expected, "{stretches:?}");
        frames.iter().map(|frame| frame.payload.len()).sum()
    }

    #[test]
    fn frames_are_as_long_as_they_may_be() {
        let opus = |sample_rate, channels| Format { encoding: Encoding::Opus, sample_rate, channels };
        let sound: [(i32, usize); 3] = [(0, 300), (9_000, 1_500), (0, 1_301)];
        for format in [opus(16_000, 2), opus(8_000, 1)] {
            // The first 300 ms are left out, and the last 1,220.
            let bytes = check(format, 1_000, &sound, &[1_300, 1_000, 820]);
            let alone = check(format, 1_000, &[(9_000, 1_500)], &[1_000, 500]);
            assert!(bytes < alone * 3 / 2, "{bytes} bytes with pauses, {alone} without");
        }
        // Of silence they may be longer, and what is heard behind it is sent as soon as any.
        let quiet = [(0, 13_000), (9_000, 1_500), (0, 4_000)];
        check(opus(16_000, 1), 1_000, &quiet, &[2_000, 8_000, 4_000, 1_000, 2_000, 1_500]);
        let mulaw = Format { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: 2 };
        check(mulaw, 80, &[(9_000, 200)], &[80, 80, 40]);
        check(mulaw, 80, &[(9_000, 1)], &[20]);
        check(mulaw, 80, &[], &[]);
        let pcm = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 2 };
        check(pcm, 1_000, &[(9_000, 730)], &[360, 360, 20]);
    }

    #[test]
    fn silence_is_there_before_the_sound_before_it_is_taken_for_lost() {
        let longest = std::time::Duration::from_millis(MAX_WAITED_FOR_MS);
        assert!(longest <= crate::outbox::Limits::default().ack_interval);
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
                    assert_eq!(waited_ms, 0, "after {} ms", utterance.spoken.closed_ms);
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
