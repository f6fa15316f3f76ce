//! Endpointing: where utterances of one channel begin and end.
//!
//! All decisions fall on the 80 ms grid and depend on the audio since the last reset point alone. A reset point is
//! the close of an utterance, a forced cut, or a stretch of quiet; there the voice detector and the resampler start
//! anew, in a warm environment exactly as in a cold one.

pub(crate) mod lanes;
mod pitch;
mod voice;

use crate::{
    RATE,
    format::Format,
    resample::{GRID, Resampler, hold},
};

use voice::Voice;

/// Samples of one decision of the voice detector: 16 ms.
const VAD_FRAME: usize = 256;
/// Detector frames on the grid.
const VAD_PER_STEP: usize = GRID / VAD_FRAME;
/// Milliseconds of one detector frame.
const VAD_MS: usize = 16;

/// Voice probability that begins speech.
const OPEN_AT: f32 = 0.5;
/// Voice probability that continues speech.
const HOLD_AT: f32 = 0.35;
/// Voiced frames within [`ONSET_WINDOW`] that open an utterance: 80 ms of voice within 240 ms.
const ONSET_FRAMES: usize = 5;
/// See [`ONSET_FRAMES`].
const ONSET_WINDOW: usize = 15;
/// Silence that closes an utterance, and quiet that makes a reset point.
const CLOSE_FRAMES: usize = 608 / VAD_MS;
/// Audio kept before the first voiced frame, and after the last.
const MARGIN_FRAMES: usize = 240 / VAD_MS;
/// Grid steps before the present at which a channel restarts after quiet, so that the next onset has its margin.
const LOOKBACK_STEPS: usize = 4;
/// Voiced frames with a pitch that an utterance needs: 64 ms of it. Noise can fool the detector, but has none.
const PITCHED_FRAMES: usize = 4;
/// Most that can precede the first pitched frame of an utterance: a word's unvoiced beginning, 320 ms at the longest.
/// What the detector took for speech before it was noise.
const UNPITCHED_ONSET: usize = 20;
/// An utterance longer than this is cut at its quietest point.
const LONGEST_FRAMES: usize = 15_000 / VAD_MS;

/// What a grid step decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing yet.
    Continue,
    /// Quiet, or a noise that was no speech: start anew at this step.
    Restart {
        /// Grid step, counted from the beginning of the call.
        at_step: u64,
    },
    /// An utterance is complete; start anew at this step.
    Close {
        /// The utterance.
        utterance: Spoken,
        /// Grid step, counted from the beginning of the call.
        at_step: u64,
    },
}

/// A stretch of speech on one channel. Times are media time in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// First voiced frame.
    pub start_ms: u64,
    /// End of the last voiced frame.
    pub end_ms: u64,
    /// Where the audio begins: some margin before the speech.
    pub audio_start_ms: u64,
    /// The audio, mono, at [`Spoken::sample_rate`].
    pub pcm: Vec<i16>,
    /// In Hz: that of the source, but 16,000 at most. Raising a lower rate would add nothing for who recognizes it.
    pub sample_rate: u32,
    /// Media time of the decision that closed it.
    pub closed_ms: u64,
}

/// Finds utterances on one channel, from one reset point on.
pub struct Endpointer {
    start_step: u64,
    voice: Voice,
    /// None where there are 16,000 samples a second, or fewer, which are held.
    resampler: Option<Resampler>,
    /// 16 kHz since the reset point.
    audio: Vec<i16>,
    /// Voiced or not, per detector frame since the reset point.
    voiced: Vec<bool>,
    /// The open utterance's first voiced frame.
    opened: Option<usize>,
}

impl Endpointer {
    /// Starts at a grid step of the call.
    pub fn new(format: &Format, start_step: u64) -> Self {
        Self {
            start_step,
            voice: Voice::new(),
            resampler: (format.sample_rate > RATE).then(|| Resampler::new(format)),
            audio: Vec::new(),
            voiced: Vec::new(),
            opened: None,
        }
    }

    /// Starts anew at another grid step, as if new.
    pub fn restart(&mut self, start_step: u64) {
        self.start_step = start_step;
        self.voice.reset();
        self.resampler.iter_mut().for_each(Resampler::reset);
        self.audio.clear();
        self.voiced.clear();
        self.opened = None;
    }

    /// The reset point, as a grid step of the call.
    pub fn start_step(&self) -> u64 {
        self.start_step
    }

    /// Takes one grid step of source samples.
    pub fn step(&mut self, source: impl ExactSizeIterator<Item = i16>) -> Decision {
        match &mut self.resampler {
            Some(resampler) => resampler.step(source, &mut self.audio),
            None if source.len() == GRID => self.audio.extend(source),
            None => hold(source, &mut self.audio),
        }
        let is_open = self.opened.is_some();
        let threshold = if is_open { HOLD_AT } else { OPEN_AT };
        self.voice.hear(&self.audio, threshold, is_open, &mut self.voiced);
        match self.opened {
            None => self.decide_quiet(),
            Some(opened) => self.decide_open(opened),
        }
    }

