//! Uploads in parts: begun, looked at, put together, given up. The parts themselves are put by whoever has their
//! addresses (see `presign`).

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    types::{CompletedMultipartUpload, CompletedPart},
};

use super::{AudioStore, failed, unavailable};
use crate::ServiceError;

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    /// Counted from 1.
    pub number: u32,
    /// In bytes.
    pub bytes: u64,
    tag: Option<String>,
}

impl AudioStore {
    /// Begins an upload in parts; returns its id.
    pub async fn begin_upload(&self, key: &str) -> Result<String, ServiceError> {
        let operation = "CreateMultipartUpload";
        let begun = self.client.create_multipart_upload().bucket(&self.bucket).key(key).send().await;
        let begun = begun.map_err(|error| failed(operation, &error))?;
        begun.upload_id.ok_or_else(|| unavailable(operation, "it has no id".to_owned()))
    }

    /// The parts of an upload that are there, by number; none where there is no such upload: it was put together, given
    /// up, or has expired.
    pub async fn uploaded_parts(&self, key: &str, upload: &str) -> Result<Option<Vec<UploadedPart>>, ServiceError> {
        let mut parts = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let request = self.client.list_parts().bucket(&self.bucket).key(key).upload_id(upload);
            let page = match request.set_part_number_marker(after.take()).send().await {
                Ok(page) => page,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(failed("ListParts", &error)),
            };
            let more = page.is_truncated == Some(true);
            parts.extend(page.parts.unwrap_or_default().into_iter().filter_map(|part| {
                let number = u32::try_from(part.part_number?).ok()?;
                Some(UploadedPart { number, bytes: u64::try_from(part.size?).ok()?, tag: part.e_tag })
            }));
            after = page.next_part_number_marker.filter(|_| more);
            if after.is_none() {
                parts.sort_by_key(|part| part.number);
                return Ok(Some(parts));
            }
        }
    }

    /// Makes the object of the parts that are there; says whether there was such an upload.
    pub async fn complete_upload(&self, key: &str, upload: &str, parts: &[UploadedPart]) -> Result<bool, ServiceError> {
        let completed = parts.iter().map(|part| {
            let number = i32::try_from(part.number).unwrap_or(i32::MAX);
            CompletedPart::builder().part_number(number).set_e_tag(part.tag.clone()).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(completed.collect())).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.multipart_upload(parts).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(failed("CompleteMultipartUpload", &error)),
        }
    }

    /// Gives an upload up, if there is one.
    pub async fn abort_upload(&self, key: &str, upload: &str) -> Result<(), ServiceError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(failed("AbortMultipartUpload", &error)),
        }
    }
}

fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("NoSuchUpload")
}
