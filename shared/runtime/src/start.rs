//! How a function starts: logs, settings, one AWS configuration with one HTTP client, and then events, one by one.

use std::future::Future;

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use futures_util::Stream;
use lambda_runtime::{
    Diagnostic, IntoFunctionResponse, LambdaEvent, Runtime, Service, layers::TracingLayer, service_fn,
};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{Clock, SettingError, Settings, watch::Watch};

/// What a function's context is made from: read from the process on Lambda, handed in by the local stack.
#[derive(Debug, Clone)]
pub struct Start {
    /// The function's settings.
    pub settings: Settings,
    /// How to reach AWS.
    pub sdk: SdkConfig,
    /// The time of day.
    pub clock: Clock,
    /// What is told of each invocation at its end.
    pub watch: Watch,
}

impl Start {
    /// Starts logs, and what else is told of invocations; reads settings and AWS configuration from the process, and with
    /// the feature `secrets` the settings that are kept elsewhere.
    pub async fn from_process() -> Result<Self, SettingError> {
        let settings = Settings::from_process();
        let clock = Clock::system();
        let filter = settings.optional("LOG_FILTER").unwrap_or("info");
        let filter = EnvFilter::try_new(filter).map_err(|e| SettingError::malformed("LOG_FILTER", e))?;
        let logs = tracing_subscriber::fmt::layer().json().with_target(false).without_time().with_filter(filter);
        let watch = Watch::from_settings(&settings, &clock)?;
        tracing_subscriber::registry().with(logs).with(watch.layers()).init();
        let sdk = aws().await;
        #[cfg(feature = "secrets")]
        let settings = crate::secrets::added(settings, &sdk).await?;
        Ok(Self { settings, sdk, clock, watch })
    }
}

/// How this process reaches AWS: by the usual chain of environment, profile and role.
pub async fn aws() -> SdkConfig {
    aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(aws_http()).load().await
}

/// A client for AWS's services, or for whatever answers in their place.
pub fn aws_http() -> SharedHttpClient {
    install_tls();
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Chooses the process's TLS provider: ring, which needs no C build and no entropy at start. Harmless when repeated.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Only another thread that chose meanwhile makes this fail, and it chose the same.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

/// A client for services that are no AWS ones. Time limits are the caller's.
#[cfg(feature = "http")]
pub fn http_client() -> Result<reqwest::Client, SettingError> {
    install_tls();
    let client = reqwest::Client::builder().connect_timeout(std::time::Duration::from_secs(3)).build();
    client.map_err(|e| SettingError::malformed("TLS", e))
}

/// Handles events until Lambda ends the environment.
pub async fn run<E, R, F, Fut>(watch: Watch, handle: F) -> Result<(), lambda_runtime::Error>
where
    E: for<'de> serde::Deserialize<'de> + Send + 'static,
    R: serde::Serialize + Send + 'static,
    F: Fn(E) -> Fut + Send + 'static,
    Fut: Future<Output = Result<R, lambda_runtime::Error>> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<E>| {
        let handled = handle(event.payload);
        async move { handled.await.inspect_err(|error| tell_failure(error.as_ref())) }
    });
    serve(watch, service).await
}

/// Logs why an invocation failed, which nobody else does. An authorizer that lets nobody in fails by this very word, as API
/// Gateway has it: that is its work.
fn tell_failure(error: &(dyn std::error::Error + Send + Sync)) {
    if error.to_string() != "Unauthorized" {
        tracing::error!(%error, "the invocation failed");
    }
}

/// The same with a service, which may answer bit by bit. What there is to tell of an invocation is told when its answer is
/// sent: before the next one is asked for, which is when Lambda may stop the environment.
pub async fn serve<A, F, R, B, S, D, E>(watch: Watch, handler: F) -> Result<(), lambda_runtime::Error>
where
    F: Service<LambdaEvent<A>, Response = R> + 'static,
    F::Future: Future<Output = Result<R, F::Error>> + 'static,
    F::Error: Into<Diagnostic> + std::fmt::Debug,
    A: for<'de> serde::Deserialize<'de> + 'static,
    R: IntoFunctionResponse<B, S> + 'static,
    B: serde::Serialize + 'static,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<bytes::Bytes> + Send + 'static,
    E: Into<lambda_runtime::Error> + Send + std::fmt::Debug + 'static,
{
    Runtime::new(handler).layer(TracingLayer::new()).layer(watch).run().await
}