    /// The call is over: what is open is an utterance.
    pub fn finish(&mut self) -> Option<Spoken> {
        let spoken = self.open();
        self.opened = None;
        spoken
    }

    /// What is open, as far as it is known to be speech: the utterance that it would be if the call ended here. It begins
    /// where it will begin when it is complete.
    pub fn open(&self) -> Option<Spoken> {
        let opened = self.opened?;
        let last = self.last_voiced(opened);
        let opened = self.onset(opened, last)?;
        Some(self.cut(opened, last, (last + MARGIN_FRAMES).min(self.voiced.len())))
    }

    fn decide_quiet(&mut self) -> Decision {
        let now = self.voiced.len();
        let window = now.saturating_sub(ONSET_WINDOW);
        if self.voiced[window..].iter().filter(|voiced| **voiced).count() >= ONSET_FRAMES {
            self.opened = self.voiced[window..].iter().position(|voiced| *voiced).map(|at| window + at);
            return Decision::Continue;
        }
        let quiet = now.saturating_sub(CLOSE_FRAMES);
        let lookback = LOOKBACK_STEPS * VAD_PER_STEP;
        // Clicks that are neither speech nor quiet must not hold the audio for ever.
        let too_long = now >= LONGEST_FRAMES;
        if too_long || (now >= CLOSE_FRAMES + lookback && !self.voiced[quiet..].contains(&true)) {
            return Decision::Restart { at_step: self.step_of(now) - LOOKBACK_STEPS as u64 };
        }
        Decision::Continue
    }

    fn decide_open(&mut self, opened: usize) -> Decision {
        let now = self.voiced.len();
        let last = self.last_voiced(opened);
        if now - last >= CLOSE_FRAMES {
            let at_step = self.step_of(now) - LOOKBACK_STEPS as u64;
            return self.close(opened, last, last + MARGIN_FRAMES, at_step);
        }
        if now - opened >= LONGEST_FRAMES {
            let cut = self.quietest_step(opened, now) * VAD_PER_STEP;
            return self.close(opened, cut, cut, self.step_of(cut));
        }
        Decision::Continue
    }

    fn close(&self, opened: usize, last: usize, until: usize, at_step: u64) -> Decision {
        match self.onset(opened, last) {
            Some(opened) => Decision::Close { utterance: self.cut(opened, last, until), at_step },
            None => Decision::Restart { at_step },
        }
    }

    /// Where the speech of an open utterance begins: none if too few of its voiced frames have a pitch, as every
    /// spoken vowel has.
    fn onset(&self, opened: usize, last: usize) -> Option<usize> {
        let pitched = |frame: &usize| self.voiced[*frame] && pitch::is_pitched(&self.audio, *frame * VAD_FRAME);
        let mut pitched = (opened..last).filter(pitched);
        let first = pitched.next()?;
        let enough = pitched.take(PITCHED_FRAMES - 1).count() == PITCHED_FRAMES - 1;
        enough.then(|| opened.max(first.saturating_sub(UNPITCHED_ONSET)))
    }

    /// One past the last voiced frame since `opened`.
    fn last_voiced(&self, opened: usize) -> usize {
        self.voiced[opened..].iter().rposition(|voiced| *voiced).map_or(opened + 1, |at| opened + at + 1)
    }

    /// The grid step (since the reset point) with the least energy on both sides, in the later half of the utterance.
    fn quietest_step(&self, opened: usize, now: usize) -> usize {
        let energy = |step: usize| -> f64 {
            self.audio[step * GRID..(step + 1) * GRID].iter().map(|sample| f64::from(*sample).powi(2)).sum()
        };
        let first = (opened + (now - opened) / 2) / VAD_PER_STEP;
        let last = now / VAD_PER_STEP - 1;
        (first..last)
            .min_by(|a, b| (energy(a - 1) + energy(*a)).total_cmp(&(energy(b - 1) + energy(*b))))
            .unwrap_or(last)
    }

    fn cut(&self, opened: usize, last: usize, until: usize) -> Spoken {
        let from = opened.saturating_sub(MARGIN_FRAMES);
        Spoken {
            start_ms: self.media_ms(opened),
            end_ms: self.media_ms(last),
            audio_start_ms: self.media_ms(from),
            pcm: self.audio[from * VAD_FRAME..until * VAD_FRAME].to_vec(),
            sample_rate: RATE,
            closed_ms: self.media_ms(self.voiced.len()),
        }
    }

    fn media_ms(&self, frame: usize) -> u64 {
        self.start_step * u64::from(Format::GRID_MS) + (frame * VAD_FRAME * 1_000 / RATE as usize) as u64
    }

    fn step_of(&self, frame: usize) -> u64 {
        self.start_step + (frame / VAD_PER_STEP) as u64
    }
}
