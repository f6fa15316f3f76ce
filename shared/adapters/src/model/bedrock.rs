//! Amazon Bedrock's Converse, through the SDK: the function's own region, role and HTTP client.
//!
//! The object is asked for by `outputConfig.textFormat`, so the model must be one with structured outputs; Bedrock
//! refuses the others. The SDK's own retries are off: the caller has better use for the time.

use std::{error::Error, io, mem, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_bedrockruntime::{
    Client,
    config::{
        Intercept, RuntimeComponents, Token, interceptors::BeforeDeserializationInterceptorContextMut,
        retry::RetryConfig,
    },
    error::{BuildError, SdkError},
    operation::converse::{ConverseError, ConverseOutput},
    types::{
        ContentBlock, ConversationRole, InferenceConfiguration, JsonSchemaDefinition, Message, OutputConfig,
        OutputFormat, OutputFormatStructure, OutputFormatType, StopReason, SystemContentBlock, TokenUsage,
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{auth::http::HTTP_BEARER_AUTH_SCHEME_ID, orchestrator::HttpResponse},
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag, error::metadata::ProvideErrorMetadata};
use aws_types::SdkConfig;
use callboard_domain::model::{Answering, LanguageModel, ModelAnswer, ModelError, ModelFailure, ModelRequest, Usage};
use http_body_util::{LengthLimitError, Limited};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    Config, ConfigError, LARGEST_ANSWER, Provider, Secret, TEMPERATURE,
    answer::{cut_off, object, too_large, with_usage},
    endpoint,
    exchange::{Exchange, PAUSE},
    failure::by_status,
    field::Field,
    secret_header,
};
use crate::http::{
    failure::{milliseconds, retry_after},
    reasons,
};

const LONGEST_CODE: usize = 80;

/// A model on Bedrock.
pub(super) struct Bedrock {
    client: Client,
    model: String,
    key: Option<Secret>,
    budget: Duration,
    temperature: Field,
}

impl Bedrock {
    pub(super) fn new(config: Config, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        if sdk.region().is_none() {
            return Err(ConfigError::Region);
        }
        let mut settings = aws_sdk_bedrockruntime::config::Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .interceptor(AnswerLimit);
        if !config.url.is_empty() {
            settings = settings.endpoint_url(endpoint(&config.url, "")?);
        }
        if let Some(key) = &config.api_key {
            secret_header(key.expose())?;
            settings = settings
                .bearer_token(Token::new(key.expose(), None))
                .auth_scheme_preference([HTTP_BEARER_AUTH_SCHEME_ID]);
        }
        Ok(Self {
            client: Client::from_conf(settings.build()),
            model: config.model,
            key: config.api_key,
            budget: config.timeout,
            temperature: Field::new("temperature"),
        })
    }

    async fn ask(&self, exchange: &mut Exchange, request: ModelRequest<'_>) -> Result<ModelAnswer, ModelFailure> {
        loop {
            let temperature = self.temperature.is_taken();
            let error = match self.send(exchange, request, temperature).await? {
                Ok(output) => return read(output),
                Err(error) => error,
            };
            let status = error.raw_response().map(|response| response.status().as_u16()).unwrap_or_default();
            let message = error.message().unwrap_or_default();
            if self.temperature.learn(temperature, status, |name| message.contains(name)) {
                continue;
            }
            let told = described(&error, status, self.key.as_ref());
            exchange.rejected(&told);
            return Err(failed(&error, status, told).into());
        }
    }

    /// Sends the request, once more when no connection came about.
    async fn send(
        &self,
        exchange: &mut Exchange,
        request: ModelRequest<'_>,
        temperature: bool,
    ) -> Result<Result<ConverseOutput, SdkError<ConverseError, HttpResponse>>, ModelError> {
        let parts = Parts::new(request, temperature)
            .map_err(|error| ModelError::Unavailable(format!("the request cannot be made: {error}")))?;
        exchange.attempt();
        let mut sent = self.converse(&parts).await;
        if sent.as_ref().is_err_and(reached_nobody) {
            sleep(PAUSE).await;
            exchange.attempt();
            sent = self.converse(&parts).await;
        }
        let status = match &sent {
            Ok(_) => Some(200),
            Err(error) => error.raw_response().map(|response| response.status().as_u16()),
        };
        if let Some(status) = status {
            exchange.answered(status);
        }
        Ok(sent)
    }

    async fn converse(&self, parts: &Parts) -> Result<ConverseOutput, SdkError<ConverseError, HttpResponse>> {
        self.client
            .converse()
            .model_id(&self.model)
            .system(parts.system.clone())
            .messages(parts.message.clone())
            .inference_config(parts.inference.clone())
            .output_config(parts.output.clone())
            .send()
            .await
    }
}

impl LanguageModel for Bedrock {
    fn answer<'a>(&'a self, request: ModelRequest<'a>) -> Answering<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::Bedrock, &request);
            let result = timeout(self.budget, self.ask(&mut exchange, request)).await;
            exchange.finish(result)
        })
    }
}

