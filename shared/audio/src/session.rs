//! The live session: frames in, utterances out.
//!
//! A sans-IO state machine. It reads no clock; the only times it knows are those that frames carry. The same frames
//! give the same utterances, whatever the batches, environments and redeliveries in between: between batches a call
//! is its [`Checkpoint`], the cursor and the frames since the earliest reset point.
//!
//! Memory a call: the frames and the 16 kHz audio since the earliest reset point, and early frames of at most
//! [`MAX_EARLY_BYTES`](crate::sequence::MAX_EARLY_BYTES). A reset point is 30 s back at most: 15 s of clicks that are
//! neither speech nor quiet, and an utterance of 15 s behind them. For 48 kHz stereo that is 6 MB of frames, 6 MB of
//! source samples, 2 MB of 16 kHz audio and 2 MB of early frames: 16 MB at the very most, and 9 MB of it checkpointed.

mod channel;
mod sound;
pub mod stored;
mod timeline;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    channel::ChannelDecoder,
    echo::{self, Other},
    endpoint::Spoken,
    format::Format,
    sequence::{FrameKey, Heard, Waiting},
};

use channel::{ChannelState, Restarted, channels, decode_from};
pub use timeline::{Step, Stretch, Timeline};

/// A frame as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What it is ordered by.
    pub key: FrameKey,
    /// When the gateway received it: wall clock, milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// Its bytes, in the session's format.
    pub payload: Vec<u8>,
}

/// A stretch of speech, ready to be transcribed.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Index of the channel in the format's order.
    pub channel: usize,
    /// Where it is and how it sounds.
    pub spoken: Spoken,
    /// When its end reached the gateway, by the session's anchor: wall clock, ms.
    pub spoken_at_ms: i64,
    /// When the frame that closed it reached the gateway: wall clock, ms.
    pub received_ms: i64,
}

/// What the session has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Poll {
    /// An utterance is complete.
    Utterance(Utterance),
    /// Nothing until more is heard.
    NeedMore,
    /// The call is over and all of it was said.
    Ended,
}

/// The state machine.
pub struct Session {
    head: Head,
    /// What was heard, as far back as a channel may need it again.
    kept: VecDeque<Stretch>,
    channels: Vec<ChannelState>,
    ready: VecDeque<Utterance>,
}

/// The part of the state that is not audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    timeline: Timeline,
    /// Reset point of each channel, as a grid step.
    restarts: Vec<u64>,
    /// Source sample at which the first kept frame begins.
    kept_from: u64,
    /// Smallest (received − media) seen, ms.
    anchor_ms: Option<i64>,
}

impl Head {
    fn spoken_at_ms(&self, spoken: &Spoken, unless_known_ms: i64) -> i64 {
        self.anchor_ms.unwrap_or(unless_known_ms).saturating_add_unsigned(spoken.end_ms)
    }
}

impl Session {
    /// A call's beginning. The format must be valid.
    pub fn new(format: Format) -> Self {
        let restarts = vec![0; usize::from(format.channels)];
        let head = Head { timeline: Timeline::new(format), restarts, kept_from: 0, anchor_ms: None };
        Self::from_head(head)
    }

    fn from_head(head: Head) -> Self {
        let format = head.timeline.format();
        let channels = channels(&format, &head.restarts);
        Self { head, kept: VecDeque::new(), channels, ready: VecDeque::new() }
    }

    /// Takes a frame. A frame that does not fit the format is the caller's to refuse.
    pub fn hear(&mut self, frame: Frame) -> Heard {
        self.head.timeline.hear(frame)
    }

    /// The client names its last frame; the call ends once all are heard.
    pub fn stop(&mut self, last: u32) {
        self.head.timeline.stop(last);
    }

    /// The client no longer has these frames.
    pub fn gone(&mut self, from: u32, to: u32) {
        self.head.timeline.gone(from, to);
    }

    /// Nothing more will come: what is missing is silence, and the call ends.
    pub fn close(&mut self) {
        self.head.timeline.close();
    }

    /// The next utterance, if one is complete.
    pub fn poll(&mut self) -> Poll {
        loop {
            if let Some(utterance) = self.ready.pop_front() {
                return Poll::Utterance(utterance);
            }
            if self.head.timeline.is_over() {
                return Poll::Ended;
            }
            match self.head.timeline.poll() {
                Step::Stretch(stretch) => self.append(stretch),
                Step::End => self.finish(),
                Step::NeedMore => return Poll::NeedMore,
            }
        }
    }

