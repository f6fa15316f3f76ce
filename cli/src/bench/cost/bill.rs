//! What was counted, as a bill: pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{counting::Counts, prices::Prices};

/// Bytes and records that a shard takes in a second.
const SHARD_BYTES: f64 = 1e6;
const SHARD_RECORDS: f64 = 1_000.0;
/// Requests for a message of a queue: sent, received, deleted.
const REQUESTS_OF_A_MESSAGE: f64 = 3.0;
/// Bytes of logs of an invocation: a line of metrics in the embedded format, 26 that are counted with each line, and a line
/// more now and then. What Lambda itself would say of it is switched off in the template.
const LOG_BYTES: f64 = 350.0;
/// Metrics of our own: `shared/runtime/src/metrics.rs` names 27, each by function and environment, and by environment.
const METRICS: f64 = 54.0;
/// Hours of a month.
const HOURS: f64 = 730.0;
/// Requests to the key service for an object, where its bucket keeps a key of its own.
const KEY_REQUESTS_OF_AN_OBJECT: f64 = 0.01;
/// The same in an hour for the frame stream and the four tables, which keep theirs for five minutes.
const KEY_REQUESTS_AN_HOUR: f64 = 12.0 * 5.0;
/// Share of invocations that traces are kept of, where they are.
const TRACED: f64 = 0.05;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Item {
    /// `live` for an hour of a call, `recorded` for an hour of recorded audio.
    pub of: &'static str,
    pub name: &'static str,
    pub units: f64,
    pub usd: f64,
}

/// How many such calls a shard of the frame stream carries, of which this was counted in so many seconds.
pub(crate) fn calls_per_shard(counts: &Counts, seconds: f64) -> f64 {
    let bytes = SHARD_BYTES / (counts.record_bytes / seconds);
    let records = SHARD_RECORDS / (counts.records / seconds);
    bytes.min(records).floor().max(1.0)
}

/// The bill for an hour, of what was counted in so many seconds. What a deployment costs by the hour is shared by
/// `sharers` calls; 0 where that is no part of it. `memory` is in MiB, by function.
pub(crate) fn bill(
    of: &'static str,
    counts: &Counts,
    seconds: f64,
    sharers: f64,
    memory: &BTreeMap<String, u64>,
    prices: &Prices,
) -> Vec<Item> {
    let hourly = 3_600.0 / seconds;
    let share = if sharers > 0.0 { 1.0 / sharers } else { 0.0 };
    let invocations: f64 = counts.functions.values().map(|(count, _)| count).sum();
    let gb_s = counts
        .functions
        .iter()
        .map(|(name, (_, took_ms))| took_ms / 1_000.0 * memory.get(name).copied().unwrap_or(128) as f64 / 1_024.0);
    let api = counts.functions.get("api").map_or(0.0, |(count, _)| *count);
    let objects = counts.s3_reads + counts.s3_writes + counts.s3_kept_writes;
    let each = [
        ("api gateway: socket messages", counts.messages, prices.websocket_message),
        ("api gateway: socket minutes", counts.sockets * seconds / 60.0, prices.websocket_minute),
        ("api gateway: requests", api, prices.http_request),
        ("lambda: invocations", invocations, prices.lambda_request),
        ("lambda: gb-seconds", gb_s.sum(), prices.lambda_gb_s),
        ("kinesis: put units", counts.put_units, prices.kinesis_put_unit),
        ("dynamodb: write units", counts.writes, prices.dynamodb_write),
        ("dynamodb: read units", counts.reads, prices.dynamodb_read),
        // Two functions read each change.
        ("dynamodb: stream reads", 2.0 * counts.writes, prices.dynamodb_stream_read),
        ("s3: writes", counts.s3_writes, prices.s3_write),
        ("s3: writes of kept audio", counts.s3_kept_writes, prices.s3_kept_write),
        ("s3: reads", counts.s3_reads, prices.s3_read),
        ("s3: kept for a month, gb", counts.kept_bytes / 1e9, prices.s3_kept_gb_month),
        ("sqs: requests", counts.queued * REQUESTS_OF_A_MESSAGE, prices.sqs_request),
        ("cloudwatch: logs, gb", invocations * LOG_BYTES / 1e9, prices.logs_gb),
        ("kms: requests for objects", objects * KEY_REQUESTS_OF_AN_OBJECT, prices.kms_request),
        ("sent out, gb", counts.bytes_out / 1e9, prices.transfer_out_gb),
    ];
    let shared = [
        ("kinesis: shard hours", share, prices.kinesis_shard_hour),
        ("cloudwatch: metric months", METRICS / HOURS * share, prices.metric_month),
        ("kms: requests for stream and tables", KEY_REQUESTS_AN_HOUR * share, prices.kms_request),
    ];
    let each = each.into_iter().map(|(name, units, price)| (name, units * hourly, price));
    let items = each.chain(shared).map(|(name, units, price)| Item { of, name, units, usd: units * price });
    items.collect()
}

