//! What is spoken into the call: a recording as a microphone, or devices; and when each frame is due.
//!
//! A recording's frame is due once its last sample would have been spoken, counted from the start and never from the frame before,
//! so nothing drifts. Time is handed in. A device's is due when it is there.

use std::{str::FromStr, time::Duration};

use callboard_audio::{Format, encode::Encoded};

use super::{capture::Capture, frames::Frames, recording::RecordingError};

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// So many times as fast as it was spoken.
    Times(f64),
    /// As fast as the stack acknowledges.
    Max,
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times: Option<f64> = text.parse().ok().filter(|times| (0.01..=1_000.0).contains(times));
        times
            .map(Self::Times)
            .ok_or_else(|| "use 1 for the speaker's own pace, another number for so many times that, or max".into())
    }
}

/// See the module.
pub(crate) struct Source {
    input: Input,
    format: Format,
    frame_ms: u64,
    started: Option<Duration>,
    /// Samples a channel handed out.
    position: u64,
    frames: u32,
    ended: bool,
}

enum Input {
    /// With the frame that comes next.
    Recording {
        frames: Box<Frames>,
        pace: Pace,
        next: Result<Option<Encoded>, RecordingError>,
    },
    Devices(Box<Capture>),
}

impl Source {
    /// A recording, in frames of about this length.
    pub(crate) fn recording(mut frames: Frames, pace: Pace, frame_ms: u64) -> Self {
        let format = frames.format();
        let next = frames.next();
        Self::new(Input::Recording { frames: Box::new(frames), pace, next }, format, frame_ms)
    }

    /// Devices that are listened to.
    pub(crate) fn devices(capture: Capture, format: Format, frame_ms: u64) -> Self {
        Self::new(Input::Devices(Box::new(capture)), format, frame_ms)
    }

    fn new(input: Input, format: Format, frame_ms: u64) -> Self {
        Self { input, format, frame_ms, started: None, position: 0, frames: 0, ended: false }
    }

    /// The speaker begins, if they have not yet.
    pub(crate) fn start(&mut self, now: Duration) {
        self.started.get_or_insert(now);
    }

    /// When the next frame, or the end, is due; none before the start and after the end.
    pub(crate) fn due(&self) -> Option<Duration> {
        let started = self.started.filter(|_| !self.ended)?;
        match &self.input {
            Input::Recording { pace: Pace::Times(times), next, .. } => {
                let next = next.as_ref().ok().and_then(Option::as_ref).map_or(0, |frame| frame.samples);
                let end = (self.position + next) as f64 / f64::from(self.format.sample_rate);
                Some(started + Duration::from_secs_f64(end / times))
            }
            Input::Recording { pace: Pace::Max, .. } => Some(started),
            Input::Devices(capture) => (capture.is_ready() || capture.is_cut()).then_some(started),
        }
    }

    /// The next frame; none at the end.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Vec<u8>>, RecordingError> {
        let frame = match &mut self.input {
            _ if self.ended => None,
            Input::Recording { frames, next, .. } => {
                let frame = std::mem::replace(next, Ok(None))?;
                if frame.is_some() {
                    *next = frames.next();
                }
                frame
            }
            Input::Devices(capture) => capture.pop(),
        };
        match frame {
            Some(frame) => {
                self.position += frame.samples;
                self.frames += 1;
                Ok(Some(frame.payload))
            }
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    /// Waits until devices have brought something; for ever for a recording.
    pub(crate) async fn arrived(&mut self) {
        match &mut self.input {
            Input::Devices(capture) if !self.ended => capture.arrived().await,
            _ => std::future::pending().await,
        }
    }

    /// What devices have to tell.
    pub(crate) fn notices(&mut self) -> Vec<String> {
        match &mut self.input {
            Input::Devices(capture) => capture.notices(),
            Input::Recording { .. } => Vec::new(),
        }
    }

    /// How loud each device is; none of a recording.
    pub(crate) fn levels(&self) -> Option<Vec<String>> {
        match &self.input {
            Input::Devices(capture) => Some(capture.levels()),
            Input::Recording { .. } => None,
        }
    }

    /// The speaker is cut off: nothing follows but what a device had heard by then.
    pub(crate) fn cut(&mut self) {
        match &mut self.input {
            Input::Recording { next, .. } => *next = Ok(None),
            Input::Devices(capture) => capture.cut(),
        }
    }

    /// Whether all was handed out.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Frames handed out.
    pub(crate) fn frames(&self) -> u32 {
        self.frames
    }

    /// Audio handed out, in milliseconds.
    pub(crate) fn position_ms(&self) -> u64 {
        self.format.samples_to_ms(self.position)
    }

    /// Frames in so much audio, at least one.
    pub(crate) fn frames_in(&self, audio: Duration) -> usize {
        let most = self.format.sample_bytes().map(|unit| (Format::MAX_FRAME_BYTES / unit) as u64);
        let wanted = self.frame_ms.min(most.map_or(u64::MAX, |samples| self.format.samples_to_ms(samples).max(1)));
        (audio.as_millis() as u64).div_ceil(wanted.max(1)).max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::recording::Recording;
    use callboard_audio::Encoding;

    fn source(pace: Pace) -> Source {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        (0..8_000).for_each(|_| writer.write_sample(1_i16).unwrap());
        writer.finalize().unwrap();
        let frames = Frames::new(Recording::open(&path).unwrap(), Encoding::PcmS16le, 80).unwrap();
        Source::recording(frames, pace, 80)
    }

    fn dues(pace: Pace) -> Vec<u128> {
        let mut source = source(pace);
        assert_eq!(source.due(), None);
        source.start(Duration::from_secs(10));
        source.start(Duration::from_secs(99));
        let mut dues = vec![];
        loop {
            let due = source.due().unwrap();
            if source.next_frame().unwrap().is_none() {
                break;
            }
            dues.push(due.as_millis());
        }
        assert_eq!((source.due(), source.frames(), source.position_ms()), (None, 13, 1_000));
        dues
    }

    #[test]
    fn frames_are_due_when_their_last_sample_was_spoken() {
        assert_eq!(dues(Pace::Times(1.0))[..3], [10_080, 10_160, 10_240]);
        assert_eq!(dues(Pace::Times(4.0))[..3], [10_020, 10_040, 10_060]);
        assert_eq!(dues(Pace::Max)[12], 10_000);
        assert_eq!(source(Pace::Max).frames_in(Duration::from_secs(30)), 375);
    }

    #[test]
    fn a_speaker_who_is_cut_off_has_ended() {
        let mut source = source(Pace::Times(1.0));
        source.start(Duration::from_secs(10));
        assert!(source.next_frame().unwrap().is_some() && !source.has_ended());
        source.cut();
        assert_eq!(source.due(), Some(Duration::from_millis(10_080)));
        assert_eq!((source.next_frame().unwrap(), source.has_ended(), source.frames()), (None, true, 1));
    }

    #[test]
    fn paces_are_numbers_or_max() {
        assert_eq!(
            ("1".parse(), "max".parse(), "2.5".parse()),
            (Ok(Pace::Times(1.0)), Ok(Pace::Max), Ok(Pace::Times(2.5)))
        );
        for wrong in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }
}
