//! Plain text and Markdown: a call as people read it.

use super::{
    Utterance, ordered,
    pieces::{join, pieces, words, wrap},
    speaker,
};

/// Widest line of plain text, in columns.
const PAGE: usize = 100;
/// What stands between the time and the words: the speaker, and spaces.
const NAME: usize = "  Customer  ".len();

/// What a page opens with, as people read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// The title.
    pub title: String,
    /// When and how long the call was, against which playbook, and whatever else is told of it: one line.
    pub about: String,
    /// The call in one paragraph, where there are notes.
    pub summary: Option<String>,
    /// The landmarks in the playbook's order, where they are known.
    pub landmarks: Vec<Landmark>,
}

/// A landmark, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landmark {
    /// The label that people see.
    pub label: String,
    /// The words that reached it; none where it is open.
    pub reached_by: Option<String>,
}

/// A call as plain text: time, speaker and words, in lines of at most 100 columns.
pub fn text(utterances: &[Utterance<'_>]) -> String {
    let latest_ms = utterances.iter().map(|utterance| utterance.start_ms).max().unwrap_or_default();
    let time = clock(latest_ms).len();
    let margin = time + NAME;
    let mut page = String::new();
    for (utterance, text) in readable(utterances) {
        let pieces = pieces(&text, PAGE - margin);
        for (place, line) in wrap(&pieces, PAGE - margin).into_iter().enumerate() {
            let head = if place == 0 {
                format!("{:>time$}  {:<8}  ", clock(utterance.start_ms), speaker(utterance.channel))
            } else {
                " ".repeat(margin)
            };
            page += &format!("{head}{}\n", join(line));
        }
    }
    page
}

/// A call as Markdown: title, what is told of it, summary and landmarks where they are known, and what was said.
pub fn markdown(opening: &Opening, utterances: &[Utterance<'_>]) -> String {
    let mut page = format!("# {}\n\n{}\n", escaped(&opening.title), escaped(&opening.about));
    if let Some(summary) = &opening.summary {
        page += &format!("\n## Summary\n\n{}\n", escaped(summary));
    }
    if !opening.landmarks.is_empty() {
        page += "\n## Landmarks\n\n";
        for landmark in &opening.landmarks {
            page += &match &landmark.reached_by {
                Some(quote) => format!("- [x] {}: “{}”\n", escaped(&landmark.label), escaped(quote)),
                None => format!("- [ ] {}\n", escaped(&landmark.label)),
            };
        }
    }
    page += "\n## Transcript\n";
    let mut is_empty = true;
    for (utterance, text) in readable(utterances) {
        let (name, time) = (speaker(utterance.channel), clock(utterance.start_ms));
        page += &format!("\n**{name}** {time}: {}\n", escaped(&text));
        is_empty = false;
    }
    if is_empty {
        page += "\nNothing was said.\n";
    }
    page
}

/// What is to be read, in the order in which it was said.
fn readable<'a, 'b>(utterances: &'b [Utterance<'a>]) -> impl Iterator<Item = (&'b Utterance<'a>, String)> {
    ordered(utterances).into_iter().filter_map(|utterance| Some((utterance, utterance.readable()?)))
}

/// Hours, minutes and seconds.
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60)
}

/// On one line, and so that nothing of it is taken for Markdown or HTML.
pub(super) fn escaped(text: &str) -> String {
    let line = words(text).join(" ");
    let mut escaped = String::new();
    for letter in line.chars() {
        if "\\`*_[]<>&~|".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    // What begins a heading, a list or a rule does so at the beginning only; a number does by the dot behind it.
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    if escaped[digits..].starts_with(['.', ')']) && digits > 0 {
        escaped.insert(digits, '\\');
    } else if escaped.starts_with(['#', '+', '-', '=']) {
        escaped.insert(0, '\\');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call::Channel, segment::Placeholder};

    fn said(channel: Channel, start_ms: u64, text: &str) -> Utterance<'_> {
        Utterance { channel, start_ms, end_ms: start_ms + 1_000, text, words: &[], placeholder: None }
    }

    fn call() -> Vec<Utterance<'static>> {
        let lost = Utterance { placeholder: Some(Placeholder::Failed), ..said(Channel::Agent, 3_725_000, "") };
        vec![lost, said(Channel::Customer, 1_000, "1. my *card* is [card number]"), said(Channel::Agent, 9, "Hello?")]
    }

    #[test]
    fn plain_text_is_time_speaker_and_words() {
        let expected = "00:00:00  Agent     Hello?\n\
                        00:00:01  Customer  1. my *card* is [card number]\n\
                        01:02:05  Agent     [this part could not be transcribed]\n";
        assert_eq!(text(&call()), expected);
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn plain_text_is_wrapped_under_its_beginning() {
        let long = "ten chars ".repeat(17);
        let page = text(&[said(Channel::Agent, 0, &long)]);
        let widths: Vec<usize> = page.lines().map(str::len).collect();
        assert_eq!(widths, [99, 99, 29]);
        assert!(page.lines().skip(1).all(|line| line.starts_with(&format!("{}ten", " ".repeat(20)))), "{page}");
    }

    #[test]
    fn markdown_has_a_title_and_whatever_is_known() {
        let opening = Opening {
            title: "Call 01".into(),
            about: "25 November 2026".into(),
            summary: Some("Sales: all is\nwell.".into()),
            landmarks: vec![
                Landmark { label: "Said hello".into(), reached_by: Some("Hello?".into()) },
                Landmark { label: "Asked <for> it".into(), reached_by: None },
            ],
        };
        let expected = "# Call 01\n\n25 November 2026\n\n## Summary\n\nSales: all is well.\n\n## Landmarks\n\n\
                        - [x] Said hello: “Hello?”\n- [ ] Asked \\<for\\> it\n\n## Transcript\n\n\
                        **Agent** 00:00:00: Hello?\n\n\
                        **Customer** 00:00:01: 1\\. my \\*card\\* is \\[card number\\]\n\n\
                        **Agent** 01:02:05: \\[this part could not be transcribed\\]\n";
        assert_eq!(markdown(&opening, &call()), expected);
        let bare = markdown(&Opening { title: "A".into(), about: "B".into(), ..Opening::default() }, &[]);
        assert_eq!(bare, "# A\n\nB\n\n## Transcript\n\nNothing was said.\n");
    }

    #[test]
    fn nothing_is_taken_for_markdown() {
        for (text, expected) in [
            ("# no", "\\# no"),
            ("- no", "\\- no"),
            ("12) no", "12\\) no"),
            ("1.5 is", "1\\.5 is"),
            ("it's 20 - 30 #1", "it's 20 - 30 #1"),
            ("a_b `c` \\ &lt; ~d~ e|f", "a\\_b \\`c\\` \\\\ \\&lt; \\~d\\~ e\\|f"),
            ("a\n\n# b", "a # b"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
