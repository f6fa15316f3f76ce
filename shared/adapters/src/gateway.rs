//! The gateway's management API: messages to open connections.

use aws_sdk_apigatewaymanagement::{Client, error::ProvideErrorMetadata, primitives::Blob};
use callboard_wire::messages::ServerMessage;

use crate::ServiceError;

/// The socket API and the client to reach it.
#[derive(Debug, Clone)]
pub struct Gateway(Client);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was handed to the connection.
    Sent,
    /// The connection is no more.
    Gone,
    /// The connection takes nothing more: its client reads too slowly, or the message does not fit.
    Refused,
}

impl Gateway {
    /// The socket API at an endpoint, such as `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
    pub fn new(sdk: &aws_sdk_apigatewaymanagement::config::Builder, endpoint: &str) -> Self {
        Self(Client::from_conf(sdk.clone().endpoint_url(endpoint).build()))
    }

    /// Closes a connection; its client may come back and load what it missed.
    pub async fn disconnect(&self, connection: &str) -> Result<(), ServiceError> {
        match self.0.delete_connection().connection_id(connection).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_gone_exception()) => Ok(()),
            Err(error) => Err(ServiceError::Unavailable {
                service: "apigatewaymanagement",
                operation: "DeleteConnection",
                reason: error.code().map_or_else(|| error.to_string(), str::to_owned),
            }),
        }
    }

    /// Sends a message to a connection.
    pub async fn post(&self, connection: &str, message: &ServerMessage) -> Result<Posted, ServiceError> {
        let sent =
            self.0.post_to_connection().connection_id(connection).data(Blob::new(message.to_json())).send().await;
        match sent {
            Ok(_) => Ok(Posted::Sent),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_gone_exception()) => Ok(Posted::Gone),
            Err(error)
                if error.as_service_error().is_some_and(|e| {
                    e.is_limit_exceeded_exception() || e.is_payload_too_large_exception() || e.is_forbidden_exception()
                }) =>
            {
                Ok(Posted::Refused)
            }
            Err(error) => Err(ServiceError::Unavailable {
                service: "apigatewaymanagement",
                operation: "PostToConnection",
                reason: error.code().map_or_else(|| error.to_string(), str::to_owned),
            }),
        }
    }
}
