//! Recordings in sections: any division gives what one run gives, and a session hears the same.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::Cursor;
use std::ops::Range;

use callboard_audio::decode::{Converter, DecodeError, Decoder};
use callboard_audio::endpoint::Spoken;
use callboard_audio::recorded::{Event, Options, Plan, SECTION_MS, WINDOW_MS, plan, sections};
use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll, Session};

mod long;

use long::Recording;

const WITH_AUDIO: Options = Options { mono: false, audio: true };

fn open(bytes: &[u8]) -> Decoder {
    Decoder::open(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64).unwrap()
}

/// What some sections said.
#[derive(Debug, Default, PartialEq)]
struct Said {
    utterances: Vec<(usize, Spoken)>,
    audio: Vec<i16>,
    /// From and to of each, in milliseconds.
    ends: Vec<(u64, u64)>,
    error: Option<String>,
}

impl Said {
    fn append(&mut self, mut other: Self) {
        self.utterances.append(&mut other.utterances);
        self.audio.append(&mut other.audio);
        self.ends.append(&mut other.ends);
        self.error = self.error.take().or(other.error);
    }
}

fn read(decoder: &mut Decoder, plan: &Plan, range: Range<u32>, options: Options) -> Said {
    let mut said = Said::default();
    let first = range.start;
    let sections = match sections(decoder, plan, range, options) {
        Ok(sections) => sections,
        Err(error) => return Said { error: Some(error.to_string()), ..said },
    };
    for event in sections {
        match event {
            Ok(Event::Utterance { channel, spoken }) => said.utterances.push((channel, spoken)),
            Ok(Event::Audio { samples, .. }) => said.audio.extend(samples),
            Ok(Event::SectionEnd { index, from_ms, to_ms }) => {
                assert_eq!(index as usize, first as usize + said.ends.len());
                said.ends.push((from_ms, to_ms));
            }
            Err(error) => said.error = Some(error.to_string()),
        }
    }
    said
}

fn whole(bytes: &[u8], options: Options) -> (Plan, Said) {
    let mut decoder = open(bytes);
    let plan = plan(&mut decoder).unwrap();
    let said = read(&mut decoder, &plan, 0..plan.sections, options);
    assert_eq!(said.error, None);
    (plan, said)
}

/// Every section by itself with a decoder of its own, and, of more than two, uneven parts with one decoder.
fn check_division(name: &str, bytes: &[u8]) {
    let (plan, whole) = whole(bytes, WITH_AUDIO);
    let last = plan.sections;
    assert!(last >= 2, "{name} has {last} sections");
    assert!(whole.utterances.len() > 20, "{name}: {} utterances", whole.utterances.len());
    let mut single = Said::default();
    (0..last).for_each(|index| single.append(read(&mut open(bytes), &plan, index..index + 1, WITH_AUDIO)));
    check_parts(name, &single, &whole);
    if last > 2 {
        let mut decoder = open(bytes);
        // Later parts first: what the decoder did before makes no difference.
        let late = read(&mut decoder, &plan, last - 1..last + 5, WITH_AUDIO);
        let mut uneven = read(&mut decoder, &plan, 0..last - 1, WITH_AUDIO);
        uneven.append(late);
        check_parts(name, &uneven, &whole);
    }
    check_borders(name, &plan, &whole);
}

fn check_parts(name: &str, parts: &Said, whole: &Said) {
    assert_eq!(parts.error, None, "{name}");
    assert_eq!(parts.ends, whole.ends, "{name}: borders");
    let differs = parts.audio.iter().zip(&whole.audio).position(|(part, whole)| part != whole);
    assert_eq!((parts.audio.len(), differs), (whole.audio.len(), None), "{name}: samples");
    assert!(parts.utterances == whole.utterances, "{name}: utterances");
}

