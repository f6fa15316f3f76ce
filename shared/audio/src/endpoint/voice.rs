//! Which frames of a channel are voiced: the detector, and when it need not look.
//!
//! The detector is nine tenths of the work. It need not look at what is all but silent, nor at what is no louder than
//! what it has just taken for noise: no speech begins there. When it looks again, it hears first what it left out, so that
//! it judges as if it had looked all the time. Where an utterance is open, it looks at each frame, and what is all but
//! silent is no voice whatever it says: where a channel falls silent altogether, as one does that was muted or whose pauses
//! were left out, it goes on hearing the voice for more than a second.

use earshot::{DefaultPredictor, Detector};

use super::lanes::dot;
use super::{HOLD_AT, VAD_FRAME, VAD_PER_STEP};
use crate::resample::GRID;

/// Mean square of a frame up to which it is no speech: -66 dB of full scale.
const SILENT: f32 = 256.0;
/// Probability up to which steps in a row are noise: what would not even continue speech. Of noise, a detector that has just
/// begun says up to 0.4, after 100 ms less than 0.32, and after half a second less than 0.22.
const NOISE_BELOW: f32 = HOLD_AT;
/// Grid steps of such noise in a row that tell how loud the noise is.
const NOISE_STEPS: usize = 2;
/// How much louder than the loudest of them a step, and a frame in it, may be, as power: 0.8 dB and 1.5 dB. Frames of steady
/// noise differ by less, speech at the noise's own level adds 3 dB.
const LOUDER_STEP: f32 = 1.2;
/// See [`LOUDER_STEP`].
const LOUDER_FRAME: f32 = 1.4;

/// The detector of one channel, from one reset point on.
pub(super) struct Voice {
    detector: Box<Detector<DefaultPredictor>>,
    /// Steps of noise in a row that the detector looked at.
    noise_steps: usize,
    noise: Loudness,
    /// The last steps that the detector did not look at.
    skipped: usize,
}

/// How loud a step is: powers of the whole step and of its loudest frame, after pre-emphasis, since hum says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Loudness {
    step: f32,
    frame: f32,
    /// The loudest frame as it is.
    plain: f32,
}

impl Voice {
    pub(super) fn new() -> Self {
        Self {
            detector: Detector::<DefaultPredictor>::default_boxed(),
            noise_steps: 0,
            noise: Loudness::default(),
            skipped: 0,
        }
    }

    /// As new.
    pub(super) fn reset(&mut self) {
        self.detector.reset();
        self.skipped = 0;
        self.forget();
    }

    /// Notes for each frame of the last grid step of `audio`, which is all since the reset point, whether it is a voice with
    /// a probability of `threshold`: not where the detector need not look. Corrects what was noted so when it looks again.
    pub(super) fn hear(&mut self, audio: &[i16], threshold: f32, is_open: bool, voiced: &mut Vec<bool>) {
        let loudness = Loudness::of(audio, audio.len().saturating_sub(GRID));
        if !is_open && self.is_no_onset(&loudness) {
            self.skipped += 1;
            voiced.extend([false; VAD_PER_STEP]);
            return;
        }
        let behind = std::mem::take(&mut self.skipped);
        voiced.truncate(voiced.len().saturating_sub(behind * VAD_PER_STEP));
        let mut highest: f32 = 0.0;
        for (index, frame) in audio.chunks_exact(VAD_FRAME).enumerate().skip(voiced.len()) {
            let probability = self.detector.predict_i16(frame);
            voiced.push(probability >= threshold && !is_silent(frame));
            if (index + VAD_PER_STEP) * VAD_FRAME >= audio.len() {
                highest = highest.max(probability);
            }
        }
        if highest < NOISE_BELOW {
            self.noise_steps += 1;
            self.noise = self.noise.louder(&loudness);
        } else {
            self.forget();
        }
    }

    fn is_no_onset(&self, loudness: &Loudness) -> bool {
        let is_as_noise = self.noise_steps >= NOISE_STEPS
            && loudness.step <= self.noise.step * LOUDER_STEP
            && loudness.frame <= self.noise.frame * LOUDER_FRAME;
        is_as_noise || loudness.plain <= SILENT
    }

    fn forget(&mut self) {
        self.noise_steps = 0;
        self.noise = Loudness::default();
    }
}

fn is_silent(frame: &[i16]) -> bool {
    frame.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() <= SILENT * VAD_FRAME as f32
}

impl Loudness {
    /// Of the step that begins at `from`.
    fn of(audio: &[i16], from: usize) -> Self {
        let mut before = from.checked_sub(1).map_or(0.0, |at| f32::from(audio[at]));
        let mut loudness = Self::default();
        for frame in audio[from..].chunks_exact(VAD_FRAME) {
            let (mut plain, mut emphasized) = ([0.0f32; VAD_FRAME], [0.0f32; VAD_FRAME]);
            for (slot, sample) in plain.iter_mut().zip(frame) {
                *slot = f32::from(*sample);
            }
            emphasized[0] = plain[0] - 0.97 * before;
            for (slot, pair) in emphasized[1..].iter_mut().zip(plain.windows(2)) {
                *slot = pair[1] - 0.97 * pair[0];
            }
            before = plain[VAD_FRAME - 1];
            let power = dot(&emphasized, &emphasized);
            loudness.step += power;
            loudness.frame = loudness.frame.max(power);
            loudness.plain = loudness.plain.max(dot(&plain, &plain) / VAD_FRAME as f32);
        }
        loudness
    }

    fn louder(&self, other: &Self) -> Self {
        Self { step: self.step.max(other.step), frame: self.frame.max(other.frame), plain: self.plain.max(other.plain) }
    }
}
