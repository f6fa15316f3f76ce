//! A call's timeline: which samples follow which, of frames that arrive late, twice, out of order or never. What was lost
//! stands as silence, and where a call ends its sound is filled up to the grid.
//!
//! Media times come from here alone: whoever is told the same of a call has the same ones, be it while the call goes on
//! or afterwards. Samples are made of frames here, too, and what is heard in them is found elsewhere.

use serde::{Deserialize, Serialize};

use super::Frame;
use crate::{
    format::{Encoding, Format},
    opus,
    sequence::{FrameKey, Heard, MAX_EARLY_BYTES, Next, Sequencer, Waiting},
};

/// Most silence that a lost stretch is replaced by, in milliseconds: beyond it a lost minute is as good as an hour.
pub(super) const MAX_LOST_MS: u64 = 60_000;

/// A stretch of a call: a frame as it came, or silence where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// What its frame is ordered by; none for silence.
    pub key: Option<FrameKey>,
    /// When its frame was received, or the latest one so far: wall clock, milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// Its samples, a channel.
    pub samples: u64,
    /// Its frame's bytes; empty stands for silence.
    pub payload: Vec<u8>,
}

impl Stretch {
    /// The same in pieces of a second at most: no frame is longer, but silence may be.
    pub fn seconds(self, format: &Format) -> impl Iterator<Item = Self> + use<> {
        let second = u64::from(format.sample_rate);
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let stretch = rest.take()?;
            if stretch.payload.is_empty() && stretch.samples > second {
                rest = Some(Self { samples: stretch.samples - second, ..stretch.clone() });
                return Some(Self { samples: second, ..stretch });
            }
            Some(stretch)
        })
    }
}

/// What a timeline has to give.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// What follows on all that was given before.
    Stretch(Stretch),
    /// Nothing until more is heard.
    NeedMore,
    /// The call is over, and all of it was given.
    End,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    pub(super) format: Format,
    pub(super) sequencer: Sequencer,
    /// Samples given so far, a channel.
    pub(super) heard: u64,
    /// Samples of the last frame: what a lost one is taken to have had.
    pub(super) nominal: u64,
    /// Latest receipt, ms.
    latest_ms: i64,
    /// Frames that never came.
    lost_frames: u64,
    /// Packets that came, and are none.
    #[serde(default)]
    damaged_packets: u64,
    ended: bool,
}

