//! The AWS services that functions talk to, answered inside this process.
//!
//! `LocalAws` is an SDK HTTP client: DynamoDB (embedded dynoxide), Kinesis, SQS, S3 and the API Gateway management
//! API, with no TCP in between. It owns the data directory. It knows no function and invokes none: that is `events`.

mod capacity;
mod changes;
mod clock;
mod connector;
mod dynamodb;
mod kinesis;
mod kinesis_api;
mod management;
mod positions;
pub mod queue;
mod reply;
mod s3;
mod s3_events;
mod s3_files;
mod shards;
mod sqs;
mod sqs_api;
mod state;
mod stream_log;
mod tables;

use std::{path::Path, sync::Arc};

pub use self::{
    changes::{Changed, Changes},
    clock::{WallClock, system_clock},
    connector::{ACCESS_KEY, SECRET_KEY, outside_sdk_config},
    dynamodb::{DynamoDb, StreamEntry},
    kinesis::{Kinesis, StoredRecord},
    positions::Positions,
    s3::S3,
    shards::{sequence_number, shard_id},
    sqs::Sqs,
};
pub(crate) use self::{
    clock::iso_time,
    kinesis_api::stream_arn,
    reply::{uuid, uuid_from},
    sqs::queue_arn,
    sqs_api::system_attributes,
};
use crate::{
    gateway::connections::Connections,
    template::{Notification, Template},
};

/// Region of every local ARN and of the SDK configuration.
pub const REGION: &str = "local";
/// Account of every local ARN.
pub const ACCOUNT: &str = "000000000000";

/// Why the local services could not be opened, or could not do their own work.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// A file or directory could not be used.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite failed.
    #[error("local state: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The DynamoDB engine refused or failed.
    #[error("DynamoDB: {0}")]
    DynamoDb(String),
    /// The S3 service could not be set up or refused a write.
    #[error("S3: {0}")]
    S3(String),
    /// A queue refused a message.
    #[error("SQS: {0}")]
    Queue(#[from] queue::QueueError),
    /// The template declares a table otherwise than the data directory holds it.
    #[error("table {table}: {what} differs from the one in {place}; {advice}, or start with another data directory")]
    TableChanged {
        /// Table name.
        table: String,
        /// Which part of its definition.
        what: String,
        /// Where the existing table lives.
        place: String,
        /// What to do about it.
        advice: String,
    },
    /// The template names something that it does not declare.
    #[error("there is no {kind} {name}")]
    Missing {
        /// Kind of resource.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

/// The local services. Cloning is cheap and shares them.
#[derive(Clone)]
pub struct LocalAws {
    inner: Arc<Inner>,
}

struct Inner {
    clock: WallClock,
    changes: Changes,
    dynamodb: DynamoDb,
    kinesis: Kinesis,
    sqs: Sqs,
    s3: S3,
    notifications: Vec<Notification>,
    positions: Positions,
    connections: Connections,
    /// Holds S3's files when everything else is in memory; removed on drop.
    _scratch: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for LocalAws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalAws")
    }
}

impl LocalAws {
    /// Opens the services over a data directory, or all in memory (S3: a temporary directory) without one, and
    /// creates what the template declares and is not there yet.
    pub fn open(data_dir: Option<&Path>, template: &Template, connections: Connections) -> Result<LocalAws, AwsError> {
        Self::open_with_clock(data_dir, template, connections, system_clock())
    }

    /// As [`Self::open`], with the wall clock handed in: arrival times, expiry and visibility all follow it.
    pub fn open_with_clock(
        data_dir: Option<&Path>,
        template: &Template,
        connections: Connections,
        clock: WallClock,
    ) -> Result<LocalAws, AwsError> {
        let scratch = match data_dir {
            Some(_) => None,
            None => Some(
                tempfile::tempdir()
                    .map_err(|source| AwsError::Io { path: "temporary directory".to_owned(), source })?,
            ),
        };
        let files = match (data_dir, &scratch) {
            (Some(dir), _) => dir.to_path_buf(),
            (None, Some(scratch)) => scratch.path().to_path_buf(),
            (None, None) => return Err(AwsError::S3("no place for files".to_owned())),
        };
        create_dir(&files)?;
        let changes = Changes::default();
        let state = state::State::open(data_dir.map(|dir| dir.join("state.sqlite")).as_deref())?;
        let database = data_dir.map(|dir| dir.join("dynamodb.sqlite"));
        let inner = Inner {
            dynamodb: DynamoDb::open(database.as_deref(), template, &clock, changes.clone())?,
            kinesis: Kinesis::open(state.clone(), template, clock.clone(), changes.clone())?,
            sqs: Sqs::open(state.clone(), template, clock.clone(), changes.clone())?,
            s3: S3::open(&files.join("s3"), template)?,
            notifications: template.notifications.clone(),
            positions: Positions::new(state),
            connections,
            changes,
            clock,
            _scratch: scratch,
        };
        Ok(LocalAws { inner: Arc::new(inner) })
    }

    /// Makes Kinesis refuse what exceeds 1 MB or 1,000 records a second and shard. Off unless called.
    pub fn enforce_kinesis_throughput(&self, enforce: bool) {
        self.inner.kinesis.enforce_throughput(enforce);
    }

    /// Milliseconds since the epoch by the clock that was handed in.
    pub fn now_ms(&self) -> u64 {
        (self.inner.clock)()
    }

    /// The wall clock that was handed in.
    pub fn clock(&self) -> WallClock {
        self.inner.clock.clone()
    }

    /// Drops stream records and messages that are past their retention.
    pub fn drop_expired_records(&self) -> Result<(), AwsError> {
        self.inner.kinesis.trim()?;
        self.inner.sqs.expire()
    }

    /// Deletes items whose time to live is over, and objects that their bucket keeps no longer. Reads every table that has
    /// such items, and looks at every file that may be one.
    pub fn sweep_expired(&self) -> Result<(), AwsError> {
        self.inner.dynamodb.sweep_expired_items()?;
        self.inner.s3.expire()
    }

    /// Kinesis streams, below their API.
    pub fn kinesis(&self) -> &Kinesis {
        &self.inner.kinesis
    }

    /// DynamoDB, below its API.
    pub fn dynamodb(&self) -> &DynamoDb {
        &self.inner.dynamodb
    }

    /// `GET /_local/usage`: what writing took of each table since the stack began.
    pub(crate) fn usage(&self) -> axum::Router {
        self.inner.dynamodb.usage()
    }

    /// Queues, below their API.
    pub fn sqs(&self) -> &Sqs {
        &self.inner.sqs
    }

    /// Buckets, below their API.
    pub fn s3(&self) -> &S3 {
        &self.inner.s3
    }

    /// How far each event source mapping has come.
    pub fn positions(&self) -> &Positions {
        &self.inner.positions
    }

    /// Wakes whoever reads a stream or a queue.
    pub fn changes(&self) -> &Changes {
        &self.inner.changes
    }
}

/// Creates a directory and its parents.
fn create_dir(path: &Path) -> Result<(), AwsError> {
    std::fs::create_dir_all(path).map_err(|source| AwsError::Io { path: path.display().to_string(), source })
}
