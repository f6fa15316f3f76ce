//! Kept audio: objects of an S3 bucket.

use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
    error::ProvideErrorMetadata,
    primitives::ByteStream,
};

use crate::ServiceError;

/// The bucket and the client to reach it.
#[derive(Debug, Clone)]
pub struct AudioStore {
    client: Client,
    bucket: String,
}

/// A client that computes checksums only where S3 asks for them: TLS protects what is small and sent whole.
pub fn client(sdk: impl Into<Builder>) -> Client {
    let config = sdk
        .into()
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Client::from_conf(config.build())
}

impl AudioStore {
    /// A bucket by name.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// Writes an object, whatever was there.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), ServiceError> {
        let body = ByteStream::from(bytes);
        let sent = self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await;
        sent.map(|_| ()).map_err(|error| failed("PutObject", &error))
    }

    /// An object's bytes; none if it is not there.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(failed("GetObject", &error)),
        };
        let body = object.body.collect().await.map_err(|error| ServiceError::Unavailable {
            service: "s3",
            operation: "GetObject",
            reason: error.to_string(),
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Removes an object, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), ServiceError> {
        match self.client.delete_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(failed("DeleteObject", &error)),
        }
    }
}

fn failed<E: ProvideErrorMetadata + std::fmt::Display>(operation: &'static str, error: &E) -> ServiceError {
    let reason = error.code().map_or_else(|| error.to_string(), str::to_owned);
    ServiceError::Unavailable { service: "s3", operation, reason }
}
