//! What `template.yaml` declares, with every reference resolved: the only thing the rest of the stack reads.
//!
//! Resources keep their logical ids as names; an ARN is made of region `local` and account `000000000000`. What the
//! local stack cannot run is an error that names the place, or, if nothing would run it on AWS either, `ignored`.

mod apis;
mod assemble;
mod conditions;
mod error;
mod events;
mod field;
mod front;
mod functions;
mod names;
mod node;
mod parameters;
mod resolve;
mod resources;
mod schedules;
#[cfg(test)]
mod tests;
mod yaml;

use std::{collections::BTreeMap, path::Path};

pub use error::TemplateError;

/// A template after parameters, conditions and intrinsic functions were resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// Functions by logical id.
    pub functions: BTreeMap<String, Function>,
    /// DynamoDB tables, by logical id (which is also the table's name, unless it states one).
    pub tables: Vec<Table>,
    /// Kinesis streams.
    pub streams: Vec<Stream>,
    /// SQS queues.
    pub queues: Vec<Queue>,
    /// S3 bucket names (the logical id in lower case, unless the bucket states one).
    pub buckets: Vec<String>,
    /// When objects of buckets are removed.
    pub expirations: Vec<Expiration>,
    /// What buckets tell queues of.
    pub notifications: Vec<Notification>,
    /// The WebSocket API, if the template has one.
    pub websocket: Option<WebSocketApi>,
    /// The HTTP API, if the template has one.
    pub http: Option<HttpApi>,
    /// What a distribution hands to function URLs, in its order of precedence: the first pattern that fits a path takes it.
    pub front: Vec<Behavior>,
    /// What calls functions from streams and queues.
    pub event_sources: Vec<EventSourceMapping>,
    /// What calls functions by time.
    pub schedules: Vec<Schedule>,
    /// What the local stack passes over: resources that need nothing at run time, and disabled events.
    pub ignored: Vec<String>,
}

impl Template {
    /// Reads a template file; `overrides` are values of its parameters.
    pub fn read(path: &Path, overrides: &BTreeMap<String, String>) -> Result<Template, TemplateError> {
        Template::parse(&std::fs::read_to_string(path)?, overrides)
    }

    /// The names of a template's parameters.
    ///
    /// # Errors
    /// The file cannot be read, or is no YAML.
    pub fn parameter_names(path: &Path) -> Result<Vec<String>, TemplateError> {
        parameters::names(&yaml::parse(&std::fs::read_to_string(path)?)?)
    }

    /// Reads a template's text.
    pub fn parse(text: &str, overrides: &BTreeMap<String, String>) -> Result<Template, TemplateError> {
        assemble::assemble(text, overrides)
    }
}

/// One Lambda function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Logical id.
    pub id: String,
    /// Last part of `CodeUri`: which crate handles it (`functions/ingest` gives `ingest`).
    pub handler: String,
    /// Its environment, globals merged in.
    pub environment: BTreeMap<String, String>,
    /// `Timeout` in seconds.
    pub timeout_s: u64,
    /// `MemorySize` in MiB: nothing is held to it here, and it is what time costs.
    pub memory_mib: u64,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<usize>,
    /// Whether it has a Function URL; its answers are streamed then.
    pub has_url: bool,
}

/// A cache behavior of a distribution: which paths go where.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// `PathPattern`: `*` stands for any text, `?` for any character.
    pub pattern: String,
    /// Function logical id whose URL is the origin; none for the HTTP API.
    pub function: Option<String>,
}

/// One DynamoDB table. `create` is the body of a CreateTable request, as the DynamoDB JSON API takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Table name.
    pub name: String,
    /// CreateTable request.
    pub create: serde_json::Value,
    /// TTL attribute, if enabled.
    pub ttl_attribute: Option<String>,
}

/// One Kinesis stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Stream name.
    pub name: String,
    /// `ShardCount`.
    pub shards: usize,
    /// `RetentionPeriodHours`.
    pub retention_hours: u64,
}

/// One SQS queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Queue name (ends in `.fifo` for a FIFO queue).
    pub name: String,
    /// `VisibilityTimeout` in seconds.
    pub visibility_timeout_s: u64,
    /// `RedrivePolicy`: dead-letter queue name and `maxReceiveCount`.
    pub redrive: Option<(String, u32)>,
    /// `MessageRetentionPeriod` in seconds.
    pub retention_s: u64,
    /// `DelaySeconds`.
    pub delay_s: u64,
    /// `FifoQueue`.
    pub fifo: bool,
    /// `ContentBasedDeduplication`.
    pub content_based_deduplication: bool,
}