    /// Utterances that are open, one a channel at most: what each would be if the call ended here. Where it begins does
    /// not change any more; what it says does.
    pub fn open(&self) -> impl Iterator<Item = Utterance> {
        let (format, latest_ms) = (self.format(), self.latest_ms());
        self.channels.iter().enumerate().filter_map(move |(channel, state)| {
            let spoken = state.open(&format)?;
            let spoken = self.without_echo(channel, spoken, state.endpointer.start_step())?;
            let spoken_at_ms = self.head.spoken_at_ms(&spoken, latest_ms);
            Some(Utterance { channel, spoken_at_ms, received_ms: latest_ms, spoken })
        })
    }

    /// The last frame without a gap: what may be acknowledged once the checkpoint is committed.
    pub fn contiguous(&self) -> Option<u32> {
        self.head.timeline.contiguous()
    }

    /// Frames that are missing, from and to, while later ones are there.
    pub fn missing(&self) -> Option<(u32, u32)> {
        self.head.timeline.missing()
    }

    /// How long the oldest frame that came early has waited for what is missing, in milliseconds of receipt.
    pub fn waited_ms(&self) -> i64 {
        self.head.timeline.waited_ms()
    }

    /// The format that the call began with.
    pub fn format(&self) -> Format {
        self.head.timeline.format()
    }

    /// Length of a frame, in milliseconds: that of the last one.
    pub fn frame_ms(&self) -> u64 {
        self.head.timeline.frame_ms()
    }

    /// Media time heard, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.head.timeline.duration_ms()
    }

    /// Latest receipt of a frame: wall clock, ms.
    pub fn latest_ms(&self) -> i64 {
        self.head.timeline.latest_ms()
    }

    /// Frames that never came and stand as silence.
    pub fn lost_frames(&self) -> u64 {
        self.head.timeline.lost_frames()
    }

    /// Packets of frames that could not be decoded and stand as silence, of both channels.
    pub fn damaged_packets(&self) -> u64 {
        self.head.timeline.damaged_packets()
    }

    fn append(&mut self, stretch: Stretch) {
        let format = self.format();
        if stretch.key.is_some() {
            let anchor = stretch.received_ms.saturating_sub(self.duration_ms() as i64);
            self.head.anchor_ms = Some(self.head.anchor_ms.map_or(anchor, |known| known.min(anchor)));
        }
        let mut from = self.head.timeline.heard - stretch.samples;
        // Second by second, so that a channel never holds more of it than of the longest frame.
        for stretch in stretch.seconds(&format) {
            let samples = stretch.samples;
            self.kept.push_back(stretch);
            for channel in 0..self.channels.len() {
                self.feed(channel, from);
            }
            from += samples;
            self.trim();
        }
    }

    /// Hands the last stretch that is kept, which begins at source sample `from`, to one channel, as far as it lies behind
    /// its reset point.
    fn feed(&mut self, channel: usize, from: u64) {
        let (format, kept_from) = (self.format(), self.head.kept_from);
        let Some(stretch) = self.kept.back() else { return };
        let received_ms = stretch.received_ms;
        self.channels[channel].take(&format, stretch, from);
        loop {
            let began = self.channels[channel].endpointer.start_step();
            let Some(restarted) = self.channels[channel].advance(&format) else { break };
            if let Restarted::Close(spoken) = restarted {
                self.say(channel, spoken, began, received_ms);
            }
            self.channels[channel].take_again(&format, &self.kept, kept_from);
        }
        self.head.restarts[channel] = self.channels[channel].endpointer.start_step();
    }

    /// Gives out an utterance of a channel that began at a grid step, without what the other one only echoes in it.
    fn say(&mut self, channel: usize, spoken: Spoken, began: u64, received_ms: i64) {
        let Some(spoken) = self.without_echo(channel, spoken, began) else { return };
        let spoken_at_ms = self.head.spoken_at_ms(&spoken, received_ms);
        self.ready.push_back(Utterance { channel, spoken_at_ms, received_ms, spoken });
    }

    /// The other channel is heard from the same reset point on, and as far as the utterance, so that it makes no
    /// difference what else is at hand of it.
    fn without_echo(&self, channel: usize, spoken: Spoken, began: u64) -> Option<Spoken> {
        let format = self.format();
        if format.channels < 2 {
            return Some(spoken);
        }
        let start_ms = began * u64::from(Format::GRID_MS);
        let count = spoken.end_ms.saturating_sub(start_ms) * u64::from(format.sample_rate) / 1_000;
        let mut pcm = Vec::new();
        let mut decoder = ChannelDecoder::new(&format, 1 - channel as u8);
        decode_from(&mut decoder, &format, began, &self.kept, self.head.kept_from, &mut pcm);
        pcm.truncate(count as usize);
        echo::without_echo(spoken, &Other { start_ms, sample_rate: format.sample_rate, pcm: &pcm })
    }

    /// Drops frames that no channel needs again.
    fn trim(&mut self) {
        let format = self.format();
        let restart = self.head.restarts.iter().min().copied().unwrap_or(0) * format.grid_samples();
        let needed = restart.saturating_sub(ChannelDecoder::run_up(&format));
        while let Some(first) = self.kept.front() {
            if self.head.kept_from + first.samples > needed {
                break;
            }
            self.head.kept_from += first.samples;
            self.kept.pop_front();
        }
    }

    /// All is heard: closes what is open, and stands ready for audio that comes all the same.
    fn finish(&mut self) {
        let (format, latest_ms, heard) = (self.format(), self.latest_ms(), self.head.timeline.heard);
        for channel in 0..self.channels.len() {
            let began = self.channels[channel].endpointer.start_step();
            if let Some(spoken) = self.channels[channel].finish(&format) {
                self.say(channel, spoken, began, latest_ms);
            }
        }
        let step = heard / format.grid_samples();
        self.head.restarts.fill(step);
        self.channels = channels(&format, &self.head.restarts);
        self.head.kept_from = heard;
        self.kept.clear();
    }
}

