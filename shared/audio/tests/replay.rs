//! What is kept of a live call is what its session heard: the same media times, and the same sound at them.

#![allow(clippy::unwrap_used, reason = "a test may")]

use callboard_audio::{
    Encoding, Format, Frame, FrameKey, Poll, Replay, Session, Utterance,
    keep::{KeptMinute, Silence},
    sequence::MAX_EARLY_BYTES,
};
use proptest::prelude::*;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");

/// What is told of a call, to its session and afterwards.
#[derive(Debug, Clone)]
enum Told {
    Frame(Frame),
    Stop(u32),
    Gone(u32, u32),
    Close,
}

/// The begin of the demo call, less than a session keeps of what came early: in frames of the given lengths (ms, used in
/// turn), numbered from 1, received as they end.
fn demo(lengths_ms: &[u64]) -> (Format, Vec<Frame>) {
    let mut reader = hound::WavReader::open(DEMO).unwrap();
    let spec = reader.spec();
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: spec.sample_rate, channels: spec.channels as u8 };
    let samples = reader.samples::<i16>().take(MAX_EARLY_BYTES * 2 / 5);
    let pcm: Vec<u8> = samples.flat_map(|sample| sample.unwrap().to_le_bytes()).collect();
    (format, frames(format, &pcm, lengths_ms))
}

fn frames(format: Format, pcm: &[u8], lengths_ms: &[u64]) -> Vec<Frame> {
    let (mut rest, mut ended_ms, mut frames) = (pcm, 1_000_000, Vec::new());
    while !rest.is_empty() {
        let length_ms = lengths_ms[frames.len() % lengths_ms.len()];
        let bytes = (u64::from(format.sample_rate) * length_ms / 1_000) as usize * format.sample_bytes().unwrap();
        let (payload, later) = rest.split_at(bytes.min(rest.len()));
        (rest, ended_ms) = (later, ended_ms + length_ms as i64);
        let key = FrameKey::Numbered(frames.len() as u32 + 1);
        frames.push(Frame { key, received_ms: ended_ms, payload: payload.to_vec() });
    }
    frames
}

/// All minutes of a replay that is told this, put together: each begins where the one before ended.
fn kept(format: Format, told: &[Told], silenced: &[Silence]) -> (Vec<i16>, u64, bool) {
    let mut replay = Replay::new(format, silenced.iter().copied()).unwrap();
    let mut minutes: Vec<KeptMinute> = Vec::new();
    for told in told.iter().cloned() {
        match told {
            Told::Frame(frame) => replay.hear(frame),
            Told::Stop(last) => replay.stop(last),
            Told::Gone(from, to) => replay.gone(from, to),
            Told::Close => replay.close(),
        }
        minutes.extend(std::iter::from_fn(|| replay.pop()));
    }
    let (duration_ms, is_over) = (replay.duration_ms(), replay.is_over());
    minutes.extend(std::iter::from_fn(|| replay.finish()));
    let mut samples = Vec::new();
    for (at, minute) in minutes.into_iter().enumerate() {
        assert_eq!(minute.from_ms, at as u64 * 60_000);
        let reader = hound::WavReader::new(std::io::Cursor::new(minute.bytes)).unwrap();
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (rate(format), u16::from(format.channels)));
        samples.extend(reader.into_samples::<i16>().map(Result::unwrap));
    }
    (samples, duration_ms, is_over)
}

fn rate(format: Format) -> u32 {
    if format.sample_rate > 8_000 { 16_000 } else { 8_000 }
}

/// What a session says that is told this, how long it heard, and whether it ended.
fn heard(format: Format, told: &[Told]) -> (Vec<Utterance>, u64, bool) {
    let (mut session, mut said) = (Session::new(format), Vec::new());
    for told in told.iter().cloned() {
        match told {
            Told::Frame(frame) => drop(session.hear(frame)),
            Told::Stop(last) => session.stop(last),
            Told::Gone(from, to) => session.gone(from, to),
            Told::Close => session.close(),
        }
        while let Poll::Utterance(utterance) = session.poll() {
            said.push(utterance);
        }
    }
    (said, session.duration_ms(), session.poll() == Poll::Ended)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_call_its_sound_is_where_its_words_are(
        lengths in prop::collection::vec(20u64..=300, 1..5),
        jitter in prop::collection::vec(0usize..6, 1..50),
        doubles in prop::collection::vec((0usize..1_000, 0usize..60), 0..20),
        losses in prop::collection::vec((1usize..1_000, any::<bool>()), 0..12),
        ends in prop::collection::vec((0usize..1_000, any::<bool>()), 0..4),
    ) {
        let (format, ordered) = demo(&lengths);
        let mut told: Vec<(usize, Told)> = Vec::new();
        for (at, frame) in ordered.iter().enumerate() {
            let lost = losses.iter().find(|(lost, _)| lost % ordered.len() == at);
            let seq = at as u32 + 1;
            match lost {
                None => told.push((at + jitter[at % jitter.len()], Told::Frame(frame.clone()))),
                Some((_, true)) => told.push((at + 40, Told::Gone(seq, seq))),
                // Nobody says a word of it: it is waited for until the call is closed.
                Some((_, false)) => {}
            }
        }
        for (at, later) in doubles {
            let frame = ordered[at % ordered.len()].clone();
            if !losses.iter().any(|(lost, _)| lost % ordered.len() == at % ordered.len()) {
                told.push((at % ordered.len() + later, Told::Frame(frame)));
            }
        }
        for (at, stopped) in ends {
            let at = at % ordered.len();
            told.push((at, if stopped { Told::Stop(at as u32 + 1) } else { Told::Close }));
        }
        told.sort_by_key(|(position, _)| *position);
        let mut told: Vec<Told> = told.into_iter().map(|(_, told)| told).collect();
        told.extend([Told::Stop(ordered.len() as u32), Told::Close]);

        let (said, heard_ms, ended) = heard(format, &told);
        let (samples, kept_ms, over) = kept(format, &told, &[]);
        prop_assert!(ended && over && said.len() >= 2);
        prop_assert_eq!(kept_ms, heard_ms);
        prop_assert_eq!(samples.len() as u64 / 2 * 1_000 / 16_000, heard_ms);
        for Utterance { channel, spoken, .. } in said {
            let from = spoken.audio_start_ms as usize * 16;
            let row = samples.iter().skip(channel).step_by(2).skip(from).take(spoken.pcm.len());
            prop_assert!(row.eq(&spoken.pcm), "from {} ms on channel {}", spoken.audio_start_ms, channel);
        }
    }
}

