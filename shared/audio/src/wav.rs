//! The head of a WAV file of 16 bit PCM: the one place that writes it. Files are read elsewhere.

/// Bytes of the head; samples follow, and nothing else.
pub const HEAD_BYTES: usize = 44;
/// Bytes of one sample.
const SAMPLE_BYTES: u32 = 2;

/// The head of a file with so many bytes of samples: signed, little-endian, channels interleaved.
pub fn head(sample_rate: u32, channels: u8, data_bytes: u32) -> [u8; HEAD_BYTES] {
    let channels = u16::from(channels);
    let frame_bytes = u32::from(channels) * SAMPLE_BYTES;
    let mut head = [0; HEAD_BYTES];
    let parts: [&[u8]; 12] = [
        b"RIFF",
        &(HEAD_BYTES as u32 - 8 + data_bytes).to_le_bytes(),
        b"WAVEfmt ",
        &16u32.to_le_bytes(),
        &1u16.to_le_bytes(), // PCM
        &channels.to_le_bytes(),
        &sample_rate.to_le_bytes(),
        &(sample_rate * frame_bytes).to_le_bytes(),
        &(frame_bytes as u16).to_le_bytes(),
        &(8 * SAMPLE_BYTES as u16).to_le_bytes(),
        b"data",
        &data_bytes.to_le_bytes(),
    ];
    let mut at = 0;
    for part in parts {
        head[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    head
}

/// A whole file.
pub fn file(sample_rate: u32, channels: u8, interleaved: &[i16]) -> Vec<u8> {
    let data_bytes = interleaved.len() as u32 * SAMPLE_BYTES;
    let mut file = head(sample_rate, channels, data_bytes).to_vec();
    append(&mut file, interleaved);
    file
}

/// Samples as the bytes of a file.
pub fn append(file: &mut Vec<u8>, samples: &[i16]) {
    let from = file.len();
    file.resize(from + 2 * samples.len(), 0);
    for (bytes, sample) in file[from..].as_chunks_mut::<2>().0.iter_mut().zip(samples) {
        *bytes = sample.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[track_caller]
    fn check(sample_rate: u32, channels: u8, samples: &[i16]) {
        let file = file(sample_rate, channels, samples);
        assert_eq!(file.len(), HEAD_BYTES + 2 * samples.len());
        let mut reader = hound::WavReader::new(Cursor::new(file)).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (sample_rate, channels.into(), 16));
        assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), samples);
    }

    #[test]
    fn others_read_what_is_written() {
        check(16_000, 1, &[1, -2, 300]);
        check(8_000, 2, &[1, -2, i16::MAX, i16::MIN]);
        check(11_025, 2, &[]);
    }

    #[test]
    fn the_head_says_what_follows() {
        let head = head(16_000, 1, 6);
        assert_eq!(&head[0..4], b"RIFF");
        assert_eq!(head[4..8], 42u32.to_le_bytes());
        assert_eq!(&head[8..16], b"WAVEfmt ");
        assert_eq!(head[16..24], [16, 0, 0, 0, 1, 0, 1, 0]);
        assert_eq!(head[28..32], 32_000u32.to_le_bytes());
        assert_eq!(head[32..36], [2, 0, 16, 0]);
        assert_eq!(head[40..44], 6u32.to_le_bytes());
    }
}
