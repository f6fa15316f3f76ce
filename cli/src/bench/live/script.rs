//! What is said in the calls: the demo call's turns one after the other, each followed by as much quiet as makes the share
//! of speech that telephone calls have, and cut into frames as a capture client would. All is encoded once, for all calls.

use std::{fs::File, io::BufReader, ops::Range, path::Path};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_audio::{Format, Frame, FrameKey, Poll, Session};
use callboard_domain::Channel;
use hound::WavReader;
use serde::Deserialize;

use super::print::Print;
use crate::bench::talk::quiet;

/// Who speaks on which channel.
pub(super) const CHANNELS: [Channel; 2] = [Channel::Agent, Channel::Customer];
/// Quiet before the words of a turn.
const LEAD_MS: u64 = 160;
/// Sound that is taken along before and after the words of a turn.
const EDGE_MS: u64 = 80;
/// Least quiet after a turn, so that its utterance is closed before the next one.
const LEAST_PAUSE_MS: u64 = 1_200;
/// Share of the time in which it is somebody's turn: turns have pauses, and 45 % is speech.
const TURNS_SHARE: f64 = 0.53;
/// A capture client sends what it has when speech has paused for so long, and again when the utterance may be over by then:
/// after 608 ms of what the session takes for silence, on its grid.
const FLUSHES_MS: [u64; 4] = [160, 720, 800, 880];
/// Longest frame that a capture client makes.
const FRAME_MS: u64 = 1_000;

/// All turns, over and over.
pub(super) struct Script {
    /// The format of its frames.
    pub(super) format: Format,
    /// The turns, in the order in which they are spoken.
    pub(super) turns: Vec<Turn>,
    /// Share of the time in which somebody speaks, as the voice detector hears it.
    pub(super) share: f64,
}

/// Somebody speaks, and then nobody for a while.
pub(super) struct Turn {
    /// Its length, with the quiet behind it.
    pub(super) duration_ms: u64,
    /// Its frames.
    pub(super) frames: Vec<Piece>,
    /// Its utterances, in their order: one, where the speaker does not pause.
    pub(super) said: Vec<Said>,
}

/// A frame that is ready to be sent.
pub(super) struct Piece {
    /// Where it ends, counted from its turn's beginning.
    pub(super) until_ms: u64,
    /// Its bytes in base64.
    pub(super) data: String,
}

/// An utterance.
pub(super) struct Said {
    /// Whose.
    pub(super) channel: Channel,
    /// What the transcription service makes of it.
    pub(super) text: String,
    /// How long its sound is, as the service gets it.
    pub(super) audio_ms: u64,
    /// How it is known again.
    pub(super) print: Print,
}

/// The demo call's ground truth.
#[derive(Deserialize)]
struct Demo {
    turns: Vec<DemoTurn>,
}

#[derive(Deserialize)]
struct DemoTurn {
    channel: usize,
    text: String,
    start_ms: u64,
    end_ms: u64,
}

impl Script {
    /// The script that the demo call beside its ground truth makes.
    ///
    /// # Errors
    /// One of both cannot be read, or the voice detector does not hear in it what is there.
    pub(super) fn new(demo: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be read", demo.display());
        let reader = WavReader::new(BufReader::new(File::open(demo).with_context(cannot)?)).with_context(cannot)?;
        let spec = reader.spec();
        let truth = demo.with_extension("json");
        let read = std::fs::read(&truth).with_context(|| format!("{} cannot be read", truth.display()))?;
        let truth: Demo = serde_json::from_slice(&read).with_context(|| format!("{} is malformed", truth.display()))?;
        ensure!(spec.channels == 2 && spec.bits_per_sample == 16, "{} is not the demo call", demo.display());
        let format = Format {
            encoding: callboard_audio::Encoding::PcmS16le,
            sample_rate: spec.sample_rate,
            channels: spec.channels as u8,
        };
        let samples = reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>().with_context(cannot)?;
        let spoken: Vec<Vec<i16>> = truth.turns.iter().map(|turn| sound(turn, &samples, &format)).collect();
        let mut turns = Vec::new();
        for (turn, sound) in truth.turns.iter().zip(&spoken) {
            turns.push(Turn {
                duration_ms: format.samples_to_ms(sound.len() as u64 / 2),
                frames: frames(turn, sound, &format),
                said: Vec::new(),
            });
        }
        let mut script = Self { format, turns, share: 0.0 };
        script.listen(&truth, &spoken)?;
        Ok(script)
    }

