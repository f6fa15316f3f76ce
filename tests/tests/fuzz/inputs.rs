//! Inputs: a valid sample, damaged in ways that know what it is made of, or bytes of no meaning.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_audio::{Encoding, Format, Frame, FrameKey, Poll};
use callboard_domain::{CallId, Channel, OrgId, PlaybookId};
use callboard_transcribe::state::{CallState, Stored};
use callboard_wire::record::{Event, Header, Record};
use fastrand::Rng;

/// What stands in place of a number.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "-1",
    "-0",
    "0.5",
    "1e3",
    "1e999",
    "-1e-999",
    "255",
    "256",
    "8000",
    "65536",
    "5000000",
    "5000001",
    "4294967295",
    "4294967296",
    "253402300800000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
];
/// What stands in place of any value.
const VALUES: [&str; 16] = [
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "[[]]",
    "\"\"",
    "\"audio\"",
    "\"7\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "nul",
    "{\"a\":1}",
    "[1,2]",
    "\"=\"",
    "7 7",
];

/// A message on the audio route, behind the byte that picks its connection.
pub(crate) fn socket_message(rng: &mut Rng) -> Vec<u8> {
    static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(messages);
    let mut text = rng.choice(&*SAMPLES).unwrap().clone();
    match rng.u8(..20) {
        0 => text = bytes(rng),
        1..=6 => {}
        7 => shape(rng, &mut text),
        _ => (0..rng.u8(1..4)).for_each(|_| damage_json(rng, &mut text, &SAMPLES)),
    }
    // Connections that capture are five in seven of all.
    text.insert(0, if rng.u8(..7) < 5 { rng.u8(..3) } else { rng.u8(3..5) });
    text
}

