//! Recorded audio of any common kind becomes PCM, block by block, from a source that is read as it is needed.
//!
//! | codec | decoder | times real time a core | run-up before a seek | a part equals the whole |
//! | --- | --- | --- | --- | --- |
//! | PCM, mu-law, A-law | Symphonia | 16,700 to 21,000 | none | to the sample |
//! | FLAC | Symphonia | 2,260 | none | to the sample |
//! | MP3 | Symphonia | 870 | 12 packets (needed: 1, of low variable bitrates 3) | to the sample |
//! | AAC | Symphonia | 840 to 980 | 66 packets, 1.5 s (needed: 1) | to the sample: the decoder starts anew every 64 packets, since its noise has a memory |
//! | Vorbis | Symphonia | not measured | 2 long blocks (needed: 1) | to the sample |
//! | Opus | ruopus | 550 | 4 s (240 ms leave 27 of 39 places different, 480 ms 5, 640 ms 3, 1 s none) | to the sample; after 80 ms within 12 % of full scale, after 240 ms within 1 % |
//!
//! Measured with ten minutes of the demonstration call, two channels, on a busy machine of two cores, by
//! `examples/decode_speed.rs`; Opus without link-time optimisation. Parts were compared at 99 places of each file. The process stayed below 5 MiB. Symphonia (MPL-2.0)
//! is the only maintained crate for all of the containers, and has no Opus. ruopus (MIT) is pure Rust; without its
//! `spectrograms` feature, which brings an FFT, it decodes at twice real time. A seek in MP3, AAC and WebM without an index
//! reads all that lies before the place (1 ms for ten minutes, and the bytes); everywhere else, a few blocks.
//!
//! Not decoded: ADPCM, GSM, G.72x, AMR, Windows Media, ALAC, more than two channels, Ogg streams one after the other. Of
//! high-efficiency AAC, the plain half is heard: up to half of the stated rate. Of several audio tracks, one is heard.
//!
//! Pure: the bytes come from a [`Source`] that is handed in. Memory does not grow with the recording, but for the index
//! of an MP4 file (4 bytes a packet, 2 MB for ten hours). Resampling is [`Converter`]'s; utterances are the session's.

mod codec;
mod convert;
mod error;
mod measure;
mod mp4;
mod open;
mod sniff;
mod source;
mod timeline;
mod wav;

use std::io::{ErrorKind, Seek as _, SeekFrom};
use std::sync::Arc;

use symphonia::core::errors::Error as DemuxError;
use symphonia::core::formats::{FormatReader, SeekMode, SeekTo};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use codec::{Codec, Planes};
pub use convert::Converter;
pub(crate) use convert::interleave;
pub use error::DecodeError;
pub use source::Source;
use source::Watch;
use timeline::{Container, Timeline};

/// How much must be missing between two packets to be filled with silence, in milliseconds: less is the jitter of a
/// container's clock.
const GAP_MS: i64 = 60;
/// The longest silence that a gap is filled with, in milliseconds: more is a damaged clock.
const LONGEST_GAP_MS: i64 = 600_000;
/// How much audio in a row may be undecodable, in milliseconds.
const MOST_BROKEN_MS: i64 = 5_000;
/// How often in a row the demuxer may stumble.
const MOST_STUMBLES: u32 = 16;
/// What may be missing at the end without a word, in milliseconds.
const SLACK_MS: u64 = 100;
/// How far before the end of an Ogg stream a read must begin, in seconds: the last page alone does not say where it starts.
const OGG_TAIL_S: u64 = 5;

/// What a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The container's name, for people.
    pub container: &'static str,
    /// The codec's name, for people.
    pub codec: &'static str,
    /// Samples a second and channel, in Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Duration in milliseconds as the file states it, or as its bitrate lets expect. Streams that were recorded live
    /// state none.
    pub duration_ms: Option<u64>,
}

/// A stretch of audio. Blocks of one decoder follow each other without a gap, except after a seek.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Position of its first sample, counted from the start of the recording.
    pub start: u64,
    /// The samples, a vector a channel, all of one length that is not 0.
    pub channels: Vec<Vec<i16>>,
}

impl Block {
    /// Samples a channel.
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Position of the first sample after it.
    pub fn end(&self) -> u64 {
        self.start + self.samples() as u64
    }
}

