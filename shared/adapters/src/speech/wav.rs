//! The WAV file around an utterance: 16 bit, mono. Nothing is read or resampled here.

use bytes::Bytes;
use reqwest::multipart::Part;

use super::typed;

const HEADER: usize = 44;
const BYTES_PER_SAMPLE: u32 = 2;

/// The utterance as a WAV file, followed by silence up to `shortest_ms` where it is shorter.
pub(super) fn write(pcm: &[i16], sample_rate: u32, shortest_ms: u64) -> Bytes {
    let shortest = (shortest_ms * u64::from(sample_rate)).div_ceil(1000) as usize;
    let data_length = pcm.len().max(shortest) * BYTES_PER_SAMPLE as usize;
    let mut file = Vec::with_capacity(HEADER + data_length);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&((HEADER - 8 + data_length) as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes()); // PCM
    file.extend_from_slice(&1u16.to_le_bytes()); // one channel
    file.extend_from_slice(&sample_rate.to_le_bytes());
    file.extend_from_slice(&(sample_rate * BYTES_PER_SAMPLE).to_le_bytes());
    file.extend_from_slice(&(BYTES_PER_SAMPLE as u16).to_le_bytes());
    file.extend_from_slice(&(8 * BYTES_PER_SAMPLE as u16).to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data_length as u32).to_le_bytes());
    file.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    file.resize(HEADER + data_length, 0);
    file.into()
}

/// The file as a part of a form. The bytes are shared, so that a second try costs no copy.
pub(super) fn part(file: &Bytes) -> Part {
    let part = Part::stream_with_length(file.clone(), file.len() as u64);
    typed(part.file_name("utterance.wav"), "audio/wav")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_follows() {
        let file = write(&[1, -2, 300], 16_000, 0);
        assert_eq!(file.len(), HEADER + 6);
        assert_eq!(&file[0..4], b"RIFF");
        assert_eq!(file[4..8], 42u32.to_le_bytes());
        assert_eq!(&file[8..16], b"WAVEfmt ");
        assert_eq!(file[16..24], [16, 0, 0, 0, 1, 0, 1, 0]);
        assert_eq!(file[24..28], 16_000u32.to_le_bytes());
        assert_eq!(file[28..32], 32_000u32.to_le_bytes());
        assert_eq!(file[32..36], [2, 0, 16, 0]);
        assert_eq!(&file[36..40], b"data");
        assert_eq!(file[40..44], 6u32.to_le_bytes());
        assert_eq!(file[44..], [1, 0, 0xfe, 0xff, 0x2c, 1]);
    }

    #[test]
    fn a_short_utterance_is_followed_by_silence() {
        let file = write(&[5; 10], 16_000, 80);
        assert_eq!(file.len(), HEADER + 2 * 1280);
        assert_eq!(file[40..44], 2560u32.to_le_bytes());
        assert_eq!(file[44 + 18..44 + 22], [5, 0, 0, 0]);
        assert!(file[44 + 20..].iter().all(|byte| *byte == 0));
        assert_eq!(write(&[5; 1281], 16_000, 80).len(), HEADER + 2 * 1281);
    }
}
