//! Anthropic's Messages API: `POST /v1/messages`.
//!
//! The object is asked for by `output_config.format`, which is generally available and needs no beta header; the
//! older way through a tool leaves the model free to write something else.

use std::time::Duration;

use callboard_domain::model::{Answering, LanguageModel, ModelAnswer, ModelError, ModelFailure, ModelRequest, Usage};
use reqwest::{RequestBuilder, Url, header::HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Config, ConfigError, Provider, Secret, TEMPERATURE,
    answer::{cut_off, object, parse, with_usage},
    endpoint,
    exchange::Exchange,
    failure::rejected,
    field::Field,
    secret_header,
};

const KEY_HEADER: &str = "x-api-key";
const VERSION_HEADER: &str = "anthropic-version";
const VERSION: &str = "2023-06-01";

/// The Messages API.
pub(super) struct Anthropic {
    http: reqwest::Client,
    url: Url,
    model: String,
    key: Secret,
    key_header: HeaderValue,
    budget: Duration,
    temperature: Field,
}

impl Anthropic {
    pub(super) fn new(config: Config, http: reqwest::Client) -> Result<Self, ConfigError> {
        let key = config.api_key.ok_or(ConfigError::KeyMissing)?;
        Ok(Self {
            http,
            url: endpoint(&config.url, "/v1/messages")?,
            model: config.model,
            key_header: secret_header(key.expose())?,
            key,
            budget: config.timeout,
            temperature: Field::new("temperature"),
        })
    }

    async fn ask(&self, exchange: &mut Exchange, request: ModelRequest<'_>) -> Result<ModelAnswer, ModelFailure> {
        loop {
            let temperature = self.temperature.is_taken();
            let body = self.body(request, temperature);
            let refusal = match exchange.send(|| self.request(&body)).await? {
                Ok(body) => return read(&body),
                Err(refusal) => refusal,
            };
            let status = refusal.rejection.status.as_u16();
            if self.temperature.learn(temperature, status, |name| refusal.rejection.mentions(name)) {
                continue;
            }
            let told = refusal.rejection.describe(Some(&self.key));
            exchange.rejected(&told);
            return Err(rejected(&refusal.rejection, refusal.retry_after_ms, told).into());
        }
    }

    fn body(&self, request: ModelRequest<'_>, temperature: bool) -> Value {
        let mut body = json!({
            "model": self.model,
            "max_tokens": request.most_output_tokens,
            "system": request.system,
            "messages": [{"role": "user", "content": request.user}],
            "output_config": {"format": {"type": "json_schema", "schema": request.schema}},
        });
        if temperature {
            body["temperature"] = TEMPERATURE.into();
        }
        body
    }

    fn request(&self, body: &Value) -> RequestBuilder {
        self.http
            .post(self.url.clone())
            .header(KEY_HEADER, self.key_header.clone())
            .header(VERSION_HEADER, VERSION)
            .json(body)
    }
}

impl LanguageModel for Anthropic {
    fn answer<'a>(&'a self, request: ModelRequest<'a>) -> Answering<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::Anthropic, &request);
            let result = timeout(self.budget, self.ask(&mut exchange, request)).await;
            exchange.finish(result)
        })
    }
}

#[derive(Deserialize)]
struct Reply {
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Counted,
}

/// Only blocks of text have a `text`; thoughts come in blocks of their own.
#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: Option<String>,
}

/// What was read from the cache or written to it is not within `input_tokens`.
#[derive(Deserialize, Default)]
struct Counted {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: u64,
}

fn read(body: &[u8]) -> Result<ModelAnswer, ModelFailure> {
    let reply: Reply = parse(body)?;
    let counted = &reply.usage;
    let cached = [counted.cache_creation_input_tokens, counted.cache_read_input_tokens];
    let usage = Usage {
        input_tokens: cached.into_iter().flatten().fold(counted.input_tokens, u64::saturating_add),
        output_tokens: counted.output_tokens,
    };
    with_usage(value(reply), usage)
}

fn value(reply: Reply) -> Result<Value, ModelError> {
    match reply.stop_reason.as_deref() {
        Some("refusal") => Err(ModelError::Refused),
        Some("max_tokens" | "model_context_window_exceeded") => Err(cut_off()),
        _ => object(&reply.content.into_iter().filter_map(|block| block.text).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reply: Value, expected: Result<Value, ModelError>, input_tokens: u64, output_tokens: u64) {
        let expected = with_usage(expected, Usage { input_tokens, output_tokens });
        assert_eq!(read(reply.to_string().as_bytes()), expected, "{reply}");
    }

    #[test]
    fn an_answer_is_read_with_all_that_it_cost() {
        let thought = json!({"type": "thinking", "thinking": "so", "signature": "s"});
        let text = |text: &str| json!({"type": "text", "text": text});
        let cached = json!({"input_tokens": 5, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 30,
            "output_tokens": 4});
        let plain = json!({"input_tokens": 5, "cache_read_input_tokens": null, "output_tokens": 4});
        check(
            json!({"content": [thought, text("{\"a\":"), text("1}")], "stop_reason": "end_turn", "usage": cached}),
            Ok(json!({"a": 1})),
            135,
            4,
        );
        check(json!({"content": [], "stop_reason": "refusal", "usage": plain}), Err(ModelError::Refused), 5, 4);
        for reason in ["max_tokens", "model_context_window_exceeded"] {
            check(json!({"content": [text("{")], "stop_reason": reason, "usage": plain}), Err(cut_off()), 5, 4);
        }
        check(json!({"content": [], "stop_reason": "end_turn"}), object(""), 0, 0);
    }
}
