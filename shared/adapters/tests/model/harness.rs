//! What the tests share: clients, a service with its answer, a question, its outcome, and what was logged.

use std::{sync::Arc, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider as Tls, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{behavior_version::BehaviorVersion, http::SharedHttpClient};
use aws_types::{SdkConfig, region::Region};
use callboard_adapters::model::{self, Config, ConfigError, Provider, Secret};
use callboard_domain::model::{LanguageModel, ModelAnswer, ModelError, ModelFailure, ModelRequest, Usage};
use serde_json::{Value, json};

use crate::{
    log::Log,
    service::{Behaviour, KEY, Model, tokens},
};

pub(crate) const PROVIDERS: [Provider; 3] = [Provider::OpenAi, Provider::Anthropic, Provider::Bedrock];
pub(crate) const SYSTEM: &str = "You coach a sales agent.";
/// What must not be seen again.
pub(crate) const SAID: &str = "Customer: my card number is four two";
pub(crate) const AWS_SECRET: &str = "aws-secret-0123456789";

/// At level debug: at trace the SDK shows whole bodies, and nothing here can keep it from that.
pub(crate) fn log() -> &'static Log {
    Log::of_process(tracing::Level::DEBUG)
}

/// A client of the test's own: every test runs on a runtime of its own.
pub(crate) fn http() -> reqwest::ClientBuilder {
    log();
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy()
}

pub(crate) fn aws_http() -> SharedHttpClient {
    Builder::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).build_https()
}

pub(crate) fn sdk(http: SharedHttpClient) -> SdkConfig {
    log();
    let credentials = Credentials::new("AKIDEXAMPLE", AWS_SECRET, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .build()
}

/// Bedrock's has no key: it signs.
pub(crate) fn config(provider: Provider, url: &str) -> Config {
    Config {
        provider,
        url: url.to_owned(),
        model: "example.model-v1:0".to_owned(),
        api_key: (provider != Provider::Bedrock).then(|| Secret::new(KEY)),
        timeout: Duration::from_secs(20),
    }
}

pub(crate) fn connect(config: Config) -> Result<Arc<dyn LanguageModel>, ConfigError> {
    match config.provider {
        Provider::Bedrock => model::connect_bedrock(config, &sdk(aws_http())),
        _ => model::connect(config, http().build().unwrap()),
    }
}

pub(crate) fn connected(provider: Provider, model: &Model) -> Arc<dyn LanguageModel> {
    connect(config(provider, &model.url)).unwrap()
}

/// A service that quotes what was said.
pub(crate) fn service() -> Model {
    Model::start(|prompt| json!({"say": "Of course.", "evidence": prompt.user}))
}

pub(crate) fn advice() -> Value {
    json!({"say": "Of course.", "evidence": SAID})
}

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"say": {"type": "string"}, "evidence": {"type": ["string", "null"]}},
        "required": ["say", "evidence"],
        "additionalProperties": false,
    })
}

pub(crate) async fn ask(model: &dyn LanguageModel) -> Result<ModelAnswer, ModelFailure> {
    let schema = schema();
    let request = ModelRequest { system: SYSTEM, user: SAID, name: "advice", schema: &schema, most_output_tokens: 300 };
    let result = model.answer(request).await;
    if let Err(failure) = &result {
        let told = format!("{failure} {failure:?}");
        assert!(![KEY, SAID, "card", AWS_SECRET].iter().any(|secret| told.contains(secret)), "{told}");
    }
    result
}

/// What an answer of this text costs.
pub(crate) fn usage(answer: &str) -> Usage {
    Usage { input_tokens: tokens(SYSTEM) + tokens(SAID), output_tokens: tokens(answer) }
}

/// What a caller can do about an outcome: all that the providers have to agree on.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Answered(Value, Usage),
    Busy(Option<u64>),
    Failed(&'static str, Usage),
}

impl From<Result<ModelAnswer, ModelFailure>> for Outcome {
    fn from(result: Result<ModelAnswer, ModelFailure>) -> Self {
        match result {
            Ok(answer) => Self::Answered(answer.value, answer.usage),
            Err(ModelFailure { error: ModelError::Busy { retry_after_ms }, .. }) => Self::Busy(retry_after_ms),
            Err(failure) => Self::Failed(failure.error.kind(), failure.usage),
        }
    }
}

/// Asks a service that behaves so, and says how it ended after how many requests.
pub(crate) async fn run(provider: Provider, behaviour: Behaviour) -> (Outcome, usize) {
    let model = service();
    model.next([behaviour]);
    let outcome = ask(&*connected(provider, &model)).await.into();
    (outcome, model.asked().len())
}
