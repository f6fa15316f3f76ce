//! What of an utterance's audio must not be heard, where its text is masked and audio is kept.

use super::Span;

/// Recognizers tell the times of words to about this, in milliseconds: so much more is silenced at either side.
const MARGIN_MS: u64 = 120;

/// Stretches of media time, in milliseconds, of an utterance from `start_ms` to `end_ms` with these masks: where the masked
/// words were said, or the whole of it where that is not known of each.
pub fn silenced(start_ms: u64, end_ms: u64, masked: &[Span]) -> Vec<(u64, u64)> {
    let times: Option<Vec<(u64, u64)>> = masked.iter().map(|span| span.time_ms).collect();
    match times {
        Some(times) => times.into_iter().map(|(from, to)| (from.saturating_sub(MARGIN_MS), to + MARGIN_MS)).collect(),
        None => vec![(start_ms.saturating_sub(MARGIN_MS), end_ms + MARGIN_MS)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::Kind;

    #[track_caller]
    fn check(times: &[Option<(u64, u64)>], expected: &[(u64, u64)]) {
        let masked: Vec<Span> = times.iter().map(|time_ms| Span { kind: Kind::Card, time_ms: *time_ms }).collect();
        assert_eq!(silenced(1_000, 9_000, &masked), expected, "{times:?}");
    }

    #[test]
    fn masked_words_are_silenced_or_else_all_of_the_utterance() {
        check(&[], &[]);
        check(&[Some((1_050, 2_000)), Some((4_000, 5_000))], &[(930, 2_120), (3_880, 5_120)]);
        check(&[None], &[(880, 9_120)]);
        check(&[Some((1_050, 2_000)), None], &[(880, 9_120)]);
        check(&[Some((20, 30))], &[(0, 150)]);
    }
}
