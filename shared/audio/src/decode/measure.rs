//! How long a recording is, to the sample, and whether all of it is there: found without decoding more than its last
//! seconds. Knows the containers' ways to say so, and reads packets where they say nothing.

use std::collections::VecDeque;

use symphonia::core::packet::Packet;

use super::timeline::Container;
use super::{DecodeError, Decoder, LONGEST_GAP_MS};

/// How much of the end is decoded, in seconds.
const TAIL_S: u64 = 3;
/// How many of the last packets are decoded where all had to be read: the last one's length, with its run-up.
const LAST_PACKETS: usize = 8;
/// To within which time the place is searched where a file was cut off, in seconds.
const SEARCH_S: u64 = 10;

impl Decoder {
    /// Samples a channel, as a decode of the whole recording gives them. Where the file states its length, only the last
    /// seconds are read; else all packets are read, and the last few decoded.
    ///
    /// A file that ends before what it states is [`DecodeError::Damaged`] here already. Leaves the decoder anywhere: seek
    /// before the next block.
    pub fn measure(&mut self) -> Result<u64, DecodeError> {
        let Some(end) = self.timeline.end else { return self.read_all() };
        let tail = TAIL_S * u64::from(self.codec.rate);
        if end <= tail {
            self.seek(0)?;
            return self.decode_to_end(0);
        }
        self.prepare(end - tail);
        if self.approach(end - tail)? {
            return self.decode_to_end(end - tail);
        }
        match self.container {
            Container::Wav | Container::Flac | Container::Ogg | Container::Mp4 => self.search(end),
            Container::Mp3 | Container::Aac | Container::Matroska => self.read_all(),
        }
    }

    fn prepare(&mut self, wanted: u64) {
        self.held = None;
        self.broken_since = None;
        self.wanted = wanted;
        self.done = false;
    }

    /// Decodes what is left: where it ends.
    fn decode_to_end(&mut self, from: u64) -> Result<u64, DecodeError> {
        let mut end = from;
        while let Some(block) = self.next()? {
            end = block.end();
        }
        if end == 0 { Err(DecodeError::Empty) } else { Ok(end) }
    }

    /// The end is not where it should be: searches for the last place that is there, and decodes from it on.
    fn search(&mut self, end: u64) -> Result<u64, DecodeError> {
        let (mut there, mut missing) = (0, end);
        while missing - there > SEARCH_S * u64::from(self.codec.rate) {
            let middle = there + (missing - there) / 2;
            self.prepare(middle);
            if self.approach(middle)? { there = middle } else { missing = middle }
        }
        self.seek(there)?;
        self.decode_to_end(there)
    }

    /// Reads all packets, and decodes the last ones.
    fn read_all(&mut self) -> Result<u64, DecodeError> {
        self.prepare(0);
        self.reopen()?;
        let mut last = VecDeque::with_capacity(LAST_PACKETS);
        let outcome = self.read_packets(&mut last);
        if let Err(error @ DecodeError::Source(_)) = outcome {
            return Err(error);
        }
        self.codec.reset();
        self.next = None;
        self.before = None;
        let mut end = 0;
        for packet in last {
            self.hold(packet)?;
            while let Some(block) = self.give() {
                end = block.end();
            }
        }
        self.done = true;
        match outcome {
            Err(DecodeError::Damaged { reason, .. }) => Err(self.damaged(reason)),
            Err(error) => Err(error),
            Ok(()) if end == 0 => Err(DecodeError::Empty),
            Ok(()) => Ok(end),
        }
    }

    /// Reads packets to the end; the last ones.
    fn read_packets(&mut self, last: &mut VecDeque<Packet>) -> Result<(), DecodeError> {
        let longest_gap = i64::from(self.codec.rate) * LONGEST_GAP_MS / 1_000;
        while let Some(packet) = self.read_packet()? {
            let stated = self.timeline.position(packet.pts.get());
            if self.next.is_some_and(|before| stated.saturating_sub(before) > longest_gap) {
                return Err(self.damaged("its clock jumps"));
            }
            self.next = Some(stated);
            if last.len() == LAST_PACKETS {
                last.pop_front();
            }
            last.push_back(packet);
        }
        Ok(())
    }
}
