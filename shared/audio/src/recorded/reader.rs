//! Reads sections one after the other: finds their borders, feeds a session each, and gives out what it says.

use std::collections::VecDeque;
use std::ops::Range;

use crate::decode::{DecodeError, Decoder};
use crate::endpoint::Spoken;
use crate::format::{Encoding, Format};
use crate::sequence::FrameKey;
use crate::session::{Frame, Poll, Session};
use crate::wav;

use super::samples::{Samples, rate_for};
use super::{Event, Options, Plan, SECTION_MS, WINDOW_MS, border};

/// The sections of a part of a recording, event by event.
///
/// The iterator ends with the last section's end, or with an error. Before [`DecodeError::Damaged`], all that was before
/// it was given, but no end of its section. After [`DecodeError::Source`], read the part again.
pub struct Sections<'a> {
    samples: Samples<'a>,
    format: Format,
    options: Options,
    /// Sections of the whole recording.
    planned: u32,
    /// The section that is read, and the first that is not to be read any more.
    index: u32,
    until: u32,
    /// Samples that were read and not heard yet, interleaved, from `heard` on.
    held: Vec<i16>,
    /// Samples of `held` that were heard and are still there, over all channels.
    passed: usize,
    /// Position of the next sample to be heard, a channel.
    heard: u64,
    /// Where the section began.
    from: u64,
    /// Where it ends, once that is known.
    to: Option<u64>,
    session: Session,
    frames: u32,
    /// The recording has no more samples.
    ended: bool,
    /// Why there are no more samples.
    error: Option<DecodeError>,
    done: bool,
    events: VecDeque<Event>,
}

impl<'a> Sections<'a> {
    pub(super) fn new(
        decoder: &'a mut Decoder,
        plan: &Plan,
        range: Range<u32>,
        options: Options,
    ) -> Result<Self, DecodeError> {
        let rate = rate_for(decoder.info().sample_rate);
        let start = if range.start == 0 { 0 } else { window(range.start, rate).start };
        let samples = Samples::new(decoder, options.mono, start)?;
        let format = Format { encoding: Encoding::PcmS16le, sample_rate: rate, channels: samples.channels() as u8 };
        let until = range.end.min(plan.sections);
        let mut sections = Self {
            samples,
            format,
            options,
            planned: plan.sections,
            index: range.start,
            until,
            held: Vec::new(),
            passed: 0,
            heard: start,
            from: start,
            to: None,
            session: Session::new(format),
            frames: 0,
            ended: false,
            error: None,
            done: range.start >= until,
            events: VecDeque::new(),
        };
        if range.start > 0 && !sections.done {
            sections.skip_to_border()?;
        }
        Ok(sections)
    }

    /// Samples a second and channel of what is given out, in Hz: 16,000, or 8,000 where the recording has no more.
    pub fn sample_rate(&self) -> u32 {
        self.format.sample_rate
    }

    /// Channels of what is given out: 1 or 2.
    pub fn channels(&self) -> u8 {
        self.format.channels
    }

    /// Goes on to the border at which the first section begins.
    fn skip_to_border(&mut self) -> Result<(), DecodeError> {
        let window = window(self.index, self.format.sample_rate);
        while !self.ended && self.end_of_held() < window.end {
            self.read();
        }
        let Some(border) = self.border(&window) else {
            self.done = true;
            return Err(self.error.take().unwrap_or_else(|| self.too_short()));
        };
        self.pass(border);
        self.from = border;
        Ok(())
    }

    /// Goes on by one step: a second that is heard, an end, or more samples.
    fn advance(&mut self) {
        let is_last = self.index + 1 >= self.planned;
        let window = window(self.index + 1, self.format.sample_rate);
        if self.to.is_none() && is_last && self.ended && self.error.is_none() {
            self.to = Some(self.end_of_held());
        } else if self.to.is_none() && !is_last && self.end_of_held() >= window.end {
            self.to = self.border(&window);
        }
        let limit = match self.to {
            Some(to) => to,
            None if is_last || self.ended => self.end_of_held(),
            None => self.end_of_held().min(window.start),
        };
        let second = u64::from(self.format.sample_rate);
        let ready = limit.saturating_sub(self.heard).min(second);
        if ready == second || (ready > 0 && (self.to.is_some() || self.ended)) {
            self.hear(ready);
        } else if self.to.is_some() || self.ended {
            self.end_section();
        } else {
            self.read();
        }
    }

