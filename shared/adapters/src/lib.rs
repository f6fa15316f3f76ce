//! The outside services, each behind its feature: tables (DynamoDB), frames (Kinesis), audio (S3), queue (SQS), gateway
//! (API Gateway management), identity (who shows a secret), speech (transcription services), model and bedrock (language
//! models). Nothing here decides anything about a call.

#[cfg(feature = "tables")]
pub mod accounts;
#[cfg(feature = "audio")]
pub mod audio;
#[cfg(feature = "tables")]
pub mod calls;
#[cfg(feature = "tables")]
pub mod connections;
#[cfg(feature = "tables")]
pub mod feedback;
#[cfg(feature = "frames")]
pub mod frames;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(any(feature = "identity", feature = "model", feature = "speech"))]
mod http;
#[cfg(feature = "identity")]
pub mod identity;
#[cfg(feature = "tables")]
pub mod live;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "tables")]
pub mod orgs;
#[cfg(feature = "queue")]
pub mod queue;
#[cfg(feature = "redrive")]
pub mod redrive;
#[cfg(feature = "speech")]
pub mod speech;
#[cfg(feature = "tables")]
pub mod table;

/// A service could not do what was asked. Retrying later is right for all of these but `Corrupt`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The service failed, throttled, or could not be reached.
    #[error("{service} {operation} failed: {reason}")]
    Unavailable {
        /// Which service.
        service: &'static str,
        /// Which operation.
        operation: &'static str,
        /// The service's error code or the transport's words; never data.
        reason: String,
    },
    /// What is stored is not what was expected.
    #[error("an item of {table} cannot be read: {reason}")]
    Corrupt {
        /// Which table.
        table: String,
        /// Which field; never its value.
        reason: String,
    },
}
