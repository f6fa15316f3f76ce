//! What an MP4 file says beside its samples, which the demuxer keeps to itself: how much of the start is the encoder's
//! run-up (the edit list), and the names of codecs that it does not know.

use std::io::{self, SeekFrom};

use super::source::Source;

/// Most boxes of one level that are looked at.
const MOST_BOXES: usize = 10_000;

/// What the index of the file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mp4 {
    /// There is an index (`moov`) at all: it is written last, so a file that was cut off has none.
    pub(super) has_index: bool,
    /// The tracks that the index holds, in its order.
    pub(super) tracks: Vec<Mp4Track>,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mp4Track {
    /// Its number.
    pub(super) id: u32,
    /// It is sound.
    pub(super) is_sound: bool,
    /// The four letters of its codec.
    pub(super) codec: [u8; 4],
    /// The part of its media that is to be played: from where on and how much, in ticks of the track's own clock.
    pub(super) edit: Option<(u64, Option<u64>)>,
}

/// A box: its name and the place of its body, in bytes.
struct Part {
    name: [u8; 4],
    body: u64,
    end: u64,
}

/// Reads the index. None: this is no MP4 file.
pub(super) fn read(source: &mut dyn Source, length: u64) -> io::Result<Option<Mp4>> {
    let top = parts_until(source, 0, length, Some(b"moov"))?;
    if !top.iter().take(2).any(|part| &part.name == b"ftyp") {
        return Ok(None);
    }
    let Some(moov) = top.iter().find(|part| &part.name == b"moov" && part.end <= length) else {
        return Ok(Some(Mp4::default()));
    };
    let inner = parts(source, moov.body, moov.end)?;
    let movie_clock = match inner.iter().find(|part| &part.name == b"mvhd") {
        Some(mvhd) => clock(source, mvhd)?,
        None => 0,
    };
    let mut tracks = Vec::new();
    for trak in inner.iter().filter(|part| &part.name == b"trak") {
        tracks.push(track(source, trak, movie_clock)?);
    }
    Ok(Some(Mp4 { has_index: true, tracks }))
}

fn track(source: &mut dyn Source, trak: &Part, movie_clock: u32) -> io::Result<Mp4Track> {
    let mut track = Mp4Track::default();
    let mut media_clock = 0;
    let mut edit = None;
    for part in parts(source, trak.body, trak.end)? {
        match &part.name {
            b"tkhd" => track.id = long_or_short(source, &part, 12, 20)?,
            b"edts" => edit = first_edit(source, &part)?,
            b"mdia" => media_clock = media(source, &part, &mut track)?,
            _ => {}
        }
    }
    track.edit = edit.map(|(start, duration)| {
        // Rounded up: the movie's clock may be coarser than the track's.
        let ticks = (u128::from(duration) * u128::from(media_clock)).checked_div(u128::from(movie_clock));
        let ticks = ticks.map_or(0, |ticks| ticks + u128::from(ticks > 0 && media_clock > movie_clock));
        (start, u64::try_from(ticks).ok().filter(|ticks| *ticks > 0))
    });
    Ok(track)
}

