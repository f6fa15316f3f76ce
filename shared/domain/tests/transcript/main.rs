//! Transcripts as files, of any call whatever: what the formats ask for holds, and every word is there in its order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod srt;
mod webvtt;

use callboard_domain::{
    Channel, Placeholder, Word,
    transcript::{self, Utterance},
};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

/// A cue as a reader of a file understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    speaker: String,
    start_ms: u64,
    end_ms: u64,
    lines: Vec<String>,
}

const CHANNELS: [(Channel, &str); 2] = [(Channel::Agent, "Agent"), (Channel::Customer, "Customer")];
const LINE: usize = 42;

/// An utterance that owns what it says.
#[derive(Debug, Clone)]
struct Said {
    channel: Channel,
    start_ms: u64,
    end_ms: u64,
    text: String,
    words: Vec<Word>,
    placeholder: Option<Placeholder>,
}

impl Said {
    fn utterance(&self) -> Utterance<'_> {
        Utterance {
            channel: self.channel,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            text: &self.text,
            words: &self.words,
            placeholder: self.placeholder,
        }
    }

    /// What is to be read of it.
    fn expected(&self) -> &str {
        match self.placeholder {
            Some(Placeholder::Waiting) => "[waiting for the transcription service]",
            Some(Placeholder::Failed) => "[this part could not be transcribed]",
            None => &self.text,
        }
    }
}

/// What must hold of the cues of either format: how they are shown, and that they hold what each channel says.
fn assert_cues(cues: &[Shown], label: &str, expected: &[(Channel, String)]) {
    for pair in cues.windows(2) {
        assert!(pair[0].start_ms <= pair[1].start_ms, "cues come by their start: {pair:?}");
    }
    for cue in cues {
        assert!((1..=2).contains(&cue.lines.len()), "one line or two: {cue:?}");
        assert!(cue.lines.iter().all(|line| line.width() <= LINE), "a line is too wide: {cue:?}");
        assert!((40..=7_000).contains(&(cue.end_ms - cue.start_ms)), "shown too shortly or too long: {cue:?}");
    }
    for (channel, name) in CHANNELS {
        let of_channel: Vec<&Shown> = cues.iter().filter(|cue| cue.speaker == name).collect();
        for pair in of_channel.windows(2) {
            assert!(pair[0].end_ms <= pair[1].start_ms, "cues of one channel overlap: {pair:?}");
            let is_brief = pair[0].end_ms - pair[0].start_ms < 1_000;
            let has_room = pair[0].end_ms < pair[1].start_ms;
            assert!(!(is_brief && has_room), "it could be shown for longer: {pair:?}");
        }
        let label = label.replace("NAME", name);
        let words = |cue: &&Shown| dense(&cue.lines.concat()).strip_prefix(&label).unwrap().to_owned();
        let said: String = of_channel.iter().map(words).collect();
        let wanted: String = expected.iter().filter(|(of, _)| *of == channel).map(|(_, text)| dense(text)).collect();
        assert_eq!(said, wanted, "the words of the {name}");
    }
}

/// A text without what separates its words.
fn dense(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).collect()
}

/// All files of a call, held to their formats.
fn assert_files(said: &[Said]) {
    let mut ordered: Vec<&Said> = said.iter().collect();
    ordered.sort_by_key(|said| (said.start_ms, said.channel, said.end_ms));
    let expected: Vec<(Channel, String)> =
        ordered.iter().map(|said| (said.channel, said.expected().to_owned())).collect();
    let utterances: Vec<Utterance<'_>> = said.iter().map(Said::utterance).collect();

    let vtt = transcript::vtt(&utterances);
    assert_cues(&webvtt::read(&vtt).unwrap_or_else(|problem| panic!("{problem}:\n{vtt}")), "", &expected);

    let srt = transcript::srt(&utterances);
    let cues = srt::read(&srt).unwrap_or_else(|problem| panic!("{problem}:\n{srt}"));
    let without_tags = |(channel, text): &(Channel, String)| (*channel, text.replace('<', "‹").replace('>', "›"));
    assert_cues(&cues, "NAME:", &expected.iter().map(without_tags).collect::<Vec<_>>());

    let text = transcript::text(&utterances);
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    let heads: String = expected
        .iter()
        .filter(|(_, text)| !dense(text).is_empty())
        .map(|(channel, text)| format!("{}{}", CHANNELS[*channel as usize].1, dense(text)))
        .collect();
    let body: String = text.lines().map(without_clock).map(dense).collect();
    assert_eq!(body, heads, "plain text");

    let markdown = transcript::markdown(&transcript::Opening::default(), &utterances);
    let (_, body) = markdown.split_once("\n## Transcript\n").unwrap();
    assert!(body.lines().all(|line| line.is_empty() || line.starts_with("**") || line == "Nothing was said."));
}

/// A line of plain text without the time that the first of an utterance begins with.
fn without_clock(line: &str) -> &str {
    line.trim_start().split_once("  ").filter(|(head, _)| is_clock(head)).map_or(line, |(_, rest)| rest)
}

