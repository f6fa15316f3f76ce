//! Any rate to 16 kHz, one grid step at a time.
//!
//! A resampler is started anew at every reset point, so its output depends on nothing before it. Its delay (half a
//! block: 10 ms, 20 ms for 11,025 Hz) shifts the audio, not the grid: it is small beside the margin around an utterance.

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use crate::{RATE, format::Format};

/// Samples of one grid step at 16 kHz.
pub const GRID: usize = (RATE * Format::GRID_MS / 1_000) as usize;

/// Turns grid steps of the source rate into grid steps of 16 kHz.
pub struct Resampler {
    /// None when the source is 16 kHz already.
    engine: Option<Fft<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Resampler {
    /// A fresh resampler.
    ///
    /// # Panics
    /// Never for a rate that [`Format::validate`] accepts: 80 ms of it are a whole number of samples.
    pub fn new(format: &Format) -> Self {
        let source = format.grid_samples() as usize;
        let pieces = pieces(format);
        let engine = (format.sample_rate != RATE).then(|| {
            Fft::new_custom(
                format.sample_rate as usize,
                RATE as usize,
                source / pieces,
                1,
                1,
                rubato::WindowFunction::BlackmanHarris2,
                FixedSync::Both,
            )
            .expect("a validated rate can be resampled")
        });
        Self { engine, input: vec![0.0; source / pieces], output: vec![0.0; GRID / pieces] }
    }

    /// As new.
    pub fn reset(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.reset();
        }
    }

    /// One grid step of source samples in, [`GRID`] samples out, appended to `out`.
    pub fn step(&mut self, source: impl ExactSizeIterator<Item = i16>, out: &mut Vec<i16>) {
        let Some(engine) = &mut self.engine else {
            out.extend(source);
            return;
        };
        let mut source = source;
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        for _ in 0..GRID / frames_out {
            for (slot, sample) in self.input.iter_mut().zip(&mut source) {
                *slot = f32::from(sample) / 32_768.0;
            }
            let (Ok(input), Ok(mut output)) = (
                SequentialSlice::new(&self.input, 1, frames_in),
                SequentialSlice::new_mut(&mut self.output, 1, frames_out),
            ) else {
                return;
            };
            if engine.process_into_buffer(&input, &mut output, None).is_err() {
                self.output.fill(0.0);
            }
            out.extend(self.output.iter().map(|sample| (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16));
        }
    }
}

/// One grid step of source samples in, [`GRID`] samples out, appended to `out`: each is held until the next one comes.
///
/// For the voice detector alone. What that adds above half the rate, images of what is below, is what it misses where there
/// is nothing: of 8 kHz it takes noise for a voice with a probability of 0.21 to 0.44 then, and where samples are held with
/// 0.11 to 0.24, as of 16 kHz (1st and 99th percentile, three calls).
pub(crate) fn hold(source: impl ExactSizeIterator<Item = i16>, out: &mut Vec<i16>) {
    let count = source.len().max(1);
    let until = |at: usize| at * GRID / count;
    for (at, sample) in source.enumerate() {
        out.extend(std::iter::repeat_n(sample, until(at + 1) - until(at)));
    }
}

/// Blocks in a grid step: four of 20 ms, where both rates have whole samples in them.
fn pieces(format: &Format) -> usize {
    let whole = |pieces: &usize| {
        let (source, rate) = (format.grid_samples() as usize, format.sample_rate as usize);
        let ratio = gcd(rate, RATE as usize);
        source.is_multiple_of(*pieces) && (source / pieces).is_multiple_of(rate / ratio)
    };
    [4, 2, 1].into_iter().find(whole).unwrap_or(1)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Encoding;

    #[test]
    fn held_samples_fill_the_grid() {
        for count in [640, 882, 960, 1_280] {
            let mut held = Vec::new();
            hold((0..count).map(|at| at as i16), &mut held);
            assert_eq!(held.len(), GRID, "{count}");
            let mut places = held.clone();
            places.dedup();
            assert_eq!(places, (0..count as i16).collect::<Vec<_>>());
        }
    }

    /// A 440 Hz tone in at any rate is a 440 Hz tone of the same loudness out.
    #[test]
    fn every_rate_becomes_16_khz() {
        for sample_rate in [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
            let format = Format { encoding: Encoding::PcmS16le, sample_rate, channels: 1 };
            let mut resampler = Resampler::new(&format);
            let step = format.grid_samples() as usize;
            let tone: Vec<i16> = (0..step * 20)
                .map(|i| (10_000.0 * (i as f64 * 440.0 * std::f64::consts::TAU / f64::from(sample_rate)).sin()) as i16)
                .collect();
            let mut out = Vec::new();
            for piece in tone.chunks_exact(step) {
                resampler.step(piece.iter().copied(), &mut out);
            }
            assert_eq!(out.len(), GRID * 20, "{sample_rate}");
            let steady = &out[GRID * 2..GRID * 18];
            let crossings = steady.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
            let seconds = steady.len() as f64 / f64::from(RATE);
            assert!((crossings as f64 / seconds - 440.0).abs() < 3.0, "{sample_rate}: {crossings} in {seconds} s");
            let power = steady.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / steady.len() as f64;
            assert!((power.sqrt() / 7_071.0 - 1.0).abs() < 0.02, "{sample_rate}: {}", power.sqrt());
        }
    }
}
