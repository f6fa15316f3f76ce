//! How what is told of invocations leaves a function: by the HTTP client that AWS' SDK has, which is there anyway.

use std::time::Duration;

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use crate::start::install_tls;

/// Longest that one request may take: the function is billed for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A client for whoever collects what is told.
#[derive(Debug, Clone)]
pub(crate) struct Outlet(SharedHttpConnector);

impl Outlet {
    pub(crate) fn new() -> Self {
        install_tls();
        let settings = HttpConnectorSettings::builder().connect_timeout(PATIENCE).build();
        let client = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        Self(SharedHttpConnector::new(client.connector_settings(settings).build()))
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, String> {
        let asked = async {
            let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| error.to_string())?;
            let response = self.0.call(request).await.map_err(|error| error.to_string())?;
            let response = response.try_into_http1x().map_err(|error| error.to_string())?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(http::Response::from_parts(parts, body))
        };
        tokio::time::timeout(PATIENCE, asked).await.map_err(|_| "it takes too long".to_owned())?
    }
}