/// Notes kind and codec of the track; its clock's ticks a second.
fn media(source: &mut dyn Source, mdia: &Part, track: &mut Mp4Track) -> io::Result<u32> {
    let mut media_clock = 0;
    for part in parts(source, mdia.body, mdia.end)? {
        match &part.name {
            b"mdhd" => media_clock = clock(source, &part)?,
            b"hdlr" => track.is_sound = bytes(source, &part, 8)? == Some(*b"soun"),
            b"minf" => {
                let Some(stbl) = child(source, &part, b"stbl")? else { continue };
                let Some(stsd) = child(source, &stbl, b"stsd")? else { continue };
                track.codec = bytes(source, &stsd, 12)?.unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(media_clock)
}

/// The first edit that plays something: from where on, in ticks of the track, and how long, in ticks of the movie.
fn first_edit(source: &mut dyn Source, edts: &Part) -> io::Result<Option<(u64, u64)>> {
    let Some(elst) = child(source, edts, b"elst")? else { return Ok(None) };
    let [version, ..] = bytes(source, &elst, 0)?.unwrap_or_default();
    let entries = bytes(source, &elst, 4)?.map_or(0, u32::from_be_bytes);
    for entry in 0..u64::from(entries.min(16)) {
        let (duration, start) = if version == 1 {
            let at = 8 + entry * 20;
            let high = bytes(source, &elst, at)?.map_or(0, u32::from_be_bytes);
            let low = bytes(source, &elst, at + 4)?.map_or(0, u32::from_be_bytes);
            let start_high = bytes(source, &elst, at + 8)?.map_or(0, u32::from_be_bytes);
            let start_low = bytes(source, &elst, at + 12)?.map_or(0, u32::from_be_bytes);
            let wide = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
            (wide(high, low), wide(start_high, start_low).cast_signed())
        } else {
            let at = 8 + entry * 12;
            let duration = bytes(source, &elst, at)?.map_or(0, u32::from_be_bytes);
            let start = bytes(source, &elst, at + 4)?.map_or(0, i32::from_be_bytes);
            (u64::from(duration), i64::from(start))
        };
        if let Ok(start) = u64::try_from(start) {
            return Ok(Some((start, duration)));
        }
    }
    Ok(None)
}

/// Ticks a second of a header box (`mvhd`, `mdhd`).
fn clock(source: &mut dyn Source, part: &Part) -> io::Result<u32> {
    long_or_short(source, part, 12, 20)
}

/// A number that stands further back in the box's 64 bit version.
fn long_or_short(source: &mut dyn Source, part: &Part, short: u64, long: u64) -> io::Result<u32> {
    let [version, ..] = bytes(source, part, 0)?.unwrap_or_default();
    let at = if version == 1 { long } else { short };
    Ok(bytes(source, part, at)?.map_or(0, u32::from_be_bytes))
}

fn child(source: &mut dyn Source, part: &Part, name: &[u8; 4]) -> io::Result<Option<Part>> {
    Ok(parts(source, part.body, part.end)?.into_iter().find(|inner| &inner.name == name))
}

/// Four bytes of a box's body, where it has them.
fn bytes(source: &mut dyn Source, part: &Part, offset: u64) -> io::Result<Option<[u8; 4]>> {
    let at = part.body.saturating_add(offset);
    if at.saturating_add(4) > part.end {
        return Ok(None);
    }
    let mut bytes = [0; 4];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// The boxes between two places. One that goes beyond the end ends the list, as its last.
fn parts(source: &mut dyn Source, from: u64, to: u64) -> io::Result<Vec<Part>> {
    parts_until(source, from, to, None)
}

/// The same up to a box of that name: a file that was recorded in fragments has thousands of boxes after its index.
fn parts_until(source: &mut dyn Source, from: u64, to: u64, last: Option<&[u8; 4]>) -> io::Result<Vec<Part>> {
    let mut list = Vec::new();
    let mut at = from;
    while at.saturating_add(8) <= to && list.len() < MOST_BOXES {
        let mut start = [0; 8];
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(&mut start)?;
        let [size @ .., n, a, m, e] = start;
        let (size, header) = match u32::from_be_bytes(size) {
            0 => (to - at, 8),
            1 if at + 16 <= to => {
                let mut large = [0; 8];
                source.read_exact(&mut large)?;
                (u64::from_be_bytes(large), 16)
            }
            size => (u64::from(size), 8),
        };
        let Some(end) = at.checked_add(size).filter(|_| size >= header) else { break };
        let name = [n, a, m, e];
        list.push(Part { name, body: at + header, end });
        if end > to || last == Some(&name) {
            break;
        }
        at = end;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wrap(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    fn file(elst: &[u32]) -> Vec<u8> {
        let stsd = wrap(b"stsd", &[numbers(&[0, 1, 16]), b"samr".to_vec(), vec![0; 8]].concat());
        let media = [
            wrap(b"mdhd", &numbers(&[0, 0, 0, 8_000, 0])),
            wrap(b"hdlr", &[numbers(&[0, 0]), b"soun".to_vec()].concat()),
            wrap(b"minf", &wrap(b"stbl", &stsd)),
        ];
        let edit = wrap(b"edts", &wrap(b"elst", &numbers(elst)));
        let trak = [wrap(b"tkhd", &numbers(&[0, 0, 0, 7, 0])), edit, wrap(b"mdia", &media.concat())].concat();
        let moov = [wrap(b"mvhd", &numbers(&[0, 0, 0, 1_000, 0])), wrap(b"trak", &trak)].concat();
        [wrap(b"ftyp", b"isom"), wrap(b"mdat", &[0; 100]), wrap(b"moov", &moov)].concat()
    }

    fn check(file: Vec<u8>, expected: Option<Mp4>) {
        let length = file.len() as u64;
        assert_eq!(read(&mut Cursor::new(file), length).unwrap(), expected);
    }

    #[test]
    fn the_run_up_and_the_codec_are_found() {
        let track =
            |edit| Mp4 { has_index: true, tracks: vec![Mp4Track { id: 7, is_sound: true, codec: *b"samr", edit }] };
        check(file(&[0, 1, 2_000, 1_024, 0x1_0000]), Some(track(Some((1_024, Some(16_001))))));
        // An empty edit first: the sound begins later than the picture, which is nothing to skip.
        check(file(&[0, 2, 40, u32::MAX, 0x1_0000, 0, 160, 0x1_0000]), Some(track(Some((160, None)))));
        check(file(&[0x0100_0000, 1, 0, 2_000, 0, 80, 0x1_0000]), Some(track(Some((80, Some(16_001))))));
        check(file(&[0, 9_999]), Some(track(Some((0, None)))));
    }

    #[test]
    fn a_file_that_was_cut_off_has_no_index() {
        let whole = file(&[0, 0]);
        check(whole[..100].to_vec(), Some(Mp4::default()));
        check(whole[..whole.len() - 1].to_vec(), Some(Mp4::default()));
    }

    #[test]
    fn other_files_are_left_alone() {
        for other in [&b""[..], b"RIFF", b"\0\0\0\x01ftyp", b"ID3\x04\0\0\0\0\0\0\0\0\0\0\0\0"] {
            check(other.to_vec(), None);
        }
    }
}