/// A bucket that tells a queue of every object that is created in it: `NotificationConfiguration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Bucket name.
    pub bucket: String,
    /// Queue name.
    pub queue: String,
    /// What the keys begin with that are told of.
    pub prefix: String,
    /// What they end with.
    pub suffix: String,
}

/// A rule by which a bucket's objects are removed after a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiration {
    /// The bucket's name.
    pub bucket: String,
    /// What the keys begin with of objects that it is for.
    pub prefix: String,
    /// `ExpirationInDays`.
    pub days: u64,
}

/// A WebSocket API.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocketApi {
    /// Logical id.
    pub id: String,
    /// Stage name: also the path under which the local stack serves it (`ws` gives `/ws`).
    pub stage: String,
    /// The property of a JSON message that names its route (`$request.body.action` gives `action`).
    pub route_property: String,
    /// Function logical id by route key (`$connect`, `audio`, …).
    pub routes: BTreeMap<String, String>,
    /// Function logical id of the request authorizer of `$connect`.
    pub authorizer: Option<String>,
}

/// An HTTP API (payload format 2.0).
#[derive(Debug, Clone, PartialEq)]
pub struct HttpApi {
    /// Logical id.
    pub id: String,
    /// Its routes, the most specific first: the first that fits a request is the one API Gateway would choose.
    pub routes: Vec<HttpRoute>,
    /// `CorsConfiguration`.
    pub cors: Option<Cors>,
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cors {
    /// `AllowOrigins`.
    pub allow_origins: Vec<String>,
    /// `AllowMethods`.
    pub allow_methods: Vec<String>,
    /// `AllowHeaders`.
    pub allow_headers: Vec<String>,
    /// `ExposeHeaders`.
    pub expose_headers: Vec<String>,
    /// `AllowCredentials`.
    pub allow_credentials: bool,
    /// `MaxAge` in seconds.
    pub max_age_s: Option<u64>,
}

/// One route of an HTTP API.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRoute {
    /// `GET`, `ANY`, …
    pub method: String,
    /// Path with `{parameters}` and possibly `{proxy+}`; `$default` for the catch-all.
    pub path: String,
    /// Function logical id.
    pub function: String,
    /// Function logical id of its authorizer.
    pub authorizer: Option<String>,
    /// `TimeoutInMillis`: how long the gateway waits for the function.
    pub timeout_ms: u64,
}

/// Where a mapping reads.
#[derive(Debug, Clone, PartialEq)]
pub enum EventSource {
    /// A Kinesis stream, by name.
    Kinesis(String),
    /// The stream of a table, by table name.
    DynamoDb(String),
    /// A queue, by name.
    Sqs(String),
}

/// Where an exhausted batch goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A bucket: the records are kept.
    S3(String),
    /// A queue: only where the records were.
    Sqs(String),
}

/// An event source mapping, with AWS's defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSourceMapping {
    /// Function logical id + event name: stable over restarts, the key of its stored position.
    pub id: String,
    /// Function logical id.
    pub function: String,
    /// Where it reads.
    pub source: EventSource,
    /// `StartingPosition` is TRIM_HORIZON (else LATEST).
    pub from_start: bool,
    /// `BatchSize`.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`.
    pub window_s: u64,
    /// `ParallelizationFactor`: batches in flight a shard; one partition key is never in two at once.
    pub parallelization: usize,
    /// `MaximumRetryAttempts`; none means until the records expire.
    pub retries: Option<u32>,
    /// `MaximumRecordAgeInSeconds`.
    pub max_age_s: Option<u64>,
    /// `BisectBatchOnFunctionError`.
    pub bisect: bool,
    /// `FunctionResponseTypes` has `ReportBatchItemFailures`.
    pub report_item_failures: bool,
    /// `FilterCriteria`: patterns, any of which lets a record pass; none lets all pass.
    pub filters: Vec<serde_json::Value>,
    /// `DestinationConfig.OnFailure`.
    pub on_failure: Option<Destination>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Function logical id + event name.
    pub id: String,
    /// Function logical id.
    pub function: String,
    /// `rate(…)` in seconds.
    pub every_s: u64,
    /// Constant `Input`, if any.
    pub input: Option<serde_json::Value>,
}