    /// Hears the turns as the live session will, and notes what utterances they are.
    fn listen(&mut self, truth: &Demo, spoken: &[Vec<i16>]) -> anyhow::Result<()> {
        let mut session = Session::new(self.format);
        let (mut at_ms, mut spoken_ms, mut seq) = (0, 0, 0);
        for (at, turn) in self.turns.iter_mut().enumerate() {
            let mut heard = Vec::new();
            for frame in spoken[at].chunks(2 * self.format.sample_rate as usize / 10) {
                let payload = encode(frame);
                session.hear(Frame { key: FrameKey::Numbered(seq), received_ms: 0, payload });
                seq += 1;
                while let Poll::Utterance(utterance) = session.poll() {
                    heard.push(utterance);
                }
            }
            let own = at_ms..at_ms + turn.duration_ms;
            let text = &truth.turns[at].text;
            let all_ms: u64 = heard.iter().map(|it| it.spoken.end_ms - it.spoken.start_ms).sum();
            ensure!(all_ms > 0, "\"{text}\" of the demo call is not heard");
            let words: Vec<&str> = text.split_whitespace().collect();
            let mut said_ms = 0;
            for it in heard {
                let in_turn = own.contains(&it.spoken.start_ms) && it.spoken.end_ms <= own.end;
                ensure!(in_turn && it.channel == truth.turns[at].channel, "\"{text}\" of the demo call is not alone");
                // Each part of a turn that is spoken with pauses has its share of the words.
                let word = |ms: u64| (ms * words.len() as u64 / all_ms) as usize;
                let from = word(said_ms);
                said_ms += it.spoken.end_ms - it.spoken.start_ms;
                let text = words[from..word(said_ms).max(from + 1).min(words.len())].join(" ");
                let print = Print::of(&it.spoken.pcm, it.spoken.sample_rate);
                let audio_ms = it.spoken.pcm.len() as u64 * 1_000 / u64::from(it.spoken.sample_rate);
                turn.said.push(Said { channel: CHANNELS[it.channel], text, audio_ms, print });
            }
            (at_ms, spoken_ms) = (own.end, spoken_ms + all_ms);
        }
        self.share = spoken_ms as f64 / at_ms as f64;
        Ok(())
    }

    /// The turns of a call that begins with this one, until it is so long.
    pub(super) fn turns_from(&self, first: usize, duration_ms: u64) -> Vec<usize> {
        let mut length_ms = 0;
        let round = (0..self.turns.len()).cycle().skip(first % self.turns.len());
        let mut played = Vec::new();
        for turn in round {
            if length_ms >= duration_ms && !played.is_empty() {
                break;
            }
            length_ms += self.turns[turn].duration_ms;
            played.push(turn);
        }
        played
    }

    /// All utterances.
    pub(super) fn said(&self) -> impl Iterator<Item = &Said> {
        self.turns.iter().flat_map(|turn| &turn.said)
    }
}

