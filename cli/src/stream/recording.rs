//! Reading a recording as it would be captured: WAV in, PCM s16le frames out.
//!
//! Nothing is resampled or mixed here: rate and channels go to the stack as they are. Whatever cannot be read is told
//! in one message that names the file, the problem and what to do.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use callboard_audio::{Encoding, Format};
use hound::{SampleFormat, WavReader};

/// Why a file cannot be streamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot stream {}: {problem}", path.display())]
pub(crate) struct RecordingError {
    path: PathBuf,
    problem: String,
}

type Samples = Box<dyn Iterator<Item = Result<i16, hound::Error>> + Send>;

/// An open recording.
pub(crate) struct Recording {
    path: PathBuf,
    format: Format,
    samples: Samples,
    total: u64,
}

impl Recording {
    /// Opens a WAV file and checks all that can be checked without reading it through.
    ///
    /// # Errors
    /// Names the file, what is wrong with it, and what to do.
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        let wrong = |problem: String| RecordingError { path: path.to_owned(), problem };
        let mut file = File::open(path).map_err(|error| wrong(unreadable(&error)))?;
        let about = file.metadata().map_err(|error| wrong(unreadable(&error)))?;
        if about.is_dir() {
            return Err(wrong("it is a directory: name one WAV file".into()));
        }
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(16).read_to_end(&mut head).map_err(|error| wrong(unreadable(&error)))?;
        if let Some(problem) = no_wav(&head, path) {
            return Err(wrong(problem));
        }
        file.rewind().map_err(|error| wrong(unreadable(&error)))?;
        let reader = WavReader::new(BufReader::new(file)).map_err(|error| wrong(damaged(error, path)))?;
        let spec = reader.spec();
        if !(1..=2).contains(&spec.channels) {
            let convert = convert(path, "-ac 2 ");
            return Err(wrong(format!("it has {} channels, and 1 or 2 are supported: {convert}", spec.channels)));
        }
        let format =
            Format { encoding: Encoding::PcmS16le, sample_rate: spec.sample_rate, channels: spec.channels as u8 }
                .validate()
                .map_err(|_| wrong(unsupported_rate(spec.sample_rate, path)))?;
        let total = u64::from(reader.duration());
        if total == 0 {
            return Err(wrong("it holds no audio: record it anew, or check the program that wrote it".into()));
        }
        let announced = u64::from(reader.len()) * u64::from(spec.bits_per_sample.div_ceil(8));
        let present = about.len().saturating_sub(SMALLEST_HEADER);
        if present < announced {
            let seconds = |bytes: u64| (total as f64 / f64::from(spec.sample_rate)) * bytes as f64 / announced as f64;
            return Err(wrong(format!(
                "it is cut off: its header announces {:.1} s of audio and {:.1} s are there; copy the whole file, or keep \
                 what is there: {}",
                seconds(announced),
                seconds(present),
                convert(path, "")
            )));
        }
        Ok(Self { path: path.to_owned(), format, samples: samples(reader), total })
    }

    /// Format of the frames.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Length of the whole recording, in milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        self.format.samples_to_ms(self.total)
    }

    /// The next frame of this many samples a channel; a shorter one at the end, filled up to the shortest that is
    /// accepted with silence.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn next_frame(&mut self, samples: usize) -> Result<Option<Vec<u8>>, RecordingError> {
        let values = samples * usize::from(self.format.channels);
        let mut payload = Vec::with_capacity(values * 2);
        for sample in self.samples.by_ref().take(values) {
            let sample = sample
                .map_err(|error| RecordingError { path: self.path.clone(), problem: damaged(error, &self.path) })?;
            payload.extend_from_slice(&sample.to_le_bytes());
        }
        if payload.is_empty() {
            return Ok(None);
        }
        let unit = sample_bytes(&self.format);
        payload.truncate(payload.len() / unit * unit);
        let shortest = frame_samples(&self.format, Format::MIN_FRAME_MS).min(samples) * unit;
        if payload.len() < shortest {
            payload.resize(shortest, 0);
        }
        Ok(Some(payload))
    }
}

/// Samples a channel of a frame this long: rounded up, so that it is never below the shortest, and cut to what one
/// message can carry.
pub(crate) fn frame_samples(format: &Format, frame_ms: u64) -> usize {
    let wanted = (u64::from(format.sample_rate) * frame_ms).div_ceil(1_000) as usize;
    wanted.min(Format::MAX_FRAME_BYTES / sample_bytes(format)).max(1)
}

/// Bytes of a sample of each channel, as recordings are read.
fn sample_bytes(format: &Format) -> usize {
    2 * usize::from(format.channels)
}

/// RIFF, format and data chunk headers of the plainest WAV.
const SMALLEST_HEADER: u64 = 44;

fn samples(reader: WavReader<BufReader<File>>) -> Samples {
    let spec = reader.spec();
    if spec.sample_format == SampleFormat::Float {
        // `as` saturates, so clipped recordings stay clipped instead of wrapping around.
        return Box::new(reader.into_samples::<f32>().map(|sample| Ok((sample? * 32_767.0).round() as i16)));
    }
    let bits = u32::from(spec.bits_per_sample);
    let integers = reader.into_samples::<i32>();
    if bits <= 16 {
        return Box::new(integers.map(move |sample| Ok((sample? << (16 - bits)) as i16)));
    }
    Box::new(integers.map(move |sample| Ok((sample? >> (bits - 16)) as i16)))
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file: check the path".into(),
        std::io::ErrorKind::PermissionDenied => "it may not be read by this user: check its permissions".into(),
        _ => format!("it cannot be read ({error})"),
    }
}

/// What the first bytes say when they are not those of a WAV file.
fn no_wav(head: &[u8], path: &Path) -> Option<String> {
    let kind = match head {
        [] => return Some("it is empty: record or copy it anew".into()),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => return None,
        [b'R', b'I', b'F', b'F', rest @ ..] if rest.len() < 8 => {
            return Some("its header is cut off: copy the whole file".into());
        }
        [b'I', b'D', b'3', ..] | [0xff, 0xe2..=0xff, ..] => "an MP3 file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [b'f', b'L', b'a', b'C', ..] => "a FLAC file",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 or M4A file",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "a WebM or Matroska file",
        [b'R', b'F', b'6', b'4', ..] | [b'R', b'I', b'F', b'X', ..] => "an uncommon kind of WAV (RF64 or big-endian)",
        _ => "no WAV file",
    };
    Some(format!("it is {kind}, and only WAV with PCM is read here: {}", convert(path, "")))
}

fn damaged(error: hound::Error, path: &Path) -> String {
    match error {
        hound::Error::IoError(error) if error.kind() == std::io::ErrorKind::NotFound => unreadable(&error),
        // hound reports an early end as an error of kind Other.
        hound::Error::IoError(_) => "it is cut off before its audio begins or ends: copy the whole file".into(),
        hound::Error::Unsupported | hound::Error::TooWide => {
            format!("its audio is compressed or of an uncommon kind, and only PCM is read here: {}", convert(path, ""))
        }
        hound::Error::FormatError(detail) => format!("its header is damaged ({detail}): {}", convert(path, "")),
        other => format!("it is damaged ({other}): {}", convert(path, "")),
    }
}

fn unsupported_rate(rate: u32, path: &Path) -> String {
    let convert = convert(path, "-ar 16000 ");
    format!("its sample rate is {rate} Hz, and 8000 to 48000 Hz (a multiple of 25) is supported: {convert}")
}

fn convert(path: &Path, options: &str) -> String {
    format!("convert it with `ffmpeg -i \"{}\" {options}-c:a pcm_s16le converted.wav`", path.display())
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
