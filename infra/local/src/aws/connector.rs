//! The door: takes an SDK client's HTTP request and hands it to the service it is meant for.
//!
//! The same door stands open over TCP for outsiders (`router`), which no part of the stack itself uses.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::{
    client::{
        behavior_version::BehaviorVersion,
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
        stalled_stream_protection::StalledStreamProtectionConfig,
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;
use aws_types::{SdkConfig, region::Region};
use bytes::Bytes;
use http_body_util::BodyExt;
use s3s::Body;

use super::{
    LocalAws, REGION, dynamodb, kinesis_api, management,
    reply::{ApiError, Response, answer},
    s3_events, sqs_api,
};

/// Access key of the local stack; S3 checks signatures (presigned URLs too) against it.
pub const ACCESS_KEY: &str = "local";
/// Secret key of the local stack. No secret: it opens nothing but this machine's own stack.
pub const SECRET_KEY: &str = "local";

impl LocalAws {
    /// A configuration for any SDK client, whose requests this process answers.
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config().http_client(self.clone()).build()
    }

    /// The same for functions, whose presigned addresses lead others to the gateway at this address.
    pub(crate) fn sdk_config_at(&self, gateway: std::net::SocketAddr) -> SdkConfig {
        let endpoint = format!("http://{gateway}");
        sdk_config().http_client(self.clone()).endpoint_url(endpoint).build()
    }

    /// The same services over TCP, for tools outside of this process. They check no signatures but S3's, so no web page
    /// may reach them: neither one that says where it comes from, nor one that made its name point at this machine.
    pub fn router(&self) -> axum::Router {
        let aws = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| {
            let aws = aws.clone();
            async move {
                if is_of_a_page(request.headers()) {
                    let refusal = ApiError::with_status(403, "AccessDeniedException", "this is no place for web pages");
                    return answer(Err(refusal)).map(axum::body::Body::new);
                }
                // Outsiders send whole JSON bodies or files; S3 takes them as they stream in.
                let (parts, body) = request.into_parts();
                let body = Body::http_body_unsync(body);
                let response = aws.answer(http::Request::from_parts(parts, body)).await;
                response.map(axum::body::Body::new)
            }
        })
    }

    /// The buckets over TCP for whoever has a presigned address, web pages included.
    pub(crate) fn presigned(&self, buckets: &[String]) -> axum::Router {
        let any = || tower_http::cors::Any;
        let cors = tower_http::cors::CorsLayer::new()
            .allow_origin(any())
            .allow_methods(any())
            .allow_headers(any())
            .expose_headers([http::header::ETAG, http::header::CONTENT_RANGE, http::header::ACCEPT_RANGES]);
        let mut router = axum::Router::new();
        for bucket in buckets {
            let aws = self.clone();
            let object = move |request: axum::extract::Request| {
                let aws = aws.clone();
                async move {
                    if !request.uri().query().unwrap_or_default().contains("X-Amz-Signature=") {
                        let refusal = ApiError::with_status(403, "AccessDenied", "the address is not a presigned one");
                        return answer(Err(refusal)).map(axum::body::Body::new);
                    }
                    let response = aws.answer_s3(request.map(Body::http_body_unsync)).await;
                    response.map(axum::body::Body::new)
                }
            };
            router = router.route(&format!("/{bucket}/{{*key}}"), axum::routing::any(object));
        }
        router.layer(cors)
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: http::Request<Body>) -> Response {
        if management::is_for(&request) {
            return self
                .read_then(request, |aws, parts, body| management::answer(&aws.inner.connections, parts, body))
                .await;
        }
        let Some(target) = header(&request, "x-amz-target").map(str::to_owned) else {
            return match foreign_service(&request) {
                Some(service) => answer(Err(ApiError::unknown(&service, request.uri().path()))),
                None => self.answer_s3(request).await,
            };
        };
        self.read_then(request, move |aws, _, body| {
            let (service, operation) = target.split_once('.').unwrap_or((&target, ""));
            match service {
                "DynamoDB_20120810" | "DynamoDBStreams_20120810" => {
                    dynamodb::answer(&aws.inner.dynamodb, operation, body)
                }
                "Kinesis_20131202" => answer(kinesis_api::answer(&aws.inner.kinesis, operation, body)),
                "AmazonSQS" => answer(sqs_api::answer(&aws.inner.sqs, operation, body)),
                _ => answer(Err(ApiError::unknown(service, operation))),
            }
        })
        .await
    }

    /// Answers a request of S3, and tells the queues that are to know of it.
    async fn answer_s3(&self, request: http::Request<Body>) -> Response {
        let creates = s3_events::creates(&request);
        let response = self.inner.s3.answer(request).await;
        match creates {
            Some(creates) => s3_events::tell(self, creates, response).await,
            None => response,
        }
    }

    async fn read_then(
        &self,
        request: http::Request<Body>,
        then: impl FnOnce(&LocalAws, &http::request::Parts, &Bytes) -> Response,
    ) -> Response {
        let (parts, body) = request.into_parts();
        match body.collect().await {
            Ok(body) => then(self, &parts, &body.to_bytes()),
            Err(error) => answer(Err(ApiError::bad("SerializationException", error.to_string()))),
        }
    }
}

/// A configuration for the SDK clients of another process, which reach a stack's [`LocalAws::router`] at an address.
pub fn outside_sdk_config(endpoint: &str, http: SharedHttpClient) -> SdkConfig {
    sdk_config().http_client(http).endpoint_url(endpoint).build()
}

fn sdk_config() -> aws_types::sdk_config::Builder {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

impl HttpClient for LocalAws {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for LocalAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| match body.bytes() {
                Some(bytes) => Body::from(Bytes::copy_from_slice(bytes)),
                None => Body::http_body(body),
            });
            // `call` is boxed here once, so that the services' futures do not grow the SDK's own.
            let response = Box::pin(aws.answer(request)).await;
            let response = response.map(|body| match body.bytes() {
                Some(bytes) => SdkBody::from(bytes),
                None => SdkBody::from_body_1_x(body),
            });
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Whether a request comes from a web page, or asks for a name that is not this machine's.
fn is_of_a_page(headers: &http::HeaderMap) -> bool {
    // Every browser names the host.
    let host = headers.get(http::header::HOST).map_or("localhost", |host| host.to_str().unwrap_or_default());
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&name) || name.ends_with(".localhost");
    !local || headers.contains_key(http::header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

fn header<'a>(request: &'a http::Request<Body>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The service that the request was signed for, if it is one that only S3's fallback would otherwise take.
fn foreign_service(request: &http::Request<Body>) -> Option<String> {
    let authorization = header(request, "authorization")?;
    let scope = authorization.split("Credential=").nth(1)?;
    let service = scope.split('/').nth(3)?;
    (service != "s3").then(|| service.to_owned())
}
