//! The calls that are spoken: their audio, and which word stands where in it.
//!
//! Every sample carries a trace of noise of its own, so that any 4 ms of audio are known again wherever they turn up:
//! the transcription service answers by time range, and says exactly the words whose middle it hears. What a call is encoded
//! in changes its samples: it is known by those that an undisturbed session makes of it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};

use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll, Session, Utterance, encode::Encoder, mulaw};
use callboard_tests::audio::{self, Recording};
use fastrand::Rng;

use crate::plan::CallPlan;

/// Samples a second: the least that there is, as every frame is carried through a dozen hands.
const RATE: u32 = 8_000;
/// Samples of a millisecond.
const PER_MS: usize = RATE as usize / 1_000;
/// Samples by which a word is known, from its middle on.
const MARK: usize = 32;
/// A word's share of its turn, in milliseconds.
const WORD_MS: u64 = 400;

pub(crate) const CHANNELS: [&str; 2] = ["agent", "customer"];

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) channel: usize,
    pub(crate) turn: usize,
    /// Its middle: media time, ms.
    pub(crate) middle_ms: usize,
    pub(crate) text: String,
}

/// A call as it is spoken.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) id: String,
    pub(crate) format: Format,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) frame_ms: u64,
    /// In the order in which they are spoken.
    pub(crate) words: Vec<Spoken>,
}

/// All that is said in a run, by its sound.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    /// By whether it is mu-law, and the mark of its middle.
    words: HashMap<(bool, u128), String>,
    /// Words of turns that are refused for ever.
    refused: BTreeSet<String>,
}

fn demo() -> &'static Recording {
    static DEMO: OnceLock<Recording> = OnceLock::new();
    DEMO.get_or_init(audio::demo)
}

/// The mark that ends with a sample: the lowest bits of the last samples, which their noise is in; of mu-law, those of their
/// codes, of all others, those of themselves.
fn marked(mark: u128, sample: i16, encoding: Encoding) -> u128 {
    let bits = match encoding {
        Encoding::Mulaw => u16::from(mulaw::encode(sample)),
        Encoding::PcmS16le | Encoding::Opus => sample.unsigned_abs(),
    };
    (mark << 4) | u128::from(bits & 15)
}

/// A call's frames.
fn encoded(recording: &Recording, format: Format, frame_ms: u64) -> Vec<Vec<u8>> {
    if format.encoding == Encoding::PcmS16le {
        return recording.frames(frame_ms);
    }
    // Pieces of 20 ms, of which frames are put together: each is as long as the others.
    let mut encoder = Encoder::new(format, 20).unwrap();
    for frame in recording.frames(frame_ms) {
        let samples: Vec<i16> = frame.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        encoder.push(&samples);
    }
    encoder.finish();
    let pieces: Vec<Vec<u8>> = std::iter::from_fn(|| encoder.pop()).map(|piece| piece.payload).collect();
    pieces.chunks(frame_ms as usize / 20).map(<[Vec<u8>]>::concat).collect()
}

