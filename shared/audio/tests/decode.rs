//! Recordings of every kind against the call that they were made from: the samples in `tests/data`, whose README says how.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callboard_audio::decode::{Converter, DecodeError, Decoder, Info};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

const CALL_RATE: usize = 16_000;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("the sample is there")
}

fn open(bytes: &[u8]) -> Result<Decoder, DecodeError> {
    Decoder::open(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64)
}

/// All channels of a recording, or of what is left of it, and how it ended.
fn read(decoder: &mut Decoder) -> (Vec<Vec<i16>>, Option<u64>, Option<DecodeError>) {
    let mut channels = vec![Vec::new(); usize::from(decoder.info().channels)];
    let mut first = None;
    loop {
        match decoder.next() {
            Ok(Some(block)) => {
                let expected = first.unwrap_or(block.start) + channels[0].len() as u64;
                assert_eq!(block.start, expected, "blocks follow each other");
                assert_eq!(block.channels.len(), channels.len());
                assert!(block.channels.iter().all(|channel| channel.len() == block.samples() && !channel.is_empty()));
                first.get_or_insert(block.start);
                for (all, part) in channels.iter_mut().zip(block.channels) {
                    all.extend(part);
                }
            }
            Ok(None) => return (channels, first, None),
            Err(error) => return (channels, first, Some(error)),
        }
    }
}

