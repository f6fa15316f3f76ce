//! The frames of a recording, in the encoding of the call: read, brought to its rate and encoded piece by piece.

use callboard_audio::{
    Encoding, Format,
    decode::Converter,
    encode::{Encoded, Encoder},
};

use super::recording::{Recording, RecordingError, frame_samples};

/// Samples a channel that are read at once, where they are encoded.
const PIECE_MS: u64 = 80;

/// See the module.
pub(crate) struct Frames {
    recording: Recording,
    format: Format,
    /// Samples a channel of a frame that is sent as it is read.
    plain: usize,
    encoding: Option<Transcoder>,
}

/// From the recording's samples to another rate and encoding.
struct Transcoder {
    /// One a channel; none where the rate is right already.
    converters: Vec<Converter>,
    encoder: Encoder,
    is_over: bool,
}

impl Frames {
    /// Frames of this length, or as long as a message can carry. None where the encoding cannot be made.
    pub(crate) fn new(recording: Recording, encoding: Encoding, frame_ms: u64) -> Option<Self> {
        let source = recording.format();
        let plain = frame_samples(&source, frame_ms);
        let sample_rate = match encoding {
            Encoding::PcmS16le => return Some(Self { recording, format: source, plain, encoding: None }),
            Encoding::Opus if source.sample_rate > 8_000 => 16_000,
            Encoding::Opus | Encoding::Mulaw => 8_000,
        };
        let format = Format { encoding, sample_rate, ..source };
        let converted = if sample_rate == source.sample_rate { 0 } else { source.channels };
        let converters = (0..converted).map(|_| Converter::new(source.sample_rate, sample_rate).ok());
        let encoding = Transcoder {
            converters: converters.collect::<Option<_>>()?,
            encoder: Encoder::new(format, frame_ms)?,
            is_over: false,
        };
        Some(Self { recording, format, plain: frame_samples(&source, PIECE_MS), encoding: Some(encoding) })
    }

    /// The call's format.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Length of the recording, in milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        self.recording.duration_ms()
    }

    /// The next frame; none at the end.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn next(&mut self) -> Result<Option<Encoded>, RecordingError> {
        let Some(encoding) = &mut self.encoding else {
            let payload = self.recording.next_frame(self.plain)?;
            return Ok(payload.map(|payload| Encoded { samples: self.format.samples(&payload), payload }));
        };
        loop {
            if let Some(frame) = encoding.encoder.pop() {
                return Ok(Some(frame));
            }
            if encoding.is_over {
                return Ok(None);
            }
            match self.recording.next_frame(self.plain)? {
                Some(payload) => encoding.push(&self.recording.format(), &payload),
                None => encoding.finish(),
            }
        }
    }
}

impl Transcoder {
    fn push(&mut self, source: &Format, payload: &[u8]) {
        let mut rows: Vec<Vec<i16>> = (0..source.channels).map(|channel| source.decode(channel, payload)).collect();
        for (converter, row) in self.converters.iter_mut().zip(&mut rows) {
            let samples = std::mem::take(row);
            converter.push(&samples, row);
        }
        self.encode(&rows);
    }

    fn finish(&mut self) {
        self.is_over = true;
        let mut rows = vec![Vec::new(); self.converters.len()];
        for (converter, row) in self.converters.drain(..).zip(&mut rows) {
            converter.finish(row);
        }
        self.encode(&rows);
        self.encoder.finish();
    }

    fn encode(&mut self, rows: &[Vec<i16>]) {
        let count = rows.iter().map(Vec::len).min().unwrap_or(0);
        let interleaved: Vec<i16> = (0..count).flat_map(|at| rows.iter().map(move |row| row[at])).collect();
        self.encoder.push(&interleaved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a second of a tone at this rate: their format and how many samples they have.
    fn check(source_rate: u32, channels: u16, encoding: Encoding, rate: u32, expected: u64) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wav");
        let spec = hound::WavSpec {
            channels,
            sample_rate: source_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        (0..source_rate * u32::from(channels)).for_each(|at| writer.write_sample((at % 99 * 99) as i16).unwrap());
        writer.finalize().unwrap();
        let mut frames = Frames::new(Recording::open(&path).unwrap(), encoding, 1_000).unwrap();
        let format = frames.format();
        assert_eq!((format.encoding, format.sample_rate, u16::from(format.channels)), (encoding, rate, channels));
        let mut samples = 0;
        while let Some(frame) = frames.next().unwrap() {
            assert_eq!(format.validate_frame(&frame.payload), Ok(()));
            assert_eq!(format.samples(&frame.payload), frame.samples);
            samples += frame.samples;
        }
        assert_eq!(samples, expected, "{source_rate} Hz as {encoding:?}");
    }

    #[test]
    fn any_recording_becomes_any_encoding_in_its_length() {
        for (source_rate, opus_rate) in [(8_000, 8_000), (11_025, 16_000), (16_000, 16_000), (44_100, 16_000)] {
            for channels in [1, 2] {
                check(source_rate, channels, Encoding::PcmS16le, source_rate, u64::from(source_rate));
                check(source_rate, channels, Encoding::Mulaw, 8_000, 8_000);
                check(source_rate, channels, Encoding::Opus, opus_rate, u64::from(opus_rate));
            }
        }
    }
}
