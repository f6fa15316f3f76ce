//! The calls that are spoken: their audio, and which word stands where in it.
//!
//! Every sample carries a trace of noise of its own, so that any 4 ms of audio are known again wherever they turn up:
//! the transcription service answers by time range, and says exactly the words whose middle it hears.

use std::{
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};

use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll, Session};
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

pub(crate) const FORMAT: Format = Format { encoding: Encoding::PcmS16le, sample_rate: RATE, channels: 2 };
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
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) frame_ms: u64,
    /// In the order in which they are spoken.
    pub(crate) words: Vec<Spoken>,
}

/// All that is said in a run, by its sound.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    words: HashMap<u128, String>,
    /// Words of turns that are refused for ever.
    refused: BTreeSet<String>,
}

fn demo() -> &'static Recording {
    static DEMO: OnceLock<Recording> = OnceLock::new();
    DEMO.get_or_init(audio::demo)
}

/// The mark that ends with a sample: the lowest bits of the last samples, which their noise is in.
fn marked(mark: u128, sample: i16) -> u128 {
    (mark << 4) | u128::from(sample.unsigned_abs() & 15)
}

impl Script {
    /// The call of a plan; its words are added to the lexicon.
    pub(crate) fn of(number: usize, plan: &CallPlan, seed: u64, lexicon: &mut Lexicon) -> Self {
        let mut recording = audio::rearranged_of(demo(), &plan.turns).halved();
        let mut noise = Rng::with_seed(seed.wrapping_mul(31).wrapping_add(number as u64));
        for row in &mut recording.channels {
            row.iter_mut().for_each(|sample| *sample = sample.saturating_add(noise.i16(-2..=2)));
        }
        let mut words = Vec::new();
        for (turn, spoken) in recording.turns.iter().enumerate() {
            let length_ms = spoken.end_ms - spoken.start_ms;
            let count = (length_ms / WORD_MS).max(1);
            for word in 0..count {
                let middle_ms = spoken.start_ms + length_ms * (2 * word + 1) / (2 * count);
                let middle_ms = middle_ms as usize;
                let sound = recording.channels[spoken.channel][middle_ms * PER_MS..].iter().take(MARK);
                let text = format!("c{number}{}t{turn}w{word}", &CHANNELS[spoken.channel][..1]);
                if plan.refused_turn == Some(turn) {
                    lexicon.refused.insert(text.clone());
                }
                lexicon.words.insert(sound.fold(0, |mark, sample| marked(mark, *sample)), text.clone());
                words.push(Spoken { channel: spoken.channel, turn, middle_ms, text });
            }
        }
        let id = ulid::Ulid::from_parts(1_795_000_000_000 + seed, number as u128 + 1).to_string();
        Self { id, frames: recording.frames(plan.frame_ms), frame_ms: plan.frame_ms, words }
    }

    /// Words of a channel, in order, as an undisturbed session hears them.
    pub(crate) fn undisturbed(&self, lexicon: &Lexicon, channel: usize) -> Vec<String> {
        let mut session = Session::new(FORMAT);
        for (at, payload) in self.frames.iter().enumerate() {
            let key = FrameKey::Numbered(at as u32 + 1);
            session.hear(Frame { key, received_ms: at as i64, payload: payload.clone() });
        }
        session.stop(self.frames.len() as u32);
        let mut heard = Vec::new();
        while let Poll::Utterance(utterance) = session.poll() {
            heard.push((utterance.channel, utterance.spoken.start_ms, lexicon.words(&utterance.spoken.pcm)));
        }
        heard.sort();
        heard.into_iter().filter(|(spoken, ..)| *spoken == channel).flat_map(|(_, _, words)| words).collect()
    }

    /// Number of the frame in which a word has its middle, counted from 1.
    pub(crate) fn frame_of(&self, word: &Spoken) -> u32 {
        (word.middle_ms / self.frame_ms as usize) as u32 + 1
    }
}

impl Lexicon {
    /// The words whose middle is heard, in the order of the sound.
    pub(crate) fn words(&self, pcm: &[i16]) -> Vec<String> {
        let marks = pcm.iter().scan(0, |mark, sample| {
            *mark = marked(*mark, *sample);
            Some(*mark)
        });
        marks.filter_map(|mark| self.words.get(&mark).cloned()).collect()
    }

    /// Whether the transcription service refuses what has these words for ever.
    pub(crate) fn refuses(&self, words: &[String]) -> bool {
        words.iter().any(|word| self.refused.contains(word))
    }
}
