//! Whether a stretch of sound has a pitch, as every spoken vowel has and noise has not.

use super::lanes::dot;

/// Autocorrelation at the pitch period from which a frame counts as pitched. Noise of any colour stays below 0.3,
/// three quarters of the frames of speech lie above 0.6.
const PITCHED_AT: f32 = 0.5;
/// Pitch periods that are looked at, in samples at 16 kHz: 400 down to 60 Hz.
const PITCH_PERIODS: std::ops::RangeInclusive<usize> = 40..=266;
/// Samples that a period is compared over.
const PITCH_WINDOW: usize = 512;
/// Samples that are looked at.
const STRETCH: usize = PITCH_WINDOW + *PITCH_PERIODS.end();

/// Whether the normalized autocorrelation is high at any pitch period, after pre-emphasis, which whitens rumble and hum.
/// False where the audio ends before all of it can be looked at.
pub(super) fn is_pitched(audio: &[i16], from: usize) -> bool {
    let Some(stretch) = audio.get(from..from + STRETCH) else { return false };
    let mut emphasized = [0.0f32; STRETCH];
    for (slot, pair) in emphasized[1..].iter_mut().zip(stretch.windows(2)) {
        *slot = f32::from(pair[1]) - 0.9 * f32::from(pair[0]);
    }
    let base = &emphasized[..PITCH_WINDOW];
    let base_power = dot(base, base);
    // Powers of all shifted windows, from one running sum.
    let mut running = [0.0f64; STRETCH + 1];
    for (at, sample) in emphasized.iter().enumerate() {
        running[at + 1] = running[at] + f64::from(*sample).powi(2);
    }
    PITCH_PERIODS.into_iter().any(|period| {
        let shifted_power = (running[period + PITCH_WINDOW] - running[period]) as f32;
        let product = dot(base, &emphasized[period..period + PITCH_WINDOW]);
        product / (base_power * shifted_power).sqrt().max(1.0) >= PITCHED_AT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sample: impl Fn(usize) -> f64, expected: bool) {
        let audio: Vec<i16> = (0..STRETCH).map(|at| sample(at) as i16).collect();
        assert_eq!(is_pitched(&audio, 0), expected);
    }

    #[test]
    fn pulses_have_a_pitch_and_noise_has_none() {
        let noise = |at: usize| (at as u32 ^ 0x5a5a).wrapping_mul(2_654_435_761).rotate_left(at as u32) as i16;
        for period in [40, 100, 266] {
            check(|at| if at % period < 3 { 9_000.0 } else { f64::from(noise(at) >> 8) }, true);
        }
        check(|at| f64::from(noise(at)), false);
        check(|_| 0.0, false);
        assert!(!is_pitched(&[9; STRETCH], 1));
    }
}