fn check_borders(name: &str, plan: &Plan, whole: &Said) {
    for (index, (from_ms, to_ms)) in whole.ends.iter().enumerate() {
        let nominal = |border: usize| border as u64 * SECTION_MS;
        assert!(from_ms.abs_diff(nominal(index)) < WINDOW_MS && from_ms % 80 == 0, "{name}: {from_ms}");
        assert!(*to_ms == plan.duration_ms || to_ms.abs_diff(nominal(index + 1)) < WINDOW_MS, "{name}: {to_ms}");
    }
    let last = whole.ends.last().unwrap().1;
    assert!(last.abs_diff(plan.duration_ms) <= 1, "{name}: {last} of {} ms", plan.duration_ms);
}

#[test]
fn any_division_gives_what_one_run_gives() {
    for Recording { name, bytes } in long::recordings() {
        check_division(name, &bytes);
    }
    check_division("WAV of four sections", &long::wav(16_000, 1, 970));
}

/// Utterances of a session that is fed a section's samples in frames of any length, in the recording's media time.
fn session(format: Format, from_ms: u64, samples: &[i16], frame_ms: usize) -> Vec<(usize, Spoken)> {
    let mut session = Session::new(format);
    let frame = format.sample_rate as usize * frame_ms / 1_000 * usize::from(format.channels);
    let mut said = Vec::new();
    let mut listen = |session: &mut Session| {
        while let Poll::Utterance(utterance) = session.poll() {
            let mut spoken = utterance.spoken;
            spoken.start_ms += from_ms;
            spoken.end_ms += from_ms;
            spoken.audio_start_ms += from_ms;
            spoken.closed_ms += from_ms;
            said.push((utterance.channel, spoken));
        }
    };
    for (index, samples) in samples.chunks(frame).enumerate() {
        let payload = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        session.hear(Frame { key: FrameKey::Numbered(index as u32), received_ms: 7, payload });
        listen(&mut session);
    }
    session.close();
    listen(&mut session);
    said
}

#[test]
fn a_section_is_what_a_live_session_hears_in_its_samples() {
    for (rate, channels) in [(16_000, 2), (8_000, 1), (44_100, 1)] {
        let bytes = long::wav(rate, channels, 370);
        let (_, whole) = whole(&bytes, WITH_AUDIO);
        let sample_rate = if rate == 8_000 { 8_000 } else { 16_000 };
        let format = Format { encoding: Encoding::PcmS16le, sample_rate, channels: channels as u8 };
        let at = |ms: u64| (ms * u64::from(sample_rate) / 1_000) as usize * usize::from(channels);
        for frame_ms in [80, 700] {
            let mut heard = Vec::new();
            for (from_ms, to_ms) in &whole.ends {
                let until = if *to_ms == whole.ends.last().unwrap().1 { whole.audio.len() } else { at(*to_ms) };
                heard.extend(session(format, *from_ms, &whole.audio[at(*from_ms)..until], frame_ms));
            }
            let sorted = |mut utterances: Vec<(usize, Spoken)>| {
                utterances.sort_by_key(|(channel, spoken)| (spoken.start_ms, *channel));
                utterances
            };
            assert!(sorted(heard) == sorted(whole.utterances.clone()), "{rate} Hz, {frame_ms} ms a frame");
        }
    }
}

#[test]
fn the_samples_are_those_of_the_recording() {
    let bytes = long::wav(44_100, 1, 370);
    let (plan, whole) = whole(&bytes, WITH_AUDIO);
    let mut converter = Converter::new(44_100, 16_000).unwrap();
    let mut expected = Vec::new();
    let mut decoder = open(&bytes);
    while let Some(block) = decoder.next().unwrap() {
        converter.push(&block.channels[0], &mut expected);
    }
    converter.finish(&mut expected);
    assert_eq!(plan.duration_ms, 370_000);
    assert!(whole.audio == expected);
}

#[test]
fn one_channel_may_be_made_of_two() {
    let bytes = long::wav(16_000, 2, 20);
    let both = whole(&bytes, WITH_AUDIO).1;
    let mixed = whole(&bytes, Options { mono: true, audio: true }).1;
    let expected: Vec<i16> = both.audio.chunks_exact(2).map(|pair| pair[0].midpoint(pair[1])).collect();
    assert!(mixed.audio == expected);
    assert!(!mixed.utterances.is_empty() && mixed.utterances.iter().all(|(channel, _)| *channel == 0));
    let quiet = whole(&bytes, Options::default()).1;
    assert!(quiet.audio.is_empty() && quiet.utterances == both.utterances);
}

