//! Terms, context and language, cut down to what a service takes. Lengths are counted in characters, as the services do.

/// The terms from the first on, trimmed and each once (whatever its case), of which no more than `most` characters are
/// kept, with `joint` characters between two. One that does not fit is left out, and shorter ones may still follow.
pub(super) fn terms(terms: &[String], most: usize, joint: usize) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    let mut used = 0;
    for term in terms.iter().map(|term| term.trim()).filter(|term| !term.is_empty()) {
        let length = term.chars().count() + if kept.is_empty() { 0 } else { joint };
        let known = kept.iter().any(|other| other.to_lowercase() == term.to_lowercase());
        if !known && used + length <= most {
            used += length;
            kept.push(term);
        }
    }
    kept
}

/// The newest sentences, oldest first: at most `turns` of them and `most` characters, with `joint` characters between
/// two. Of a newest sentence that is longer than all that, the end is kept, from the start of a word.
pub(super) fn newest(context: &[String], turns: usize, most: usize, joint: usize) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    let mut used = 0;
    let sentences = context.iter().rev().map(|sentence| sentence.trim()).filter(|sentence| !sentence.is_empty());
    for sentence in sentences.take(turns) {
        let length = sentence.chars().count() + if kept.is_empty() { 0 } else { joint };
        if used + length > most {
            if kept.is_empty() {
                kept.extend(tail(sentence, most));
            }
            break;
        }
        used += length;
        kept.push(sentence);
    }
    kept.reverse();
    kept
}

/// The last whole words of a text that fit into `most` characters, if any does.
fn tail(text: &str, most: usize) -> Option<&str> {
    let surplus = text.chars().count().checked_sub(most)?;
    let (cut, _) = text.char_indices().nth(surplus)?;
    if text[..cut].ends_with(char::is_whitespace) {
        return Some(&text[cut..]);
    }
    let start = text[cut..].find(char::is_whitespace)?;
    Some(text[cut + start..].trim_start()).filter(|rest| !rest.is_empty())
}

/// The language's bare code as the services want it: `en` for `en-US`.
pub(super) fn language(tag: Option<&str>) -> Option<String> {
    let code = tag?.split(['-', '_']).next()?.trim().to_ascii_lowercase();
    (!code.is_empty()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn terms_are_kept_once_and_within_the_limit() {
        let given = strings(&[" Northwind ", "", "NORTHWIND", "Øre", "a longer one", "Zeta"]);
        assert_eq!(terms(&given, 18, 2), ["Northwind", "Øre"]);
        assert_eq!(terms(&given, 20, 2), ["Northwind", "Øre", "Zeta"]);
        assert_eq!(terms(&given, 0, 2), [""; 0]);
    }

    #[test]
    fn the_newest_sentences_stay() {
        let given = strings(&["one one", "two", " ", "three"]);
        assert_eq!(newest(&given, 9, 100, 1), ["one one", "two", "three"]);
        assert_eq!(newest(&given, 2, 100, 1), ["two", "three"]);
        assert_eq!(newest(&given, 9, 9, 1), ["two", "three"]);
        assert_eq!(newest(&given, 9, 8, 1), ["three"]);
    }

    #[test]
    fn a_sentence_that_is_too_long_keeps_its_last_words() {
        let given = strings(&["so that is über alles"]);
        assert_eq!(newest(&given, 9, 10, 1), ["über alles"]);
        assert_eq!(newest(&given, 9, 11, 1), ["über alles"]);
        assert_eq!(newest(&given, 9, 9, 1), ["alles"]);
        assert_eq!(newest(&given, 9, 3, 1), [""; 0]);
    }

    #[test]
    fn a_language_tag_loses_its_region() {
        let cases = [(Some("en-US"), Some("en")), (Some("PT_br"), Some("pt")), (Some(""), None), (None, None)];
        for (tag, code) in cases {
            assert_eq!(language(tag).as_deref(), code);
        }
    }
}
