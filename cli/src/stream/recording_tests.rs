//! Which recordings are read, as what, and what is said of the others.

use std::fs;

use hound::{WavSpec, WavWriter};

use super::*;

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

fn write(path: &Path, spec: WavSpec, values: &[f32]) {
    let mut writer = WavWriter::create(path, spec).unwrap();
    for value in values {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(*value).unwrap(),
            SampleFormat::Int => {
                let scale = 2f64.powi(i32::from(spec.bits_per_sample) - 1);
                writer.write_sample((f64::from(*value) * scale) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
}

#[test]
fn every_kind_of_pcm_becomes_16_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kind.wav");
    for (bits, kind) in [
        (8, SampleFormat::Int),
        (16, SampleFormat::Int),
        (24, SampleFormat::Int),
        (32, SampleFormat::Int),
        (32, SampleFormat::Float),
    ] {
        write(&path, spec(2, 8_000, bits, kind), &[0.5, -0.5].repeat(800));
        let mut recording = Recording::open(&path).unwrap();
        assert_eq!(recording.duration_ms(), 100);
        let frame = recording.next_frame(640).unwrap().unwrap();
        let (left, right) = (recording.format().decode(0, &frame), recording.format().decode(1, &frame));
        assert!(left.iter().all(|sample| (16_383..=16_384).contains(sample)), "{bits} {kind:?} {}", left[0]);
        assert!(right.iter().all(|sample| (-16_384..=-16_383).contains(sample)), "{bits} {kind:?} {}", right[0]);
    }
}

#[test]
fn clipping_floats_do_not_wrap_around() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loud.wav");
    write(&path, spec(1, 8_000, 32, SampleFormat::Float), &[2.0, -2.0].repeat(800));
    let mut recording = Recording::open(&path).unwrap();
    let frame = recording.next_frame(160).unwrap().unwrap();
    assert_eq!(recording.format().decode(0, &frame)[..2], [i16::MAX, i16::MIN]);
}

#[test]
fn frames_hold_every_sample_and_the_last_is_long_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odd.wav");
    for (rate, samples) in [(8_000, 8_000 + 3), (11_025, 11_025), (44_100, 44_100 + 882), (48_000, 100)] {
        write(&path, spec(1, rate, 16, SampleFormat::Int), &vec![0.25; samples]);
        let mut recording = Recording::open(&path).unwrap();
        let format = recording.format();
        let mut heard = 0;
        while let Some(frame) = recording.next_frame(frame_samples(&format, 80)).unwrap() {
            format.validate_frame(&frame).unwrap();
            heard += format.decode(0, &frame).iter().filter(|sample| **sample != 0).count();
        }
        assert_eq!(heard, samples, "{rate}");
    }
}

#[test]
fn frames_always_fit_what_a_message_may_carry() {
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
        for channels in [1, 2] {
            let format = Format { encoding: Encoding::PcmS16le, sample_rate: rate, channels };
            for frame_ms in [20, 60, 80, 240, 999, 1_000] {
                let bytes = frame_samples(&format, frame_ms) * 2 * usize::from(channels);
                assert_eq!(format.validate_frame(&vec![0; bytes]), Ok(()), "{rate} {channels} {frame_ms}");
            }
        }
    }
}

#[test]
fn what_cannot_be_streamed_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let second = vec![0.1; 16_000];
    write(&at("good.wav"), spec(1, 16_000, 16, SampleFormat::Int), &second);
    let good = fs::read(at("good.wav")).unwrap();
    fs::write(at("empty.wav"), []).unwrap();
    fs::write(at("header.wav"), &good[..7]).unwrap();
    fs::write(at("format.wav"), &good[..30]).unwrap();
    fs::write(at("cut.wav"), &good[..44 + 16_000]).unwrap();
    fs::write(at("text.wav"), "hello, this is no audio").unwrap();
    fs::write(at("song.mp3"), b"ID3\x04\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    fs::write(at("frames.mp3"), [0xff, 0xfb, 0x90, 0x64, 0, 0, 0, 0]).unwrap();
    fs::write(at("voice.m4a"), b"\0\0\0\x20ftypM4A \0\0\0\0").unwrap();
    let mut mulaw = good.clone();
    mulaw[20] = 7;
    fs::write(at("mulaw.wav"), mulaw).unwrap();
    write(&at("silent.wav"), spec(1, 16_000, 16, SampleFormat::Int), &[]);
    write(&at("three.wav"), spec(3, 16_000, 16, SampleFormat::Int), &second[..15_999]);
    write(&at("fast.wav"), spec(1, 96_000, 16, SampleFormat::Int), &second);
    fs::create_dir(at("folder.wav")).unwrap();

    for (name, problem, advice) in [
        ("missing.wav", "there is no such file", "check the path"),
        ("empty.wav", "it is empty", "record or copy it anew"),
        ("header.wav", "its header is cut off", "copy the whole file"),
        ("format.wav", "it is cut off before its audio", "copy the whole file"),
        ("cut.wav", "it is cut off: its header announces 1.0 s of audio and 0.5 s are there", "ffmpeg"),
        ("text.wav", "it is no WAV file", "ffmpeg"),
        ("song.mp3", "it is an MP3 file", "ffmpeg"),
        ("frames.mp3", "it is an MP3 file", "ffmpeg"),
        ("voice.m4a", "it is an MP4 or M4A file", "ffmpeg"),
        ("mulaw.wav", "its audio is compressed or of an uncommon kind", "ffmpeg"),
        ("silent.wav", "it holds no audio", "record it anew"),
        ("three.wav", "it has 3 channels, and 1 or 2 are supported", "-ac 2"),
        ("fast.wav", "its sample rate is 96000 Hz", "-ar 16000"),
        ("folder.wav", "it is a directory", "name one WAV file"),
    ] {
        let path = at(name);
        let message = Recording::open(&path).err().unwrap_or_else(|| panic!("{name} was accepted")).to_string();
        assert!(message.starts_with(&format!("cannot stream {}: {problem}", path.display())), "{message}");
        assert!(message.contains(advice) && !message.contains('\n'), "{message}");
    }
}
