//! Any rate to 16 or 8 kHz, for audio of any length: counts samples exactly and takes the resampler's delay out, so that
//! media time stays what it was. One channel; makes no blocks and knows no files.

use crate::{
    RATE,
    format::{Encoding, Format},
    resample::{GRID, Resampler},
};

use super::error::DecodeError;

/// Brings one channel to another rate, in a streaming way.
///
/// What comes out depends on the samples since one [`unit`](Self::unit) before: a part of a recording that starts at a
/// multiple of it, and is fed one unit more than is wanted of it, gives the samples that the whole recording gives.
pub struct Converter {
    resampler: Resampler,
    source_rate: u32,
    target_rate: u32,
    unit: usize,
    /// Samples that make no whole unit yet.
    pending: Vec<i16>,
    /// Samples of the resampler's delay that are still to be dropped.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Converter {
    /// From `source_rate` (4,000 to 192,000 Hz, a multiple of 25) to `target_rate` (16,000 or 8,000 Hz).
    pub fn new(source_rate: u32, target_rate: u32) -> Result<Self, DecodeError> {
        if !(4_000..=192_000).contains(&source_rate) || !source_rate.is_multiple_of(25) {
            return Err(DecodeError::SampleRate(source_rate));
        }
        if !matches!(target_rate, 16_000 | 8_000) {
            return Err(DecodeError::SampleRate(target_rate));
        }
        // To the resampler, 8 kHz is 16 kHz of audio that is played at twice its speed.
        let sample_rate = source_rate * (RATE / target_rate);
        let format = Format { encoding: Encoding::PcmS16le, sample_rate, channels: 1 };
        Ok(Self {
            resampler: Resampler::new(&format),
            source_rate,
            target_rate,
            unit: format.grid_samples() as usize,
            pending: Vec::new(),
            delay: delay(&format),
            taken: 0,
            given: 0,
        })
    }

    /// Source samples that are converted at a time: 80 ms, or 160 ms to 8 kHz.
    pub fn unit(&self) -> usize {
        self.unit
    }

    /// Takes samples in, and appends those that are ready to `out`.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        let whole = self.pending.len() - self.pending.len() % self.unit;
        let rest = self.pending.split_off(whole);
        let ready = std::mem::replace(&mut self.pending, rest);
        for unit in ready.chunks_exact(self.unit) {
            self.convert(unit, out);
        }
    }

    /// Appends what is left. All in all, `samples in · target rate / source rate` came out, rounded up.
    pub fn finish(mut self, out: &mut Vec<i16>) {
        let total = (self.taken * u64::from(self.target_rate)).div_ceil(u64::from(self.source_rate));
        let mut last = std::mem::take(&mut self.pending);
        while self.given < total {
            last.resize(self.unit, 0);
            let before = out.len();
            self.convert(&last, out);
            let beyond = usize::try_from(self.given.saturating_sub(total)).unwrap_or(0);
            out.truncate(out.len() - beyond.min(out.len() - before));
            last.clear();
        }
    }

    fn convert(&mut self, unit: &[i16], out: &mut Vec<i16>) {
        let before = out.len();
        self.resampler.step(unit.iter().copied(), out);
        let dropped = self.delay.min(out.len() - before);
        out.drain(before..before + dropped);
        self.delay -= dropped;
        self.given += (out.len() - before) as u64;
    }
}

/// Appends channels of one length, interleaved, the first samples left out.
pub(crate) fn interleave(channels: &[Vec<i16>], skip: usize, out: &mut Vec<i16>) {
    match channels {
        [left, right] => {
            out.reserve(2 * (left.len() - skip));
            out.extend(left[skip..].iter().zip(&right[skip..]).flat_map(|(left, right)| [*left, *right]));
        }
        channels => channels.iter().for_each(|channel| out.extend_from_slice(&channel[skip..])),
    }
}