impl Script {
    /// The call of a plan; its words are added to the lexicon.
    pub(crate) fn of(number: usize, plan: &CallPlan, seed: u64, lexicon: &mut Lexicon) -> Self {
        let mut recording = audio::rearranged_of(demo(), &plan.turns).halved();
        let mut noise = Rng::with_seed(seed.wrapping_mul(31).wrapping_add(number as u64));
        // Enough to change many a code of mu-law, which is coarse where it is loud, and what Opus makes of a sound.
        let loudest = if plan.encoding == Encoding::PcmS16le { 2 } else { 120 };
        for row in &mut recording.channels {
            row.iter_mut().for_each(|sample| *sample = sample.saturating_add(noise.i16(-loudest..=loudest)));
        }
        let format = Format { encoding: plan.encoding, sample_rate: RATE, channels: 2 };
        let frame_ms = if plan.encoding == Encoding::PcmS16le { plan.frame_ms } else { plan.frame_ms / 20 * 20 };
        let frames = encoded(&recording, format, frame_ms);
        let heard = match plan.encoding {
            Encoding::PcmS16le => Vec::new(),
            Encoding::Mulaw | Encoding::Opus => heard(format, &frames),
        };
        let mut words = Vec::new();
        for (turn, spoken) in recording.turns.iter().enumerate() {
            let length_ms = spoken.end_ms - spoken.start_ms;
            let count = (length_ms / WORD_MS).max(1);
            for word in 0..count {
                let middle_ms = spoken.start_ms + length_ms * (2 * word + 1) / (2 * count);
                let middle_ms = middle_ms as usize;
                let row = &recording.channels[spoken.channel];
                let sound = match plan.encoding {
                    Encoding::PcmS16le => row.get(middle_ms * PER_MS..),
                    Encoding::Mulaw | Encoding::Opus => sound_at(&heard, spoken.channel, middle_ms),
                };
                let sound = sound.unwrap_or_default();
                let sound = &sound[..sound.len().min(MARK)];
                if plan.encoding == Encoding::Opus && sound.len() == MARK && sound.iter().all(|sample| *sample == 0) {
                    // Its middle is a pause that the encoder left out.
                    continue;
                }
                let text = format!("c{number}{}t{turn}w{word}", &CHANNELS[spoken.channel][..1]);
                if plan.refused_turn == Some(turn) {
                    lexicon.refused.insert(text.clone());
                }
                let mark = sound.iter().fold(0, |mark, sample| marked(mark, *sample, plan.encoding));
                let alike = lexicon.words.insert((plan.encoding == Encoding::Mulaw, mark), text.clone());
                assert!(mark == 0 || alike.is_none(), "seed {seed}: {text} and {alike:?} sound alike");
                words.push(Spoken { channel: spoken.channel, turn, middle_ms, text });
            }
        }
        let id = ulid::Ulid::from_parts(1_795_000_000_000 + seed, number as u128 + 1).to_string();
        Self { id, format, frames, frame_ms, words }
    }

    /// Words of a channel, in order, as an undisturbed session hears them.
    pub(crate) fn undisturbed(&self, lexicon: &Lexicon, channel: usize) -> Vec<String> {
        let heard = heard(self.format, &self.frames).into_iter();
        let mut heard: Vec<_> = heard
            .map(|utterance| (utterance.channel, utterance.spoken.start_ms, lexicon.words(&utterance.spoken.pcm)))
            .collect();
        heard.sort();
        heard.into_iter().filter(|(spoken, ..)| *spoken == channel).flat_map(|(_, _, words)| words).collect()
    }

    /// Number of the frame in which a word has its middle, counted from 1.
    pub(crate) fn frame_of(&self, word: &Spoken) -> u32 {
        (word.middle_ms / self.frame_ms as usize) as u32 + 1
    }
}

/// What an undisturbed session finds in frames.
fn heard(format: Format, frames: &[Vec<u8>]) -> Vec<Utterance> {
    let mut session = Session::new(format);
    for (at, payload) in frames.iter().enumerate() {
        let key = FrameKey::Numbered(at as u32 + 1);
        session.hear(Frame { key, received_ms: at as i64, payload: payload.clone() });
    }
    session.stop(frames.len() as u32);
    let utterance = |session: &mut Session| match session.poll() {
        Poll::Utterance(utterance) => Some(utterance),
        Poll::NeedMore | Poll::Ended => None,
    };
    std::iter::from_fn(|| utterance(&mut session)).collect()
}

/// What is heard from a point of media time on, in milliseconds, where it is in an utterance.
fn sound_at(heard: &[Utterance], channel: usize, at_ms: usize) -> Option<&[i16]> {
    let of_channel = heard.iter().filter(|utterance| utterance.channel == channel);
    of_channel
        .filter_map(|utterance| {
            let from_ms = at_ms.checked_sub(utterance.spoken.audio_start_ms as usize)?;
            utterance.spoken.pcm.get(from_ms * PER_MS..)
        })
        .find(|sound| sound.len() >= MARK)
}

impl Lexicon {
    /// The words whose middle is heard, in the order of the sound.
    pub(crate) fn words(&self, pcm: &[i16]) -> Vec<String> {
        let marks = pcm.iter().scan((0, 0), |(plain, coded), sample| {
            *plain = marked(*plain, *sample, Encoding::PcmS16le);
            *coded = marked(*coded, *sample, Encoding::Mulaw);
            Some((*plain, *coded))
        });
        let word = |(plain, coded)| self.words.get(&(false, plain)).or_else(|| self.words.get(&(true, coded)));
        marks.filter_map(|marks| word(marks).cloned()).collect()
    }

    /// Whether the transcription service refuses what has these words for ever.
    pub(crate) fn refuses(&self, words: &[String]) -> bool {
        words.iter().any(|word| self.refused.contains(word))
    }
}
