//! Echo: what one side says, heard once more on the other side's channel, through a loudspeaker and a microphone.
//!
//! An utterance is compared with what the other channel had at the same time. Where a part of it is a delayed and quieter
//! image of that, which shows in the samples and not in their loudness alone, it is silenced for as long as nothing
//! louder than the image is heard in it; an utterance of which nothing is left is none. What speaks over the other side stays.
//! Depends on the two stretches of samples alone.

use crate::endpoint::{Spoken, lanes::dot};

/// Samples a second that are compared: what is below 1 kHz is where a voice has its pitch.
const RATE: usize = 2_000;
/// Samples of a step, on which it is decided what is silenced: 80 ms.
const STEP: usize = RATE * 80 / 1_000;
/// Steps that are compared at once: 320 ms.
const WINDOW_STEPS: usize = 4;
const WINDOW: usize = WINDOW_STEPS * STEP;
/// Most windows that are looked at for the delay.
const WINDOWS: usize = 12;
/// How much later the image may be, and, where the channels were not recorded at the same time, how much earlier.
const LATEST: usize = RATE * 400 / 1_000;
/// See [`LATEST`].
const EARLIEST: usize = RATE * 100 / 1_000;
/// How far the delay of a window may be off, in samples: 1.5 ms.
const DRIFT: usize = 3;
/// Pre-emphasis of what is compared, so that it is not the pitch alone.
const EMPHASIS: f32 = 0.9;
/// Mean square below which the other channel says nothing that is heard elsewhere: speech of -55 dB of full scale.
const AUDIBLE: f32 = 680.0;
/// How much quieter an image is at least, as power: 6 dB.
const QUIETER: f32 = 4.0;
/// Correlation at one delay from which windows are an image, and how many have to be: those of a reverberant room have 0.4
/// to 0.75, a mere echo has 0.7 to 1. Of two voices, one window at most had as much, in 432 mixtures of turns.
const ALIKE: (f32, usize) = (0.5, 3);
/// The same of short ones.
const VERY_ALIKE: (f32, usize) = (0.85, 2);
/// How much louder than the image a step is in which something else is heard, as power: 6 dB.
const LOUDER: f32 = 4.0;
/// Steps around such a one that stay with it: a word's soft edges.
const EDGE_STEPS: usize = 2;
/// Steps in which something else is heard that make an utterance: 240 ms.
const SHORTEST_STEPS: usize = 3;

/// What the other channel had.
pub(crate) struct Other<'a> {
    /// Media time of its first sample, in milliseconds.
    pub(crate) start_ms: u64,
    /// In Hz.
    pub(crate) sample_rate: u32,
    pub(crate) pcm: &'a [i16],
}

/// The utterance without what is an image of the other channel. None if nothing is left.
pub(crate) fn without_echo(spoken: Spoken, other: &Other<'_>) -> Option<Spoken> {
    let own = lowered(&spoken.pcm, spoken.sample_rate);
    // As if it began as early as an image of its first sample could come from, and ended as late.
    let lead_ms = spoken.audio_start_ms as i64 - other.start_ms as i64;
    let lowered = lowered(other.pcm, other.sample_rate);
    let from = lead_ms * RATE as i64 / 1_000 - LATEST as i64;
    let at = |index: i64| usize::try_from(index).ok().and_then(|index| lowered.get(index)).copied().unwrap_or(0.0);
    let source: Vec<f32> = (0..own.len() + LATEST + EARLIEST).map(|index| at(from + index as i64)).collect();
    let Some(image) = Image::find(&own, &source) else { return Some(spoken) };
    cut(spoken, &image.others(&own, &source))
}

/// How the image comes about.
struct Image {
    /// Where in the source the image of a place is, behind that place.
    offset: usize,
    /// Power of the image by that of its source.
    gain: f32,
}

impl Image {
    fn find(own: &[f32], source: &[f32]) -> Option<Self> {
        let eligible: Vec<usize> = (0..(own.len() / STEP).saturating_sub(WINDOW_STEPS - 1))
            .map(|step| step * STEP)
            .filter(|at| {
                let power = power(&own[*at..at + WINDOW]);
                let loudest = source[*at..at + WINDOW + LATEST + EARLIEST].chunks_exact(STEP).map(self::power);
                let loudest = loudest.fold(0.0, f32::max);
                power > 1.0 && loudest >= AUDIBLE && loudest >= power * QUIETER
            })
            .collect();
        let apart = eligible.len().div_ceil(WINDOWS).max(2);
        let windows: Vec<usize> = eligible.into_iter().step_by(apart).collect();
        let rows: Vec<Vec<Likeness>> =
            windows.iter().map(|at| likeness(&own[*at..at + WINDOW], &source[*at..])).collect();
        let score = |offset: usize| rows.iter().map(|row| row[offset].correlation.max(0.0).powi(2)).sum::<f32>();
        let offset = (0..LATEST + EARLIEST).max_by(|a, b| score(*a).total_cmp(&score(*b)))?;
        let near = |row: &Vec<Likeness>| {
            let near = &row[offset.saturating_sub(DRIFT)..(offset + DRIFT + 1).min(row.len())];
            near.iter().copied().max_by(|a, b| a.correlation.total_cmp(&b.correlation))
        };
        let near: Vec<Likeness> = rows.iter().filter_map(near).filter(|near| near.gain * QUIETER <= 1.0).collect();
        let alike = |(limit, count): (f32, usize)| {
            let gains: Vec<f32> = near.iter().filter(|near| near.correlation >= limit).map(|near| near.gain).collect();
            (gains.len() >= count).then(|| gains.into_iter().fold(0.0, f32::max))
        };
        let gain = alike(ALIKE).or_else(|| alike(VERY_ALIKE))?;
        Some(Self { offset, gain })
    }

