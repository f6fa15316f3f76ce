//! What AWS and the services beside it ask for: `prices.json`, which says when it was read.

use std::collections::BTreeMap;

use serde::Deserialize;

/// US dollars for one of each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// When they were read.
    pub dated: String,
    /// What they are prices of.
    pub of: String,
    /// A message of a socket, in or out, of up to 32 KiB.
    pub websocket_message: f64,
    /// A minute that a socket is open.
    pub websocket_minute: f64,
    /// A request of the REST API.
    pub http_request: f64,
    /// An invocation.
    pub lambda_request: f64,
    /// A GB (1,024 MiB) of memory for a second.
    pub lambda_gb_s: f64,
    /// Up to 25 KB of a record.
    pub kinesis_put_unit: f64,
    pub kinesis_shard_hour: f64,
    /// Up to 1 KB of an item; a transaction's count twice.
    pub dynamodb_write: f64,
    /// Up to 4 KB of an item, half of it where an older state will do.
    pub dynamodb_read: f64,
    /// Of Lambda's reads of a table's stream.
    pub dynamodb_stream_read: f64,
    pub s3_write: f64,
    /// The same of audio that is kept, in the class for infrequent access.
    pub s3_kept_write: f64,
    pub s3_read: f64,
    /// A GB (10^9 bytes) kept for a month in that class.
    pub s3_kept_gb_month: f64,
    pub sqs_request: f64,
    /// A GB of logs taken in.
    pub logs_gb: f64,
    /// A metric of one's own, for a month.
    pub metric_month: f64,
    pub kms_request: f64,
    /// A trace that is kept.
    pub trace: f64,
    /// A GB sent to the internet.
    pub transfer_out_gb: f64,
    /// Transcription services, by name.
    pub speech_per_audio_hour: BTreeMap<String, f64>,
    /// Language models: what `cargo bench -p callboard-domain --bench model_cost` counts of tokens, at such prices.
    pub model_per_call_hour: BTreeMap<String, f64>,
}

impl Prices {
    /// Those of this version.
    pub(crate) fn known() -> anyhow::Result<Self> {
        Ok(serde_json::from_str(include_str!("prices.json"))?)
    }
}
