//! OpenAI's `POST /v1/chat/completions`, as OpenAI and the servers that imitate it have it.
//!
//! The limit of tokens goes by its present name, `max_completion_tokens`, which OpenAI, Groq, vLLM and llama.cpp take,
//! and by the older `max_tokens` once a server has refused that one. A server that silently knows neither (Ollama's
//! does not take the new name) is bound by the time limit alone.

use std::time::Duration;

use callboard_domain::model::{Answering, LanguageModel, ModelAnswer, ModelError, ModelFailure, ModelRequest, Usage};
use reqwest::{
    RequestBuilder, Url,
    header::{AUTHORIZATION, HeaderValue},
};
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

/// A service with OpenAI's interface.
pub(super) struct OpenAi {
    http: reqwest::Client,
    url: Url,
    model: String,
    key: Option<Secret>,
    authorization: Option<HeaderValue>,
    budget: Duration,
    temperature: Field,
    limit: Field,
}

impl OpenAi {
    pub(super) fn new(config: Config, http: reqwest::Client) -> Result<Self, ConfigError> {
        let key = config.api_key.as_ref();
        let authorization = key.map(|key| secret_header(&format!("Bearer {}", key.expose()))).transpose()?;
        Ok(Self {
            http,
            url: endpoint(&config.url, "/v1/chat/completions")?,
            model: config.model,
            key: config.api_key,
            authorization,
            budget: config.timeout,
            temperature: Field::new("temperature"),
            limit: Field::new("max_completion_tokens"),
        })
    }

    async fn ask(&self, exchange: &mut Exchange, request: ModelRequest<'_>) -> Result<ModelAnswer, ModelFailure> {
        loop {
            let (temperature, limit) = (self.temperature.is_taken(), self.limit.is_taken());
            let body = self.body(request, temperature, limit);
            let refusal = match exchange.send(|| self.request(&body)).await? {
                Ok(body) => return read(&body),
                Err(refusal) => refusal,
            };
            let status = refusal.rejection.status.as_u16();
            let mentions = |name: &str| refusal.rejection.mentions(name);
            if self.limit.learn(limit, status, mentions) || self.temperature.learn(temperature, status, mentions) {
                continue;
            }
            let told = refusal.rejection.describe(self.key.as_ref());
            exchange.rejected(&told);
            return Err(rejected(&refusal.rejection, refusal.retry_after_ms, told).into());
        }
    }

    fn body(&self, request: ModelRequest<'_>, temperature: bool, limit: bool) -> Value {
        let mut body = json!({
            "model": self.model,
            "messages": [
                {"role": "system", "content": request.system},
                {"role": "user", "content": request.user},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": request.name, "schema": request.schema, "strict": true},
            },
        });
        let limit = if limit { "max_completion_tokens" } else { "max_tokens" };
        body[limit] = request.most_output_tokens.into();
        if temperature {
            body["temperature"] = TEMPERATURE.into();
        }
        body
    }

    fn request(&self, body: &Value) -> RequestBuilder {
        let request = self.http.post(self.url.clone()).json(body);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }
}

impl LanguageModel for OpenAi {
    fn answer<'a>(&'a self, request: ModelRequest<'a>) -> Answering<'a> {
        Box::pin(async move {
            let mut exchange = Exchange::start(Provider::OpenAi, &request);
            let result = timeout(self.budget, self.ask(&mut exchange, request)).await;
            exchange.finish(result)
        })
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

/// `completion_tokens` holds the thoughts, `prompt_tokens` what came from the cache.
#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

fn read(body: &[u8]) -> Result<ModelAnswer, ModelFailure> {
    let completion: Completion = parse(body)?;
    let usage = completion
        .usage
        .map(|counted| Usage { input_tokens: counted.prompt_tokens, output_tokens: counted.completion_tokens });
    with_usage(value(completion.choices), usage.unwrap_or_default())
}

fn value(choices: Vec<Choice>) -> Result<Value, ModelError> {
    let Some(choice) = choices.into_iter().next() else {
        return Err(ModelError::Malformed("there is no choice in it".into()));
    };
    if choice.message.refusal.is_some_and(|refusal| !refusal.is_empty()) {
        return Err(ModelError::Refused);
    }
    match choice.finish_reason.as_deref() {
        Some("content_filter") => Err(ModelError::Refused),
        Some("length") => Err(cut_off()),
        _ => object(&choice.message.content.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_each_server_writes_it() {
        fn check(choice: Value, expected: Result<Value, ModelError>) {
            let usage = Usage { input_tokens: 9, output_tokens: 4 };
            let body = json!({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 4}});
            assert_eq!(read(body.to_string().as_bytes()), with_usage(expected, usage), "{choice}");
        }
        let said = |content: &str| json!({"message": {"role": "assistant", "content": content}});
        check(said("{\"a\": 1}"), Ok(json!({"a": 1})));
        let mut reasoned = said("{}");
        reasoned["finish_reason"] = "stop".into();
        reasoned["message"]["reasoning_content"] = "so".into();
        reasoned["message"]["refusal"] = Value::Null;
        check(reasoned, Ok(json!({})));
        check(json!({"message": {"content": null, "refusal": "I will not."}}), Err(ModelError::Refused));
        check(json!({"message": {"content": "{}"}, "finish_reason": "content_filter"}), Err(ModelError::Refused));
        check(json!({"message": {"content": "{}"}, "finish_reason": "length"}), Err(cut_off()));
        check(json!({"message": {"content": null}}), object(""));

        let nothing = read(br#"{"choices": []}"#).expect_err("no choice");
        assert_eq!((nothing.error.kind(), nothing.usage), ("malformed", Usage::default()));
    }
}