    /// Steps in which something is heard that is no image.
    fn others(&self, own: &[f32], source: &[f32]) -> Vec<bool> {
        let quietest = own.chunks_exact(STEP).map(power).fold(f32::MAX, f32::min);
        let is_other = |(step, samples): (usize, &[f32])| {
            let at = step * STEP + self.offset;
            // The image of a step lies in it and, with its reverberation, in the one behind it.
            let loudest = source[at.saturating_sub(STEP)..(at + STEP).min(source.len())].chunks(STEP / 2).map(power);
            let image = loudest.fold(0.0, f32::max) * self.gain;
            power(samples) > LOUDER * image.max(quietest)
        };
        own.chunks(STEP).enumerate().map(is_other).collect()
    }
}

/// How alike two windows are.
#[derive(Clone, Copy)]
struct Likeness {
    /// Normalized correlation.
    correlation: f32,
    /// Power of the one by that of the other, as far as they are alike.
    gain: f32,
}

/// A window against the source at each offset.
fn likeness(window: &[f32], source: &[f32]) -> Vec<Likeness> {
    let own = dot(window, window);
    // Powers of all shifted windows, from one running sum.
    let mut running = vec![0.0f64];
    for sample in &source[..WINDOW + LATEST + EARLIEST] {
        running.push(running[running.len() - 1] + f64::from(*sample).powi(2));
    }
    let at = |offset: usize| {
        let shifted = (running[offset + WINDOW] - running[offset]) as f32;
        if shifted < AUDIBLE * WINDOW as f32 {
            return Likeness { correlation: 0.0, gain: 0.0 };
        }
        let product = dot(window, &source[offset..offset + WINDOW]);
        Likeness { correlation: product.abs() / (own * shifted).sqrt().max(1.0), gain: (product / shifted).powi(2) }
    };
    (0..LATEST + EARLIEST).map(at).collect()
}

/// Silences all but the steps in which something else is heard, and leaves out what is silent then at both ends.
fn cut(spoken: Spoken, others: &[bool]) -> Option<Spoken> {
    if others.iter().filter(|other| **other).count() < SHORTEST_STEPS {
        return None;
    }
    let stays =
        |step: usize| others[step.saturating_sub(EDGE_STEPS)..others.len().min(step + EDGE_STEPS + 1)].contains(&true);
    let first = (0..others.len()).find(|step| stays(*step))?;
    let last = (0..others.len()).rfind(|step| stays(*step))?;
    let step = spoken.sample_rate as usize * 80 / 1_000;
    let pieces = spoken.pcm.chunks(step).enumerate().take(last + 1).skip(first);
    let pcm = pieces.flat_map(|(at, piece)| if stays(at) { piece.to_vec() } else { vec![0; piece.len()] }).collect();
    let media_ms = |step: usize| spoken.audio_start_ms + 80 * step as u64;
    Some(Spoken {
        start_ms: spoken.start_ms.max(media_ms(first)),
        end_ms: spoken.end_ms.min(media_ms(last + 1)),
        audio_start_ms: media_ms(first),
        pcm,
        ..spoken
    })
}

fn power(samples: &[f32]) -> f32 {
    dot(samples, samples) / samples.len().max(1) as f32
}

/// At [`RATE`]: means over stretches, each of which reaches into the next, so that little of what is above it is left; and
/// emphasized.
fn lowered(pcm: &[i16], sample_rate: u32) -> Vec<f32> {
    let border = |index: usize| index * sample_rate as usize / RATE;
    let count = pcm.len() * RATE / sample_rate as usize;
    let mean = |index: usize| {
        let stretch = &pcm[border(index)..border(index + 1).min(pcm.len())];
        stretch.iter().map(|sample| f32::from(*sample)).sum::<f32>() / stretch.len().max(1) as f32
    };
    let means: Vec<f32> = (0..count).map(mean).collect();
    let smooth: Vec<f32> = (0..count).map(|at| f32::midpoint(means[at], means[(at + 1).min(count - 1)])).collect();
    (0..count).map(|at| smooth[at] - EMPHASIS * smooth[at.saturating_sub(1)]).collect()
}
