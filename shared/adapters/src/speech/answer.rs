//! From a service's answer to the port's [`Recognized`]: what all providers' answers have in common.

use callboard_domain::{
    segment::Word,
    speech::{Recognized, SpeechError},
};
use serde::de::DeserializeOwned;

/// A word as a service gives it, its times in milliseconds.
pub(super) struct HeardWord {
    pub(super) text: String,
    pub(super) start_ms: Option<f64>,
    pub(super) end_ms: Option<f64>,
    pub(super) confidence: Option<f32>,
}

/// Reads an answer. The parser's own words would quote it, so they are not passed on.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SpeechError> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        SpeechError::Unavailable(format!("the answer is not the documented JSON (line {line}, column {column})"))
    })
}

/// The text and its words, no time past the utterance's end: the service may have heard added silence. Where one word
/// has no time, all are left out, since the words would no longer make up the text.
pub(super) fn recognized(text: &str, words: impl IntoIterator<Item = HeardWord>, audio_ms: u64) -> Recognized {
    let words: Option<Vec<Word>> =
        words.into_iter().filter(|word| !word.text.trim().is_empty()).map(|word| placed(word, audio_ms)).collect();
    Recognized { text: text.trim().to_owned(), words: words.unwrap_or_default() }
}

fn placed(word: HeardWord, audio_ms: u64) -> Option<Word> {
    let start_ms = (word.start_ms?.round() as u64).min(audio_ms);
    let end_ms = (word.end_ms?.round() as u64).clamp(start_ms, audio_ms);
    let confidence = word.confidence.map(|confidence| confidence.clamp(0.0, 1.0));
    Some(Word { text: word.text.trim().to_owned(), start_ms, end_ms, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, times: Option<(f64, f64)>) -> HeardWord {
        let (start_ms, end_ms) = times.unzip();
        HeardWord { text: text.into(), start_ms, end_ms, confidence: Some(1.25) }
    }

    #[test]
    fn words_are_trimmed_and_kept_within_the_utterance() {
        let words = [heard(" so ", Some((-3.0, 80.4))), heard(" ", None), heard("far", Some((950.0, 1200.0)))];
        let found = recognized(" so far\n", words, 1000);
        let word = |text: &str, start_ms, end_ms| Word { text: text.into(), start_ms, end_ms, confidence: Some(1.0) };
        assert_eq!(found, Recognized { text: "so far".into(), words: vec![word("so", 0, 80), word("far", 950, 1000)] });
    }

    #[test]
    fn a_word_without_times_leaves_the_text_alone() {
        let found = recognized("so far", [heard("so", Some((0.0, 1.0))), heard("far", None)], 1000);
        assert_eq!(found, Recognized { text: "so far".into(), words: vec![] });
    }

    #[test]
    fn a_wrong_answer_is_not_quoted() {
        let error = parse::<String>(br#"{"text":"my card number"}"#).expect_err("no string");
        assert!(!error.to_string().contains("card"), "{error}");
    }
}
