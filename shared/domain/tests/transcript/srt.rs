//! A strict reader of SRT, after what players agree on: numbers from 1, a comma before the milliseconds, a blank line
//! after each cue and nowhere else, and no markup.

use super::{CHANNELS, Shown};

/// The cues of a file, as they are shown.
///
/// # Errors
/// What does not conform, and where.
pub(crate) fn read(file: &str) -> Result<Vec<Shown>, String> {
    if file.is_empty() {
        return Ok(Vec::new());
    }
    let blocks = file.strip_suffix("\n\n").ok_or("a blank line follows the last cue, too")?.split("\n\n");
    let (mut cues, mut latest_ms) = (Vec::new(), 0);
    for (number, block) in (1..).zip(blocks) {
        let cue = read_cue(block, number).map_err(|problem| format!("{problem} in {block:?}"))?;
        if cue.start_ms < latest_ms {
            return Err(format!("a cue begins before the one above it: {block:?}"));
        }
        latest_ms = cue.start_ms;
        cues.push(cue);
    }
    Ok(cues)
}

fn read_cue(block: &str, number: usize) -> Result<Shown, String> {
    let mut lines = block.split('\n');
    if lines.next() != Some(number.to_string().as_str()) {
        return Err(format!("this is cue {number}"));
    }
    let timing = lines.next().ok_or("a cue has a timing")?;
    let (start, end) = timing.split_once(" --> ").ok_or("start and end are told apart by -->")?;
    let (start_ms, end_ms) = (read_time(start)?, read_time(end)?);
    if end_ms <= start_ms {
        return Err("a cue ends after it begins".into());
    }
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() || lines.iter().any(|line| line.trim().is_empty()) {
        return Err("a cue has text, and no blank lines".into());
    }
    if lines.iter().any(|line| line.contains(['<', '>', '\r', '\0'])) {
        return Err("nothing in a text is taken for a tag or a timing".into());
    }
    let named = |(_, name): &(_, &str)| lines[0].strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
    let (_, speaker) = CHANNELS.into_iter().find(named).ok_or("a cue names its speaker")?;
    Ok(Shown { speaker: speaker.to_owned(), start_ms, end_ms, lines })
}

/// `hh:mm:ss,ttt`, with two digits or more for the hours.
fn read_time(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time");
    let parts: Vec<&str> = text.split([':', ',']).collect();
    let [hours, minutes, seconds, ms] = parts[..] else { return Err(wrong()) };
    let separators: Vec<char> = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    if separators != [':', ':', ','] || hours.len() < 2 || [minutes.len(), seconds.len(), ms.len()] != [2, 2, 3] {
        return Err(wrong());
    }
    let [hours, minutes, seconds, ms] = [hours, minutes, seconds, ms].map(|text| text.parse::<u64>().unwrap());
    if minutes > 59 || seconds > 59 {
        return Err(wrong());
    }
    Ok(((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms)
}

#[test]
fn what_does_not_conform_is_refused() {
    let sound = "1\n00:00:01,000 --> 00:00:02,000\nAgent: a\nb\n\n2\n00:00:01,500 --> 100:00:02,000\nCustomer: c\n\n";
    assert_eq!(read(sound).unwrap().len(), 2);
    assert_eq!(read(""), Ok(vec![]));
    for (from, to) in [
        ("1\n00", "0\n00"),
        ("\n2\n", "\n3\n"),
        ("01,000 -->", "01.000 -->"),
        ("01,000 -->", "03,000 -->"),
        ("01,500 -->", "00,500 -->"),
        ("01,500 -->", "01:500 -->"),
        ("01,500 -->", "1,500 -->"),
        ("01,500 -->", "61,500 -->"),
        (" --> ", "-->"),
        ("\nb", "\n\nb"),
        ("\nb", "\n<i>b"),
        ("\nb", "\n --> "),
        ("Customer: c\n\n", "Customer: c\n"),
        ("\nCustomer: c", ""),
        ("Customer:", ""),
    ] {
        let broken = sound.replacen(from, to, 1);
        assert_ne!(broken, sound);
        assert!(read(&broken).is_err(), "{broken}");
    }
}
