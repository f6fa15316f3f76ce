//! Where the time of the parts went, from what the recordings function logs of each: fields that end with `_ms` of events
//! under `callboard::stages`, whatever they are called.

use std::collections::BTreeMap;

/// Sums by stage, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stages(BTreeMap<String, u64>);

impl Stages {
    /// Takes a line of a log in, if it tells of stages.
    pub(crate) fn read(&mut self, line: &str) {
        if !line.contains("callboard::stages") {
            return;
        }
        for (name, value) in line.split_whitespace().filter_map(|word| word.split_once('=')) {
            if let (Some(name), Ok(value)) = (name.strip_suffix("_ms"), value.parse::<u64>()) {
                *self.0.entry(name.to_owned()).or_default() += value;
            }
        }
    }

    /// Each stage's share of the time of all.
    pub(crate) fn shares(&self) -> BTreeMap<String, f64> {
        let all = self.0.values().sum::<u64>().max(1) as f64;
        self.0.iter().map(|(name, ms)| (name.clone(), *ms as f64 / all)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_of_stages_counts() {
        let mut stages = Stages::default();
        for line in [
            "2026-11-25T10:00:00Z  INFO callboard::stages: a part was worked on call.id=01A decode_ms=60 speech_ms=30",
            "2026-11-25T10:00:00Z  INFO callboard::stages: a part was worked on decode_ms=0 speech_ms=0 tables_ms=10",
            "2026-11-25T10:00:00Z  INFO other: decode_ms=1000",
            "callboard::stages decode_ms=many",
        ] {
            stages.read(line);
        }
        let expected =
            [("decode", 0.6), ("speech", 0.3), ("tables", 0.1)].map(|(name, share)| (name.to_owned(), share));
        assert_eq!(stages.shares(), BTreeMap::from(expected));
        assert_eq!(Stages::default().shares(), BTreeMap::new());
    }
}
