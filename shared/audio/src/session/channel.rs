//! What a session knows of one channel: its samples since the reset point, and the endpointer that listens to them. Starts
//! both anew where the endpointer says so. Keeps no frames; those of the session are handed in.

use std::collections::VecDeque;

use super::Stretch;
use crate::{
    channel::ChannelDecoder,
    endpoint::{Decision, Endpointer, Spoken},
    format::Format,
};

/// See the module.
pub(super) struct ChannelState {
    pub(super) endpointer: Endpointer,
    decoder: ChannelDecoder,
    /// Source samples since the reset point, as far as they make no whole grid step or may be fed again.
    source: Vec<i16>,
    /// Grid steps of `source` that the endpointer has taken.
    taken: usize,
}

/// A channel starts anew.
pub(super) enum Restarted {
    /// An utterance is complete.
    Close(Spoken),
    /// Nothing was said.
    Quiet,
}

/// Appends what a fresh decoder makes of what is behind a grid step.
pub(super) fn decode_from(
    decoder: &mut ChannelDecoder,
    format: &Format,
    step: u64,
    kept: &VecDeque<Stretch>,
    kept_from: u64,
    out: &mut Vec<i16>,
) {
    let mut from = kept_from;
    for stretch in kept {
        decode_behind(decoder, format, step, stretch, from, out);
        from += stretch.samples;
    }
}

/// Appends the samples of a stretch that begins at source sample `from`, as far as they lie behind a grid step.
fn decode_behind(
    decoder: &mut ChannelDecoder,
    format: &Format,
    step: u64,
    stretch: &Stretch,
    from: u64,
    out: &mut Vec<i16>,
) {
    let at = step * format.grid_samples();
    let run_up = at.saturating_sub(ChannelDecoder::run_up(format));
    let passed = at.saturating_sub(from).min(stretch.samples);
    decoder.decode(stretch, run_up.saturating_sub(from), passed, out);
}

/// Channels that begin at these grid steps.
pub(super) fn channels(format: &Format, restarts: &[u64]) -> Vec<ChannelState> {
    let new = |(channel, step): (usize, &u64)| ChannelState {
        endpointer: Endpointer::new(format, *step),
        decoder: ChannelDecoder::new(format, channel as u8),
        source: Vec::new(),
        taken: 0,
    };
    restarts.iter().enumerate().map(new).collect()
}

impl ChannelState {
    /// Appends the samples of a stretch that begins at source sample `from`, as far as they lie behind the reset point.
    pub(super) fn take(&mut self, format: &Format, stretch: &Stretch, from: u64) {
        let step = self.endpointer.start_step();
        decode_behind(&mut self.decoder, format, step, stretch, from, &mut self.source);
    }

    /// After a restart: what is behind the reset point, from a decoder that starts anew there, too.
    pub(super) fn take_again(&mut self, format: &Format, kept: &VecDeque<Stretch>, kept_from: u64) {
        if !self.decoder.remembers() {
            return;
        }
        self.decoder.reset();
        self.source.clear();
        let step = self.endpointer.start_step();
        decode_from(&mut self.decoder, format, step, kept, kept_from, &mut self.source);
    }

    /// Takes whole grid steps until the endpointer starts anew or no whole step is left.
    pub(super) fn advance(&mut self, format: &Format) -> Option<Restarted> {
        let grid = format.grid_samples() as usize;
        while self.source.len() >= (self.taken + 1) * grid {
            let step = &self.source[self.taken * grid..(self.taken + 1) * grid];
            self.taken += 1;
            let (restarted, at_step) = match self.endpointer.step(step.iter().copied()) {
                Decision::Continue => continue,
                Decision::Restart { at_step } => (Restarted::Quiet, at_step),
                Decision::Close { utterance, at_step } => {
                    (Restarted::Close(self.at_source_rate(utterance, format)), at_step)
                }
            };
            let passed = (at_step - self.endpointer.start_step()) as usize * grid;
            self.source.drain(..passed);
            self.endpointer.restart(at_step);
            self.taken = 0;
            return Some(restarted);
        }
        None
    }

    pub(super) fn finish(&mut self, format: &Format) -> Option<Spoken> {
        let spoken = self.endpointer.finish()?;
        Some(self.at_source_rate(spoken, format))
    }

    /// What is open: see [`Endpointer::open`].
    pub(super) fn open(&self, format: &Format) -> Option<Spoken> {
        self.endpointer.open().map(|spoken| self.at_source_rate(spoken, format))
    }

    /// The utterance as it came, where it came at less than 16 kHz.
    fn at_source_rate(&self, spoken: Spoken, format: &Format) -> Spoken {
        if format.sample_rate >= spoken.sample_rate {
            return spoken;
        }
        let samples = |at_16_khz: usize| at_16_khz * format.sample_rate as usize / spoken.sample_rate as usize;
        let reset_ms = self.endpointer.start_step() * u64::from(Format::GRID_MS);
        let from = samples(((spoken.audio_start_ms - reset_ms) * u64::from(spoken.sample_rate) / 1_000) as usize);
        let until = (from + samples(spoken.pcm.len())).min(self.source.len());
        Spoken { pcm: self.source[from..until].to_vec(), sample_rate: format.sample_rate, ..spoken }
    }
}
