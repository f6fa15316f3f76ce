//! DynamoDB and its streams: the embedded engine behind the JSON API, and the reads that event sources need.
//!
//! The engine is SQLite and blocking; an operation takes well below a millisecond, so it runs where it is called.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use dynoxide::{
    Database, DynoxideError,
    actions::{
        self, batch_write_item::BatchWriteItemRequest, delete_item::DeleteItemRequest, put_item::PutItemRequest,
        transact_write_items::TransactWriteItemsRequest, update_item::UpdateItemRequest,
    },
};
use http::HeaderValue;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    AwsError, Changes, WallClock,
    capacity::{WriteUnits, Writes},
    clock::EngineClock,
    reply::{ApiError, Response, respond},
    stream_log::StreamLog,
    tables,
};
use crate::template::Template;

/// Most records that one read of a stream gives.
const READ_LIMIT: usize = 1000;

/// The embedded database.
#[derive(Clone)]
pub struct DynamoDb {
    database: Database,
    changes: Changes,
    clock: WallClock,
    written: WriteUnits,
    /// Tables whose stream is on.
    streamed: Arc<Vec<String>>,
    /// Absent when all is in memory: the engine's connection is the only one there can be.
    log: Option<StreamLog>,
}

/// A record of a table's stream, with the position after which the next one follows.
#[derive(Debug, Clone)]
pub struct StreamEntry {
    /// Position in the shard.
    pub position: u64,
    /// The record as `GetRecords` gives it.
    pub record: Value,
}

impl DynamoDb {
    /// Opens the engine and creates the template's tables where they are missing.
    pub(crate) fn open(
        path: Option<&Path>,
        template: &Template,
        clock: &WallClock,
        changes: Changes,
    ) -> Result<DynamoDb, AwsError> {
        let database = match path {
            Some(path) => Database::new(&path.display().to_string()),
            None => Database::memory_with_clock(Arc::new(EngineClock(clock.clone()))),
        }
        .map_err(engine_error)?;
        let place = path.map_or("memory".to_owned(), |path| path.display().to_string());
        tables::create_missing(&database, &template.tables, &place)?;
        let log = match path {
            Some(path) => {
                // Leaving bulk loading is the engine's only way to synchronous=NORMAL.
                database.enable_bulk_loading().map_err(engine_error)?;
                database.disable_bulk_loading().map_err(engine_error)?;
                Some(StreamLog::open(path)?)
            }
            None => None,
        };
        let streamed = template.tables.iter().filter(|table| tables::has_stream(table));
        Ok(DynamoDb {
            streamed: Arc::new(streamed.map(|table| table.name.clone()).collect()),
            database,
            changes,
            clock: clock.clone(),
            written: WriteUnits::default(),
            log,
        })
    }

    /// The engine itself.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What tells outsiders what writing took.
    pub(super) fn usage(&self) -> axum::Router {
        self.written.routes()
    }

    /// Tables that have a stream.
    pub fn streamed_tables(&self) -> &[String] {
        &self.streamed
    }

    /// ARN of a table's stream.
    pub fn stream_arn(&self, table: &str) -> Result<String, AwsError> {
        let metadata = self.database.get_table_metadata(table).map_err(engine_error)?;
        let label = metadata
            .and_then(|metadata| metadata.stream_label)
            .ok_or_else(|| AwsError::Missing { kind: "stream of table", name: table.to_owned() })?;
        Ok(format!("arn:aws:dynamodb:{}:{}:table/{table}/stream/{label}", super::REGION, super::ACCOUNT))
    }

    /// The one shard of a table's stream.
    pub fn shard_id(&self, table: &str) -> String {
        dynoxide::streams::shard_id(table)
    }

    /// Records after a position, oldest first.
    pub fn read_stream(&self, table: &str, after: u64, limit: usize) -> Result<Vec<StreamEntry>, AwsError> {
        let shard = self.shard_id(table);
        let position = i64::try_from(after).unwrap_or(i64::MAX);
        let request = actions::get_records::GetRecordsRequest {
            shard_iterator: actions::get_shard_iterator::encode_shard_iterator(table, &shard, position),
            limit: Some(limit.clamp(1, READ_LIMIT)),
        };
        let response = self.database.get_records(request).map_err(engine_error)?;
        response
            .records
            .iter()
            .map(|record| {
                let record = serde_json::to_value(record).map_err(|error| AwsError::DynamoDb(error.to_string()))?;
                let position = stream_position(&record)
                    .ok_or_else(|| AwsError::DynamoDb("a stream record without a sequence number".to_owned()))?;
                Ok(StreamEntry { position, record })
            })
            .collect()
    }

    /// Position of the newest record of a table's stream.
    pub fn last_position(&self, table: &str) -> Result<u64, AwsError> {
        let request = actions::describe_stream::DescribeStreamRequest {
            stream_arn: self.stream_arn(table)?,
            ..Default::default()
        };
        let response = self.database.describe_stream(request).map_err(engine_error)?;
        let range = response.stream_description.shards.into_iter().next();
        let last = range.and_then(|shard| shard.sequence_number_range.ending_sequence_number);
        Ok(last.and_then(|number| parse_sequence(&number)).unwrap_or(0))
    }

