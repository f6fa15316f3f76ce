//! The header of a WAV file, read ahead of the demuxer: names codecs that it does not know, reads files beyond 4 GiB
//! (RF64), and takes a length that was never filled in (a recorder that was cut off) for "to the end of the file".

use std::io::{self, SeekFrom};

use super::source::{Patch, Source};

/// The length of a chunk that goes on to the end of the file.
const OPEN_END: [u8; 4] = [0xff; 4];
/// Most chunks before the data: far more than any recorder writes.
const MOST_CHUNKS: usize = 1_000;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct WavHeader {
    /// Name of a codec that is not decoded here.
    pub(super) unsupported: Option<String>,
    /// What the demuxer is to read in place of the file's own bytes.
    pub(super) patches: Vec<Patch>,
    /// Where the data ends, in bytes, where the header says it in a way that the demuxer does not know.
    pub(super) end: Option<u64>,
    /// Samples a channel, where the header says so in a way that the demuxer does not know.
    pub(super) samples: Option<u64>,
}

/// Reads the header. None: this is no WAV file.
pub(super) fn header(source: &mut dyn Source, length: u64) -> io::Result<Option<WavHeader>> {
    let mut start = [0; 12];
    if length < 12 {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(0))?;
    source.read_exact(&mut start)?;
    let large = matches!(&start[..4], b"RF64" | b"BW64");
    if !(large || &start[..4] == b"RIFF") || &start[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut header = WavHeader::default();
    if large {
        header.patches.push(Patch { at: 0, bytes: *b"RIFF" });
        header.patches.push(Patch { at: 4, bytes: OPEN_END });
    }
    chunks(source, length, &mut header)?;
    Ok(Some(header))
}

/// Walks the chunks up to the data.
fn chunks(source: &mut dyn Source, length: u64, header: &mut WavHeader) -> io::Result<()> {
    let mut large_data = None;
    let mut sample_bytes = 0;
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        if at + 8 > length {
            return Ok(());
        }
        source.seek(SeekFrom::Start(at))?;
        let mut chunk = [0; 8];
        source.read_exact(&mut chunk)?;
        let [_, _, _, _, size @ ..] = chunk;
        let size = u32::from_le_bytes(size);
        let body = at + 8;
        match &chunk[..4] {
            b"fmt " => {
                header.unsupported = codec(source, length - body, size)?;
                sample_bytes = sample_bytes_of(source, body, length)?;
            }
            b"ds64" if body + 16 <= length => {
                source.seek(SeekFrom::Start(body + 8))?;
                let mut data = [0; 8];
                source.read_exact(&mut data)?;
                large_data = Some(u64::from_le_bytes(data));
            }
            b"data" => {
                let large = large_data.filter(|_| size == u32::MAX);
                header.samples = large.and_then(|bytes: u64| bytes.checked_div(sample_bytes));
                note_data(header, at, size, large, length);
                return Ok(());
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = body + u64::from(size) + u64::from(size % 2);
    }
    Ok(())
}

fn note_data(header: &mut WavHeader, at: u64, size: u32, large: Option<u64>, length: u64) {
    let body = at + 8;
    if let Some(large) = large {
        header.end = body.checked_add(large).filter(|end| *end < length);
    }
    if size == 0 && length > body {
        header.patches.retain(|patch| patch.at != 4);
        header.patches.push(Patch { at: 4, bytes: OPEN_END });
        header.patches.push(Patch { at: at + 4, bytes: OPEN_END });
    }
}

/// Bytes of one sample over all channels.
fn sample_bytes_of(source: &mut dyn Source, body: u64, length: u64) -> io::Result<u64> {
    let mut align = [0; 2];
    if body + 14 <= length {
        source.seek(SeekFrom::Start(body + 12))?;
        source.read_exact(&mut align)?;
    }
    Ok(u64::from(u16::from_le_bytes(align)))
}

/// The name of the codec, where it is none that is decoded here.
fn codec(source: &mut dyn Source, left: u64, size: u32) -> io::Result<Option<String>> {
    if left < 2 || size < 2 {
        return Ok(None);
    }
    let mut tag = [0; 2];
    source.read_exact(&mut tag)?;
    let name = match u16::from_le_bytes(tag) {
        // PCM, float, A-law, mu-law, and the extended form, which the demuxer knows to read.
        1 | 3 | 6 | 7 | 0xfffe => return Ok(None),
        0x02 => "Microsoft ADPCM",
        0x11 => "IMA ADPCM",
        0x22 => "TrueSpeech",
        0x31 => "GSM 6.10",
        0x40 | 0x45 | 0x64 => "G.726",
        0x42 | 0x111 => "G.723.1",
        0x50 | 0x55 => "MPEG audio in a WAV file",
        0x65 | 0x28f => "G.722",
        0x83 | 0x133 => "G.729",
        0x160..=0x163 => "Windows Media (WMA)",
        tag => return Ok(Some(format!("WAV format {tag:#06x}"))),
    };
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn check(chunks: &[(&[u8; 4], u32, &[u8])], marker: &[u8; 4], expected: &WavHeader) {
        let mut file = [marker.as_slice(), &[0xff; 4], b"WAVE"].concat();
        for (name, size, body) in chunks {
            file.extend(name.iter().copied().chain(size.to_le_bytes()).chain(body.iter().copied()));
        }
        let length = file.len() as u64;
        assert_eq!(header(&mut Cursor::new(file), length).unwrap().as_ref(), Some(expected));
    }

    #[test]
    fn the_header_is_understood() {
        let pcm = [1u8, 0];
        check(&[(b"fmt ", 2, &pcm), (b"data", 2, &[0, 0])], b"RIFF", &WavHeader::default());
        let gsm = WavHeader { unsupported: Some("GSM 6.10".to_owned()), ..WavHeader::default() };
        check(&[(b"fmt ", 2, &[0x31, 0]), (b"data", 2, &[0, 0])], b"RIFF", &gsm);
        let odd = WavHeader { unsupported: Some("WAV format 0x9999".to_owned()), ..WavHeader::default() };
        check(&[(b"LIST", 1, &[0, 0]), (b"fmt ", 2, &[0x99, 0x99]), (b"data", 2, &[0, 0])], b"RIFF", &odd);
    }

    #[test]
    fn a_length_that_was_never_filled_in_is_the_rest_of_the_file() {
        let patches = vec![Patch { at: 4, bytes: OPEN_END }, Patch { at: 26, bytes: OPEN_END }];
        let expected = WavHeader { patches, ..WavHeader::default() };
        check(&[(b"fmt ", 2, &[1, 0]), (b"data", 0, &[0, 0])], b"RIFF", &expected);
    }

    #[test]
    fn a_large_file_says_its_length_elsewhere() {
        let sizes: Vec<u8> = [0u64, 4, 2].iter().flat_map(|size| size.to_le_bytes()).collect();
        let format = [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0];
        let patches = vec![Patch { at: 0, bytes: *b"RIFF" }, Patch { at: 4, bytes: OPEN_END }];
        let expected = WavHeader { patches, end: Some(78), samples: Some(2), ..WavHeader::default() };
        let chunks: [(&[u8; 4], u32, &[u8]); 3] =
            [(b"ds64", 24, &sizes), (b"fmt ", 14, &format), (b"data", u32::MAX, &[0; 9])];
        check(&chunks, b"RF64", &expected);
    }

    #[test]
    fn other_files_are_left_alone() {
        for file in [&b""[..], b"RIFF", b"RIFF\0\0\0\0AVI LIST"] {
            assert_eq!(header(&mut Cursor::new(file.to_vec()), file.len() as u64).unwrap(), None);
        }
    }
}
