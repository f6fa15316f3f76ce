//! Where a section ends: the best pause of a window of samples. Knows nothing but these samples.

use crate::format::Format;

/// Mean square below which a channel is quiet, whatever else is heard: -60 dB of full scale.
const QUIET: u64 = 1_024;
/// How much louder than its quietest tenth a channel may be and still be quiet, as power: 6 dB.
const ABOVE_FLOOR: u64 = 4;
/// Grid steps that are a pause: 240 ms.
const PAUSE_STEPS: usize = 3;

/// The grid step within the window, at 1 at least, before which the border lies: the middle of the longest stretch in which
/// every channel is quiet; without one, where the sound is least to both sides. Of equals, the one nearest to the middle.
///
/// `window` holds whole grid steps, interleaved, two at least.
pub(super) fn best_step(window: &[i16], format: &Format) -> usize {
    let channels = usize::from(format.channels);
    let step = format.grid_samples() as usize * channels;
    let powers: Vec<Vec<u64>> = (0..channels).map(|channel| step_powers(window, step, channel, channels)).collect();
    let limits: Vec<u64> = powers.iter().map(|powers| quiet_limit(powers)).collect();
    let steps = window.len() / step;
    let is_quiet = |at: usize| powers.iter().zip(&limits).all(|(powers, limit)| powers[at] <= *limit);
    let pause = pauses(steps, is_quiet)
        .into_iter()
        .filter(|(from, to)| to - from >= PAUSE_STEPS)
        .map(|(from, to)| (to - from, from + (to - from) / 2))
        .min_by_key(|(length, middle)| (usize::MAX - length, middle.abs_diff(steps / 2)));
    if let Some((_, middle)) = pause {
        return middle;
    }
    let around = |at: &usize| powers.iter().map(|powers| powers[at - 1] + powers[*at]).sum::<u64>();
    (1..steps).min_by_key(|at| (around(at), at.abs_diff(steps / 2))).unwrap_or(1)
}

/// Mean square of each grid step.
fn step_powers(window: &[i16], step: usize, channel: usize, channels: usize) -> Vec<u64> {
    let square = |sample: &i16| u64::from(sample.unsigned_abs()).pow(2);
    let power = |samples: &[i16]| samples.iter().skip(channel).step_by(channels).map(square).sum::<u64>();
    window.chunks_exact(step).map(|samples| power(samples) / (step / channels) as u64).collect()
}

/// Up to which power a channel is quiet, by its own standard.
fn quiet_limit(powers: &[u64]) -> u64 {
    let mut sorted = powers.to_vec();
    sorted.sort_unstable();
    let floor = sorted.get(sorted.len() / 10).copied().unwrap_or(0);
    QUIET.max(floor * ABOVE_FLOOR)
}

/// The stretches of quiet steps: from and to, the end left out.
fn pauses(steps: usize, is_quiet: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for at in (0..steps).filter(|at| is_quiet(*at)) {
        match found.last_mut() {
            Some((_, to)) if *to == at => *to = at + 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Encoding;

    const STEP: usize = 1_280;

    /// Loudness of each channel, step by step: a square wave of that amplitude.
    fn check(left: &[i16], right: Option<&[i16]>, expected: usize) {
        let format =
            Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 1 + u8::from(right.is_some()) };
        let sign = |at: usize| if at.is_multiple_of(2) { 1 } else { -1 };
        let mut window = Vec::new();
        for (step, left) in left.iter().enumerate() {
            for at in 0..STEP {
                window.push(left * sign(at));
                if let Some(right) = right {
                    window.push(right[step] * sign(at));
                }
            }
        }
        assert_eq!(best_step(&window, &format), expected, "{left:?} {right:?}");
    }

    #[test]
    fn the_border_lies_in_the_longest_pause() {
        check(&[900, 0, 0, 0, 900, 0, 0, 0, 0, 0, 900, 900], None, 7);
        check(&[0; 12], None, 6);
        // Noise is quiet if it is what there is beside the speech.
        check(&[200, 9_000, 9_000, 220, 240, 210, 9_000, 9_000, 9_000, 9_000, 9_000, 200], None, 4);
        // Of two that are as long, the one nearer to the middle.
        check(&[0, 0, 0, 0, 900, 900, 900, 0, 0, 0, 0, 900], None, 9);
    }

    #[test]
    fn every_channel_has_to_be_quiet() {
        let left = [900, 0, 0, 0, 0, 0, 0, 0, 0, 900, 900, 900];
        let right = [900, 900, 900, 900, 0, 0, 0, 900, 900, 900, 900, 900];
        check(&left, Some(&right), 5);
    }

    #[test]
    fn without_a_pause_the_quietest_place_is_taken() {
        check(&[100, 8_000, 7_000, 300, 290, 8_000, 9_000, 8_000, 9_000, 9_000, 9_000, 8_000], None, 4);
        check(&[8_000; 12], None, 6);
    }
}
