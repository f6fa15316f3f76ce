//! A segment's words as one attribute: `[["the",800,402],["weather",1202,402,0.98]]`, each with its start and length in
//! milliseconds of media time, and how sure the service is where it says so.
//!
//! As a list of maps, which older items have and which is read like this, a word is three times as large, and what is
//! written is paid for by the kilobyte.

use callboard_domain::Word;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// The text.
pub fn to_text(words: &[Word]) -> String {
    let words = words.iter().map(|word| {
        let length = word.end_ms.saturating_sub(word.start_ms);
        match word.confidence {
            Some(confidence) => serde_json::json!([word.text, word.start_ms, length, confidence]),
            None => serde_json::json!([word.text, word.start_ms, length]),
        }
    });
    serde_json::Value::Array(words.collect()).to_string()
}

fn from_text(text: &str) -> Result<Vec<Word>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Sure(String, u64, u64, f32),
        Plain(String, u64, u64),
    }
    let words: Vec<Stored> = serde_json::from_str(text)?;
    let word = |stored| match stored {
        Stored::Sure(text, start_ms, length, sure) => (text, start_ms, length, Some(sure)),
        Stored::Plain(text, start_ms, length) => (text, start_ms, length, None),
    };
    Ok(words
        .into_iter()
        .map(word)
        .map(|(text, start_ms, length, confidence)| Word {
            text,
            start_ms,
            end_ms: start_ms.saturating_add(length),
            confidence,
        })
        .collect())
}

pub(super) fn serialize<S: Serializer>(words: &[Word], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_text(words))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Word>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Text(String),
        List(Vec<Word>),
    }
    match Stored::deserialize(deserializer)? {
        // The parser's own words would quote what was said.
        Stored::Text(text) => from_text(&text).map_err(|_| D::Error::custom("the words are none")),
        Stored::List(words) => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, serde::Serialize, Deserialize)]
    struct Item {
        #[serde(with = "super")]
        words: Vec<Word>,
    }

    type Plain<'a> = (&'a str, u64, u64, Option<f32>);

    fn check(stored: Value, expected: Option<&[Plain<'_>]>) {
        let read: Result<Item, _> = serde_json::from_value(json!({"words": stored}));
        let word = |&(text, start_ms, end_ms, confidence): &Plain<'_>| Word {
            text: text.to_owned(),
            start_ms,
            end_ms,
            confidence,
        };
        let expected: Option<Vec<Word>> = expected.map(|words| words.iter().map(word).collect());
        assert_eq!(read.as_ref().ok().map(|item| &item.words), expected.as_ref(), "{read:?}");
        let Ok(item) = read else { return };
        let again: Item = serde_json::from_value(serde_json::to_value(&item).unwrap()).unwrap();
        assert_eq!(again.words, item.words);
    }

    #[test]
    fn words_come_back_as_they_were_also_those_of_older_items() {
        check(json!("[]"), Some(&[]));
        check(
            json!(r#"[["so",0,90],["\"well\"",90,400,0.5]]"#),
            Some(&[("so", 0, 90, None), ("\"well\"", 90, 490, Some(0.5))]),
        );
        check(
            json!([{"text": "so", "start_ms": 0, "end_ms": 90}, {"text": "we", "start_ms": 90, "end_ms": 91, "confidence": 0.25}]),
            Some(&[("so", 0, 90, None), ("we", 90, 91, Some(0.25))]),
        );
        check(json!("so"), None);
        check(json!(r#"[["so",0]]"#), None);
        check(json!(7), None);
    }
}
