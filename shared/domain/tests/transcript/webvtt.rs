//! A strict reader of WebVTT, after "WebVTT: The Web Video Text Tracks Format" (W3C), sections 4.1 to 4.3: it takes what
//! a conforming file may hold of what we write (no regions, styles, notes or settings) and refuses all else.

use std::collections::HashSet;

use super::Shown;

/// The cues of a file.
///
/// # Errors
/// What does not conform, and where.
pub(crate) fn read(file: &str) -> Result<Vec<Shown>, String> {
    if file.contains(['\r', '\0']) || !file.ends_with('\n') {
        return Err("lines end with a line feed, and nothing is a NUL".into());
    }
    let mut blocks = file[..file.len() - 1].split("\n\n");
    if blocks.next() != Some("WEBVTT") {
        return Err("a file begins with the line WEBVTT, and a blank line follows if anything does".into());
    }
    let (mut cues, mut ids, mut latest_ms) = (Vec::new(), HashSet::new(), 0);
    for block in blocks {
        let (id, cue) = read_cue(block).map_err(|problem| format!("{problem} in {block:?}"))?;
        if !ids.insert(id.to_owned()) {
            return Err(format!("the id {id:?} is there twice"));
        }
        if cue.start_ms < latest_ms {
            return Err(format!("a cue begins before the one above it: {block:?}"));
        }
        latest_ms = cue.start_ms;
        cues.push(cue);
    }
    Ok(cues)
}

fn read_cue(block: &str) -> Result<(&str, Shown), String> {
    let mut lines = block.split('\n');
    let id = lines.next().unwrap_or_default();
    if id.is_empty() || id.contains("-->") || id.starts_with("NOTE") || id.starts_with("STYLE") {
        return Err("a cue of ours has an id".into());
    }
    let timing = lines.next().ok_or("a cue has a timing")?;
    let (start, end) = timing.split_once(" --> ").ok_or("start and end are told apart by -->")?;
    let (start_ms, end_ms) = (read_time(start)?, read_time(end)?);
    if end_ms <= start_ms {
        return Err("a cue ends after it begins".into());
    }
    let payload: Vec<&str> = lines.collect();
    if payload.is_empty() || payload.iter().any(|line| line.trim().is_empty()) {
        return Err("a cue has text, and no blank lines".into());
    }
    let payload = payload.join("\n");
    let (speaker, text) = read_voice(&payload)?;
    let lines = read_text(text)?.split('\n').map(str::to_owned).collect();
    Ok((id, Shown { speaker: speaker.to_owned(), start_ms, end_ms, lines }))
}

/// `hh:mm:ss.ttt`, with two digits or more for the hours.
fn read_time(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time");
    let (clock, ms) = text.split_once('.').ok_or_else(wrong)?;
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return Err(wrong()) };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = hours.len() >= 2 && minutes.len() == 2 && seconds.len() == 2 && ms.len() == 3;
    if !sound || ![hours, minutes, seconds, ms].into_iter().all(digits) {
        return Err(wrong());
    }
    let [hours, minutes, seconds, ms] = [hours, minutes, seconds, ms].map(|text| text.parse::<u64>().unwrap());
    if minutes > 59 || seconds > 59 {
        return Err(wrong());
    }
    Ok(((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms)
}

/// One voice span around all of the text.
fn read_voice(payload: &str) -> Result<(&str, &str), String> {
    let opened = payload.strip_prefix("<v ").ok_or("a cue is in a voice")?;
    let (speaker, rest) = opened.split_once('>').ok_or("the voice's tag is closed")?;
    if speaker.trim().is_empty() || speaker.contains(['&', '<', '\n']) {
        return Err("a voice has a plain name".into());
    }
    Ok((speaker, rest.strip_suffix("</v>").ok_or("the voice ends with the cue")?))
}

/// Text without tags, its references to characters resolved.
fn read_text(text: &str) -> Result<String, String> {
    if text.contains(['<', '>']) {
        return Err("a bracket in a text is escaped".into());
    }
    let mut read = String::new();
    let mut parts = text.split('&');
    read += parts.next().unwrap_or_default();
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or("an & in a text is escaped")?;
        read.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            _ => return Err(format!("&{name}; is none of ours")),
        });
        read += rest;
    }
    Ok(read)
}

#[test]
fn what_does_not_conform_is_refused() {
    let sound = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n<v Agent>a &amp; b\nc</v>\n\n2\n00:00:01.000 --> 100:00:02.000\n<v B>d</v>\n";
    let lines = [vec!["a & b".to_owned(), "c".to_owned()], vec!["d".to_owned()]];
    assert_eq!(read(sound).unwrap().into_iter().map(|cue| cue.lines).collect::<Vec<_>>(), lines);
    assert_eq!(read("WEBVTT\n"), Ok(vec![]));
    for (from, to) in [
        ("WEBVTT\n", "WEBVT\n"),
        ("WEBVTT\n\n", "WEBVTT\n"),
        ("01.000 -->", "01,000 -->"),
        ("01.000 -->", "01.00 -->"),
        ("01.000 -->", "61.000 -->"),
        ("01.000 --> 00:00:02", "03.000 --> 00:00:02"),
        ("01.000 -->", "01.000->"),
        ("01.000 --> 100", "00.000 --> 100"),
        ("00:00:01.000 --> 100", "0:00:01.000 --> 100"),
        ("\n2\n", "\n1\n"),
        ("\n2\n", "\n"),
        ("&amp;", "&"),
        ("&amp;", "-->"),
        ("&amp;", "<b>"),
        ("\nc", "\n\nc"),
        ("</v>", ""),
        ("<v B>d</v>", "<v B></v>\n"),
        ("\n\n2", "\r\n\r\n2"),
    ] {
        let broken = sound.replacen(from, to, 1);
        assert_ne!(broken, sound);
        assert!(read(&broken).is_err(), "{broken}");
    }
}