/// The sound of a turn, interleaved: the other side is quiet meanwhile, and both are after it.
fn sound(turn: &DemoTurn, demo: &[i16], format: &Format) -> Vec<i16> {
    let samples = |ms: u64| (ms * u64::from(format.sample_rate) / 1_000) as usize;
    let words = words_of(turn);
    let spoken_ms = turn.end_ms - turn.start_ms;
    let pause_ms = ((spoken_ms as f64 / TURNS_SHARE) as u64 - spoken_ms).max(LEAST_PAUSE_MS);
    // Whole steps of the grid, so that a turn sounds the same wherever it stands.
    let duration_ms = (words.end + pause_ms).next_multiple_of(u64::from(Format::GRID_MS));
    let mut sound: Vec<i16> = quiet(2 * samples(duration_ms)).collect();
    let from = samples(turn.start_ms.saturating_sub(EDGE_MS));
    let spoken = demo.iter().skip(turn.channel).step_by(2).skip(from).take(samples(words.end - words.start));
    for (slot, sample) in sound.chunks_exact_mut(2).skip(samples(words.start)).zip(spoken) {
        slot[turn.channel] = *sample;
    }
    sound
}

/// Where a turn's sound is within it.
fn words_of(turn: &DemoTurn) -> Range<u64> {
    LEAD_MS..LEAD_MS + turn.end_ms - turn.start_ms + 2 * EDGE_MS
}

/// A turn's frames: as long as they may be, and cut where speech pauses.
fn frames(turn: &DemoTurn, sound: &[i16], format: &Format) -> Vec<Piece> {
    let longest_ms = FRAME_MS.min(format.samples_to_ms(format.samples(Format::MAX_FRAME_BYTES)));
    let duration_ms = format.samples_to_ms(sound.len() as u64 / 2);
    let paused_ms = words_of(turn).end - EDGE_MS;
    let ends = FLUSHES_MS.map(|after_ms| paused_ms + after_ms);
    let (mut frames, mut from_ms) = (Vec::new(), 0);
    while from_ms < duration_ms {
        let next = ends.into_iter().find(|end| *end > from_ms).unwrap_or(duration_ms).min(duration_ms);
        let mut until_ms = (from_ms + longest_ms).min(next);
        if until_ms < next {
            // What is left must be long enough for a frame of its own.
            until_ms = until_ms.min(next - Format::MIN_FRAME_MS);
        }
        let sample = |ms: u64| 2 * (ms * u64::from(format.sample_rate) / 1_000) as usize;
        frames.push(Piece { until_ms, data: STANDARD.encode(encode(&sound[sample(from_ms)..sample(until_ms)])) });
        from_ms = until_ms;
    }
    frames
}

/// The bytes of a frame: the one place that knows how samples are written.
fn encode(interleaved: &[i16]) -> Vec<u8> {
    interleaved.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::talk::demo;

    fn script() -> Script {
        Script::new(&demo(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref())).unwrap()
    }

    #[test]
    fn turns_are_cut_into_frames_that_fit_and_follow_each_other() {
        let script = script();
        assert!((script.share - 0.45).abs() < 0.03, "{}", script.share);
        for turn in &script.turns {
            let mut from_ms = 0;
            for frame in &turn.frames {
                let bytes = STANDARD.decode(&frame.data).unwrap().len();
                script.format.validate_frame(bytes).unwrap();
                assert_eq!(script.format.samples_to_ms(script.format.samples(bytes)), frame.until_ms - from_ms);
                from_ms = frame.until_ms;
            }
            assert_eq!((from_ms, from_ms % 80), (turn.duration_ms, 0));
            assert!(!turn.said.is_empty() && turn.said.iter().all(|said| !said.text.is_empty()));
        }
    }

    #[test]
    fn calls_begin_anywhere_and_are_as_long_as_asked_for() {
        let script = script();
        let all_ms: u64 = script.turns.iter().map(|turn| turn.duration_ms).sum();
        let count = script.turns.len();
        assert_eq!(script.turns_from(3, 1), [3]);
        assert_eq!(script.turns_from(count + 1, all_ms), (1..=count).map(|at| at % count).collect::<Vec<_>>());
    }

    #[test]
    fn every_utterance_is_known_again_and_no_other_one() {
        let script = script();
        for (at, said) in script.said().enumerate() {
            assert_eq!(said.print.nearest(script.said().map(|said| &said.print)), Some(at));
        }
    }
}