/// Decodes one recording.
pub struct Decoder {
    /// None only after a read failed while the file was opened anew.
    demuxer: Option<Box<dyn FormatReader>>,
    watch: Arc<Watch>,
    length: u64,
    track: u32,
    container: Container,
    codec: Codec,
    timeline: Timeline,
    stated_ms: Option<u64>,
    /// A packet that was read ahead, to know where it lies.
    ahead: Option<Packet>,
    /// The packet before the next one, where the decoder starts anew now and then.
    before: Option<Packet>,
    /// Samples that were decoded and not given out yet, with their position.
    held: Option<(i64, Planes)>,
    /// Position of the next sample; none: where the next packet says.
    next: Option<i64>,
    /// Nothing before this position is given out.
    wanted: u64,
    /// Since which position nothing could be decoded.
    broken_since: Option<i64>,
    /// Samples of the last packet that could be decoded.
    usual: usize,
    gave_any: bool,
    done: bool,
}

impl Decoder {
    /// Opens a recording of `length` bytes. What it is, its bytes tell, not its name.
    pub fn open(source: Box<dyn Source>, length: u64) -> Result<Self, DecodeError> {
        let opened = open::open(source, length)?;
        Ok(Self {
            demuxer: Some(opened.demuxer),
            watch: opened.watch,
            length: opened.length,
            track: opened.track,
            container: opened.container,
            codec: opened.codec,
            timeline: opened.timeline,
            stated_ms: opened.stated_ms,
            ahead: Some(opened.first),
            before: None,
            held: None,
            next: None,
            wanted: 0,
            broken_since: None,
            usual: 0,
            gave_any: false,
            done: false,
        })
    }

    /// What the recording is.
    pub fn info(&self) -> Info {
        Info {
            container: self.container.name(),
            codec: self.codec.name,
            sample_rate: self.codec.rate,
            channels: self.codec.channels as u8,
            duration_ms: self.stated_ms,
        }
    }

    /// The next block; none at the end.
    ///
    /// A file that was cut off, or can't be read from some place on, gives what is before it, then
    /// [`DecodeError::Damaged`] once, then none. Single packets that can't be decoded are heard as silence.
    #[expect(clippy::should_implement_trait, reason = "it fails, and seeks go on after the end")]
    pub fn next(&mut self) -> Result<Option<Block>, DecodeError> {
        loop {
            if let Some(block) = self.give() {
                self.gave_any = true;
                return Ok(Some(block));
            }
            if self.done {
                return if self.gave_any { Ok(None) } else { Err(DecodeError::Empty) };
            }
            match self.read_packet() {
                Ok(Some(packet)) => self.hold(packet)?,
                Ok(None) => self.done = true,
                Err(error) => return Err(self.stop(error)),
            }
        }
    }

    /// Goes to a position, in samples: the next block begins exactly there. What is decoded from there on is what a
    /// decode of the whole recording gives there, as far as the codec allows (see the table above).
    ///
    /// A position beyond the end is the end. Fails only as the source does.
    pub fn seek(&mut self, sample: u64) -> Result<(), DecodeError> {
        self.held = None;
        self.broken_since = None;
        self.wanted = sample;
        self.done = self.timeline.end.is_some_and(|end| sample >= end);
        if self.done {
            self.gave_any = true;
            return Ok(());
        }
        if !self.approach(sample)? {
            self.reopen()?;
        }
        Ok(())
    }

    /// Brings the demuxer so far before a position that what is decoded there is exact. False: it does not find there.
    fn approach(&mut self, sample: u64) -> Result<bool, DecodeError> {
        let sample = i64::try_from(sample).unwrap_or(i64::MAX);
        let container_roll = self.container.pre_roll_s() * u64::from(self.codec.rate);
        let pre_roll = self.codec.pre_roll().max(container_roll);
        let mut target = sample.saturating_sub(i64::try_from(pre_roll).unwrap_or(i64::MAX));
        if let (Container::Ogg, Some(end)) = (self.container, self.timeline.end) {
            let tail = OGG_TAIL_S * u64::from(self.codec.rate);
            target = target.min(i64::try_from(end.saturating_sub(tail)).unwrap_or(i64::MAX));
        }
        // A demuxer that was read to its end, or that came to harm, does not always find back: one that is new does.
        Ok(target > 0 && (self.jump(target, sample)? || (self.reopen()? && self.jump(target, sample)?)))
    }