    /// Reads more samples. An error is kept until all before it was heard.
    fn read(&mut self) {
        if self.passed > self.held.len() / 2 {
            self.held.drain(..self.passed);
            self.passed = 0;
        }
        match self.samples.read(&mut self.held) {
            Ok(more) => self.ended = !more,
            Err(error) => {
                self.ended = true;
                if !matches!(error, DecodeError::Source(_)) {
                    self.samples.finish(&mut self.held);
                }
                self.error = Some(error);
            }
        }
    }

    /// Hands samples to the session.
    fn hear(&mut self, samples: u64) {
        let from = self.passed;
        let start_ms = self.format.samples_to_ms(self.heard);
        self.pass(self.heard + samples);
        let heard = &self.held[from..self.passed];
        let mut payload = Vec::new();
        wav::append(&mut payload, heard);
        if self.options.audio {
            self.events.push_back(Event::Audio { start_ms, samples: heard.to_vec() });
        }
        self.session.hear(Frame { key: FrameKey::Numbered(self.frames), received_ms: 0, payload });
        self.frames += 1;
        self.listen();
    }

    /// Gives out what the session has to say, in the recording's media time.
    fn listen(&mut self) {
        let from_ms = self.format.samples_to_ms(self.from);
        while let Poll::Utterance(utterance) = self.session.poll() {
            let spoken = Spoken {
                start_ms: utterance.spoken.start_ms + from_ms,
                end_ms: utterance.spoken.end_ms + from_ms,
                audio_start_ms: utterance.spoken.audio_start_ms + from_ms,
                closed_ms: utterance.spoken.closed_ms + from_ms,
                ..utterance.spoken
            };
            self.events.push_back(Event::Utterance { channel: utterance.channel, spoken });
        }
    }

    /// Closes the section and begins the next one, or ends.
    fn end_section(&mut self) {
        let is_whole = self.to.is_some();
        if !is_whole && matches!(self.error, Some(DecodeError::Source(_))) {
            self.done = true;
            return;
        }
        self.session.close();
        self.listen();
        if !is_whole {
            let too_short = self.too_short();
            self.error.get_or_insert(too_short);
            self.done = true;
            return;
        }
        let (from_ms, to_ms) = (self.format.samples_to_ms(self.from), self.format.samples_to_ms(self.heard));
        self.events.push_back(Event::SectionEnd { index: self.index, from_ms, to_ms });
        self.index += 1;
        self.from = self.heard;
        self.to = None;
        self.session = Session::new(self.format);
        self.frames = 0;
        if self.index >= self.until {
            self.done = true;
            self.error = None;
        }
    }

    /// The border within a window, if all of it is there.
    fn border(&self, window: &Range<u64>) -> Option<u64> {
        let channels = u64::from(self.format.channels);
        let index = |position: u64| {
            let offset = position.checked_sub(self.heard)? * channels;
            usize::try_from(offset).ok().map(|offset| offset + self.passed)
        };
        let samples = self.held.get(index(window.start)?..index(window.end)?)?;
        Some(window.start + border::best_step(samples, &self.format) as u64 * self.format.grid_samples())
    }

    fn pass(&mut self, position: u64) {
        self.passed += (position - self.heard) as usize * usize::from(self.format.channels);
        self.heard = position;
    }

    fn end_of_held(&self) -> u64 {
        self.heard + ((self.held.len() - self.passed) / usize::from(self.format.channels)) as u64
    }

    fn too_short(&self) -> DecodeError {
        let reason = "it ends before the length that was found at first";
        DecodeError::Damaged { from_ms: self.format.samples_to_ms(self.end_of_held()), reason }
    }
}

impl Iterator for Sections<'_> {
    type Item = Result<Event, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if self.done {
                return self.error.take().map(Err);
            }
            self.advance();
        }
    }
}

/// Where border `index` may lie, in samples of the stream.
fn window(index: u32, rate: u32) -> Range<u64> {
    let samples = |ms: u64| ms * u64::from(rate) / 1_000;
    let nominal_ms = u64::from(index) * SECTION_MS;
    samples(nominal_ms.saturating_sub(WINDOW_MS))..samples(nominal_ms + WINDOW_MS)
}
