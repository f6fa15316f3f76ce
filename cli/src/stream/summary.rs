//! The figures at the end of a stream.

use callboard_wire::messages::SegmentMessage;
use serde::Serialize;

/// What a streamed call came to. Printed with `"type":"summary"`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "summary")]
pub(crate) struct Summary {
    /// The call.
    pub(crate) call: String,
    /// Transcribed segments.
    pub(crate) segments: usize,
    /// Their words.
    pub(crate) words: usize,
    /// Cards.
    pub(crate) cards: usize,
    /// Frames of the recording.
    pub(crate) frames: u32,
    /// Audio of the recording, in milliseconds.
    pub(crate) audio_ms: u64,
    /// Delay that the system added to each final segment. Only at the speaker's own pace; else there is no telling.
    pub(crate) latency_ms: Option<Spread>,
    /// How long the transcription service took for each.
    pub(crate) asr_ms: Option<Spread>,
    /// Messages of type error.
    pub(crate) errors: usize,
}

/// How values are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    /// Half of the values are at most this.
    pub(crate) p50: u64,
    /// 95 of 100 are at most this.
    pub(crate) p95: u64,
    /// The greatest.
    pub(crate) max: u64,
    /// How many there are.
    pub(crate) n: usize,
}

impl Spread {
    /// None of no values. Percentiles by nearest rank: each is a value that occurred.
    pub(crate) fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let n = values.len();
        let rank = |percent: usize| values.get((percent * n).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50: rank(50)?, p95: rank(95)?, max: values.last().copied()?, n })
    }
}

/// Delay added to a segment that arrived here: from the last of its audio reaching the gateway, less the silence that
/// closed it and the transcription service's own time.
pub(crate) fn added_delay_ms(segment: &SegmentMessage, arrived_ms: i64) -> u64 {
    let times = &segment.times;
    let own = i64::try_from(times.closing_ms.saturating_add(times.asr_ms)).unwrap_or(i64::MAX);
    let delay = arrived_ms.saturating_sub(times.spoken).saturating_sub(own);
    u64::try_from(delay).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        for (values, expected) in [
            (vec![7], (7, 7, 7)),
            (vec![2, 1], (1, 2, 2)),
            ((1..=20).rev().collect(), (10, 19, 20)),
            ((1..=100).collect(), (50, 95, 100)),
        ] {
            let spread = Spread::of(values).unwrap();
            assert_eq!((spread.p50, spread.p95, spread.max), expected);
        }
        assert_eq!(Spread::of(vec![]), None);
    }

    #[test]
    fn the_delay_leaves_out_what_the_system_does_not_add() {
        let segment = |closing_ms: u64, asr_ms: u64| -> SegmentMessage {
            serde_json::from_value(serde_json::json!({
                "call": "c", "revision": 1, "channel": "agent", "start_ms": 0, "end_ms": 1, "text": "", "final": true,
                "times": {"spoken": 10_000, "received": 10_600, "transcribed": 0, "stored": 0,
                          "closing_ms": closing_ms, "asr_ms": asr_ms},
            }))
            .unwrap()
        };
        assert_eq!(added_delay_ms(&segment(608, 300), 11_000), 92);
        assert_eq!(added_delay_ms(&segment(608, 300), 10_500), 0);
    }

    #[test]
    fn the_summary_is_one_object_that_names_itself() {
        let summary = Summary {
            call: "c".into(),
            segments: 1,
            words: 2,
            cards: 0,
            frames: 3,
            audio_ms: 240,
            latency_ms: None,
            asr_ms: Spread::of(vec![5]),
            errors: 0,
        };
        let text = serde_json::to_string(&summary).unwrap();
        assert!(text.starts_with(r#"{"type":"summary","call":"c","segments":1"#), "{text}");
        assert!(text.contains(r#""latency_ms":null,"asr_ms":{"p50":5,"p95":5,"max":5,"n":1}"#), "{text}");
    }
}