    /// Share of the recording that was read, 0 to 1, for progress.
    pub fn position(&self) -> f32 {
        if self.done {
            return 1.0;
        }
        let read_ms = self.next.unwrap_or(0).max(0) as f32 * 1_000.0 / self.codec.rate as f32;
        let share = match self.stated_ms {
            Some(stated) => read_ms / stated.max(1) as f32,
            None => self.watch.position() as f32 / self.length.max(1) as f32,
        };
        share.clamp(0.0, 1.0)
    }

    /// Lets the demuxer go to a position. Whether it came to lie at or before `latest`.
    fn jump(&mut self, target: i64, latest: i64) -> Result<bool, DecodeError> {
        self.forget();
        let Some(demuxer) = &mut self.demuxer else { return Ok(false) };
        let to = SeekTo::Timestamp { ts: Timestamp::new(self.timeline.ticks(target)), track_id: self.track };
        let sought = open::guarded(|| demuxer.seek(SeekMode::Accurate, to));
        if let Some(error) = open::failure(&self.watch) {
            return Err(error);
        }
        if sought.is_err() {
            return Ok(false);
        }
        match open::first_packet(demuxer.as_mut(), self.track, &self.watch) {
            Ok(packet) => {
                let found = self.timeline.position(packet.pts.get()) <= latest;
                self.ahead = Some(packet);
                Ok(found)
            }
            Err(DecodeError::Source(error)) => Err(DecodeError::Source(error)),
            Err(_) => Ok(false),
        }
    }

    /// What comes next does not follow what was read.
    fn forget(&mut self) {
        self.ahead = None;
        self.before = None;
        self.next = None;
        self.codec.reset();
    }

    /// Starts at the first byte again, with a new demuxer. Always true: there is one.
    fn reopen(&mut self) -> Result<bool, DecodeError> {
        self.forget();
        let Some(demuxer) = self.demuxer.take() else {
            let reason = "the source failed while it was read anew";
            return Err(DecodeError::Damaged { from_ms: 0, reason });
        };
        let mut bytes = demuxer.into_inner();
        let result = bytes.seek(SeekFrom::Start(0)).map_err(DemuxError::IoError).and_then(|_| open::probe(bytes));
        if let Some(error) = open::failure(&self.watch) {
            return Err(error);
        }
        let reason = "it can't be opened again";
        let mut demuxer = result.map_err(|_| DecodeError::Damaged { from_ms: 0, reason })?;
        self.ahead = Some(open::first_packet(demuxer.as_mut(), self.track, &self.watch)?);
        self.demuxer = Some(demuxer);
        Ok(true)
    }

    /// The next packet of the track; none at the end.
    fn read_packet(&mut self) -> Result<Option<Packet>, DecodeError> {
        if let Some(packet) = self.ahead.take() {
            return Ok(Some(packet));
        }
        let Some(demuxer) = &mut self.demuxer else { return Ok(None) };
        let mut stumbles = 0;
        loop {
            let result = open::guarded(|| demuxer.next_packet());
            if let Some(error) = open::failure(&self.watch) {
                return Err(error);
            }
            match result {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return self.check_end(true).map(|()| None),
                Err(DemuxError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return self.check_end(false).map(|()| None);
                }
                Err(DemuxError::ResetRequired) => {
                    let codec = "an Ogg file of several streams one after the other".to_owned();
                    return Err(DecodeError::Unsupported { codec });
                }
                Err(_) if stumbles < MOST_STUMBLES => stumbles += 1,
                Err(_) => return Err(self.damaged("its packets can't be told apart")),
            }
        }
    }

