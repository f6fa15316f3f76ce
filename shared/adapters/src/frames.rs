//! The frame stream: records appended to Kinesis.

use aws_sdk_kinesis::{Client, error::ProvideErrorMetadata, primitives::Blob};
use callboard_wire::record::Record;

use crate::ServiceError;

/// The stream and the client to reach it.
#[derive(Debug, Clone)]
pub struct FrameStream {
    client: Client,
    name: String,
}

impl FrameStream {
    /// A stream by name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Appends a record under its call's partition key.
    pub async fn append(&self, record: &Record) -> Result<(), ServiceError> {
        self.client
            .put_record()
            .stream_name(&self.name)
            .partition_key(record.partition_key())
            .data(Blob::new(record.encode()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| ServiceError::Unavailable {
                service: "kinesis",
                operation: "PutRecord",
                reason: error.code().map_or_else(|| error.to_string(), str::to_owned),
            })
    }
}