fn is_clock(text: &str) -> bool {
    text.split(':').count() == 3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![Just(Channel::Agent), Just(Channel::Customer)]
}

/// Words as people say them, in several scripts, with masks, entities and what looks like a cue's timing.
fn spoken_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-z]{1,10}[.,?]?",
        2 => "[א-ת]{2,7}|[ا-ي]{2,7}",
        2 => "[ぁ-んァ-ン一-龥]{1,60}[。、]?",
        1 => "[가-힣]{1,30}",
        1 => "[a-z]{43,120}",
        1 => Just("[card number],".to_owned()),
        1 => Just("a\u{301}e\u{300}👨‍👩‍👧".to_owned()),
        1 => prop_oneof![Just("-->"), Just("<b>"), Just("&amp;"), Just("1"), Just("NOTE")].prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..50).prop_map(|words| words.join(" "))
}

/// Words with times that may or may not be those of the text.
fn words_of(text: &str, start_ms: u64) -> impl Strategy<Value = Vec<Word>> + use<> {
    let texts: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    prop::collection::vec((0_u64..600, 0_u64..900, prop::bool::weighted(0.9)), texts.len()).prop_map(move |times| {
        let mut at_ms = start_ms;
        let mut words = Vec::new();
        for (text, (pause_ms, length_ms, is_kept)) in texts.iter().zip(times) {
            at_ms += pause_ms;
            let end_ms = at_ms + length_ms;
            if is_kept {
                words.push(Word { text: text.clone(), start_ms: at_ms, end_ms, confidence: None });
            }
            at_ms = end_ms;
        }
        words
    })
}

/// An utterance of a call of some minutes, or anything at all.
fn said() -> impl Strategy<Value = Said> {
    let placeholder = prop_oneof![
        8 => Just(None),
        1 => Just(Some(Placeholder::Waiting)),
        1 => Just(Some(Placeholder::Failed)),
    ];
    let start_ms = prop_oneof![8 => 0_u64..300_000, 1 => Just(359_999_990), 1 => 0_u64..1 << 50];
    let text = prop_oneof![4 => spoken_text(), 1 => any::<String>(), 1 => "\\PC{0,300}"];
    let timed = (start_ms, text).prop_flat_map(|(start_ms, text)| {
        let words = prop_oneof![Just(Vec::new()).boxed(), words_of(&text, start_ms).boxed()];
        (Just(start_ms), Just(text), words)
    });
    (channel(), timed, 0_u64..40_000, placeholder).prop_map(
        |(channel, (start_ms, text, words), length_ms, placeholder)| {
            let end_ms = words.last().map_or(start_ms + length_ms, |word| word.end_ms);
            Said { channel, start_ms, end_ms, text, words, placeholder }
        },
    )
}

proptest! {
    #[test]
    fn any_call_gives_valid_files_with_all_its_words(said in prop::collection::vec(said(), 0..12)) {
        assert_files(&said);
    }

    #[test]
    fn no_word_that_fits_a_line_is_broken(words in prop::collection::vec("[a-z]{1,40}|\\[[a-z]{3,12} [a-z]{3,12}\\]", 1..60)) {
        let said = Said { channel: Channel::Agent, start_ms: 0, end_ms: 30_000, text: words.join(" "), words: vec![], placeholder: None };
        let cues = webvtt::read(&transcript::vtt(&[said.utterance()])).unwrap();
        let lines: Vec<String> = cues.into_iter().flat_map(|cue| cue.lines).collect();
        for line in &lines {
            prop_assert_eq!(line.matches('[').count(), line.matches(']').count(), "a mask is broken: {}", line);
        }
        prop_assert_eq!(lines.join(" "), said.text);
    }
}

#[test]
fn a_cue_is_shown_when_its_words_are_said() {
    let text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
    let times = text.split(' ').zip(0_u64..);
    // A pause of three seconds after the eighth.
    let words: Vec<Word> = times
        .map(|(word, at)| {
            let start_ms = 10_000 + at * 250 + if at < 8 { 0 } else { 3_000 };
            Word { text: word.into(), start_ms, end_ms: start_ms + 200, confidence: None }
        })
        .collect();
    let end_ms = words.last().unwrap().end_ms;
    let said = Said { channel: Channel::Agent, start_ms: 10_000, end_ms, text: text.into(), words, placeholder: None };
    for cue in webvtt::read(&transcript::vtt(&[said.utterance()])).unwrap() {
        let shown: Vec<&str> = cue.lines.iter().flat_map(|line| line.split(' ')).collect();
        let first = said.words.iter().find(|word| word.text == shown[0]).unwrap();
        let last = said.words.iter().find(|word| word.text == *shown.last().unwrap()).unwrap();
        // Words are shown for a second at least.
        let end_ms = last.end_ms.max(first.start_ms + 1_000);
        assert_eq!((cue.start_ms, cue.end_ms), (first.start_ms, end_ms), "{cue:?}");
    }
}
