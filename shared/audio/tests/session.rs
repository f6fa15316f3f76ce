//! The session is a pure function of its frames: whatever the batches, environments and deliveries in between.

#![allow(clippy::unwrap_used, reason = "a test may")]

use callboard_audio::{Checkpoint, Encoding, Format, Frame, FrameKey, Heard, Poll, Session, Utterance};
use proptest::prelude::*;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");

/// The demo call as interleaved bytes, at its own rate.
fn demo() -> (Format, Vec<u8>) {
    let mut reader = hound::WavReader::open(DEMO).unwrap();
    let spec = reader.spec();
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: spec.sample_rate, channels: spec.channels as u8 };
    (format, reader.samples::<i16>().flat_map(|sample| sample.unwrap().to_le_bytes()).collect())
}

/// Frames of the given lengths (ms, used in turn), numbered from 1, received as they end.
fn frames(format: Format, pcm: &[u8], lengths_ms: &[u64]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = 0;
    let mut ended_ms = 0;
    while at < pcm.len() {
        let length_ms = lengths_ms[frames.len() % lengths_ms.len()];
        let bytes = (u64::from(format.sample_rate) * length_ms / 1_000) as usize * format.sample_bytes();
        let until = (at + bytes.min(Format::MAX_FRAME_BYTES)).min(pcm.len());
        ended_ms += length_ms as i64;
        frames.push(Frame {
            key: FrameKey::Numbered(frames.len() as u32 + 1),
            received_ms: 1_000_000 + ended_ms,
            payload: pcm[at..until].to_vec(),
        });
        at = until;
    }
    frames
}

/// What identifies an utterance: channel, place, and the audio itself.
fn said(utterance: &Utterance) -> (usize, u64, u64, Vec<i16>) {
    (utterance.channel, utterance.spoken.start_ms, utterance.spoken.end_ms, utterance.spoken.pcm.clone())
}

fn drain(session: &mut Session, out: &mut Vec<(usize, u64, u64, Vec<i16>)>) {
    while let Poll::Utterance(utterance) = session.poll() {
        out.push(said(&utterance));
    }
}

fn undivided(format: Format, frames: Vec<Frame>) -> Vec<(usize, u64, u64, Vec<i16>)> {
    let mut session = Session::new(format);
    let mut out = Vec::new();
    let last = frames.len() as u32;
    for frame in frames {
        session.hear(frame);
    }
    session.stop(last);
    drain(&mut session, &mut out);
    assert_eq!(session.poll(), Poll::Ended);
    out.sort_by_key(|(channel, start, ..)| (*start, *channel));
    out
}