#[test]
fn silence_has_sections_and_no_utterances() {
    let (plan, said) = whole(&long::pcm_wav(8_000, 1, &vec![0; 8_000 * 661]), WITH_AUDIO);
    assert_eq!((plan.sections, plan.duration_ms), (3, 661_000));
    assert_eq!(said.ends, [(0, 300_000), (300_000, 600_000), (600_000, 661_000)]);
    assert_eq!((said.utterances.len(), said.audio.len()), (0, 8_000 * 661));
    // A rest below a minute belongs to what is before it.
    let (plan, said) = whole(&long::pcm_wav(8_000, 1, &vec![0; 8_000 * 659]), Options::default());
    assert_eq!((plan.sections, said.ends), (2, vec![(0, 300_000), (300_000, 659_000)]));
}

#[test]
fn speech_goes_on_across_a_border_and_no_sample_is_lost() {
    let speech = long::unbroken_speech(400);
    let (plan, said) = whole(&long::pcm_wav(16_000, 1, &speech), WITH_AUDIO);
    assert_eq!(plan.sections, 2);
    assert!(said.audio == speech);
    let border = said.ends[0].1;
    let ends_at = said.utterances.iter().map(|(_, spoken)| spoken.end_ms).filter(|end| *end <= border).max().unwrap();
    let begins_at = said.utterances.iter().map(|(_, spoken)| spoken.start_ms).filter(|start| *start >= border).min();
    assert!(border - ends_at <= 500, "speech until {ends_at}, border at {border}");
    assert!(begins_at.unwrap() - border <= 500, "speech from {begins_at:?}, border at {border}");
}

#[test]
fn a_file_that_was_cut_off_is_told_before_anything_is_heard() {
    for Recording { name, bytes } in long::recordings() {
        let cut = &bytes[..bytes.len() / 2];
        let whole = plan(&mut open(&bytes)).unwrap();
        match plan(&mut open(cut)) {
            Err(DecodeError::Damaged { from_ms, .. }) => {
                let share = from_ms as f64 / whole.duration_ms as f64;
                assert!((0.4..0.6).contains(&share), "{name}: damaged from {from_ms} ms on");
            }
            // These don't say how long they are: what is there is all.
            Ok(half) => {
                assert!(long::states_no_length(name), "{name}");
                assert!(half.duration_ms.abs_diff(whole.duration_ms / 2) < 6_000, "{name}: {half:?}");
            }
            Err(error) => assert!(long::states_no_length(name), "{name}: {error}"),
        }
    }
}

#[test]
fn what_is_before_the_damage_is_heard() {
    let bytes = long::wav(16_000, 2, 700);
    let (plan, whole) = whole(&bytes, WITH_AUDIO);
    let cut = bytes.len() * 65 / 100;
    let said = read(&mut open(&bytes[..cut]), &plan, 0..plan.sections, WITH_AUDIO);
    let from_ms = 700_000 * 65 / 100;
    let error = said.error.unwrap();
    assert!(error.contains("damaged from 45") && error.contains("not complete"), "{error}");
    assert_eq!(said.ends, whole.ends[..1]);
    assert!(said.audio[..] == whole.audio[..said.audio.len()]);
    assert!((said.audio.len() / 32).abs_diff(from_ms) <= 100, "{} samples", said.audio.len());
    let before = |(_, spoken): &&(usize, Spoken)| spoken.closed_ms < from_ms as u64 - 1_000;
    let expected: Vec<_> = whole.utterances.iter().filter(before).collect();
    assert!(expected.len() > 20 && said.utterances.iter().filter(before).eq(expected));
    // A part behind the damage has nothing; one that lies before it is not concerned.
    let last = read(&mut open(&bytes[..cut]), &plan, 2..3, WITH_AUDIO);
    assert!(last.error.unwrap().contains("damaged from") && last.audio.is_empty());
    assert_eq!(read(&mut open(&bytes[..cut]), &plan, 0..1, WITH_AUDIO).error, None);
}
