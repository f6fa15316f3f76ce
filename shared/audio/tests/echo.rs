//! What one side's loudspeaker gives back to its microphone is heard once; whoever really speaks is always heard.

#![allow(clippy::unwrap_used, reason = "a test may")]

use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll, Session, endpoint::Spoken};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");
const FORMAT: Format = Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 2 };
const PER_MS: usize = 16;
const AGENT: usize = 0;
const CUSTOMER: usize = 1;

/// The demo call's channels; nobody speaks over anybody.
fn demo() -> [Vec<f32>; 2] {
    let samples: Vec<i16> = hound::WavReader::open(DEMO).unwrap().into_samples().map(Result::unwrap).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).map(|sample| f32::from(*sample)).collect())
}

fn factor(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// Adds a row to another, so much louder and later.
fn add(to: &mut [f32], row: &[f32], db: f32, delay_ms: usize) {
    for (sample, more) in to.iter_mut().skip(delay_ms * PER_MS).zip(row) {
        *sample += more * factor(db);
    }
}

/// What a session finds in two channels, with the noise of a line, in frames of so many milliseconds.
fn heard_in(rows: &[Vec<f32>; 2], frame_ms: usize) -> Vec<(usize, Spoken)> {
    let mut state = 7u32;
    let mut noise = || {
        // The sum of a few is near enough to a bell: -50 dB of full scale.
        let mut one = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (one() + one() + one()) * 104.0
    };
    let length = rows[0].len().min(rows[1].len());
    let pcm: Vec<u8> = (0..length)
        .flat_map(|at| [rows[0][at] + noise(), rows[1][at] + noise()])
        .flat_map(|sample| (sample as i16).to_le_bytes())
        .collect();
    let mut session = Session::new(FORMAT);
    for (at, payload) in pcm.chunks(frame_ms * PER_MS * 4).enumerate() {
        session.hear(Frame { key: FrameKey::Numbered(at as u32), received_ms: 0, payload: payload.to_vec() });
    }
    session.close();
    let mut heard = Vec::new();
    while let Poll::Utterance(utterance) = session.poll() {
        heard.push((utterance.channel, utterance.spoken));
    }
    heard.sort_by_key(|(channel, spoken)| (spoken.start_ms, *channel));
    heard
}

fn heard(rows: &[Vec<f32>; 2]) -> Vec<(usize, Spoken)> {
    let heard = heard_in(rows, 80);
    assert!(heard == heard_in(rows, 180), "frames of another length make no difference");
    heard
}

fn times(heard: &[(usize, Spoken)]) -> Vec<(usize, u64, u64)> {
    heard.iter().map(|(channel, spoken)| (*channel, spoken.start_ms, spoken.end_ms)).collect()
}

/// The same turns as without what was added: an edge may lie where the echo of the other side's last word ends.
#[track_caller]
fn check_turns(rows: &[Vec<f32>; 2], name: &str) {
    check_same(&times(&heard(rows)), &times(&heard(&demo())), name);
}

#[track_caller]
fn check_same(found: &[(usize, u64, u64)], expected: &[(usize, u64, u64)], name: &str) {
    let near = |a: &(usize, u64, u64), b: &(usize, u64, u64)| {
        a.0 == b.0 && a.1.abs_diff(b.1) <= 400 && a.2.abs_diff(b.2) <= 400
    };
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| near(a, b));
    assert!(same, "{name}: {found:?}\nexpected {expected:?}");
}

/// A room: the direct sound, and what comes back from its walls.
fn room(row: &[f32]) -> Vec<f32> {
    let mut sound = row.to_vec();
    for (delay_ms, db) in [(3, -6.0), (7, -9.0), (13, -12.0), (29, -15.0), (47, -18.0)] {
        add(&mut sound, row, db, delay_ms);
    }
    // A small loudspeaker has no bass.
    let mut before = 0.0;
    for sample in &mut sound {
        (before, *sample) = (*sample, *sample - 0.8 * before);
    }
    sound
}

