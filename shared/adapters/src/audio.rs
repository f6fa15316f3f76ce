//! Audio as objects of an S3 bucket: written, read, listed and removed here; addresses that need no token in `presign`,
//! uploads in parts in `multipart`. What the objects hold is not known here.

use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation},
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        get_object::{GetObjectError, builders::GetObjectFluentBuilder},
        put_object::builders::PutObjectFluentBuilder,
    },
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier, StorageClass},
};

use crate::ServiceError;

mod multipart;
mod presign;

pub use multipart::UploadedPart;
pub use presign::Validity;

/// S3 removes so many objects with one request at most.
const MOST_REMOVED: usize = 1_000;

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
        write(self.client.put_object().bucket(&self.bucket).key(key), bytes).await
    }

    /// The same, saying what it is: whoever loads it later is told.
    pub async fn put_as(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ServiceError> {
        write(self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type), bytes).await
    }

    /// The same of what is seldom loaded, and is to be kept for a month at least: in the class of storage that costs half as
    /// much to keep, and something to load.
    pub async fn put_kept(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ServiceError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        write(request.storage_class(StorageClass::StandardIa), bytes).await
    }

    /// An object's bytes; none if it is not there.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        read(self.client.get_object().bucket(&self.bucket).key(key)).await
    }

    /// At most so many bytes of an object from there on: fewer where it ends before, none of them where it begins behind
    /// its end. None if it is not there.
    pub async fn get_range(&self, key: &str, from: u64, most: u64) -> Result<Option<Vec<u8>>, ServiceError> {
        let Some(last) = most.checked_sub(1).map(|beyond| from.saturating_add(beyond)) else {
            return Ok(Some(Vec::new()));
        };
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        read(request.range(format!("bytes={from}-{last}"))).await
    }

    /// How long an object is, in bytes; none if it is not there.
    pub async fn length(&self, key: &str) -> Result<Option<u64>, ServiceError> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(head.content_length().and_then(|length| u64::try_from(length).ok())),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found()) => Ok(None),
            // An answer to HEAD has no body, and so no code.
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 404) => Ok(None),
            Err(error) => Err(failed("HeadObject", &error)),
        }
    }

    /// The keys that begin so, in order, from behind one of them: as many as are wanted, or all.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: Option<usize>,
    ) -> Result<Vec<String>, ServiceError> {
        let most = most.unwrap_or(usize::MAX);
        let mut keys = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let request = request.set_start_after(after.map(str::to_owned)).set_continuation_token(next.take());
            let page = request.send().await.map_err(|error| failed("ListObjectsV2", &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
            next = page.next_continuation_token;
            if next.is_none() || keys.len() >= most {
                keys.truncate(most);
                return Ok(keys);
            }
        }
    }

    /// Removes all objects whose keys begin so; says how many there were.
    pub async fn delete_all(&self, prefix: &str) -> Result<usize, ServiceError> {
        let keys = self.list(prefix, None, None).await?;
        for some in keys.chunks(MOST_REMOVED) {
            self.delete_some(some).await?;
        }
        Ok(keys.len())
    }

    /// Removes objects, as many as one request may name. S3 answers as a whole that it understood, and of each apart
    /// that it failed.
    async fn delete_some(&self, keys: &[String]) -> Result<(), ServiceError> {
        let operation = "DeleteObjects";
        let malformed = |error: &dyn std::fmt::Display| unavailable(operation, error.to_string());
        let named = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let named = named.collect::<Result<Vec<_>, _>>().map_err(|error| malformed(&error))?;
        let delete = Delete::builder().set_objects(Some(named)).quiet(true).build();
        let delete = delete.map_err(|error| malformed(&error))?;
        let sent = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await;
        let answer = sent.map_err(|error| failed(operation, &error))?;
        match answer.errors().iter().find(|error| error.code() != Some("NoSuchKey")) {
            Some(error) => Err(unavailable(operation, error.code().unwrap_or("unknown error").to_owned())),
            None => Ok(()),
        }
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

/// Puts an object. TLS protects the body as well as a hash in the signature would.
async fn write(request: PutObjectFluentBuilder, bytes: Vec<u8>) -> Result<(), ServiceError> {
    let sent = request.body(ByteStream::from(bytes)).customize().disable_payload_signing().send().await;
    sent.map(|_| ()).map_err(|error| failed("PutObject", &error))
}

/// An object's bytes, or a part of them; none if it is not there.
async fn read(request: GetObjectFluentBuilder) -> Result<Option<Vec<u8>>, ServiceError> {
    let object = match request.send().await {
        Ok(object) => object,
        Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
        Err(error) if error.code() == Some("InvalidRange") => return Ok(Some(Vec::new())),
        Err(error) => return Err(failed("GetObject", &error)),
    };
    let body = object.body.collect().await.map_err(|error| unavailable("GetObject", error.to_string()))?;
    Ok(Some(Vec::from(body.into_bytes())))
}

fn failed<E: ProvideErrorMetadata + std::error::Error + 'static, R>(
    operation: &'static str,
    error: &SdkError<E, R>,
) -> ServiceError {
    unavailable(operation, error.code().map_or_else(|| error.to_string(), str::to_owned))
}

fn unavailable(operation: &'static str, reason: String) -> ServiceError {
    ServiceError::Unavailable { service: "s3", operation, reason }
}
