//! A million inputs that nobody meant: no panic, no hang, no state beyond its limit. The same ones every time.
//!
//! What must hold stands in `callboard_tests::fuzz`. A failure names the seed and the input; what was found is kept as a
//! test where it was mended. `tests/fuzz` goes on without end, led by coverage.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod campaign;
mod inputs;

use std::{ops::Range, time::Duration};

use callboard_audio::{Encoding, Format, Frame, FrameKey, Heard, Poll, Session};
use callboard_tests::fuzz;

use crate::campaign::Campaign;

/// How many inputs of each kind there are: a million in all, most of them cheap.
const MESSAGES: Range<u64> = 0..680_400;
const RECORDS: Range<u64> = 0..300_000;
const STORED: Range<u64> = 0..19_000;
const SESSIONS: Range<u64> = 0..600;

/// Longer than any input takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a campaign, and sees that it was one: some inputs are accepted and some refused, a tenth at least.
fn hold(name: &'static str, input: fn(&mut fastrand::Rng) -> Vec<u8>, check: fn(&[u8]) -> bool, seeds: Range<u64>) {
    let count = seeds.end - seeds.start;
    let accepted = Campaign { name, input, check, seeds, patience: PATIENCE }.run().unwrap_or_else(|e| panic!("{e}"));
    let share = accepted * 100 / count;
    assert!((10..=90).contains(&share), "{name}: {share} % of the inputs were accepted");
}

#[test]
fn a_million_inputs_are_a_million() {
    let all = [MESSAGES, RECORDS, STORED, SESSIONS];
    assert_eq!(all.into_iter().map(|seeds| seeds.end - seeds.start).sum::<u64>(), 1_000_000);
}

#[test]
fn any_message_is_a_record_that_fits_or_is_refused() {
    hold("message", inputs::socket_message, fuzz::socket_message, MESSAGES);
}

#[test]
fn any_record_is_heard_alike_in_a_warm_and_a_cold_environment_or_refused() {
    hold("record", inputs::kinesis_record, fuzz::kinesis_record, RECORDS);
}

#[test]
fn any_stored_call_can_be_gone_on_with_or_is_refused() {
    hold("stored call", inputs::stored_call, fuzz::stored_call, STORED);
}

#[test]
fn a_session_holds_whatever_it_is_told() {
    hold("session", inputs::session, fuzz::session, SESSIONS);
}

/// The longest way back to a reset point: clicks too short to begin speech and too many to be quiet, then speech.
#[test]
fn clicks_before_speech_stay_within_the_limit() {
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 1 };
    let stereo = Format { channels: 2, ..format };
    let turn = stereo.decode(0, &fuzz::SPEECH[1_000 * 64..3_600 * 64]);
    let sample = |at: usize| match at % (560 * 16) {
        _ if at > 14_500 * 16 => turn[at % turn.len()],
        click if click < 32 * 16 => turn[6_000 + click],
        _ => 0,
    };
    let mut session = Session::new(format);
    let mut most = 0;
    for seq in 0..330 {
        let payload = (seq * 1_600..(seq + 1) * 1_600).flat_map(|at| sample(at).to_le_bytes()).collect();
        session.hear(Frame { key: FrameKey::Numbered(seq as u32), received_ms: seq as i64 * 100, payload });
        while let Poll::Utterance(_) = session.poll() {}
        most = most.max(session.checkpoint().encode().len());
    }
    fuzz::check_size(format, most);
    assert!(most > 27_000 * 32, "{most} bytes: this is not the longest way any more");
}

#[test]
fn all_that_comes_early_stays_within_the_limit() {
    let format = Format { encoding: Encoding::PcmS16le, sample_rate: 48_000, channels: 2 };
    let mut session = Session::new(format);
    let mut refused = 0;
    for seq in 1..=3_000 {
        let frame = Frame { key: FrameKey::Numbered(seq), received_ms: 0, payload: vec![0; 24_000] };
        refused += u32::from(session.hear(frame) == Heard::NoRoom);
        assert_eq!(session.poll(), Poll::NeedMore);
    }
    assert_eq!(refused, 3_000 - 83);
    fuzz::check_size(format, session.checkpoint().encode().len());
}

fn planted(patience: Duration, check: fn(&[u8]) -> bool) -> Result<u64, String> {
    Campaign { name: "planted", input: inputs::socket_message, check, seeds: 0..1_000, patience }.run()
}

#[test]
fn a_parser_that_trusts_a_length_is_caught_with_its_input() {
    assert!(planted(PATIENCE, |bytes| bytes.len() > 1_000).unwrap() > 0);
    let failure = planted(PATIENCE, |bytes| bytes[usize::from(bytes[1])] == b'{').unwrap_err();
    assert!(failure.starts_with("planted: index out of bounds") && failure.contains("bytes in base64: "), "{failure}");
}

#[test]
fn a_parser_that_does_not_come_back_is_caught_with_its_input() {
    let failure = planted(Duration::from_millis(300), |bytes| {
        let stuck = || std::thread::sleep(Duration::from_secs(5));
        bytes.len() > 1_000 && {
            stuck();
            true
        }
    });
    assert!(failure.unwrap_err().contains("it takes longer than 300ms\nseed "));
}

#[test]
#[should_panic(expected = "a checkpoint of 9000000 bytes")]
fn a_state_beyond_its_limit_is_caught() {
    fuzz::check_size(Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 2 }, 9_000_000);
}
