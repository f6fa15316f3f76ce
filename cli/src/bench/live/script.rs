//! What is said in the calls: the demo call's turns one after the other, each followed by as much quiet as makes the share
//! of speech that telephone calls have, and made into frames as the capture client makes them. All is encoded once, for all
//! calls.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll, Session, decode::Converter, encode::Encoder};
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
    /// The script that the demo call beside its ground truth makes, in this encoding at its usual rate.
    ///
    /// # Errors
    /// One of both cannot be read, or the voice detector does not hear in it what is there.
    pub(super) fn new(demo: &Path, encoding: Encoding) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be read", demo.display());
        let truth = demo.with_extension("json");
        let read = std::fs::read(&truth).with_context(|| format!("{} cannot be read", truth.display()))?;
        let truth: Demo = serde_json::from_slice(&read).with_context(|| format!("{} is malformed", truth.display()))?;
        let format = Format { encoding, sample_rate: encoding.default_rate(), channels: 2 };
        let samples = rows(demo, format.sample_rate).with_context(cannot)?;
        let mut turns = Vec::new();
        for turn in &truth.turns {
            let sound = sound(turn, &samples, &format);
            turns.push(Turn {
                duration_ms: format.samples_to_ms(sound.len() as u64 / 2),
                frames: frames(&sound, format).context("the frames cannot be made")?,
                said: Vec::new(),
            });
        }
        let mut script = Self { format, turns, share: 0.0 };
        script.listen(&truth)?;
        Ok(script)
    }

    /// Hears the turns as the live session will, and notes what utterances they are.
    fn listen(&mut self, truth: &Demo) -> anyhow::Result<()> {
        let mut session = Session::new(self.format);
        let (mut at_ms, mut spoken_ms, mut seq) = (0, 0, 0);
        for (at, turn) in self.turns.iter_mut().enumerate() {
            let mut heard = Vec::new();
            for frame in &turn.frames {
                let payload = STANDARD.decode(&frame.data)?;
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
fn sound(turn: &DemoTurn, demo: &[Vec<i16>], format: &Format) -> Vec<i16> {
    let samples = |ms: u64| (ms * u64::from(format.sample_rate) / 1_000) as usize;
    // Where its sound is within the turn.
    let words = LEAD_MS..LEAD_MS + turn.end_ms - turn.start_ms + 2 * EDGE_MS;
    let spoken_ms = turn.end_ms - turn.start_ms;
    let pause_ms = ((spoken_ms as f64 / TURNS_SHARE) as u64 - spoken_ms).max(LEAST_PAUSE_MS);
    // Whole steps of the grid, so that a turn sounds the same wherever it stands.
    let duration_ms = (words.end + pause_ms).next_multiple_of(u64::from(Format::GRID_MS));
    let mut sound: Vec<i16> = quiet(2 * samples(duration_ms)).collect();
    let from = samples(turn.start_ms.saturating_sub(EDGE_MS));
    let spoken = demo[turn.channel].iter().skip(from).take(samples(words.end - words.start));
    for (slot, sample) in sound.chunks_exact_mut(2).skip(samples(words.start)).zip(spoken) {
        slot[turn.channel] = *sample;
    }
    sound
}

/// Both channels of the demo call, at this rate.
fn rows(demo: &Path, sample_rate: u32) -> anyhow::Result<Vec<Vec<i16>>> {
    let reader = WavReader::new(BufReader::new(File::open(demo)?))?;
    let spec = reader.spec();
    ensure!(spec.channels == 2 && spec.bits_per_sample == 16, "it is not the demo call");
    let samples = reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    let row = |channel: usize| -> anyhow::Result<Vec<i16>> {
        let row: Vec<i16> = samples.iter().skip(channel).step_by(2).copied().collect();
        if spec.sample_rate == sample_rate {
            return Ok(row);
        }
        let mut converted = Vec::new();
        let mut converter = Converter::new(spec.sample_rate, sample_rate)?;
        converter.push(&row, &mut converted);
        converter.finish(&mut converted);
        Ok(converted)
    };
    Ok(vec![row(0)?, row(1)?])
}

/// A turn's frames, as the capture client makes them.
fn frames(sound: &[i16], format: Format) -> Option<Vec<Piece>> {
    let mut encoder = Encoder::new(format, FRAME_MS)?;
    encoder.push(sound);
    encoder.finish();
    let mut samples = 0;
    let frames = std::iter::from_fn(|| encoder.pop()).map(|frame| {
        samples += frame.samples;
        Piece { until_ms: format.samples_to_ms(samples), data: STANDARD.encode(&frame.payload) }
    });
    Some(frames.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::talk::demo;

    fn script(encoding: Encoding) -> Script {
        Script::new(&demo(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref()), encoding).unwrap()
    }

    #[test]
    fn turns_are_frames_that_fit_and_follow_each_other() {
        for encoding in Encoding::ALL {
            let script = script(encoding);
            assert!((script.share - 0.45).abs() < 0.05, "{}", script.share);
            for turn in &script.turns {
                let mut from_ms = 0;
                for frame in &turn.frames {
                    let payload = STANDARD.decode(&frame.data).unwrap();
                    script.format.validate_frame(&payload).unwrap();
                    let samples = script.format.samples(&payload);
                    assert_eq!(script.format.samples_to_ms(samples), frame.until_ms - from_ms);
                    from_ms = frame.until_ms;
                }
                assert_eq!((from_ms, from_ms % 80), (turn.duration_ms, 0));
                assert!(!turn.said.is_empty() && turn.said.iter().all(|said| !said.text.is_empty()));
            }
        }
    }

    #[test]
    fn calls_begin_anywhere_and_are_as_long_as_asked_for() {
        let script = script(Encoding::PcmS16le);
        let all_ms: u64 = script.turns.iter().map(|turn| turn.duration_ms).sum();
        let count = script.turns.len();
        assert_eq!(script.turns_from(3, 1), [3]);
        assert_eq!(script.turns_from(count + 1, all_ms), (1..=count).map(|at| at % count).collect::<Vec<_>>());
    }

    #[test]
    fn every_utterance_is_known_again_and_no_other_one() {
        for encoding in Encoding::ALL {
            let script = script(encoding);
            for (at, said) in script.said().enumerate() {
                assert_eq!(said.print.nearest(script.said().map(|said| &said.print)), Some(at));
            }
        }
    }
}
