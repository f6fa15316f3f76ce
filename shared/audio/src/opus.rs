//! Opus within a live call's frames: where the packets are, how long they are, and what one channel's packets sound like.
//!
//! A frame holds packets one behind the other, each behind its length in bytes (u16, big endian). A channel is a mono
//! stream of its own. Where there are two, packets alternate: one of the first channel, then the one of the second for
//! the same stretch of time, which is as long. How long a packet is, its first byte says (RFC 6716, 3.1) and, where it
//! holds several, its second: so a frame's duration is known without decoding it, and silence has its exact length. Silence
//! that the encoder left out (DTX) is a packet of that first byte alone, as encoders write it, or a length of 0, which
//! stands for 20 ms.

use ruopus::{OpusDecoder, packet::Packet};

/// The rate that Opus counts in, in Hz.
pub const RATE: u32 = 48_000;
/// Rates that it can be decoded at, in Hz.
pub const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];
/// Samples of 20 ms, which a packet of no bytes stands for.
const LEFT_OUT: u32 = RATE / 50;
/// Samples of 120 ms: the longest that a packet may be.
const LONGEST: u32 = RATE * 12 / 100;
/// Samples of 60 ms: the longest that is left out at once.
const LONGEST_LOST: u32 = RATE * 6 / 100;
/// Samples of 60 ms, after which a decoder has faded out what it heard: what is left out behind them changes it no more.
const FADED: u32 = RATE * 6 / 100;

/// The packets of a frame, all channels'; the last one is an error where its bytes are not all there.
pub fn packets(frame: &[u8]) -> impl Iterator<Item = Result<&[u8], CutOff>> {
    let mut rest = frame;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let packet = rest.split_first_chunk::<2>().and_then(|(length, behind)| {
            let (packet, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = behind;
            Some(packet)
        });
        if packet.is_none() {
            rest = &[];
        }
        Some(packet.ok_or(CutOff))
    })
}

/// A packet's bytes are not all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOff;

/// Appends a packet to a frame. Longer ones than a frame may be have no length that could be written, and are left out.
pub fn append(frame: &mut Vec<u8>, packet: &[u8]) {
    if let Ok(length) = u16::try_from(packet.len()) {
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(packet);
    }
}

/// How long a packet is, in samples at 48 kHz, be it sound or not: at most 120 ms.
pub fn duration(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return LEFT_OUT };
    let config = toc >> 3;
    let frame = match config {
        // SILK: 10, 20, 40, 60 ms.
        0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        // Hybrid: 10, 20 ms.
        12..16 => [480, 960][usize::from(config & 1)],
        // CELT: 2.5, 5, 10, 20 ms.
        _ => 120 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(1, |count| u32::from(count & 63).max(1)),
    };
    // What would be longer is no packet, and as long as the longest.
    (frame * frames).min(LONGEST / frame * frame)
}

/// Packets of a frame that are damaged: they have a length, but no sound.
pub fn damaged(frame: &[u8]) -> u64 {
    packets(frame)
        .filter(|packet| packet.is_ok_and(|packet| packet.len() > 1 && Packet::parse(packet).is_err()))
        .count() as u64
}

/// The decoder of one channel.
pub(crate) struct Decoder {
    engine: OpusDecoder,
    rate: u32,
    /// What was left out in a row, in samples at 48 kHz.
    left_out: u32,
}

impl Decoder {
    /// A fresh one that gives samples at a rate of [`RATES`].
    pub(crate) fn new(rate: u32) -> Self {
        Self { engine: OpusDecoder::with_rate(rate, 1), rate, left_out: 0 }
    }

    /// Appends a packet's samples, as many as its [`duration`] says. What is damaged is silent.
    pub(crate) fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) {
        let samples = self.samples(duration(packet));
        let until = out.len() + samples;
        if packet.len() > 1 {
            self.left_out = 0;
            out.extend(self.engine.decode_packet_i16(packet).into_iter().flatten().take(samples));
        } else {
            // The decoder fades out what it heard, as the encoder takes for granted. Here that is silence: what a decoder
            // makes up for ears to rest on may pass for a voice.
            let mut left_out = duration(packet).min(FADED.saturating_sub(self.left_out));
            self.left_out = self.left_out.saturating_add(duration(packet));
            while left_out > 0 {
                let piece = left_out.min(LONGEST_LOST);
                left_out -= piece;
                drop(self.engine.decode_lost(self.samples(piece)));
            }
        }
        out.resize(until, 0);
    }

    fn samples(&self, at_48_khz: u32) -> usize {
        (at_48_khz / (RATE / self.rate)) as usize
    }
}