fn decode(name: &str) -> (Info, Vec<Vec<i16>>) {
    let mut decoder = open(&data(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (channels, _, error) = read(&mut decoder);
    assert!(error.is_none(), "{name}: {error:?}");
    assert_eq!(decoder.position(), 1.0, "{name}");
    (decoder.info(), channels)
}

/// The call from a time on, in milliseconds: a vector a channel.
fn call(from_ms: usize, duration_ms: usize) -> Vec<Vec<i16>> {
    let path = format!("{}/../../dashboard/demo/demo_call.wav", env!("CARGO_MANIFEST_DIR"));
    let samples: Vec<i16> =
        hound::WavReader::open(path).expect("the call is there").samples().map_while(Result::ok).collect();
    let range = from_ms * CALL_RATE / 1_000..(from_ms + duration_ms) * CALL_RATE / 1_000;
    (0..2)
        .map(|channel| samples.iter().skip(channel).step_by(2).copied().collect::<Vec<_>>()[range.clone()].to_vec())
        .collect()
}

fn convert(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    let mut converter = Converter::new(from, to).expect("a rate that is supported");
    let mut out = Vec::new();
    converter.push(samples, &mut out);
    converter.finish(&mut out);
    out
}

/// How alike two signals are: 1 for the same one at any loudness.
fn correlation(left: &[i16], right: &[i16]) -> f64 {
    let sum = |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    sum(left, right) / (sum(left, left) * sum(right, right)).sqrt()
}

/// Which channels of the call a sample holds.
#[derive(Clone, Copy)]
enum Of {
    Both,
    Left,
}

/// A sample: name, container, codec, rate, channels, the place in the call (ms) and the duration (ms), and by how many
/// samples the duration may differ: nothing, or a packet where the container does not say where the last one ends.
type Sample = (&'static str, &'static str, &'static str, u32, Of, usize, usize, usize);

const SAMPLES: &[Sample] = &[
    ("pcm16_both.wav", "WAV", "PCM, 16 bit", 16_000, Of::Both, 8_200, 1_000, 0),
    ("pcm8_left.wav", "WAV", "PCM, 8 bit", 16_000, Of::Left, 8_200, 1_000, 0),
    ("pcm24_left.wav", "WAV", "PCM, 24 bit", 16_000, Of::Left, 8_200, 1_000, 0),
    ("pcm32_left.wav", "WAV", "PCM, 32 bit", 16_000, Of::Left, 8_200, 500, 0),
    ("float_left.wav", "WAV", "PCM, 32 bit float", 16_000, Of::Left, 8_200, 500, 0),
    ("large_left.wav", "WAV", "PCM, 16 bit", 16_000, Of::Left, 8_200, 1_000, 0),
    ("flac_both.flac", "FLAC", "FLAC", 16_000, Of::Both, 8_200, 1_000, 0),
    ("flac_left.oga", "Ogg", "FLAC", 16_000, Of::Left, 8_200, 1_000, 0),
    ("mulaw_both.wav", "WAV", "mu-law", 8_000, Of::Both, 13_300, 2_000, 0),
    ("alaw_both.wav", "WAV", "A-law", 8_000, Of::Both, 13_300, 2_000, 0),
    ("mp3_both.mp3", "MP3", "MP3", 44_100, Of::Both, 12_400, 5_000, 0),
    ("mp3_variable_left.mp3", "MP3", "MP3", 16_000, Of::Left, 12_400, 5_000, 0),
    ("mp3_bare_left.mp3", "MP3", "MP3", 8_000, Of::Left, 12_400, 5_000, 576),
    ("aac_both.m4a", "MP4", "AAC", 44_100, Of::Both, 12_400, 5_000, 0),
    ("aac_left.m4a", "MP4", "AAC", 16_000, Of::Left, 12_400, 5_000, 0),
    ("aac_fragments_left.mp4", "MP4", "AAC", 48_000, Of::Left, 12_400, 5_000, 1_024),
    ("aac_both.aac", "AAC", "AAC", 48_000, Of::Both, 12_400, 5_000, 1_024),
    ("vorbis_both.ogg", "Ogg", "Vorbis", 44_100, Of::Both, 12_400, 5_000, 0),
    ("vorbis_both.webm", "WebM", "Vorbis", 48_000, Of::Both, 12_400, 5_000, 1_024),
    ("opus_left.ogg", "Ogg", "Opus", 48_000, Of::Left, 12_400, 5_000, 0),
    ("opus_both.ogg", "Ogg", "Opus", 48_000, Of::Both, 12_400, 5_000, 0),
    ("opus_both.webm", "WebM", "Opus", 48_000, Of::Both, 12_400, 5_000, 960),
    ("opus_live_left.webm", "WebM", "Opus", 48_000, Of::Left, 12_400, 5_000, 960),
    ("opus_left.mp4", "MP4", "Opus", 48_000, Of::Left, 12_400, 5_000, 0),
];

/// Samples whose codec keeps every one of them.
fn is_lossless(codec: &str) -> bool {
    codec == "FLAC" || codec.starts_with("PCM, ") && codec != "PCM, 8 bit"
}

#[test]
fn every_kind_is_heard_as_it_was_recorded() {
    for &(name, container, codec, rate, of, from_ms, duration_ms, slack) in SAMPLES {
        let (info, channels) = decode(name);
        let count = if matches!(of, Of::Both) { 2 } else { 1 };
        assert_eq!(
            (info.container, info.codec, info.sample_rate, channels.len()),
            (container, codec, rate, count),
            "{name}"
        );
        let expected = duration_ms * rate as usize / 1_000;
        assert!((expected..=expected + slack).contains(&channels[0].len()), "{name}: {} samples", channels[0].len());
        let truth = call(from_ms, duration_ms);
        for (index, channel) in channels.iter().enumerate() {
            if is_lossless(codec) {
                assert!(channel == &truth[index], "{name}: channel {index} is not the same");
                continue;
            }
            // What 8 kHz can't carry is no fault of the codec.
            let common = rate.min(CALL_RATE as u32);
            let heard = convert(&convert(channel, rate, 16_000), 16_000, if common < 16_000 { 8_000 } else { 16_000 });
            let spoken = convert(&truth[index], 16_000, if common < 16_000 { 8_000 } else { 16_000 });
            let alike = correlation(&heard, &spoken);
            assert!(alike >= 0.95, "{name}: channel {index}: {alike}");
            let other = convert(&truth[1 - index], 16_000, if common < 16_000 { 8_000 } else { 16_000 });
            assert!(correlation(&heard, &other).abs() < 0.3, "{name}: channel {index} is the other one");
        }
    }
}

#[test]
fn a_part_is_what_the_whole_has_there() {
    for &(name, ..) in SAMPLES {
        let (_, whole) = decode(name);
        let mut decoder = open(&data(name)).unwrap();
        let samples = whole[0].len();
        for at in [samples / 2, 0, samples - 1, samples / 7, samples * 9 / 10, 1] {
            decoder.seek(at as u64).unwrap();
            let (part, first, error) = read(&mut decoder);
            assert_eq!((first, error.map(|error| error.to_string())), (Some(at as u64), None), "{name}");
            for (part, whole) in part.iter().zip(&whole) {
                let differs = part.iter().zip(&whole[at..]).position(|(part, whole)| part != whole);
                assert_eq!((part.len(), differs), (samples - at, None), "{name} from {at} on");
            }
        }
        decoder.seek(u64::MAX / 2).unwrap();
        assert_eq!(decoder.next().unwrap(), None, "{name}");
    }
}

#[test]
fn what_is_cut_off_gives_what_is_there_and_says_so() {
    for &(name, container, .., duration_ms, _) in SAMPLES {
        let bytes = data(name);
        let (_, whole) = decode(name);
        let cut = match open(&bytes[..bytes.len() * 6 / 10]) {
            Ok(mut decoder) => read(&mut decoder),
            Err(error) => (Vec::new(), None, Some(error)),
        };
        let (part, _, error) = cut;
        // A stream without a stated duration ends where its bytes do; of fragments, a whole number may be left.
        let tells = container != "AAC" && !["bare", "live", "fragments"].iter().any(|kind| name.contains(kind));
        match error {
            Some(DecodeError::Damaged { from_ms, .. }) => {
                let heard_ms = part.first().map_or(0, Vec::len) * duration_ms / whole[0].len();
                assert!(from_ms.abs_diff(heard_ms as u64) <= 100, "{name}: {from_ms} of {heard_ms} ms");
            }
            other => assert!(!tells && other.is_none(), "{name}: {other:?}"),
        }
        if let Some(part) = part.first() {
            assert!(part.len() > whole[0].len() * 4 / 10, "{name}: {} samples", part.len());
            let differs = part.iter().zip(&whole[0]).position(|(part, whole)| part != whole);
            assert!(
                differs.is_none_or(|at| at + 2_048 > part.len()),
                "{name} differs at {differs:?} of {}",
                part.len()
            );
        }
    }
}

#[test]
fn what_can_not_be_read_is_told_in_words() {
    let check = |bytes: &[u8], expected: &str| {
        let error = open(bytes).and_then(|mut decoder| decoder.next().map(drop)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} is not about {expected}");
    };
    let with = |name: &str, at: usize, bytes: &[u8]| {
        let mut file = data(name);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    check(b"", "the recording is empty");
    check(&data("pcm16_both.wav")[..44], "the recording is");
    check(b"PK\x03\x04 and so on", "this is a ZIP archive");
    check(b"Dear all, please find attached", "this is plain text");
    check(&[0; 9_000], "this is a file of unknown kind");
    check(b"#!AMR\n<<<", "recordings in AMR are not supported");
    check(&with("pcm16_both.wav", 20, &[0x31, 0]), "recordings in GSM 6.10 are not supported");
    check(&data("aac_both.m4a")[..20_000], "its index is missing");
    check(&data("flac_both.flac")[..20], "damaged from 0 ms on");
    let webm = data("opus_both.webm");
    let head = webm.windows(8).position(|window| window == b"OpusHead").unwrap();
    check(&with("opus_both.webm", head + 9, &[6]), "6 channels are not supported");
    check(&with("opus_both.webm", head + 18, &[1]), "recordings in Opus with channel mapping 1 are not supported");
}

/// A source that fails when it is told to.
struct Failing {
    inner: Cursor<Vec<u8>>,
    fails: Arc<AtomicBool>,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the line is down"));
        }
        self.inner.read(buffer)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_source_that_fails_can_be_tried_again() {
    for &(name, ..) in SAMPLES {
        let (_, whole) = decode(name);
        let bytes = data(name);
        let (length, fails) = (bytes.len() as u64, Arc::new(AtomicBool::new(false)));
        let source = Failing { inner: Cursor::new(bytes), fails: Arc::clone(&fails) };
        let mut decoder = Decoder::open(Box::new(source), length).unwrap();
        let first = decoder.next().unwrap().unwrap();
        fails.store(true, Ordering::Relaxed);
        let mut heard = first.channels[0].clone();
        let error = loop {
            match decoder.next() {
                Ok(Some(block)) => heard.extend_from_slice(&block.channels[0]),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        fails.store(false, Ordering::Relaxed);
        // A small file may have been read ahead as a whole.
        if let Some(error) = error {
            assert!(matches!(&error, DecodeError::Source(_)), "{name}: {error}");
            decoder.seek(heard.len() as u64).unwrap();
            let (rest, _, error) = read(&mut decoder);
            assert!(error.is_none(), "{name}: {error:?}");
            heard.extend_from_slice(&rest[0]);
        }
        assert!(heard == whole[0], "{name}");
    }
}

/// Changes some bytes, and now and then the length.
fn mutate(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..20) {
        // Headers are small and matter most.
        let most = if random.random() { bytes.len() } else { bytes.len().min(600) };
        let at = random.random_range(0..most);
        bytes[at] = random.random();
    }
    if random.random_range(0..8) == 0 {
        bytes.truncate(random.random_range(0..bytes.len()));
    }
}

/// Whatever the bytes are: an end, no panic, and not more audio than they can hold.
fn survive(name: &str, bytes: &[u8], random: &mut StdRng) {
    let Ok(mut decoder) = open(bytes) else { return };
    for _ in 0..2 {
        // Far more than all samples have; what a damaged clock may add is silence.
        for _ in 0..40_000 {
            match decoder.next() {
                Ok(Some(block)) => assert!(block.samples() <= 200_000, "{name}"),
                Ok(None) | Err(_) => break,
            }
        }
        let _ = decoder.seek(random.random_range(0..300_000));
        assert!((0.0..=1.0).contains(&decoder.position()), "{name}");
    }
}

/// Twenty times a sample; at length: `DAMAGED_ROUNDS=2000 cargo test --workspace --test decode damaged`.
#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how long")]
fn damaged_bytes_are_survived() {
    let rounds = std::env::var("DAMAGED_ROUNDS").map_or(20, |rounds| rounds.parse().expect("a number of rounds"));
    for &(name, ..) in SAMPLES {
        let whole = data(name);
        for round in 0..rounds {
            let mut random = StdRng::seed_from_u64(round);
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            survive(name, &bytes, &mut random);
        }
    }
}