    /// Deletes stream records up to a position, and all that are older than a day.
    pub fn trim_stream(&self, table: &str, acknowledged: u64) -> Result<(), AwsError> {
        let oldest_s = (self.clock)() / 1000;
        match &self.log {
            Some(log) => log.trim(table, acknowledged, oldest_s.saturating_sub(24 * 3600)),
            None => Ok(()),
        }
    }

    /// Deletes items whose time to live is over.
    pub(crate) fn sweep_expired_items(&self) -> Result<(), AwsError> {
        let swept = self.database.sweep_ttl().map_err(engine_error)?;
        if swept > 0 {
            tracing::debug!(items = swept, "expired items deleted");
            self.streamed.iter().for_each(|table| self.announce(table));
        }
        Ok(())
    }

    fn write<R: Writes<Reply: Serialize> + DeserializeOwned>(&self, body: &str) -> Result<String, DynoxideError> {
        write(&self.written.count::<R>(&self.database, read(body)?)?)
    }

    fn announce(&self, table: &str) {
        self.changes.announce(&format!("dynamodb/{table}"));
    }

    /// Wakes the readers of every stream whose table a written request names.
    fn announce_writes(&self, operation: &str, body: &str) {
        let writes =
            matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems")
                || operation.contains("Execute");
        if writes {
            let named = self.streamed.iter().filter(|table| body.contains(table.as_str()));
            named.for_each(|table| self.announce(table));
        }
    }
}

/// Answers one operation of DynamoDB or DynamoDB Streams.
pub(crate) fn answer(dynamodb: &DynamoDb, operation: &str, body: &Bytes) -> Response {
    let body = String::from_utf8_lossy(body);
    let mut response = match dispatch(dynamodb, operation, &body) {
        Some(Ok(answer)) => {
            dynamodb.announce_writes(operation, &body);
            respond(200, answer)
        }
        Some(Err(error)) => {
            if error.status_code() >= 500 {
                tracing::error!(aws.operation = operation, error = %error, "DynamoDB failed");
            }
            respond(error.status_code(), error.to_json())
        }
        None => ApiError::unknown("DynamoDB", operation).response(),
    };
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}

macro_rules! operations {
    ($database:expr, $operation:expr, $body:expr, { $($name:literal => $method:ident,)* }) => {
        match $operation {
            $($name => Some(read($body).and_then(|request| $database.$method(request)).and_then(|reply| write(&reply))),)*
            _ => None,
        }
    };
}

fn dispatch(dynamodb: &DynamoDb, operation: &str, body: &str) -> Option<Result<String, DynoxideError>> {
    let counted = match operation {
        "PutItem" => dynamodb.write::<PutItemRequest>(body),
        "UpdateItem" => dynamodb.write::<UpdateItemRequest>(body),
        "DeleteItem" => dynamodb.write::<DeleteItemRequest>(body),
        "BatchWriteItem" => dynamodb.write::<BatchWriteItemRequest>(body),
        "TransactWriteItems" => dynamodb.write::<TransactWriteItemsRequest>(body),
        _ => return uncounted(&dynamodb.database, operation, body),
    };
    Some(counted)
}

fn uncounted(database: &Database, operation: &str, body: &str) -> Option<Result<String, DynoxideError>> {
    operations!(database, operation, body, {
        "GetItem" => get_item,
        "Query" => query,
        "Scan" => scan,
        "BatchGetItem" => batch_get_item,
        "TransactGetItems" => transact_get_items,
        "CreateTable" => create_table,
        "DescribeTable" => describe_table,
        "UpdateTable" => update_table,
        "DeleteTable" => delete_table,
        "ListTables" => list_tables,
        "UpdateTimeToLive" => update_time_to_live,
        "DescribeTimeToLive" => describe_time_to_live,
        "ExecuteStatement" => execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "BatchExecuteStatement" => batch_execute_statement,
        "ListStreams" => list_streams,
        "DescribeStream" => describe_stream,
        "GetShardIterator" => get_shard_iterator,
        "GetRecords" => get_records,
    })
}

/// Reads a request. The engine marks a refusal by its own rules with `VALIDATION:`.
fn read<T: DeserializeOwned>(body: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(body).map_err(|error| {
        let message = error.to_string();
        match message.strip_prefix("VALIDATION:") {
            Some(message) => {
                let message = message.split(" at line ").next().unwrap_or(message);
                DynoxideError::ValidationException(message.to_owned())
            }
            None => DynoxideError::SerializationException(message),
        }
    })
}

fn write<T: Serialize>(reply: &T) -> Result<String, DynoxideError> {
    serde_json::to_string(reply).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's error as ours.
pub(crate) fn engine_error(error: DynoxideError) -> AwsError {
    AwsError::DynamoDb(error.to_string())
}

fn stream_position(record: &Value) -> Option<u64> {
    parse_sequence(record.get("dynamodb")?.get("SequenceNumber")?.as_str()?)
}

/// The engine's stored position behind a public 21-digit sequence number.
fn parse_sequence(public: &str) -> Option<u64> {
    let value: u128 = public.parse().ok()?;
    u64::try_from(value.checked_sub(100_000_000_000_000_000_000)?).ok()
}
