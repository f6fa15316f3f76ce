//! SRT and WebVTT: cues as players read them.

use super::{Utterance, cues::cues, speaker};

/// A call as an SRT file. Each cue names its speaker; cues come by their start, and overlap where both speak at once. SRT knows tags but no way to write a bracket that is none, so `‹` and `›` stand in for `<` and
/// `>`. Nothing said gives an empty file.
pub fn srt(utterances: &[Utterance<'_>]) -> String {
    let mut file = String::new();
    for (number, cue) in (1..).zip(cues(utterances, true)) {
        let (start, end) = (clock(cue.start_ms, ','), clock(cue.end_ms, ','));
        let text = cue.lines.join("\n").replace('<', "‹").replace('>', "›");
        file += &format!("{number}\n{start} --> {end}\n{text}\n\n");
    }
    file
}

/// A call as a WebVTT file, each cue in the voice of its speaker. Cues come by their start, and overlap where both speak
/// at once.
pub fn vtt(utterances: &[Utterance<'_>]) -> String {
    let mut file = "WEBVTT\n".to_owned();
    for (number, cue) in (1..).zip(cues(utterances, false)) {
        let (start, end) = (clock(cue.start_ms, '.'), clock(cue.end_ms, '.'));
        let text = cue.lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        file += &format!("\n{number}\n{start} --> {end}\n<v {}>{text}</v>\n", speaker(cue.channel));
    }
    file
}

/// Hours, minutes, seconds and milliseconds. Hours have two digits, and more where they must.
fn clock(ms: u64, separator: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{separator}{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Channel;

    fn said(channel: Channel, start_ms: u64, end_ms: u64, text: &str) -> Utterance<'_> {
        Utterance { channel, start_ms, end_ms, text, words: &[], placeholder: None }
    }

    fn call() -> [Utterance<'static>; 2] {
        [
            said(Channel::Customer, 361_000_500, 361_002_000, "a --> b & <b>bold</b>"),
            said(Channel::Agent, 90, 2_000, "Good morning."),
        ]
    }

    #[test]
    fn srt_is_numbered_and_has_no_tags() {
        let expected = "1\n00:00:00,090 --> 00:00:02,000\nAgent: Good morning.\n\n\
                        2\n100:16:40,500 --> 100:16:42,000\nCustomer: a --› b & ‹b›bold‹/b›\n\n";
        assert_eq!(srt(&call()), expected);
        assert_eq!(srt(&[]), "");
    }

    #[test]
    fn vtt_has_voices_and_escapes() {
        let expected = "WEBVTT\n\n1\n00:00:00.090 --> 00:00:02.000\n<v Agent>Good morning.</v>\n\n\
                        2\n100:16:40.500 --> 100:16:42.000\n\
                        <v Customer>a --&gt; b &amp; &lt;b&gt;bold&lt;/b&gt;</v>\n";
        assert_eq!(vtt(&call()), expected);
        assert_eq!(vtt(&[]), "WEBVTT\n");
    }
}
