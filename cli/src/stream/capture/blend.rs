//! Two devices as one stream: what came of each at the same time stands side by side. Time is handed in; knows no device.

use std::{collections::VecDeque, time::Duration};

/// How late a device may be before silence stands in its place.
const PATIENCE: Duration = Duration::from_millis(500);
/// After so long without a sample a device is gone.
const GONE: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Blend {
    sample_rate: u32,
    sides: Vec<Side>,
    /// When the first sample came, as the time at which it was spoken.
    began: Option<Duration>,
    /// Samples a side that were given out.
    given: u64,
}

#[derive(Default)]
struct Side {
    samples: VecDeque<i16>,
    /// Samples that silence stands for; they are dropped if they come all the same.
    owed: usize,
    heard: Duration,
    gone: bool,
}

/// Whether a device is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It brings no samples any more.
    Gone(usize),
    /// It does again.
    Back(usize),
}

impl Blend {
    /// Of so many devices.
    pub(crate) fn new(sample_rate: u32, sides: usize) -> Self {
        let sides = (0..sides).map(|_| Side::default()).collect();
        Self { sample_rate, sides, began: None, given: 0 }
    }

    /// Takes what a device brought; says whether it was gone.
    pub(crate) fn push(&mut self, side: usize, samples: &[i16], now: Duration) -> Option<Presence> {
        let length = Duration::from_secs_f64(samples.len() as f64 / f64::from(self.sample_rate));
        if self.began.is_none() {
            self.began = Some(now.saturating_sub(length));
            self.sides.iter_mut().for_each(|side| side.heard = now);
        }
        let state = self.sides.get_mut(side)?;
        let was_gone = std::mem::take(&mut state.gone);
        if was_gone {
            state.owed = 0;
        }
        state.heard = now;
        let dropped = state.owed.min(samples.len());
        state.owed -= dropped;
        state.samples.extend(&samples[dropped..]);
        was_gone.then_some(Presence::Back(side))
    }

    /// What is there of all sides, interleaved, and which of them are gone since the last time.
    pub(crate) fn pull(&mut self, now: Duration) -> (Vec<i16>, Vec<Presence>) {
        let Some(began) = self.began else { return (Vec::new(), Vec::new()) };
        let mut gone = Vec::new();
        let due = now.saturating_sub(began).saturating_sub(PATIENCE).as_secs_f64() * f64::from(self.sample_rate);
        let missing = (due as u64).saturating_sub(self.given) as usize;
        for (at, side) in self.sides.iter_mut().enumerate() {
            if !side.gone && now.saturating_sub(side.heard) >= GONE {
                side.gone = true;
                gone.push(Presence::Gone(at));
            }
            let silence = missing.saturating_sub(side.samples.len());
            side.owed += silence;
            side.samples.extend(std::iter::repeat_n(0, silence));
        }
        (self.take(), gone)
    }

    /// What is left, filled up with silence to the longest side: nothing will come any more.
    pub(crate) fn finish(&mut self) -> Vec<i16> {
        let longest = self.sides.iter().map(|side| side.samples.len()).max().unwrap_or(0);
        self.sides.iter_mut().for_each(|side| side.samples.resize(longest, 0));
        self.take()
    }

    fn take(&mut self) -> Vec<i16> {
        let count = self.sides.iter().map(|side| side.samples.len()).min().unwrap_or(0);
        self.given += count as u64;
        let mut rows: Vec<_> = self.sides.iter_mut().map(|side| side.samples.drain(..count)).collect();
        (0..count).flat_map(|_| rows.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 1_000;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Pushes (side, value, how many, when) and pulls each time; what comes out side by side.
    fn blended(pushes: &[(usize, i16, usize, u64)]) -> (Vec<[i16; 2]>, Vec<Presence>) {
        let mut blend = Blend::new(RATE, 2);
        let (mut out, mut told) = (Vec::new(), Vec::new());
        for (side, value, count, at_ms) in pushes {
            told.extend(blend.push(*side, &vec![*value; *count], ms(*at_ms)));
            let (samples, gone) = blend.pull(ms(*at_ms));
            out.extend(samples);
            told.extend(gone);
        }
        out.extend(blend.finish());
        (out.as_chunks::<2>().0.to_vec(), told)
    }

    #[test]
    fn sides_stand_beside_each_other() {
        let (out, told) = blended(&[(0, 1, 20, 20), (1, 2, 20, 25), (1, 2, 20, 45), (0, 1, 20, 60)]);
        assert_eq!((out, told), (vec![[1, 2]; 40], vec![]));
        let (out, _) = blended(&[(0, 1, 20, 20), (1, 2, 5, 25)]);
        assert_eq!(out, [vec![[1, 2]; 5], vec![[1, 0]; 15]].concat());
    }

    #[test]
    fn what_comes_too_late_was_silence_and_shifts_nothing() {
        // The second side stops for 900 ms and brings then what it had.
        let steady = (1..=20).map(|at| (0, 1, 100, at * 100));
        let mut pushes: Vec<_> = steady.collect();
        pushes.insert(1, (1, 2, 100, 100));
        pushes.insert(11, (1, 3, 900, 1_000));
        pushes.push((1, 4, 1_000, 2_000));
        let (out, told) = blended(&pushes);
        let second: Vec<i16> = out.iter().map(|pair| pair[1]).collect();
        assert_eq!((out.len(), told), (2_000, vec![]));
        assert_eq!(second[..100], [2; 100]);
        assert!(second[100..400].iter().all(|sample| *sample == 0), "it was waited for no longer");
        assert_eq!((second[499], second[500], second[999], second[1_499], second[1_500]), (0, 3, 3, 0, 4));
    }

    #[test]
    fn a_device_that_is_gone_is_told_once_and_is_silent() {
        let mut pushes: Vec<(usize, i16, usize, u64)> = vec![(1, 2, 100, 100)];
        pushes.extend((1..=50).map(|at| (0, 1, 100, at * 100)));
        pushes.push((1, 3, 100, 5_000));
        pushes.push((0, 1, 100, 5_100));
        let (out, told) = blended(&pushes);
        assert_eq!(told, [Presence::Gone(1), Presence::Back(1)]);
        assert_eq!(out.len(), 5_100);
        let second: Vec<i16> = out.iter().map(|pair| pair[1]).collect();
        assert!(second[100..4_400].iter().all(|sample| *sample == 0));
        assert_eq!(second.iter().filter(|sample| **sample == 3).count(), 100);
    }
}