    /// Whether all that the file promised was there.
    fn check_end(&self, clean: bool) -> Result<(), DecodeError> {
        let position = u64::try_from(self.next.unwrap_or(0)).unwrap_or(0);
        let rate = u64::from(self.codec.rate);
        let missing_ms = match (self.timeline.end, self.stated_ms) {
            (Some(end), _) => end.saturating_sub(position).saturating_mul(1_000) / rate,
            // Matroska's duration may be that of another track, or be rounded; live, it ends with the file.
            (None, Some(stated)) if self.container == Container::Matroska => {
                (stated.saturating_sub(position.saturating_mul(1_000) / rate)).saturating_sub(SLACK_MS * 10)
            }
            (None, _) if clean || matches!(self.container, Container::Matroska | Container::Wav) => 0,
            (None, _) => u64::MAX,
        };
        if missing_ms > SLACK_MS {
            return Err(self.damaged("it ends early: the file is not complete"));
        }
        Ok(())
    }

    /// Decodes a packet, or puts silence in its place.
    fn hold(&mut self, packet: Packet) -> Result<(), DecodeError> {
        let stated = self.timeline.position(packet.pts.get());
        let mut next = *self.next.get_or_insert(stated);
        // Where the container's first positions after a jump are doubtful, its later ones count.
        if self.container.pre_roll_s() > 0 && u64::try_from(stated).is_ok_and(|stated| stated < self.wanted) {
            next = stated;
            self.next = Some(stated);
        }
        let rate = i64::from(self.codec.rate);
        let gap = stated.saturating_sub(next);
        let start = if gap > rate * GAP_MS / 1_000 { stated } else { next };
        if gap > rate * LONGEST_GAP_MS / 1_000 {
            let error = self.damaged("its clock jumps");
            return Err(self.stop(error));
        }
        if self.codec.starts_anew(self.timeline.since_first(start))
            && let Some(before) = &self.before
        {
            self.codec.start_anew(before);
        }
        let decoded = self.codec.decode(&packet);
        self.before = Some(packet);
        if let Some(planes) = decoded {
            self.usual = planes.first().map_or(0, Vec::len);
            self.broken_since = None;
            self.held = Some((start, planes));
            return Ok(());
        }
        let since = *self.broken_since.get_or_insert(start);
        if start.saturating_sub(since) > rate * MOST_BROKEN_MS / 1_000 {
            self.next = Some(since);
            let error = self.damaged("nothing more can be decoded");
            return Err(self.stop(error));
        }
        let silence = if self.usual > 0 { self.usual } else { rate as usize / 50 };
        self.held = Some((start, vec![vec![0; silence]; self.codec.channels]));
        Ok(())
    }

    /// A block of what is held: the silence before it first, where there is a gap.
    fn give(&mut self) -> Option<Block> {
        let longest = i64::from(self.codec.rate);
        while let Some((start, planes)) = self.held.take() {
            let next = self.next.unwrap_or(start);
            let (from, planes) = if next < start {
                let silence = vec![vec![0; (start - next).min(longest) as usize]; self.codec.channels];
                self.held = Some((start, planes));
                (next, silence)
            } else {
                (start, planes)
            };
            self.next = Some(from.saturating_add(planes.first().map_or(0, Vec::len) as i64));
            let block = self.cut(from, planes);
            if block.is_some() {
                return block;
            }
        }
        None
    }

    /// What of the samples from a position on is to be heard.
    fn cut(&self, start: i64, mut planes: Planes) -> Option<Block> {
        let wanted = i64::try_from(self.wanted).unwrap_or(i64::MAX);
        let end = self.timeline.end.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
        let samples = planes.first().map_or(0, Vec::len);
        let keep = usize::try_from(end.saturating_sub(start)).unwrap_or(0).min(samples);
        let drop = usize::try_from(wanted.saturating_sub(start)).unwrap_or(0);
        if drop >= keep {
            return None;
        }
        for plane in &mut planes {
            plane.truncate(keep);
            plane.drain(..drop);
        }
        let start = u64::try_from(start.max(wanted)).unwrap_or(0);
        Some(Block { start, channels: planes })
    }

    fn damaged(&self, reason: &'static str) -> DecodeError {
        let position = u64::try_from(self.next.unwrap_or(0)).unwrap_or(0);
        DecodeError::Damaged { from_ms: position.saturating_mul(1_000) / u64::from(self.codec.rate), reason }
    }

    /// After an error the recording is over, unless the source may do better the next time.
    fn stop(&mut self, error: DecodeError) -> DecodeError {
        if !matches!(error, DecodeError::Source(_)) {
            self.done = true;
            self.gave_any = true;
        }
        error
    }
}
