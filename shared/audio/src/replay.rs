//! The sound of a live call from its beginning to its end, minute by minute, made afterwards of all that came of it.
//!
//! It has the timeline that the call's session had, so its minutes lie where the call's segments do. Memory: a minute of
//! audio, and frames that came early. Where the minutes go, and what has to be silent, is decided elsewhere.

use crate::{
    channel::ChannelDecoder,
    decode::{Converter, DecodeError, interleave},
    format::Format,
    keep::{Keeper, KeptMinute, Silence},
    recorded::rate_for,
    sequence::{self, Heard},
    session::{Frame, Step, Stretch, Timeline},
};

/// Most bytes of frames that came early, before what is missing is given up. More than a session has room for, since what
/// finds none there is sent again later, and here both are at hand.
const MAX_EARLY_BYTES: usize = 4 * sequence::MAX_EARLY_BYTES;

/// See the module.
pub struct Replay {
    timeline: Timeline,
    /// One a channel.
    decoders: Vec<ChannelDecoder>,
    /// One a channel; none where the rate is right already.
    converters: Vec<Converter>,
    /// What each channel has that the keeper was not given.
    converted: Vec<Vec<i16>>,
    keeper: Keeper,
}

impl Replay {
    /// A call's beginning, with all that must not be heard of it. The format must be valid. Minutes have 16 kHz, or 8 kHz
    /// where the call has no more.
    ///
    /// # Errors
    /// The rate cannot be converted, which is so of none that is valid.
    pub fn new(format: Format, silenced: impl IntoIterator<Item = Silence>) -> Result<Self, DecodeError> {
        let rate = rate_for(format.sample_rate);
        let channels = usize::from(format.channels);
        let converted_ones = if rate == format.sample_rate { 0 } else { channels };
        let converters = (0..converted_ones).map(|_| Converter::new(format.sample_rate, rate));
        let mut keeper = Keeper::new(rate, format.channels, 0);
        keeper.silence(silenced);
        Ok(Self {
            timeline: Timeline::new(format),
            decoders: (0..format.channels).map(|channel| ChannelDecoder::new(&format, channel)).collect(),
            converters: converters.collect::<Result<_, _>>()?,
            converted: vec![Vec::new(); channels],
            keeper,
        })
    }

    /// Takes a frame. A frame that does not fit the format is the caller's to refuse. Where there is no more room for what
    /// came early, what is missing before it will not come.
    pub fn hear(&mut self, frame: Frame) {
        loop {
            let heard = self.timeline.hear_within(frame.clone(), MAX_EARLY_BYTES);
            let refused = matches!(heard, Heard::NoRoom | Heard::TooFarAhead);
            if !(refused && self.timeline.give_up()) {
                return self.go_on();
            }
            self.go_on();
        }
    }

    /// The client names its last frame; the call ends once all are heard.
    pub fn stop(&mut self, last: u32) {
        self.timeline.stop(last);
        self.go_on();
    }

    /// The client no longer has these frames.
    pub fn gone(&mut self, from: u32, to: u32) {
        self.timeline.gone(from, to);
        self.go_on();
    }

    /// Nothing more will come: what is missing is silence, and the call ends.
    pub fn close(&mut self) {
        self.timeline.close();
        self.go_on();
    }

    /// Whether the call has ended by what was told of it so far.
    pub fn is_over(&self) -> bool {
        self.timeline.is_over()
    }

    /// The format that the call began with.
    pub fn format(&self) -> Format {
        self.timeline.format()
    }

    /// Media time so far, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.timeline.duration_ms()
    }

    /// The next full minute, if there is one. Ask after each thing that was told, until there is none.
    pub fn pop(&mut self) -> Option<KeptMinute> {
        self.keeper.pop(u64::MAX)
    }

    /// Nothing more will be told: the next of what is left; none once there is nothing. Ask until then.
    pub fn finish(&mut self) -> Option<KeptMinute> {
        for (converter, converted) in self.converters.drain(..).zip(&mut self.converted) {
            converter.finish(converted);
        }
        self.hand_on();
        self.keeper.finish()
    }

    fn go_on(&mut self) {
        let format = self.format();
        while let Step::Stretch(stretch) = self.timeline.poll() {
            stretch.seconds(&format).for_each(|second| self.push(&second));
        }
    }

    fn push(&mut self, stretch: &Stretch) {
        let mut samples = Vec::new();
        for (channel, (decoder, converted)) in self.decoders.iter_mut().zip(&mut self.converted).enumerate() {
            samples.clear();
            decoder.decode(stretch, 0, 0, &mut samples);
            match self.converters.get_mut(channel) {
                Some(converter) => converter.push(&samples, converted),
                None => converted.extend_from_slice(&samples),
            }
        }
        self.hand_on();
    }

    fn hand_on(&mut self) {
        let mut interleaved = Vec::new();
        interleave(&self.converted, 0, &mut interleaved);
        self.keeper.push(interleaved);
        self.converted.iter_mut().for_each(Vec::clear);
    }
}
