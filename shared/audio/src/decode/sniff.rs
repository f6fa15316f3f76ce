//! What a file is, told by its first bytes: asked before any demuxer looks for a frame somewhere inside of it, since most
//! files have something in them that could be one.

/// How many of the first bytes are looked at.
pub(super) const HEAD_BYTES: usize = 4_096;

/// Files that are often sent in place of a recording: how they begin (from an offset on) and what they are.
const KINDS: &[(usize, &[u8], &str)] = &[
    (0, b"PK\x03\x04", "a ZIP archive (or an Office document)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ", "an xz archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"MThd", "a MIDI file (notes, no sound)"),
    (0, b"SQLite format 3", "a database"),
    (0, b"#EXTM3U", "a playlist"),
];

/// Recordings that are not decoded here: how they begin and how they are called.
const UNSUPPORTED: &[(usize, &[u8], &str)] = &[
    (0, b"#!AMR", "AMR"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA, WMV)"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (8, b"AVI ", "AVI"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"caff", "Core Audio (CAF)"),
    (0, b".snd", "Sun audio (AU)"),
    (0, b"FLV", "Flash video"),
    (0, b".RMF", "RealMedia"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
];

/// How recordings begin that are decoded here.
const RECORDINGS: &[(usize, &[u8])] = &[
    (0, b"RIFF"),
    (0, b"RF64"),
    (0, b"BW64"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"\x1a\x45\xdf\xa3"),
    (4, b"ftyp"),
];

/// What is known of bytes that are not to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Something that is no recording.
    Like(&'static str),
    /// A recording that is not decoded here.
    Unsupported(&'static str),
}

/// Tells what the first bytes of a file look like. None: they may be a recording.
pub(super) fn looks(head: &[u8]) -> Option<Looks> {
    let named = |kinds: &[(usize, &[u8], &'static str)]| {
        kinds.iter().find(|(offset, magic, _)| begins(head, *offset, magic)).map(|(_, _, name)| *name)
    };
    if let Some(name) = named(UNSUPPORTED) {
        return Some(Looks::Unsupported(name));
    }
    named(KINDS).or_else(|| text(head)).map(Looks::Like)
}

/// Whether the first bytes promise a recording that is decoded here.
pub(super) fn begins_like_a_recording(head: &[u8]) -> bool {
    RECORDINGS.iter().any(|(offset, magic)| begins(head, *offset, magic))
}

fn begins(head: &[u8], offset: usize, magic: &[u8]) -> bool {
    head.get(offset..).is_some_and(|rest| rest.starts_with(magic))
}

/// The kind of text, where it is text.
fn text(head: &[u8]) -> Option<&'static str> {
    // The head may end within a character.
    let readable = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if readable.chars().any(|character| character.is_control() && !character.is_whitespace()) {
        return None;
    }
    let start = readable.trim_start_matches('\u{feff}').trim_start();
    Some(match start.get(..1) {
        Some("<") => "a web page or XML document",
        Some("{") | Some("[") => "a JSON document",
        _ => "plain text",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: impl Into<Option<Looks>>) {
        assert_eq!(looks(head), expected.into(), "{:?}", String::from_utf8_lossy(head));
    }

    #[test]
    fn what_is_no_recording_is_named() {
        check(b"PK\x03\x04\x14\x00", Looks::Like("a ZIP archive (or an Office document)"));
        check(b"%PDF-1.7", Looks::Like("a PDF document"));
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Looks::Like("a WebP picture"));
        check("Grüezi, wie geht es?\r\n".as_bytes(), Looks::Like("plain text"));
        check(&"ü".as_bytes()[..1], Looks::Like("plain text"));
        check(b"\n<!doctype html>", Looks::Like("a web page or XML document"));
        check(b"{\"error\":\"AccessDenied\"}", Looks::Like("a JSON document"));
        check(b"\x00\x01\x02\x03", None);
        check(b"\xff\xfb\x90", None);
        check(b"RIFF\x10\0\0\0WAVEfmt ", None);
    }

    #[test]
    fn recordings_of_other_kinds_are_named() {
        check(b"#!AMR\n\x3c", Looks::Unsupported("AMR"));
        check(b"RIFF\x10\0\0\0AVI LIST", Looks::Unsupported("AVI"));
        check(b"FORM\0\0\0\x10AIFFCOMM", Looks::Unsupported("AIFF"));
    }
}