/// What a request is made of.
struct Parts {
    system: SystemContentBlock,
    message: Message,
    inference: InferenceConfiguration,
    output: OutputConfig,
}

impl Parts {
    fn new(request: ModelRequest<'_>, temperature: bool) -> Result<Self, BuildError> {
        let most_tokens = i32::try_from(request.most_output_tokens).unwrap_or(i32::MAX);
        let schema = JsonSchemaDefinition::builder().name(request.name).schema(request.schema.to_string()).build()?;
        let format = OutputFormat::builder()
            .r#type(OutputFormatType::JsonSchema)
            .structure(OutputFormatStructure::JsonSchema(schema))
            .build()?;
        let text = ContentBlock::Text(request.user.to_owned());
        Ok(Self {
            system: SystemContentBlock::Text(request.system.to_owned()),
            message: Message::builder().role(ConversationRole::User).content(text).build()?,
            inference: InferenceConfiguration::builder()
                .max_tokens(most_tokens)
                .set_temperature(temperature.then_some(TEMPERATURE))
                .build(),
            output: OutputConfig::builder().text_format(format).build(),
        })
    }
}

fn read(output: ConverseOutput) -> Result<ModelAnswer, ModelFailure> {
    let usage = output.usage().map(counted).unwrap_or_default();
    with_usage(value(&output), usage)
}

fn value(output: &ConverseOutput) -> Result<Value, ModelError> {
    match output.stop_reason() {
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => return Err(ModelError::Refused),
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => return Err(cut_off()),
        // Claude's own word for it, which the SDK does not list.
        reason if reason.as_str() == "refusal" => return Err(ModelError::Refused),
        _ => {}
    }
    let message = output.output().and_then(|output| output.as_message().ok());
    let blocks = message.map(Message::content).unwrap_or_default();
    object(&blocks.iter().filter_map(|block| block.as_text().ok()).map(String::as_str).collect::<String>())
}

/// What was read from the cache or written to it is not within `inputTokens`.
fn counted(usage: &TokenUsage) -> Usage {
    let number = |tokens: i32| u64::try_from(tokens).unwrap_or_default();
    let cached = [usage.cache_read_input_tokens(), usage.cache_write_input_tokens()];
    Usage {
        input_tokens: cached.into_iter().flatten().map(number).sum::<u64>() + number(usage.input_tokens()),
        output_tokens: number(usage.output_tokens()),
    }
}

/// What may be told of a failure. Bedrock's messages may quote a request, so only its exceptions' names are.
fn described(error: &SdkError<ConverseError, HttpResponse>, status: u16, key: Option<&Secret>) -> String {
    if error.raw_response().is_none() {
        return reasons(error);
    }
    match error.code().filter(|code| is_code(code, key)) {
        Some(code) => format!("HTTP {status} ({code})"),
        None => format!("HTTP {status}"),
    }
}

/// What a failure means.
fn failed(error: &SdkError<ConverseError, HttpResponse>, status: u16, told: String) -> ModelError {
    if find::<LengthLimitError>(error).is_some() {
        return too_large();
    }
    if let Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)) = find(error) {
        return ModelError::Unauthorized("there are no AWS credentials".into());
    }
    let Some(response) = error.raw_response() else {
        return ModelError::Unavailable(told);
    };
    if response.status().is_success() {
        return match error {
            SdkError::ServiceError(_) => ModelError::Malformed("the answer is not the documented JSON".into()),
            _ => ModelError::Unavailable("the answer broke off".into()),
        };
    }
    if status == 400 && error.message().is_some_and(blames_configuration) {
        return ModelError::Unauthorized(told);
    }
    let headers = response.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    let wait = retry_after(&headers.collect::<HeaderMap>());
    by_status(status, wait.map(milliseconds), told)
}

/// Whether Bedrock speaks of the model or of a field that the model does not take, and not of what it was told.
fn blames_configuration(message: &str) -> bool {
    ["model identifier", "model ID", "support", "outputConfig"].into_iter().any(|word| message.contains(word))
}

fn is_code(code: &str, key: Option<&Secret>) -> bool {
    let is_name = code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name && !key.is_some_and(|key| code.contains(key.expose()))
}

/// Whether no connection came about, so that nothing was sent.
fn reached_nobody(error: &SdkError<ConverseError, HttpResponse>) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let failed = matches!(error, SdkError::DispatchFailure(failure) if failure.is_io());
    let kind = find::<io::Error>(error).map(io::Error::kind);
    failed && matches!(kind, Some(ConnectionRefused | HostUnreachable | NetworkUnreachable))
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Stops reading an answer that grows beyond the limit; the SDK has none of its own.
#[derive(Debug)]
struct AnswerLimit;

impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "AnswerLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, LARGEST_ANSWER));
        Ok(())
    }
}