/// A call between two batches: what a cold environment needs to go on exactly like a warm one.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    head: Head,
    frames: Vec<Stored>,
}

/// One frame of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    key: Option<FrameKey>,
    received_ms: i64,
    samples: u64,
    /// False for a frame that came early and still waits.
    released: bool,
    /// Length of its bytes, which stand behind the header one after the other.
    length: usize,
    #[serde(skip)]
    payload: Vec<u8>,
}

/// A checkpoint's bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("checkpoint cannot be read: {0}")]
pub struct CheckpointError(String);

impl Session {
    /// The state, as it must be committed. Call it when [`Session::poll`] has nothing more to say.
    pub fn checkpoint(&self) -> Checkpoint {
        let kept = self.kept.iter().map(|kept| Stored {
            key: kept.key.clone(),
            received_ms: kept.received_ms,
            samples: kept.samples,
            released: true,
            length: kept.payload.len(),
            payload: kept.payload.clone(),
        });
        let waiting = self.head.timeline.sequencer.waiting().iter().map(|(key, frame)| Stored {
            key: Some(key.clone()),
            received_ms: frame.received_ms,
            samples: 0,
            released: false,
            length: frame.payload.len(),
            payload: frame.payload.clone(),
        });
        Checkpoint { head: self.head.clone(), frames: kept.chain(waiting).collect() }
    }

    /// Goes on from a checkpoint.
    pub fn resume(checkpoint: Checkpoint) -> Self {
        let mut session = Self::from_head(checkpoint.head);
        let mut from = session.head.kept_from;
        for stored in checkpoint.frames {
            if !stored.released {
                if let Some(key) = stored.key {
                    let frame = Waiting { received_ms: stored.received_ms, payload: stored.payload };
                    session.head.timeline.sequencer.restore(key, frame);
                }
                continue;
            }
            let kept = Stretch {
                key: stored.key,
                received_ms: stored.received_ms,
                samples: stored.samples,
                payload: stored.payload,
            };
            let samples = kept.samples;
            session.kept.push_back(kept);
            for channel in 0..session.channels.len() {
                session.feed(channel, from);
            }
            from += samples;
        }
        session
    }
}

impl Checkpoint {
    /// As bytes: the header's length as a little-endian u32, the header as JSON, the frames' bytes as they came.
    pub fn encode(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&(&self.head, &self.frames)).unwrap_or_default();
        let payload: usize = self.frames.iter().map(|frame| frame.length).sum();
        let mut bytes = Vec::with_capacity(4 + header.len() + payload);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        for frame in &self.frames {
            bytes.extend_from_slice(&frame.payload);
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let cut_off = || CheckpointError("it is cut off".into());
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let (header, mut payload) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut_off)?;
        let (head, mut frames): (Head, Vec<Stored>) =
            serde_json::from_slice(header).map_err(|e| CheckpointError(e.to_string()))?;
        for frame in &mut frames {
            let (own, rest) = payload.split_at_checked(frame.length).ok_or_else(cut_off)?;
            frame.payload = own.to_vec();
            payload = rest;
        }
        sound::check(&head, &frames).map_err(CheckpointError)?;
        Ok(Self { head, frames })
    }
}
