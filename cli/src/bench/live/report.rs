//! What all calls came to, for people and for programs.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use serde::Serialize;

use super::{Counted, call::Outcome};

/// What was asked for, and how long it took.
pub(super) struct Load {
    pub(super) shards: usize,
    pub(super) seconds: u32,
    pub(super) speech_share: f64,
    pub(super) wall_s: f64,
}

/// See the module above for what counts as delay. Shares of time are of the calls' own: a call-second is a second of one
/// call.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    calls: usize,
    /// Calls with every utterance once and right, and every frame acknowledged.
    held: usize,
    seconds: u32,
    shards: usize,
    speech_share: f64,
    frames: u64,
    /// Frames that were never acknowledged.
    frames_lost: u64,
    frames_resent: u64,
    utterances: usize,
    utterances_lost: usize,
    utterances_doubled: usize,
    utterances_wrong: usize,
    added_delay_ms: Option<Percentiles>,
    /// The part of it that the silence's last sample waited for its frame.
    frame_wait_ms: Option<Percentiles>,
    wall_s: f64,
    call_minutes: f64,
    /// Of the stack's process; none where the system does not tell.
    cpu_s: Option<f64>,
    /// Share of one processor that a call takes of it.
    cpu_per_call: Option<f64>,
    peak_rss_mib: Option<f64>,
    /// Of the clients and the transcription service.
    load_cpu_s: Option<f64>,
    load_peak_rss_mib: Option<f64>,
    write_units_per_call_s: f64,
    /// The same by table.
    write_units: BTreeMap<String, f64>,
    /// Both ways, over the capture client's connection and the dashboard's.
    messages_per_call_min: f64,
    sent_per_call_min: f64,
    received_per_call_min: f64,
    reconnects: u32,
    errors: u64,
}

/// How values are spread, by nearest rank: each is a value that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Percentiles {
    p50: u64,
    p95: u64,
    p99: u64,
    max: u64,
    n: usize,
}

impl Percentiles {
    /// None of no values.
    fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let n = values.len();
        let rank = |percent: usize| values.get((percent * n).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { p50: rank(50)?, p95: rank(95)?, p99: rank(99)?, max: *values.last()?, n })
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p95, p99, max, .. } = self;
        write!(f, "p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, at most {max} ms")
    }
}

impl Report {
    /// Sums up.
    pub(super) fn of(outcomes: &[Outcome], load: Load, before: &Counted, after: &Counted) -> Self {
        let count = |number: fn(&Outcome) -> usize| outcomes.iter().map(number).sum::<usize>();
        let sum = |number: fn(&Outcome) -> u64| outcomes.iter().map(number).sum::<u64>();
        let all =
            |values: fn(&Outcome) -> &Vec<u64>| Percentiles::of(outcomes.iter().flat_map(values).copied().collect());
        let call_s = sum(|it| it.audio_ms) as f64 / 1_000.0;
        let per_call_s = |number: f64| if call_s > 0.0 { number / call_s } else { 0.0 };
        let per_call_min = |number: u64| per_call_s(number as f64 * 60.0);
        let units = after.write_units.iter().map(|(table, units)| {
            let written = units - before.write_units.get(table).copied().unwrap_or_default();
            (table.clone(), per_call_s(written))
        });
        let write_units: BTreeMap<String, f64> = units.collect();
        let used = |of: fn(&Counted) -> Option<super::Used>| Some((of(before)?, of(after)?));
        let cpu_s = |of| used(of).map(|(before, after)| after.cpu_s - before.cpu_s);
        let (sent, received) = (sum(|it| it.sent), sum(|it| it.received));
        let Load { shards, seconds, speech_share, wall_s } = load;
        Self {
            calls: outcomes.len(),
            held: outcomes.iter().filter(|it| it.is_held()).count(),
            seconds,
            shards,
            speech_share,
            frames: sum(|it| it.frames.into()),
            frames_lost: sum(|it| it.frames_lost.into()),
            frames_resent: sum(|it| it.frames_resent),
            utterances: count(|it| it.utterances),
            utterances_lost: count(|it| it.lost),
            utterances_doubled: count(|it| it.doubled),
            utterances_wrong: count(|it| it.wrong),
            added_delay_ms: all(|it| &it.added_delay_ms),
            frame_wait_ms: all(|it| &it.frame_wait_ms),
            wall_s,
            call_minutes: call_s / 60.0,
            cpu_s: cpu_s(|it| it.stack),
            cpu_per_call: cpu_s(|it| it.stack).map(per_call_s),
            peak_rss_mib: after.stack.map(|used| used.peak_rss_mib),
            load_cpu_s: cpu_s(|it| it.load),
            load_peak_rss_mib: after.load.map(|used| used.peak_rss_mib),
            write_units_per_call_s: write_units.values().fold(0.0, |sum, units| sum + units),
            write_units,
            messages_per_call_min: per_call_min(sent + received),
            sent_per_call_min: per_call_min(sent),
            received_per_call_min: per_call_min(received),
            reconnects: outcomes.iter().map(|it| it.reconnects).sum(),
            errors: sum(|it| it.errors),
        }
    }