fn messages() -> Vec<Vec<u8>> {
    let audio = |bytes: usize| {
        let data = STANDARD.encode(vec![1u8; bytes]);
        [
            format!(r#"{{"action":"audio","seq":41,"data":"{data}"}}"#),
            format!(r#"{{"audio_data":"{data}"}}"#),
            format!(r#"{{"data":"{data}","extra":[1,{{"x":null}}],"seq":0,"action":"audio"}}"#),
        ]
    };
    // 20 ms of 8 kHz mono to 16 kHz stereo, and the like for 48 kHz.
    let frames = [320, 640, 1_280, 1_920].into_iter().flat_map(audio);
    let others = [
        r#"{"action":"stop","seq":41}"#,
        r#"{"action":"gone","from":17,"to":18}"#,
        r#"{"action":"watch","call":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#,
        r#"{"action":"watch","calls":true}"#,
        r#"{"action":"unwatch","calls":true,"call":null}"#,
        r#"{"action":"ping"}"#,
        r#"{ "action" : "dance" , "seq" : -1 }"#,
    ];
    frames.chain(others.map(str::to_owned)).map(String::into_bytes).collect()
}

/// A record of the frame stream.
pub(crate) fn kinesis_record(rng: &mut Rng) -> Vec<u8> {
    static SAMPLES: LazyLock<Vec<Record>> = LazyLock::new(records);
    static HEADERS: LazyLock<Vec<Vec<u8>>> =
        LazyLock::new(|| SAMPLES.iter().map(|record| serde_json::to_vec(&record.header).unwrap()).collect());
    let at = rng.usize(..SAMPLES.len());
    let whole = SAMPLES[at].encode();
    match rng.u8(..40) {
        0 => bytes(rng),
        1 => whole,
        2..=9 => {
            let mut damaged = whole;
            (0..rng.u8(1..4)).for_each(|_| damage(rng, &mut damaged));
            damaged
        }
        kind => {
            let mut header = HEADERS[at].clone();
            match kind {
                10 => shape(rng, &mut header),
                _ => (0..rng.u8(1..3)).for_each(|_| damage_json(rng, &mut header, &HEADERS)),
            }
            let mut payload = SAMPLES[at].payload.clone();
            if rng.u8(..8) == 0 {
                damage(rng, &mut payload);
            }
            let mut bytes = vec![1];
            part(&mut bytes, &header);
            bytes.extend(payload);
            bytes
        }
    }
}

fn header(sample_rate: u32, channels: &[Channel], event: Event) -> Header {
    Header {
        org: OrgId::parse("acme").unwrap(),
        call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
        connection: Some("GXLKAfX1FiACG1w=".into()),
        principal: "key-1".into(),
        playbook: PlaybookId::parse("sales").unwrap(),
        channels: channels.to_vec(),
        format: Format { encoding: Encoding::PcmS16le, sample_rate, channels: channels.len() as u8 },
        received_ms: 1_795_255_201_000,
        resumable: true,
        trace: None,
        event,
    }
}

fn records() -> Vec<Record> {
    let events = [
        Event::Audio { seq: 0 },
        Event::Audio { seq: 1 },
        Event::Audio { seq: 3_000 },
        Event::Unnumbered { message: "GXLKJfX4FiACG1w=".into() },
        Event::Stop { seq: 41 },
        Event::Gone { from: 17, to: 18 },
        Event::Connected,
        Event::Disconnected,
        Event::Swept { silent_since_ms: 1_795_255_301_000 },
    ];
    let formats = [
        (16_000, &[Channel::Agent][..]),
        (16_000, &[Channel::Agent, Channel::Customer]),
        (8_000, &[Channel::Customer]),
    ];
    let samples = formats.into_iter().flat_map(|(rate, channels)| {
        events.clone().map(|event| {
            let audio = matches!(event, Event::Audio { .. } | Event::Unnumbered { .. });
            let payload = if audio { vec![3; rate as usize / 50 * 2 * channels.len()] } else { Vec::new() };
            Record { header: header(rate, channels, event), payload }
        })
    });
    samples.collect()
}

/// A call as it is stored between two batches.
pub(crate) fn stored_call(rng: &mut Rng) -> Vec<u8> {
    static SAMPLES: LazyLock<Vec<(u32, [Vec<u8>; 3])>> = LazyLock::new(calls);
    let (edition, [mut extra, mut head, mut frames]) = rng.choice(&*SAMPLES).unwrap().clone();
    match rng.u8(..16) {
        0 => return bytes(rng),
        1..=3 => damage_json(rng, &mut extra, &[]),
        4 => damage(rng, &mut frames),
        5 => shape(rng, &mut head),
        _ => (0..rng.u8(1..3)).for_each(|_| damage_json(rng, &mut head, &[])),
    }
    let mut bytes = if edition == 1 {
        [&(extra.len() as u32).to_le_bytes(), &*extra, &(head.len() as u32).to_le_bytes(), &*head, &*frames].concat()
    } else {
        Stored { extra, header: head, payload: frames }.to_bytes()
    };
    if rng.u8(..10) == 0 {
        damage(rng, &mut bytes);
    }
    bytes
}

/// Stored calls of each edition, taken apart: what stands beside the session, the session's header, its frames.
fn calls() -> Vec<(u32, [Vec<u8>; 3])> {
    let mut calls = Vec::new();
    for (rate, channels) in [(16_000, &[Channel::Agent][..]), (8_000, &[Channel::Agent, Channel::Customer])] {
        let mut state = CallState::begin(&header(rate, channels, Event::Connected));
        let mut hear = |state: &mut CallState, key: FrameKey, received_ms: i64| {
            let payload = vec![3; rate as usize / 10 * 2 * channels.len()];
            state.session.hear(Frame { key, received_ms, payload });
            while state.session.poll() != Poll::NeedMore {}
            let Stored { extra, header, payload } = Stored::of(&state.encode().0).unwrap().unwrap();
            let whole = state.session.checkpoint().encode();
            let (head, frames) = apart(&whole);
            calls.push((1, [extra.clone(), head.to_vec(), frames.to_vec()]));
            calls.push((2, [extra, header, payload]));
        };
        for (seq, received_ms) in [(0, 1_000), (1, 1_100), (3, 1_300), (6, 1_600)] {
            hear(&mut state, FrameKey::Numbered(seq), received_ms);
        }
        state.session.gone(4, 4);
        state.session.stop(9);
        hear(&mut state, FrameKey::Received(1_200, "m1".into()), 1_200);
        state.session.gone(2, 5);
        hear(&mut state, FrameKey::Received(2_000, "m2".into()), 2_000);
        state.session.gone(7, 9);
        while let Poll::Utterance(_) = state.session.poll() {}
        hear(&mut state, FrameKey::Received(2_500, "m3".into()), 2_500);
    }
    calls
}

fn part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn apart(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    rest.split_at(u32::from_le_bytes(*length) as usize)
}

/// Operations on a session.
pub(crate) fn session(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(1..300);
    (0..length).map(|_| rng.u8(..)).collect()
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(..200);
    (0..length).map(|_| rng.u8(..)).collect()
}

/// Damages bytes without knowing what they are.
fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return bytes.push(rng.u8(..));
    }
    let at = rng.usize(..bytes.len());
    let until = rng.usize(at..bytes.len().min(at + 40));
    match rng.u8(..7) {
        0 => bytes[at] ^= 1 << rng.u8(..8),
        1 => bytes[at] = rng.u8(..),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..until)),
        4 => bytes.insert(at, rng.u8(..)),
        5 => {
            let again = bytes[at..until].to_vec();
            bytes.splice(at..at, again);
        }
        _ => bytes[at..until].fill(0xFF),
    }
}