/// The resampler's delay, in samples out: half of one of its blocks, of which a unit has four, two or one. For 11,025 and
/// 22,050 Hz it is no whole number: up to half a sample of it stays.
fn delay(format: &Format) -> usize {
    if format.sample_rate == RATE {
        return 0;
    }
    let mut divisor = (format.sample_rate, RATE);
    while divisor.1 != 0 {
        divisor = (divisor.1, divisor.0 % divisor.1);
    }
    let smallest = u64::from(format.sample_rate / divisor.0);
    let fits = |blocks: &u64| {
        format.grid_samples().is_multiple_of(*blocks) && (format.grid_samples() / blocks).is_multiple_of(smallest)
    };
    let blocks = [4, 2].into_iter().find(fits).unwrap_or(1);
    let (block_in, block_out) = (format.grid_samples() / blocks, GRID as u64 / blocks);
    // Half of an odd block is cut to whole samples, on the source's side.
    ((block_in / 2 * block_out + block_in / 2) / block_in) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [u32; 13] =
        [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 192_000];

    /// A sweep from 100 to 1,500 Hz, so that a shift in time is seen.
    fn sweep(rate: u32, samples: usize) -> Vec<i16> {
        let at = |index: usize| {
            let time = index as f64 / f64::from(rate);
            10_000.0 * (std::f64::consts::TAU * (100.0 * time + 700.0 * time * time)).sin()
        };
        (0..samples).map(|index| at(index).round() as i16).collect()
    }

    fn convert(samples: &[i16], source: u32, target: u32, pieces: usize) -> Vec<i16> {
        let mut converter = Converter::new(source, target).unwrap();
        let mut out = Vec::new();
        for piece in samples.chunks(pieces) {
            converter.push(piece, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    #[test]
    fn time_stays_what_it_was_and_no_sample_is_lost() {
        for source in RATES {
            for target in [16_000, 8_000] {
                let samples = source as usize + 7;
                let out = convert(&sweep(source, samples), source, target, 777);
                let expected = (samples as u64 * u64::from(target)).div_ceil(u64::from(source)) as usize;
                assert_eq!(out.len(), expected, "{source} to {target}");
                let ideal = sweep(target, expected);
                let edge = target as usize / 20;
                let worst = (edge..expected - edge).map(|i| (i32::from(out[i]) - i32::from(ideal[i])).abs()).max();
                // Blocks of an odd number of samples have a delay of half a sample, which can't be taken out.
                let odd = if source % 11_025 == 0 && source < 44_100 { 0.5 } else { 0.0 };
                let steepest = 10_000.0 * std::f64::consts::TAU * 1_500.0 / f64::from(target);
                let allowed = 60 + (odd * steepest) as i32;
                assert!(worst < Some(allowed), "{source} to {target}: {worst:?}, not {allowed}");
            }
        }
    }

    #[test]
    fn the_pieces_that_come_in_make_no_difference() {
        let samples = sweep(44_100, 30_000);
        assert_eq!(convert(&samples, 44_100, 16_000, 1), convert(&samples, 44_100, 16_000, 30_000));
        assert!(convert(&[], 44_100, 16_000, 1).is_empty());
        assert_eq!(convert(&[5], 16_000, 16_000, 1), vec![5]);
    }

    #[test]
    fn a_part_is_as_it_is_in_the_whole() {
        for (source, target) in [(44_100, 16_000), (48_000, 8_000), (11_025, 16_000), (8_000, 16_000)] {
            let unit = Converter::new(source, target).unwrap().unit();
            let samples = sweep(source, unit * 9);
            let whole = convert(&samples, source, target, 999);
            let part = convert(&samples[unit * 3..], source, target, 999);
            let unit_out = whole.len() / 9;
            assert_eq!(part[unit_out..], whole[unit_out * 4..], "{source} to {target}");
        }
    }

    #[test]
    fn rates_that_are_none_are_refused() {
        for (source, target) in [(0, 16_000), (3_999, 16_000), (44_101, 8_000), (200_000, 8_000), (8_000, 44_100)] {
            assert!(Converter::new(source, target).is_err(), "{source} to {target}");
        }
    }
}