fn cold(session: &Session) -> Session {
    Session::resume(Checkpoint::decode(&session.checkpoint().encode()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_environments_order_and_doubles_give_the_same_utterances(
        lengths in prop::collection::vec(20u64..=300, 1..5),
        batches in prop::collection::vec((1usize..30, any::<bool>()), 1..40),
        jitter in prop::collection::vec(0usize..6, 1..50),
        doubles in prop::collection::vec((0usize..1_000, 0usize..60), 0..20),
    ) {
        let (format, pcm) = demo();
        let ordered = frames(format, &pcm, &lengths);
        let expected = undivided(format, ordered.clone());
        prop_assert!(expected.len() >= 4);

        let last = ordered.len() as u32;
        let mut delivered: Vec<(usize, Frame)> = ordered
            .iter()
            .enumerate()
            .map(|(at, frame)| (at + jitter[at % jitter.len()], frame.clone()))
            .collect();
        for (at, later) in doubles {
            let at = at % ordered.len();
            delivered.push((at + later, ordered[at].clone()));
        }
        delivered.sort_by_key(|(position, _)| *position);
        // The gateway stamps what it receives as it receives it.
        let mut delivered: Vec<Frame> = delivered.into_iter().map(|(_, frame)| frame).collect();
        let mut stamps: Vec<i64> = delivered.iter().map(|frame| frame.received_ms).collect();
        stamps.sort_unstable();
        for (frame, stamp) in delivered.iter_mut().zip(stamps) {
            frame.received_ms = stamp;
        }
        let mut session = Session::new(format);
        let mut out = Vec::new();
        let mut batches = batches.into_iter().cycle();
        let mut rest = delivered.as_slice();
        while !rest.is_empty() {
            let (size, restart) = batches.next().unwrap();
            let (batch, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            for frame in batch {
                prop_assert_ne!(session.hear(frame.clone()), Heard::TooFarAhead);
            }
            drain(&mut session, &mut out);
            if restart {
                session = cold(&session);
            }
        }
        session.stop(last);
        drain(&mut session, &mut out);
        prop_assert_eq!(session.poll(), Poll::Ended);
        out.sort_by_key(|(channel, start, ..)| (*start, *channel));
        prop_assert_eq!(out.len(), expected.len());
        prop_assert!(out == expected);
    }

    #[test]
    fn any_checkpoint_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(checkpoint) = Checkpoint::decode(&bytes) {
            Session::resume(checkpoint);
        }
    }
}

#[test]
fn the_demo_call_is_cut_at_its_turns() {
    let (format, pcm) = demo();
    let truth = std::fs::read_to_string(DEMO.replace(".wav", ".json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let turns = truth["turns"].as_array().unwrap();
    let found = undivided(format, frames(format, &pcm, &[80]));
    assert_eq!(found.len(), turns.len());
    for ((channel, start, end, _), turn) in found.iter().zip(turns) {
        assert_eq!(*channel as u64, turn["channel"].as_u64().unwrap());
        let near = |at: u64, truth: &serde_json::Value| at.abs_diff(truth.as_u64().unwrap()) < 400;
        assert!(near(*start, &turn["start_ms"]) && near(*end, &turn["end_ms"]), "{start}-{end} against {turn}");
    }
}

#[test]
fn a_lower_rate_finds_the_same_turns() {
    let (format, pcm) = demo();
    assert_eq!(format.sample_rate % 2, 0);
    let half = Format { sample_rate: format.sample_rate / 2, ..format };
    // A windowed sinc below the new Nyquist frequency, then every other sample.
    let taps: Vec<f64> = (-40i32..=40)
        .map(|k| {
            let x = f64::from(k) / 2.2;
            let sinc = if k == 0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
            sinc / 2.2 * (0.5 + 0.5 * (std::f64::consts::PI * f64::from(k) / 41.0).cos())
        })
        .collect();
    let halves: Vec<Vec<i16>> = (0..format.channels)
        .map(|channel| {
            let samples = format.decode(channel, &pcm);
            let at = |i: i64| usize::try_from(i).ok().and_then(|i| samples.get(i)).map_or(0.0, |s| f64::from(*s));
            let filtered = |i: usize| -> f64 {
                taps.iter().enumerate().map(|(k, tap)| tap * at(2 * i as i64 + k as i64 - 40)).sum()
            };
            (0..samples.len() / 2).map(|i| filtered(i) as i16).collect()
        })
        .collect();
    let halved: Vec<u8> = (0..halves[0].len())
        .flat_map(|i| halves.iter().flat_map(move |half| half[i].to_le_bytes()).collect::<Vec<_>>())
        .collect();
    let full = undivided(format, frames(format, &pcm, &[80]));
    let lower = undivided(half, frames(half, &halved, &[80]));
    assert_eq!(full.len(), lower.len());
    // What came below 16 kHz is handed on as it came.
    let bytes = half.grid_samples() as usize * half.sample_bytes();
    let mut session = Session::new(half);
    for (at, piece) in halved.chunks(bytes).enumerate() {
        session.hear(Frame {
            key: FrameKey::Numbered(at as u32),
            received_ms: 80 * at as i64,
            payload: piece.to_vec(),
        });
        while let Poll::Utterance(Utterance { channel, spoken, .. }) = session.poll() {
            assert_eq!(spoken.sample_rate, half.sample_rate);
            let from = (spoken.audio_start_ms * u64::from(half.sample_rate) / 1_000) as usize;
            assert_eq!(spoken.pcm, halves[channel][from..from + spoken.pcm.len()]);
        }
    }
    for (a, b) in full.iter().zip(&lower) {
        assert!(
            a.0 == b.0 && a.1.abs_diff(b.1) <= 400 && a.2.abs_diff(b.2) <= 480,
            "{}-{} against {}-{}",
            a.1,
            a.2,
            b.1,
            b.2
        );
    }
}

#[test]
fn silence_and_noise_are_no_speech() {
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 1 };
    for amplitude in [0u32, 30, 100, 1_000, 8_000] {
        let mut state = 1u32;
        let pcm: Vec<u8> = (0..16_000 * 30)
            .flat_map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let span = 2 * amplitude + 1;
                (((state >> 8) % span) as i32 - amplitude as i32).to_le_bytes()[..2].to_vec()
            })
            .collect();
        assert_eq!(undivided(format, frames(format, &pcm, &[100])).len(), 0, "noise of {amplitude}");
    }
}

#[test]
fn speech_without_a_pause_is_cut_before_long_and_loses_no_audio() {
    let (format, pcm) = demo();
    // One channel's turns, without their pauses, again and again.
    let samples = format.decode(0, &pcm);
    let turns = undivided(format, frames(format, &pcm, &[80]));
    let mut talk = Vec::new();
    while talk.len() < 50 * format.sample_rate as usize {
        for (_, start, end, _) in turns.iter().filter(|(channel, ..)| *channel == 0) {
            let at = |ms: u64| (ms * u64::from(format.sample_rate) / 1_000) as usize;
            talk.extend_from_slice(&samples[at(*start)..at(*end)]);
        }
    }
    let mono = Format { channels: 1, ..format };
    let bytes: Vec<u8> = talk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let found = undivided(mono, frames(mono, &bytes, &[100]));
    assert!(found.len() >= 4, "{} utterances", found.len());
    for pair in found.windows(2) {
        let length_ms = pair[0].2 - pair[0].1;
        assert!(length_ms <= 15_100, "{length_ms} ms in one utterance");
        assert!(pair[1].1 - pair[0].2 <= 700, "a hole of {} ms", pair[1].1 - pair[0].2);
    }
}

#[test]
fn audio_after_the_end_reopens_the_call() {
    let (format, pcm) = demo();
    let all = frames(format, &pcm, &[100]);
    let middle = all.len() / 2;
    let mut session = Session::new(format);
    let mut out = Vec::new();
    for frame in &all[..middle] {
        session.hear(frame.clone());
    }
    drain(&mut session, &mut out);
    session.close();
    drain(&mut session, &mut out);
    assert_eq!(session.poll(), Poll::Ended);
    let before = out.len();
    let mut session = cold(&session);
    for frame in &all[middle..] {
        session.hear(frame.clone());
    }
    session.stop(all.len() as u32);
    drain(&mut session, &mut out);
    assert_eq!(session.poll(), Poll::Ended);
    assert!(before > 0 && out.len() > before);
}

#[test]
fn a_stop_that_overtakes_the_frames_of_a_closed_call_waits_for_them() {
    let (format, pcm) = demo();
    let frames = frames(format, &pcm[..320_000], &[200]);
    let last = frames.len() as u32;
    let mut session = Session::new(format);
    let (early, late) = frames.split_at(frames.len() / 2);
    early.iter().for_each(|frame| assert_eq!(session.hear(frame.clone()), Heard::New));
    session.close();
    drain(&mut session, &mut Vec::new());
    assert_eq!(session.poll(), Poll::Ended);
    session.stop(last);
    assert_eq!(session.poll(), Poll::NeedMore);
    late.iter().for_each(|frame| assert_eq!(session.hear(frame.clone()), Heard::New));
    drain(&mut session, &mut Vec::new());
    assert_eq!(session.poll(), Poll::Ended);
}