    /// Whether nothing was lost, doubled or wrong.
    pub(super) fn is_right(&self) -> bool {
        self.held == self.calls
    }

    /// The same in words.
    pub(super) fn verdict(&self) -> String {
        let Self { calls, held, frames_lost, utterances_lost, utterances_doubled, utterances_wrong, .. } = self;
        format!(
            "{held} of {calls} calls were held: {frames_lost} frames were lost, and of the utterances {utterances_lost} lost, \
             {utterances_doubled} doubled, {utterances_wrong} wrong"
        )
    }

    /// Prints it.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
            return Ok(());
        }
        let spread = |spread: &Option<Percentiles>| spread.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let Self { calls, seconds, shards, wall_s, speech_share, utterances, .. } = self;
        writeln!(
            out,
            "{calls} stereo calls of {seconds} s ({:.0} % speech, {shards} shards, {utterances} utterances) in {wall_s:.1} s",
            speech_share * 100.0
        )?;
        writeln!(out, "{}", self.verdict())?;
        writeln!(out, "added delay    {}", spread(&self.added_delay_ms))?;
        writeln!(out, "  frames wait  {}", spread(&self.frame_wait_ms))?;
        if let (Some(cpu_s), Some(share), Some(peak)) = (self.cpu_s, self.cpu_per_call, self.peak_rss_mib) {
            let share = share * 100.0;
            writeln!(out, "stack          {cpu_s:.1} s of a processor ({share:.2} % a call), {peak:.0} MiB at most")?;
        }
        if let (Some(cpu_s), Some(peak)) = (self.load_cpu_s, self.load_peak_rss_mib) {
            writeln!(out, "clients        {cpu_s:.1} s of a processor, {peak:.0} MiB at most")?;
        }
        let tables: Vec<String> = self.write_units.iter().map(|(table, units)| format!("{table} {units:.2}")).collect();
        writeln!(out, "write units    {:.2} a call and second: {}", self.write_units_per_call_s, tables.join(", "))?;
        let Self { messages_per_call_min, sent_per_call_min, received_per_call_min, .. } = self;
        writeln!(
            out,
            "messages       {messages_per_call_min:.0} a call and minute: {sent_per_call_min:.0} to the gateway, \
             {received_per_call_min:.0} from it"
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::meter::Used;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let check = |values: Vec<u64>, expected: [u64; 4]| {
            let Percentiles { p50, p95, p99, max, .. } = Percentiles::of(values).unwrap();
            assert_eq!([p50, p95, p99, max], expected);
        };
        check(vec![7], [7; 4]);
        check((1..=200).rev().collect(), [100, 190, 198, 200]);
        assert_eq!(Percentiles::of(vec![]), None);
    }

    #[test]
    fn calls_are_summed_up() {
        let right = || Outcome {
            audio_ms: 30_000,
            frames: 90,
            sent: 100,
            received: 20,
            utterances: 5,
            added_delay_ms: vec![40, 50],
            ..Outcome::default()
        };
        let counted = |cpu_s: f64, units: f64| Counted {
            stack: Some(Used { cpu_s, peak_rss_mib: 9.0 }),
            load: None,
            write_units: BTreeMap::from([("live".to_owned(), units)]),
        };
        let check = |outcomes: &[Outcome], right: bool, held: usize| {
            let load = Load { shards: 1, seconds: 30, speech_share: 0.45, wall_s: 31.0 };
            let report = Report::of(outcomes, load, &counted(1.0, 10.0), &counted(4.0, 70.0));
            assert_eq!((report.is_right(), report.held, report.calls), (right, held, outcomes.len()));
            report
        };
        let report = check(&[right(), right()], true, 2);
        assert_eq!((report.cpu_s, report.cpu_per_call, report.load_cpu_s), (Some(3.0), Some(0.05), None));
        assert_eq!((report.write_units_per_call_s, report.messages_per_call_min), (1.0, 240.0));
        assert_eq!(report.added_delay_ms.map(|it| it.n), Some(4));
        check(&[right(), Outcome { lost: 1, ..right() }], false, 1);
        check(&[Outcome { doubled: 1, ..right() }], false, 0);
        check(&[Outcome { wrong: 1, ..right() }], false, 0);
        check(&[Outcome { frames_lost: 1, ..right() }], false, 0);
        check(&[Outcome::failed("gone".to_owned())], false, 0);
    }
}