impl Timeline {
    /// A call's beginning. The format must be valid.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            sequencer: Sequencer::default(),
            heard: 0,
            nominal: 0,
            latest_ms: 0,
            lost_frames: 0,
            damaged_packets: 0,
            ended: false,
        }
    }

    /// Takes a frame. A frame that does not fit the format is the caller's to refuse.
    pub fn hear(&mut self, frame: Frame) -> Heard {
        self.hear_within(frame, MAX_EARLY_BYTES)
    }

    /// The same with room for so many bytes of frames that came early.
    pub fn hear_within(&mut self, frame: Frame, room: usize) -> Heard {
        let Frame { key, received_ms, payload } = frame;
        let heard = self.sequencer.hear(key, Waiting { received_ms, payload }, room);
        if heard == Heard::New {
            self.latest_ms = self.latest_ms.max(received_ms);
            if self.ended {
                self.reopen();
            }
        }
        heard
    }

    /// The client names its last frame; the call ends once all are heard.
    pub fn stop(&mut self, last: u32) {
        if self.ended && self.contiguous().is_none_or(|heard| heard < last) {
            // The call was closed without frames that are still to come.
            self.reopen();
        }
        self.sequencer.stop(last);
    }

    /// The client no longer has these frames.
    pub fn gone(&mut self, from: u32, to: u32) {
        self.sequencer.gone(from, to);
    }

    /// Waits no longer for what is missing before the first frame that came early; says whether anything is.
    pub fn give_up(&mut self) -> bool {
        let missing = self.missing();
        if let Some((from, to)) = missing {
            self.gone(from, to);
        }
        missing.is_some()
    }

    /// Nothing more will come: what is missing is silence, and the call ends.
    pub fn close(&mut self) {
        self.sequencer.close();
    }

    fn reopen(&mut self) {
        self.ended = false;
        self.sequencer.reopen();
    }

    /// What comes next.
    pub fn poll(&mut self) -> Step {
        while !self.ended {
            let next = match self.sequencer.poll() {
                Some(Next::Frame(key, frame)) => Some(self.release(key, frame)),
                Some(Next::Lost { from, to }) => self.lose(from, to),
                None if self.sequencer.is_finished() => self.finish(),
                None => return Step::NeedMore,
            };
            if let Some(stretch) = next {
                self.heard += stretch.samples;
                return Step::Stretch(stretch);
            }
        }
        Step::End
    }

    fn release(&mut self, key: FrameKey, frame: Waiting) -> Stretch {
        let samples = self.format.samples(&frame.payload);
        // A longer one is silence for the most part.
        self.nominal = samples.min(Format::MAX_FRAME_MS * u64::from(self.format.sample_rate) / 1_000);
        if self.format.encoding == Encoding::Opus {
            self.damaged_packets = self.damaged_packets.saturating_add(opus::damaged(&frame.payload));
        }
        Stretch { key: Some(key), received_ms: frame.received_ms, samples, payload: frame.payload }
    }

    fn lose(&mut self, from: u32, to: u32) -> Option<Stretch> {
        // Frame 0 is one that a client which counts from 1 never had.
        let count = (u64::from(to) + 1).saturating_sub(u64::from(from.max(1)));
        self.lost_frames = self.lost_frames.saturating_add(count);
        let most = MAX_LOST_MS * u64::from(self.format.sample_rate) / 1_000;
        self.silence((count * self.nominal).min(most))
    }

    /// All is heard: what fills the grid, or the end.
    fn finish(&mut self) -> Option<Stretch> {
        let padding = self.silence(self.heard.next_multiple_of(self.format.grid_samples()) - self.heard);
        self.ended = padding.is_none();
        padding
    }

    fn silence(&self, samples: u64) -> Option<Stretch> {
        let silence = Stretch { key: None, received_ms: self.latest_ms, samples, payload: Vec::new() };
        (samples > 0).then_some(silence)
    }

    /// Whether all was given of a call that is over.
    pub fn is_over(&self) -> bool {
        self.ended
    }

    /// The last frame without a gap before it.
    pub fn contiguous(&self) -> Option<u32> {
        self.sequencer.contiguous()
    }

    /// Frames that are missing, from and to, while later ones are there.
    pub fn missing(&self) -> Option<(u32, u32)> {
        self.sequencer.missing()
    }

    /// How long the oldest frame that came early has waited for what is missing, in milliseconds of receipt.
    pub fn waited_ms(&self) -> i64 {
        self.sequencer.waited_ms()
    }

    /// The format that the call began with.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What a lost frame is taken to be, in milliseconds: as long as the last one.
    pub fn frame_ms(&self) -> u64 {
        self.format.samples_to_ms(self.nominal)
    }

    /// Media time given so far, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.format.samples_to_ms(self.heard)
    }

    /// Latest receipt of a frame: wall clock, ms.
    pub fn latest_ms(&self) -> i64 {
        self.latest_ms
    }

    /// Frames that never came and stand as silence.
    pub fn lost_frames(&self) -> u64 {
        self.lost_frames
    }

    /// Packets of frames that could not be decoded and stand as silence, of both channels.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged_packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::ChannelDecoder;

    const FORMAT: Format = Format { encoding: Encoding::PcmS16le, sample_rate: 8_000, channels: 1 };

    /// What a timeline is told.
    enum Told {
        /// A frame of so many samples.
        Frame(u32, usize),
        Stop(u32),
        Gone(u32, u32),
        GiveUp,
        Close,
    }
    use Told::{Close, Frame as F, GiveUp, Gone, Stop};

    /// Tells one after the other; what is expected are samples, of frames as they are and of silence below zero, and 0
    /// for each time that the call ends.
    #[track_caller]
    fn check(told: &[Told], expected: &[i64]) {
        let mut timeline = Timeline::new(FORMAT);
        let mut given = Vec::new();
        for told in told {
            let was_over = timeline.is_over();
            match *told {
                F(seq, samples) => {
                    let payload = vec![1; 2 * samples];
                    timeline.hear(Frame { key: FrameKey::Numbered(seq), received_ms: 5, payload });
                }
                Stop(last) => timeline.stop(last),
                Gone(from, to) => timeline.gone(from, to),
                GiveUp => assert!(timeline.give_up()),
                Close => timeline.close(),
            }
            while let Step::Stretch(stretch) = timeline.poll() {
                let samples = stretch.samples as i64;
                let mut decoded = Vec::new();
                ChannelDecoder::new(&FORMAT, 0).decode(&stretch, 0, 0, &mut decoded);
                assert_eq!(decoded.len() as i64, samples);
                given.push(if stretch.key.is_some() { samples } else { -samples });
            }
            if timeline.is_over() && !was_over {
                given.push(0);
            }
        }
        assert_eq!(given, expected);
        let heard: i64 = given.iter().map(|samples| samples.abs()).sum();
        assert_eq!(timeline.duration_ms(), FORMAT.samples_to_ms(heard as u64));
    }

    #[test]
    fn frames_follow_each_other_and_the_end_is_filled_up() {
        check(&[F(0, 640), F(1, 320), F(1, 320), Stop(1)], &[640, 320, -320, 0]);
        check(&[F(0, 640), Stop(1), F(1, 640)], &[640, 640, 0]);
        check(&[F(1, 160), F(0, 320), Close], &[320, 160, -160, 0]);
        check(&[Stop(0)], &[0]);
    }

    #[test]
    fn what_was_lost_is_silence_as_long_as_the_frames_before_it() {
        check(&[F(0, 320), F(1, 160), F(4, 640), Gone(2, 3)], &[320, 160, -320, 640]);
        check(&[F(0, 320), F(2, 160), F(4, 160), GiveUp, GiveUp], &[320, -320, 160, -160, 160]);
        check(&[F(0, 320), F(1, 320), Stop(3), Close], &[320, 320, -640, 0]);
        // Nobody knows how long the first ones were.
        check(&[F(2, 640), Gone(0, 1), Stop(2)], &[640, 0]);
        check(&[F(0, 8_000), Gone(1, 2_000_000), F(2_000_001, 160)], &[8_000, -480_000, 160]);
    }

    #[test]
    fn what_comes_after_the_end_follows_on_what_filled_it_up() {
        check(&[F(0, 160), Close, F(1, 640), Stop(1)], &[160, -480, 0, 640, 0]);
        check(&[F(0, 640), Close, Stop(1), F(1, 640)], &[640, 0, 640, 0]);
        check(&[F(0, 640), Stop(0), Stop(0), F(0, 640)], &[640, 0]);
    }

    #[test]
    fn silence_falls_into_seconds() {
        let silence = Stretch { key: None, received_ms: 0, samples: 16_001, payload: Vec::new() };
        let seconds: Vec<u64> = silence.seconds(&FORMAT).map(|second| second.samples).collect();
        assert_eq!(seconds, [8_000, 8_000, 1]);
    }
}