/// What traces of an hour cost, where they are switched on.
pub(crate) fn traces_usd(counts: &Counts, seconds: f64, prices: &Prices) -> f64 {
    let invocations: f64 = counts.functions.values().map(|(count, _)| count).sum();
    invocations * TRACED * 3_600.0 / seconds * prices.trace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_full_by_bytes_or_by_records() {
        for (record_bytes, records, expected) in
            [(64_000.0 * 60.0, 180.0, 15.0), (2_000.0 * 60.0, 3_000.0, 20.0), (9e9, 60.0, 1.0)]
        {
            let counts = Counts { record_bytes, records, ..Counts::default() };
            assert!((calls_per_shard(&counts, 60.0) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn everything_counted_has_its_price_once() {
        let prices = Prices::known().unwrap();
        let nothing = Counts::default();
        let memory = BTreeMap::from([("transcribe".to_owned(), 512)]);
        let check = |counts: Counts, sharers: f64, expected: f64| {
            let found: f64 = bill("live", &counts, 1_800.0, sharers, &memory, &prices).iter().map(|it| it.usd).sum();
            assert!((found - expected).abs() < 1e-9, "{counts:?}: {found} and not {expected}");
        };
        let of = |set: fn(&mut Counts)| {
            let mut counts = nothing.clone();
            set(&mut counts);
            counts
        };
        check(nothing.clone(), 0.0, 0.0);
        // A shard, 54 metrics, and 60 requests to the key service.
        check(nothing.clone(), 1.0, 0.015 + 0.30 * 54.0 / 730.0 + 60.0 * 3e-6);
        check(nothing.clone(), 40.0, (0.015 + 0.30 * 54.0 / 730.0 + 60.0 * 3e-6) / 40.0);
        // Half an hour was counted: an hour has twice as much.
        check(of(|it| it.messages = 1e6), 0.0, 2.0);
        check(of(|it| it.sockets = 2.0), 0.0, 120.0 * 0.25e-6);
        check(of(|it| it.put_units = 1e6), 0.0, 0.028);
        check(of(|it| it.writes = 1e6), 0.0, 1.25);
        check(of(|it| it.reads = 1e6), 0.0, 0.25);
        check(of(|it| it.queued = 1e6), 0.0, 2.4);
        check(of(|it| it.kept_bytes = 1e9), 0.0, 0.025);
        check(of(|it| it.bytes_out = 1e9), 0.0, 0.18);
        let logs = 2.0 * 1e6 * 350.0 / 1e9 * 0.5;
        check(of(|it| it.functions = [("transcribe".to_owned(), (1e6, 0.0))].into()), 0.0, 0.4 + logs);
        check(of(|it| it.functions = [("transcribe".to_owned(), (0.0, 1e6))].into()), 0.0, 1_000.0 * 1.33334e-5);
    }
}
