//! The recording as a microphone: when each frame is due.
//!
//! A frame is due once its last sample would have been spoken, counted from the start and never from the frame before,
//! so nothing drifts. Time is handed in.

use std::{str::FromStr, time::Duration};

use super::recording::{Recording, RecordingError, frame_samples};

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
    recording: Recording,
    pace: Pace,
    frame_samples: usize,
    started: Option<Duration>,
    /// Samples a channel handed out.
    position: u64,
    frames: u32,
    ended: bool,
}

impl Source {
    /// A source of frames this long, or as long as a message can carry.
    pub(crate) fn new(recording: Recording, pace: Pace, frame_ms: u64) -> Self {
        let frame_samples = frame_samples(&recording.format(), frame_ms);
        Self { recording, pace, frame_samples, started: None, position: 0, frames: 0, ended: false }
    }

    /// The speaker begins, if they have not yet.
    pub(crate) fn start(&mut self, now: Duration) {
        self.started.get_or_insert(now);
    }

    /// When the next frame is due; none before the start and after the end.
    pub(crate) fn due(&self) -> Option<Duration> {
        let started = self.started.filter(|_| !self.ended)?;
        let Pace::Times(times) = self.pace else { return Some(started) };
        let end = self.position + self.frame_samples as u64;
        Some(started + Duration::from_secs_f64(end as f64 / f64::from(self.recording.format().sample_rate) / times))
    }

    /// The next frame; none at the end.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Vec<u8>>, RecordingError> {
        let frame = if self.ended { None } else { self.recording.next_frame(self.frame_samples)? };
        match &frame {
            Some(payload) => {
                self.position += self.recording.format().samples(payload.len());
                self.frames += 1;
            }
            None => self.ended = true,
        }
        Ok(frame)
    }

    /// The speaker is cut off: no frame follows.
    pub(crate) fn cut(&mut self) {
        self.ended = true;
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
        self.recording.format().samples_to_ms(self.position)
    }

    /// Frames in so much audio, at least one.
    pub(crate) fn frames_in(&self, audio: Duration) -> usize {
        let samples = audio.as_secs_f64() * f64::from(self.recording.format().sample_rate);
        (samples / self.frame_samples as f64).ceil().max(1.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        Source::new(Recording::open(&path).unwrap(), pace, 80)
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
