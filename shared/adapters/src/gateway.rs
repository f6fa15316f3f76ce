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
}

impl Gateway {
    /// The socket API at an endpoint, such as `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
    pub fn new(sdk: &aws_sdk_apigatewaymanagement::config::Builder, endpoint: &str) -> Self {
        Self(Client::from_conf(sdk.clone().endpoint_url(endpoint).build()))
    }

    /// Sends a message to a connection.
    pub async fn post(&self, connection: &str, message: &ServerMessage) -> Result<Posted, ServiceError> {
        let sent =
            self.0.post_to_connection().connection_id(connection).data(Blob::new(message.to_json())).send().await;
        match sent {
            Ok(_) => Ok(Posted::Sent),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_gone_exception()) => Ok(Posted::Gone),
            Err(error) => Err(ServiceError::Unavailable {
                service: "apigatewaymanagement",
                operation: "PostToConnection",
                reason: error.code().map_or_else(|| error.to_string(), str::to_owned),
            }),
        }
    }
}