#[test]
fn a_customer_in_the_agents_microphone_is_heard_once() {
    for (db, delay_ms) in [(-22.0, 80), (-12.0, 80), (-30.0, 80), (-22.0, 10), (-22.0, 350)] {
        let mut rows = demo();
        let customer = rows[CUSTOMER].clone();
        add(&mut rows[AGENT], &customer, db, delay_ms);
        check_turns(&rows, &format!("{db} dB, {delay_ms} ms"));
    }
    let mut rows = demo();
    let customer = room(&rows[CUSTOMER]);
    add(&mut rows[AGENT], &customer, -16.0, 60);
    check_turns(&rows, "a room");
}

#[test]
fn an_agent_in_the_customers_line_is_heard_once() {
    let mut rows = demo();
    let agent = rows[AGENT].clone();
    add(&mut rows[CUSTOMER], &agent, -20.0, 120);
    check_turns(&rows, "-20 dB, 120 ms");
}

#[test]
fn a_mono_call_on_two_channels_is_not_dropped() {
    let [agent, customer] = demo();
    let both: Vec<f32> = agent.iter().zip(&customer).map(|(agent, customer)| agent + customer).collect();
    let heard = times(&heard(&[both.clone(), both]));
    let of = |channel: usize| heard.iter().filter(|turn| turn.0 == channel).count();
    assert!(of(AGENT) >= times(&self::heard(&demo())).len() / 2 && of(AGENT) == of(CUSTOMER), "{heard:?}");
}

/// Stretches of the agent's own speech: short ones, of vowels, and long ones.
fn interjections() -> Vec<Vec<f32>> {
    let [agent, _] = demo();
    let turns = heard(&demo());
    let (_, turn) = turns.iter().find(|(channel, _)| *channel == AGENT).unwrap();
    let from = turn.start_ms as usize;
    [(0, 350), (300, 400), (700, 500), (200, 1_200)]
        .iter()
        .map(|(at_ms, length_ms)| agent[(from + at_ms) * PER_MS..(from + at_ms + length_ms) * PER_MS].to_vec())
        .collect()
}

#[test]
fn who_speaks_over_the_other_side_is_heard() {
    let turns = heard(&demo());
    let customers: Vec<&Spoken> =
        turns.iter().filter(|(channel, _)| *channel == CUSTOMER).map(|(_, spoken)| spoken).collect();
    for echo_db in [None, Some(-22.0)] {
        for (number, own) in interjections().iter().enumerate() {
            for db in [0.0, -12.0] {
                for customer in &customers {
                    let mut rows = demo();
                    if let Some(echo_db) = echo_db {
                        let sound = rows[CUSTOMER].clone();
                        add(&mut rows[AGENT], &sound, echo_db, 80);
                    }
                    let at_ms = u64::midpoint(customer.start_ms, customer.end_ms) - 400;
                    add(&mut rows[AGENT], own, db, at_ms as usize);
                    let length_ms = (own.len() / PER_MS) as u64;
                    let found = times(&heard(&rows));
                    // Most of it lies in one of the agent's.
                    let kept = |turn: &(usize, u64, u64)| {
                        let (from, to) = (turn.1.max(at_ms), turn.2.min(at_ms + length_ms));
                        turn.0 == AGENT && to.saturating_sub(from) * 2 > length_ms
                    };
                    assert!(found.iter().any(kept), "{number} at {at_ms} ms, {db} dB, echo {echo_db:?}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn a_quiet_side_is_heard() {
    for db in [-20.0, -26.0] {
        let mut rows = demo();
        rows[AGENT].iter_mut().for_each(|sample| *sample *= factor(db));
        // What each side says where the other one is silent.
        let mut expected: Vec<(usize, u64, u64)> = Vec::new();
        for channel in [AGENT, CUSTOMER] {
            let mut alone = rows.clone();
            alone[1 - channel].fill(0.0);
            expected.extend(times(&heard(&alone)));
        }
        expected.sort_by_key(|(_, start_ms, _)| *start_ms);
        check_same(&times(&heard(&rows)), &expected, &format!("{db} dB"));
    }
}
