//! Addresses of objects that are good without a token, for a while: signed here, without asking S3.
//!
//! The host is part of what is signed. Whoever has such an address may do what it is for, and nothing else.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;

use super::{AudioStore, failed, unavailable};
use crate::ServiceError;

/// S3 signs for a week at most, in seconds.
const LONGEST_S: u64 = 7 * 24 * 3_600;

/// From when on an address is good, and for how long. On Lambda it ends with the role's session at the latest, which may
/// be earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Wall clock, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// In seconds: a week at most.
    pub seconds: u64,
}

impl Validity {
    /// When it ends: wall clock, milliseconds since the Unix epoch.
    pub fn until_ms(self) -> i64 {
        // What is signed are whole seconds.
        let from_s = self.from_ms.div_euclid(1_000);
        let seconds = i64::try_from(self.seconds.min(LONGEST_S)).unwrap_or_default();
        from_s.saturating_add(seconds).saturating_mul(1_000)
    }

    fn config(self) -> Result<PresigningConfig, ServiceError> {
        let since_epoch = Duration::from_millis(u64::try_from(self.from_ms).unwrap_or_default());
        let config = PresigningConfig::builder()
            .start_time(SystemTime::UNIX_EPOCH + since_epoch)
            .expires_in(Duration::from_secs(self.seconds.clamp(1, LONGEST_S)));
        config.build().map_err(|error| unavailable("presigning", error.to_string()))
    }
}

impl AudioStore {
    /// Where an object can be loaded, whole or by range. Whether it is there is not looked at.
    pub async fn presign_get(&self, key: &str, validity: Validity) -> Result<String, ServiceError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let signed = request.presigned(validity.config()?).await;
        signed.map(|signed| signed.uri().to_owned()).map_err(|error| failed("GetObject", &error))
    }

    /// Where an object can be put, whole.
    pub async fn presign_put(&self, key: &str, validity: Validity) -> Result<String, ServiceError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let signed = request.presigned(validity.config()?).await;
        signed.map(|signed| signed.uri().to_owned()).map_err(|error| failed("PutObject", &error))
    }

    /// Where a part of an upload can be put. Its number is counted from 1.
    pub async fn presign_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        validity: Validity,
    ) -> Result<String, ServiceError> {
        let number = i32::try_from(number).map_err(|error| unavailable("UploadPart", error.to_string()))?;
        let request = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
        let signed = request.presigned(validity.config()?).await;
        signed.map(|signed| signed.uri().to_owned()).map_err(|error| failed("UploadPart", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_whole_seconds_and_a_week_at_most() {
        for (from_ms, seconds, expected) in
            [(1_999, 900, 901_000), (0, 1, 1_000), (0, u64::MAX, 604_800_000), (i64::MAX, 1, i64::MAX)]
        {
            assert_eq!(Validity { from_ms, seconds }.until_ms(), expected, "{from_ms} {seconds}");
        }
    }
}
