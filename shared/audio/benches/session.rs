//! What the session adds to the work that nobody can spare it: frames in, utterances out, against decoding each frame once
//! and asking the voice detector about each 16 ms of it.
//!
//! `cargo bench -p callboard-audio --bench session`. Both are measured in turns, and the table's ratio is that of their
//! medians. The voice detector alone is given 16 kHz, whatever the encoding: to make it of 8 kHz is the session's work.
//! Nothing is asserted here: a machine that is busy is no fault of the code.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench unwraps, and prints what it measured"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use callboard_audio::{
    Encoding, Format, Frame, FrameKey, Poll, RATE, Session, channel::ChannelDecoder, encode::Encoder, session::Stretch,
};
use criterion::{Criterion, Throughput, criterion_group};
use earshot::{DefaultPredictor, Detector};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");
/// Length of what is measured, in seconds.
const SECONDS: usize = 60;
/// How often each of both is measured for the table.
const ROUNDS: usize = 15;
/// Samples of one decision of the voice detector.
const VAD_FRAME: usize = 256;

/// One call.
struct Call {
    format: Format,
    frames: Vec<Vec<u8>>,
}

/// What is to be heard.
#[derive(Clone, Copy)]
enum Sound {
    /// A telephone line on which nobody talks.
    Silence,
    /// The demo call: people take turns.
    Speech,
    /// Both sides at once, and without a pause: the worst there is. No utterance ends, each is cut.
    Babble,
}

/// It at 16 kHz, interleaved.
fn sound(kind: Sound) -> Vec<i16> {
    let count = 2 * SECONDS * RATE as usize;
    if matches!(kind, Sound::Silence) {
        let mut state = 1u32;
        let noise = (0..count).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) % 17) as i16 - 8
        });
        return noise.collect();
    }
    let demo: Vec<i16> = hound::WavReader::open(DEMO).unwrap().samples::<i16>().map(|sample| sample.unwrap()).collect();
    if matches!(kind, Sound::Speech) {
        return demo.into_iter().cycle().take(count).collect();
    }
    let truth = std::fs::read_to_string(DEMO.replace(".wav", ".json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let mut sides = [Vec::new(), Vec::new()];
    for turn in truth["turns"].as_array().unwrap() {
        let at = |name: &str| turn[name].as_u64().unwrap() as usize * RATE as usize / 1_000;
        let channel = turn["channel"].as_u64().unwrap() as usize;
        let own = demo.iter().skip(channel).step_by(2).skip(at("start_ms")).take(at("end_ms") - at("start_ms"));
        sides[channel].extend(own.copied());
    }
    let [left, right] = sides;
    left.iter().cycle().zip(right.iter().cycle()).flat_map(|(a, b)| [*a, *b]).take(count).collect()
}

fn call(encoding: Encoding, kind: Sound) -> Call {
    let format = Format { encoding, sample_rate: encoding.default_rate(), channels: 2 };
    let ratio = (RATE / format.sample_rate) as usize;
    let sound = sound(kind);
    let kept: Vec<i16> = sound.chunks_exact(2).step_by(ratio).flatten().copied().collect();
    let mut encoder = Encoder::new(format, 1_000).unwrap();
    encoder.push(&kept);
    encoder.finish();
    Call { format, frames: std::iter::from_fn(|| encoder.pop()).map(|frame| frame.payload).collect() }
}

/// Frames in, utterances out.
fn session(call: &Call) -> usize {
    let mut session = Session::new(call.format);
    let mut samples = 0;
    for (at, payload) in call.frames.iter().enumerate() {
        let key = FrameKey::Numbered(at as u32 + 1);
        session.hear(Frame { key, received_ms: 1_000 * at as i64, payload: payload.clone() });
        while let Poll::Utterance(utterance) = session.poll() {
            samples += utterance.spoken.pcm.len();
        }
    }
    samples
}

/// What is decoded of a channel.
fn decode(call: &Call, channel: u8, out: &mut Vec<i16>) {
    let mut decoder = ChannelDecoder::new(&call.format, channel);
    for payload in &call.frames {
        let stretch =
            Stretch { key: None, received_ms: 0, samples: call.format.samples(payload), payload: payload.clone() };
        decoder.decode(&stretch, 0, 0, out);
    }
}

/// Decoding, and voice detection on `heard`, which is each channel at 16 kHz.
fn alone(call: &Call, heard: &[Vec<i16>]) -> f32 {
    let mut sum = 0.0;
    for (channel, heard) in heard.iter().enumerate() {
        let mut samples = Vec::new();
        decode(call, channel as u8, &mut samples);
        black_box(&samples);
        let mut detector = Detector::<DefaultPredictor>::default_boxed();
        sum += heard.chunks_exact(VAD_FRAME).map(|frame| detector.predict_i16(frame)).sum::<f32>();
    }
    sum
}

/// Each channel at 16 kHz, as good as the detector needs it.
fn heard(call: &Call) -> Vec<Vec<i16>> {
    let ratio = (RATE / call.format.sample_rate) as usize;
    let channel = |channel: u8| {
        let mut samples = Vec::new();
        decode(call, channel, &mut samples);
        samples.iter().flat_map(|sample| std::iter::repeat_n(*sample, ratio)).collect()
    };
    (0..2).map(channel).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    black_box(work());
    began.elapsed()
}

fn cases() -> Vec<(String, Call)> {
    let sounds = [("speech", Sound::Speech), ("silence", Sound::Silence), ("babble", Sound::Babble)];
    let case = |encoding: Encoding, (name, sound)| (format!("{} {name}", encoding.as_str()), call(encoding, sound));
    Encoding::ALL.into_iter().flat_map(|encoding| sounds.map(|sound| case(encoding, sound))).collect()
}

fn measure(criterion: &mut Criterion) {
    let cases = cases();
    println!("{SECONDS} s of two channels, in ms     session  decoding and detector  ratio");
    for (name, call) in &cases {
        let heard = heard(call);
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            own.push(timed(|| session(call)));
            others.push(timed(|| alone(call, &heard)));
        }
        let (own, others) = (median(own).as_secs_f64(), median(others).as_secs_f64());
        println!("{name:<28} {:>12.2} {:>22.2} {:>6.2}", own * 1e3, others * 1e3, own / others);
    }
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(SECONDS as u64));
    for (name, call) in &cases {
        group.bench_function(name, |bencher| bencher.iter(|| session(black_box(call))));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = measure
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
