//! The WAV file around an utterance: 16 bit, mono. Nothing is read or resampled here.

use bytes::Bytes;
use callboard_audio::wav;
use reqwest::multipart::Part;

use super::typed;

/// The utterance as a WAV file, followed by silence up to `shortest_ms` where it is shorter.
pub(super) fn write(pcm: &[i16], sample_rate: u32, shortest_ms: u64) -> Bytes {
    let shortest = (shortest_ms * u64::from(sample_rate)).div_ceil(1000) as usize;
    let data_bytes = pcm.len().max(shortest) * 2;
    let mut file = Vec::with_capacity(wav::HEAD_BYTES + data_bytes);
    file.extend_from_slice(&wav::head(sample_rate, 1, data_bytes as u32));
    wav::append(&mut file, pcm);
    file.resize(wav::HEAD_BYTES + data_bytes, 0);
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
    fn a_short_utterance_is_followed_by_silence() {
        let file = write(&[5; 10], 16_000, 80);
        assert_eq!(file.len(), wav::HEAD_BYTES + 2 * 1280);
        assert_eq!(file[40..44], 2560u32.to_le_bytes());
        assert_eq!(file[44 + 18..44 + 22], [5, 0, 0, 0]);
        assert!(file[44 + 20..].iter().all(|byte| *byte == 0));
        assert_eq!(write(&[5; 1281], 16_000, 80).len(), wav::HEAD_BYTES + 2 * 1281);
    }
}
