//! How an utterance is known again by its sound: how loud it is in each 20 ms. That outlasts codecs and other cuts of a few
//! ten milliseconds at its ends, but not a part that is missing, doubled or of somebody else.

/// Length of a level.
const LEVEL_MS: u32 = 20;
/// Levels by which two takes of the same utterance may be shifted against each other.
const SHIFTS: i32 = 5;
/// Levels by which their lengths may differ.
const LENGTHS: usize = 2 * SHIFTS as usize;
/// Mean difference up to which two are the same, in powers of two of the amplitude.
const ALIKE: f32 = 0.8;
/// Amplitude below which one quiet is like another.
const QUIET: f32 = 64.0;

/// The sound of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Print(Vec<f32>);

impl Print {
    /// Of these samples.
    pub(super) fn of(pcm: &[i16], sample_rate: u32) -> Self {
        let level = |samples: &[i16]| {
            let sum: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs())).sum();
            (sum as f32 / samples.len() as f32).max(QUIET).log2()
        };
        Self(pcm.chunks((sample_rate * LEVEL_MS / 1_000).max(1) as usize).map(level).collect())
    }

    /// Which of these it is, if it is one of them.
    pub(super) fn nearest<'a>(&self, known: impl Iterator<Item = &'a Self>) -> Option<usize> {
        let alike = known.enumerate().map(|(at, other)| (at, self.difference(other)));
        let (at, difference) = alike.min_by(|(_, left), (_, right)| left.total_cmp(right))?;
        (difference <= ALIKE).then_some(at)
    }

    /// Mean difference of the levels where both lie best upon each other.
    fn difference(&self, other: &Self) -> f32 {
        if self.0.len().abs_diff(other.0.len()) > LENGTHS {
            return f32::INFINITY;
        }
        (-SHIFTS..=SHIFTS).map(|shift| self.shifted(other, shift)).fold(f32::INFINITY, f32::min)
    }

    fn shifted(&self, other: &Self, shift: i32) -> f32 {
        let skip = |wanted: bool| if wanted { shift.unsigned_abs() as usize } else { 0 };
        let pairs = self.0.iter().skip(skip(shift > 0)).zip(other.0.iter().skip(skip(shift < 0)));
        let (sum, count) = pairs.fold((0.0, 0), |(sum, count), (left, right)| (sum + (left - right).abs(), count + 1));
        if count == 0 { f32::INFINITY } else { sum / count as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syllables of 150 ms, as loud as the bits of a number say.
    fn speech(number: u64, rate: usize) -> Vec<i16> {
        let syllable = |bit: u64| if (number >> bit) & 1 == 1 { 9_000.0 } else { 700.0 };
        let samples = (0..2_400 * rate / 1_000).map(|at| {
            let loud = syllable((at * 1_000 / rate / 150) as u64);
            (loud * (at as f64 * 700.0 / rate as f64).sin()) as i16
        });
        samples.collect()
    }

    #[test]
    fn the_same_is_known_in_other_cuts_and_codings_and_nothing_else() {
        let known: Vec<Print> =
            [0xa5a5, 0x5a71, 0x1234].map(|number| Print::of(&speech(number, 16_000), 16_000)).into();
        let check = |pcm: &[i16], rate: u32, expected: Option<usize>| {
            assert_eq!(Print::of(pcm, rate).nearest(known.iter()), expected);
        };
        let second = speech(0x5a71, 16_000);
        check(&second, 16_000, Some(1));
        check(&second[16 * 64..], 16_000, Some(1));
        check(&[vec![3; 16 * 90], second.clone()].concat(), 16_000, Some(1));
        check(&speech(0x5a71, 8_000), 8_000, Some(1));
        // As a coarse coding leaves it, and half as loud in places.
        check(&second.iter().map(|sample| sample / 512 * 512).collect::<Vec<_>>(), 16_000, Some(1));
        check(&second[16 * 600..], 16_000, None);
        check(&[second.clone(), second.clone()].concat(), 16_000, None);
        let hole: Vec<i16> =
            second.iter().enumerate().map(|(at, it)| if (8_000..28_000).contains(&at) { 0 } else { *it }).collect();
        check(&hole, 16_000, None);
        check(&speech(0xffff, 16_000), 16_000, None);
        check(&[], 16_000, None);
    }
}
