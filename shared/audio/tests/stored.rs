//! Versions of a session that build on each other: whoever goes on from them goes on like one that never left, and what
//! came is written once.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;

use callboard_audio::{
    Encoding, Format, Frame, FrameKey, Poll, Session,
    session::stored::{self, Held},
};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");

/// The first seconds of the demo call in frames of 250 ms, of which every fifth comes after the one behind it.
fn frames(seconds: usize) -> (Format, Vec<Frame>) {
    let mut reader = hound::WavReader::open(DEMO).unwrap();
    let spec = reader.spec();
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: spec.sample_rate, channels: spec.channels as u8 };
    let second = spec.sample_rate as usize * usize::from(spec.channels);
    let samples: Vec<i16> = reader.samples().take(second * seconds).map(Result::unwrap).collect();
    let frame = |(at, samples): (usize, &[i16])| Frame {
        key: FrameKey::Numbered(at as u32 + 1),
        received_ms: 1_000_000 + 250 * at as i64,
        payload: samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
    };
    let mut frames: Vec<Frame> = samples.chunks(second / 4).enumerate().map(frame).collect();
    for at in (4..frames.len() - 1).step_by(5) {
        frames.swap(at, at + 1);
    }
    (format, frames)
}

/// What is stored of each version.
type Versions = BTreeMap<u64, (Vec<u8>, Vec<u8>)>;

/// The session of the last version, and how many of its frames are nowhere.
fn cold(versions: &Versions) -> (Session, Held, usize) {
    let (last, (header, _)) = versions.last_key_value().unwrap();
    let mut frames = stored::Frames::new();
    for number in stored::versions(header).unwrap() {
        assert!(number <= *last);
        if let Some((header, payload)) = versions.get(&number) {
            frames.append(&mut stored::frames(number, header, payload).unwrap());
        }
    }
    stored::session(header, &mut frames).unwrap()
}

#[test]
fn a_cold_environment_goes_on_like_a_warm_one_and_each_frame_is_written_once() {
    let (format, frames) = frames(24);
    let bytes: usize = frames.iter().map(|frame| frame.payload.len()).sum();
    let mut versions = Versions::new();
    let (mut warm, mut held, mut utterances, mut most) = (Session::new(format), Held::new(), 0, 0);
    for (at, frame) in frames.into_iter().enumerate() {
        warm.hear(frame);
        while let Poll::Utterance(_) = warm.poll() {
            utterances += 1;
        }
        let number = at as u64 + 1;
        let parts = warm.parts(&held, number);
        versions.insert(number, (parts.header, parts.payload));
        held = parts.held;
        let (cold, cold_held, gone) = cold(&versions);
        assert_eq!((cold.checkpoint(), &cold_held, gone), (warm.checkpoint(), &held, 0), "version {number}");
        most = most.max(held.len());
        // Each third batch falls to the cold one.
        if at % 3 == 0 {
            (warm, held) = (cold, cold_held);
        }
    }
    assert!(utterances >= 3 && most >= 12, "{utterances} utterances, {most} frames at most");
    let written: usize = versions.values().map(|(_, payload)| payload.len()).sum();
    assert_eq!(written, bytes);
}

#[test]
fn a_frame_whose_version_is_gone_is_silence() {
    let (format, frames) = frames(8);
    let (mut session, mut held, mut versions) = (Session::new(format), Held::new(), Versions::new());
    for (at, frame) in frames.into_iter().enumerate() {
        session.hear(frame);
        while let Poll::Utterance(_) = session.poll() {}
        let parts = session.parts(&held, at as u64 + 1);
        versions.insert(at as u64 + 1, (parts.header, parts.payload));
        held = parts.held;
    }
    let last = versions.len() as u64;
    let first = *held.values().min().unwrap();
    assert!(first < last);
    versions.remove(&first);
    let (cold, cold_held, gone) = cold(&versions);
    assert_eq!(gone, 1);
    assert_eq!((cold.duration_ms(), cold_held.len()), (session.duration_ms(), held.len() - 1));
}
