//! From frames to the samples of one channel, whatever they are encoded in. Knows no order and no time: frames come one
//! after the other, from wherever it is begun.

use crate::{
    format::{Encoding, Format},
    opus,
    session::Stretch,
};

/// Decodes one channel, from a place on.
pub struct ChannelDecoder {
    format: Format,
    channel: u8,
    /// Of an encoding whose samples depend on those before; none until there are any.
    opus: Option<opus::Decoder>,
}

impl ChannelDecoder {
    /// A fresh one. The format must be valid.
    pub fn new(format: &Format, channel: u8) -> Self {
        Self { format: *format, channel, opus: None }
    }

    /// How many samples have to be decoded and dropped before a place, so that what comes from there on sounds as if
    /// it had been decoded from the beginning: 80 ms of Opus.
    pub fn run_up(format: &Format) -> u64 {
        match format.encoding {
            Encoding::PcmS16le | Encoding::Mulaw => 0,
            Encoding::Opus => format.grid_samples(),
        }
    }

    /// Whether a place that is come back to has to be decoded anew.
    pub fn remembers(&self) -> bool {
        self.format.encoding == Encoding::Opus
    }

    /// As new.
    pub fn reset(&mut self) {
        self.opus = None;
    }

    /// Appends the samples of a stretch but for the first `passed`, of which those behind `run_up_from` are the run-up. A
    /// packet in which the run-up begins belongs to it as a whole.
    pub fn decode(&mut self, stretch: &Stretch, run_up_from: u64, passed: u64, out: &mut Vec<i16>) {
        let until = out.len() + stretch.samples.saturating_sub(passed) as usize;
        if stretch.payload.is_empty() {
            // What was lost ends what the decoder knows.
            self.reset();
        } else if self.remembers() {
            self.decode_packets(stretch, run_up_from, passed, out);
        } else {
            out.extend(self.format.decode(self.channel, &stretch.payload).iter().skip(passed as usize));
        }
        out.resize(until, 0);
    }

    fn decode_packets(&mut self, stretch: &Stretch, run_up_from: u64, passed: u64, out: &mut Vec<i16>) {
        let (rate, channels) = (self.format.sample_rate, usize::from(self.format.channels));
        let decoder = self.opus.get_or_insert_with(|| opus::Decoder::new(rate));
        let mut at = 0;
        let mut samples = Vec::new();
        for packet in opus::packets(&stretch.payload).flatten().skip(usize::from(self.channel)).step_by(channels) {
            let from = at;
            at += u64::from(opus::duration(packet) / (opus::RATE / rate));
            if at <= run_up_from {
                continue;
            }
            samples.clear();
            decoder.decode(packet, &mut samples);
            out.extend(samples.iter().skip(passed.saturating_sub(from) as usize));
        }
    }
}
