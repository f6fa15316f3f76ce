//! The session is a pure function of its frames: whatever the batches, environments and deliveries in between.

#![allow(clippy::unwrap_used, reason = "a test may")]

use callboard_audio::{
    Checkpoint, Encoding, Format, Frame, FrameKey, Heard, Poll, Session, Utterance, channel::ChannelDecoder,
    encode::Encoder, opus, session::Stretch,
};
use proptest::prelude::*;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");

/// The demo call as interleaved bytes, at its own rate.
fn demo() -> (Format, Vec<u8>) {
    let mut reader = hound::WavReader::open(DEMO).unwrap();
    let spec = reader.spec();
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: spec.sample_rate, channels: spec.channels as u8 };
    (format, reader.samples::<i16>().flat_map(|sample| sample.unwrap().to_le_bytes()).collect())
}

/// The demo call in another encoding, in pieces of 20 ms.
fn encoded(encoding: Encoding) -> (Format, Vec<Vec<u8>>) {
    let (pcm_format, pcm) = demo();
    let format = Format { encoding, sample_rate: encoding.default_rate(), ..pcm_format };
    let rows: Vec<Vec<i16>> = (0..2).map(|channel| pcm_format.decode(channel, &pcm)).collect();
    let ratio = (pcm_format.sample_rate / format.sample_rate) as usize;
    let mean =
        |row: &Vec<i16>, at: usize| row[at..at + ratio].iter().map(|s| i32::from(*s)).sum::<i32>() / ratio as i32;
    let mut encoder = Encoder::new(format, 20).unwrap();
    for at in (0..rows[0].len() / ratio).map(|at| at * ratio) {
        encoder.push(&[mean(&rows[0], at) as i16, mean(&rows[1], at) as i16]);
    }
    encoder.finish();
    (format, std::iter::from_fn(|| encoder.pop()).map(|frame| frame.payload).collect())
}

/// Three pieces of Opus as one, in packets of 60 ms, which lie on no grid.
fn repacked(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = Vec::new();
    for channel in 0..2 {
        let packets: Vec<&[u8]> =
            pieces.iter().map(|piece| opus::packets(piece).nth(channel).unwrap().unwrap()).collect();
        // Three frames of any length, each behind its own but the last (RFC 6716, 3.2.5).
        // One that was left out says nothing of itself: SILK of 20 ms at 16 kHz is what all are.
        let first = packets.iter().find_map(|packet| packet.first()).copied().unwrap_or(9 << 3);
        let mut packet = vec![first | 3, 0x80 | packets.len() as u8];
        for inner in &packets[..packets.len() - 1] {
            let length = inner.len().saturating_sub(1);
            assert!(length < 252);
            packet.push(length as u8);
        }
        packets.iter().for_each(|inner| packet.extend(inner.iter().skip(1)));
        opus::append(&mut frame, &packet);
    }
    frame
}

/// The demo call in frames of about the given lengths: in PCM, mu-law, Opus, or Opus in packets of 60 ms.
fn call(kind: usize, lengths_ms: &[u64]) -> (Format, Vec<Frame>) {
    if kind == 0 {
        let (format, pcm) = demo();
        return (format, frames(format, &pcm, lengths_ms));
    }
    let (format, mut pieces) = encoded(if kind == 1 { Encoding::Mulaw } else { Encoding::Opus });
    let mut piece_ms = 20;
    if kind == 3 {
        pieces = pieces.chunks(3).map(repacked).collect();
        piece_ms = 60;
    }
    let (mut rest, mut ended_ms, mut frames) = (pieces.as_slice(), 0, Vec::new());
    while !rest.is_empty() {
        let count = (lengths_ms[frames.len() % lengths_ms.len()] as usize / piece_ms).clamp(1, rest.len());
        let (own, later) = rest.split_at(count);
        (rest, ended_ms) = (later, ended_ms + (count * piece_ms) as i64);
        let key = FrameKey::Numbered(frames.len() as u32 + 1);
        frames.push(Frame { key, received_ms: 1_000_000 + ended_ms, payload: own.concat() });
    }
    (format, frames)
}