#[test]
fn what_is_lost_is_silent_for_as_long_and_what_is_masked_is_silent_too() {
    let (format, frames) = demo(&[100]);
    let told: Vec<Told> = frames
        .iter()
        .filter(|frame| !matches!(frame.key, FrameKey::Numbered(11..=13)))
        .cloned()
        .map(Told::Frame)
        .collect();
    let last = frames.len() as u32;
    let told = [told, vec![Told::Gone(11, 13), Told::Stop(last)]].concat();
    let masked = Silence { channel: 1, from_ms: 2_000, to_ms: 2_500 };
    let (samples, _, over) = kept(format, &told, &[masked]);
    let original: Vec<i16> = frames
        .iter()
        .flat_map(|frame| frame.payload.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)))
        .collect();
    let expected = |at: usize, sample: i16| {
        let (ms, channel) = (at / 2 / 16, at % 2);
        let silent = (1_000..1_300).contains(&ms) || (channel == 1 && (2_000..2_500).contains(&ms));
        if silent { 0 } else { sample }
    };
    let expected = original.iter().enumerate().map(|(at, sample)| expected(at, *sample));
    assert!(over && samples[..original.len()].iter().copied().eq(expected));
    assert!(samples[original.len()..].iter().all(|sample| *sample == 0), "what fills the grid");
}

/// A tone of this rate, as samples.
fn tone(sample_rate: u32, count: usize) -> Vec<i16> {
    let at = |i: usize| (10_000.0 * (i as f64 * 300.0 * std::f64::consts::TAU / f64::from(sample_rate)).sin()) as i16;
    (0..count).map(at).collect()
}

#[test]
fn any_rate_is_kept_in_its_time() {
    for (sample_rate, channels) in [(8_000, 1), (8_000, 2), (11_025, 1), (12_000, 1), (44_100, 2), (48_000, 2)] {
        let format = Format { encoding: Encoding::PcmS16le, sample_rate, channels };
        let row = tone(sample_rate, sample_rate as usize * 61);
        let pcm: Vec<u8> = row.iter().flat_map(|sample| sample.to_le_bytes().repeat(usize::from(channels))).collect();
        let frames = frames(format, &pcm, &[60]);
        let last = frames.len() as u32;
        let told: Vec<Told> = frames.into_iter().map(Told::Frame).chain([Told::Stop(last)]).collect();
        let (samples, kept_ms, over) = kept(format, &told, &[]);
        // Filled up to the grid of 80 ms.
        assert_eq!((kept_ms, over), (61_040, true), "{sample_rate}");
        let ideal = tone(rate(format), rate(format) as usize * 61);
        assert_eq!(samples.len(), usize::from(channels) * rate(format) as usize * 61_040 / 1_000, "{sample_rate}");
        let left: Vec<i16> = samples.into_iter().step_by(usize::from(channels)).collect();
        let edge = rate(format) as usize / 20;
        let worst = (edge..ideal.len() - edge).map(|at| (i32::from(left[at]) - i32::from(ideal[at])).abs()).max();
        let allowed = if sample_rate == 8_000 {
            0
        } else if sample_rate == 11_025 {
            800
        } else {
            60
        };
        assert!(worst <= Some(allowed), "{sample_rate}: {worst:?}");
    }
}

#[test]
fn a_frame_that_never_comes_costs_no_other() {
    // Without a word of the missing one, and without an end: eight times as much as a session has room for comes behind it.
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 2 };
    let pcm = vec![1; 8 * MAX_EARLY_BYTES];
    for length_ms in [20, 300] {
        let mut frames = frames(format, &pcm, &[length_ms]);
        let total = frames.len();
        frames.remove(100);
        let told: Vec<Told> = frames.into_iter().map(Told::Frame).chain([Told::Close]).collect();
        let (samples, ..) = kept(format, &told, &[]);
        let silent = samples.iter().filter(|sample| **sample == 0).count();
        let lost = length_ms as usize * 32;
        assert!((lost..lost + 2 * 1_280).contains(&silent), "{silent} of {total} frames of {length_ms} ms");
    }
}

#[test]
fn frames_far_too_far_ahead_are_not_believed() {
    let (format, frames) = demo(&[100]);
    let far = Frame { key: FrameKey::Numbered(1_000_000), ..frames[0].clone() };
    let all = |frames: &[Frame]| -> Vec<Told> { frames.iter().cloned().map(Told::Frame).collect() };
    let told = [all(&frames[..50]), vec![Told::Frame(far)], all(&frames[50..]), vec![Told::Stop(frames.len() as u32)]];
    let undisturbed = [all(&frames), vec![Told::Stop(frames.len() as u32)]];
    assert!(kept(format, &told.concat(), &[]) == kept(format, &undisturbed.concat(), &[]));
}
