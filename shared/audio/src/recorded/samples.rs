//! The stream that sections are cut from: a recording's samples at the rate that speech is worked on in, the same from
//! wherever they are begun to be read. Knows no sections.

use crate::RATE;
use crate::decode::{Block, Converter, DecodeError, Decoder, interleave};

/// The stream's rate for a recording's, in Hz: 16 kHz, or 8 kHz where the recording has no more.
pub fn rate_for(source_rate: u32) -> u32 {
    if source_rate > RATE / 2 { RATE } else { RATE / 2 }
}

/// The samples from a position on.
pub(super) struct Samples<'a> {
    decoder: &'a mut Decoder,
    source_rate: u32,
    rate: u32,
    mixed: bool,
    /// One a channel; none where the rate is right already.
    converters: Vec<Converter>,
    /// What each converter gave.
    converted: Vec<Vec<i16>>,
    /// Samples that are still to be left out: the run-up.
    skip: usize,
}

impl<'a> Samples<'a> {
    /// Begins at a position, in samples of the stream: a multiple of 80 ms.
    pub(super) fn new(decoder: &'a mut Decoder, mono: bool, position: u64) -> Result<Self, DecodeError> {
        let info = decoder.info();
        let rate = rate_for(info.sample_rate);
        let mixed = mono && info.channels == 2;
        let channels = if mixed { 1 } else { usize::from(info.channels) };
        let mut samples = Self {
            decoder,
            source_rate: info.sample_rate,
            rate,
            mixed,
            converters: Vec::new(),
            converted: vec![Vec::new(); channels],
            skip: 0,
        };
        let mut from = position;
        if info.sample_rate != rate {
            for _ in 0..channels {
                samples.converters.push(Converter::new(info.sample_rate, rate)?);
            }
            from = samples.run_up(position);
        }
        samples.decoder.seek(from)?;
        Ok(samples)
    }

    /// Where the source is to be read from, a converter's unit early; notes what comes before the position.
    fn run_up(&mut self, position: u64) -> u64 {
        let unit = self.converters.first().map_or(1, Converter::unit) as u64;
        let unit_out = unit * u64::from(self.rate) / u64::from(self.source_rate);
        let first = (position / unit_out).saturating_sub(1);
        self.skip = usize::try_from(position - first * unit_out).unwrap_or(usize::MAX);
        first * unit
    }

    /// Channels of the stream.
    pub(super) fn channels(&self) -> usize {
        self.converted.len()
    }

    /// Appends the next samples, interleaved. False at the end.
    pub(super) fn read(&mut self, out: &mut Vec<i16>) -> Result<bool, DecodeError> {
        let Some(block) = self.decoder.next()? else {
            self.finish(out);
            return Ok(false);
        };
        let block = if self.mixed { mix(block) } else { block };
        if self.converters.is_empty() {
            interleave(&block.channels, 0, out);
            return Ok(true);
        }
        for ((converter, samples), converted) in
            self.converters.iter_mut().zip(&block.channels).zip(&mut self.converted)
        {
            converter.push(samples, converted);
        }
        self.flush(out);
        Ok(true)
    }

    /// Appends what the converters still hold: there is no more.
    pub(super) fn finish(&mut self, out: &mut Vec<i16>) {
        for (converter, converted) in self.converters.drain(..).zip(&mut self.converted) {
            converter.finish(converted);
        }
        self.flush(out);
    }

    fn flush(&mut self, out: &mut Vec<i16>) {
        let ready = self.converted.first().map_or(0, Vec::len);
        let skipped = self.skip.min(ready);
        self.skip -= skipped;
        interleave(&self.converted, skipped, out);
        self.converted.iter_mut().for_each(Vec::clear);
    }
}

/// Half of each, so that nothing is clipped.
fn mix(block: Block) -> Block {
    let mixed = match block.channels.as_slice() {
        [left, right] => left.iter().zip(right).map(|(left, right)| left.midpoint(*right)).collect(),
        _ => return block,
    };
    Block { start: block.start, channels: vec![mixed] }
}