/// Damages JSON where it has its joints: numbers, values, keys; splices it with another sample.
fn damage_json(rng: &mut Rng, text: &mut Vec<u8>, others: &[Vec<u8>]) {
    match rng.u8(..10) {
        0..=2 => {
            if let Some((from, to)) = stretch(rng, text, u8::is_ascii_digit) {
                text.splice(from..to, rng.choice(NUMBERS).unwrap().bytes());
            }
        }
        3..=5 => {
            // A value: from a colon to the next joint.
            let colons: Vec<usize> = (0..text.len().min(2_000)).filter(|at| text[*at] == b':').collect();
            if let Some(colon) = rng.choice(colons) {
                let ends = |byte: &u8| b",}]".contains(byte);
                let end = text[colon..].iter().position(ends).map_or(text.len(), |length| colon + length);
                let value = if rng.bool() { rng.choice(VALUES) } else { rng.choice(NUMBERS) };
                text.splice(colon + 1..end, value.unwrap().bytes());
            }
        }
        6 => {
            if let Some((from, to)) = stretch(rng, text, u8::is_ascii_lowercase) {
                text.splice(from..to, rng.choice(["action", "seq", "kind", "x", ""]).unwrap().bytes());
            }
        }
        7 => {
            if let Some(other) = rng.choice(others) {
                let (at, from) = (rng.usize(..=text.len()), rng.usize(..=other.len()));
                text.truncate(at);
                text.extend_from_slice(&other[from..]);
            }
        }
        _ => damage(rng, text),
    }
}

/// A stretch of such bytes, found from anywhere on.
fn stretch(rng: &mut Rng, text: &[u8], such: fn(&u8) -> bool) -> Option<(usize, usize)> {
    let start = rng.usize(..=text.len());
    let from = start + text[start..].iter().position(such)?;
    let to = text[from..].iter().position(|byte| !such(byte)).map_or(text.len(), |length| from + length);
    Some((from, to))
}

/// Something deep or large in place of a value, or of all.
fn shape(rng: &mut Rng, text: &mut Vec<u8>) {
    let depth = rng.usize(1..3_000);
    let large: Vec<u8> = match rng.u8(..5) {
        0 => vec![b'['; depth],
        1 => [vec![b'['; depth], vec![b']'; depth]].concat(),
        2 => [br#"{"a":"#.repeat(depth / 8), b"1".to_vec(), vec![b'}'; depth / 8]].concat(),
        3 => format!("\"{}\"", "\u{1F642}".repeat(depth)).into_bytes(),
        _ => vec![b'9'; depth],
    };
    let colon = text.iter().position(|byte| *byte == b':').filter(|_| rng.bool());
    match colon {
        Some(colon) => drop(text.splice(colon + 1..colon + 1, large)),
        None => *text = large,
    }
}