/// Frames of the given lengths (ms, used in turn), numbered from 1, received as they end.
fn frames(format: Format, pcm: &[u8], lengths_ms: &[u64]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = 0;
    let mut ended_ms = 0;
    while at < pcm.len() {
        let length_ms = lengths_ms[frames.len() % lengths_ms.len()];
        let bytes = (u64::from(format.sample_rate) * length_ms / 1_000) as usize * format.sample_bytes().unwrap();
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
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_environments_order_and_doubles_give_the_same_utterances(
        kind in 0usize..4,
        lengths in prop::collection::vec(20u64..=300, 1..5),
        batches in prop::collection::vec((1usize..30, any::<bool>()), 1..40),
        jitter in prop::collection::vec(0usize..6, 1..50),
        doubles in prop::collection::vec((0usize..1_000, 0usize..60), 0..20),
    ) {
        let (format, ordered) = call(kind, &lengths);
        // But for the rest at the end.
        let whole = &ordered[..ordered.len() - 1];
        prop_assert!(whole.iter().all(|frame| format.validate_frame(&frame.payload).is_ok()));
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
    let bytes = half.grid_samples() as usize * half.sample_bytes().unwrap();
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

/// What one channel sounds like to a decoder that never starts anew.
fn continuous(format: Format, frames: &[Frame], channel: u8) -> Vec<i16> {
    let mut decoder = ChannelDecoder::new(&format, channel);
    let mut samples = Vec::new();
    for frame in frames {
        let payload = frame.payload.clone();
        let stretch = Stretch { key: None, received_ms: 0, samples: format.samples(&payload), payload };
        decoder.decode(&stretch, 0, 0, &mut samples);
    }
    samples
}

/// Samples against what they should be: how much louder they are than their error, in dB.
fn likeness_db(samples: &[i16], wanted: &[i16]) -> f64 {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let signal = power(&mut wanted.iter().map(|sample| f64::from(*sample)));
    let error = power(&mut samples.iter().zip(wanted).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    10.0 * (signal / error.max(1.0)).log10()
}

#[test]
fn every_encoding_finds_the_turns_of_the_call() {
    let (format, pcm) = demo();
    let plain = undivided(format, frames(format, &pcm, &[80]));
    for kind in 1..4 {
        let (format, frames) = call(kind, &[1_000]);
        let found = undivided(format, frames);
        assert_eq!(found.len(), plain.len(), "{kind}");
        for (found, plain) in found.iter().zip(&plain) {
            // An encoder turns breath into sound, and the detector may take that for voice.
            let near = found.1.abs_diff(plain.1) <= 240 && found.2.abs_diff(plain.2) <= 650;
            assert!(found.0 == plain.0 && near, "{kind}: {}-{} against {}-{}", found.1, found.2, plain.1, plain.2);
        }
    }
}

#[test]
fn a_decoder_that_starts_anew_leaves_no_seam() {
    for kind in [2, 3] {
        let (format, frames) = call(kind, &[1_000]);
        let whole: Vec<Vec<i16>> = (0..2).map(|channel| continuous(format, &frames, channel)).collect();
        let mut session = Session::new(format);
        let last = frames.len() as u32;
        for frame in frames {
            session.hear(frame);
        }
        session.stop(last);
        let mut count = 0;
        while let Poll::Utterance(Utterance { channel, spoken, .. }) = session.poll() {
            let from = (spoken.audio_start_ms * u64::from(format.sample_rate) / 1_000) as usize;
            let likeness = likeness_db(&spoken.pcm, &whole[channel][from..from + spoken.pcm.len()]);
            assert!(likeness >= 25.0, "{likeness} dB from {} ms on", spoken.audio_start_ms);
            count += 1;
        }
        assert!(count >= 4);
    }
}

#[test]
fn a_damaged_packet_is_silent_for_as_long_and_changes_nothing_else() {
    let (format, sound) = call(2, &[200]);
    // A packet of three frames, or none, that has no length for them; one that ends before its second frame does.
    for (packet, damaged) in [(&[0x4b, 0x83][..], 1), (&[0x4a, 251, 7][..], 1), (&[0x48][..], 0)] {
        let mut frames = sound.clone();
        let mut payload = Vec::new();
        // It stands in the place of as many packets of 20 ms as it is long, on both channels.
        (0..2).for_each(|_| opus::append(&mut payload, packet));
        let replaced = 2 * opus::duration(packet) as usize / 960;
        let others = opus::packets(&frames[30].payload).flatten().skip(replaced);
        others.for_each(|other| opus::append(&mut payload, other));
        assert_eq!(format.samples(&payload), format.samples(&frames[30].payload));
        frames[30].payload = payload;
        let mut session = Session::new(format);
        let last = frames.len() as u32;
        frames.into_iter().for_each(|frame| assert_eq!(session.hear(frame), Heard::New));
        session.stop(last);
        let mut said = Vec::new();
        drain(&mut session, &mut said);
        assert_eq!((session.poll(), session.damaged_packets()), (Poll::Ended, 2 * damaged), "{packet:?}");
        said.sort_by_key(|(channel, start, ..)| (*start, *channel));
        let times = |said: &[(usize, u64, u64, Vec<i16>)]| said.iter().map(|said| (said.0, said.2)).collect::<Vec<_>>();
        assert_eq!(times(&said), times(&undivided(format, sound.clone())), "{packet:?}");
    }
}
