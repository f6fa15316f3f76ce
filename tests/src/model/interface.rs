//! The three interfaces: where each has what, what it refuses, and the shape of its answers and errors.
//!
//! Every refusal quotes the key and what was said, as a careless service might.

use std::collections::BTreeSet;

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::KEY;

/// An interface of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `POST /v1/chat/completions`.
    OpenAi,
    /// `POST /v1/messages`.
    Anthropic,
    /// `POST /model/{id}/converse`.
    Bedrock,
}

/// What the model was told, the same by every interface. What is not there is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The model's name.
    pub model: String,
    /// The instruction.
    pub system: String,
    /// What it is about.
    pub user: String,
    /// The answer's name; Anthropic's interface has none.
    pub name: String,
    /// The answer's schema.
    pub schema: Value,
    /// The limit of tokens.
    pub most_tokens: u64,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    CutOff,
    Refused,
}

/// An error of the service.
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    param: Option<String>,
}

/// Tokens of a text, about: a quarter of its characters, rounded up.
pub fn tokens(text: &str) -> u64 {
    text.chars().count().div_ceil(4) as u64
}

impl Prompt {
    pub(super) fn read(interface: Interface, path: &str, body: &Value) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64);
        let schema = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
        match interface {
            Interface::OpenAi => Self {
                model: text("/model"),
                system: text("/messages/0/content"),
                user: text("/messages/1/content"),
                name: text("/response_format/json_schema/name"),
                schema: schema("/response_format/json_schema/schema"),
                most_tokens: number("/max_completion_tokens").or(number("/max_tokens")).unwrap_or_default(),
            },
            Interface::Anthropic => Self {
                model: text("/model"),
                system: text("/system"),
                user: text("/messages/0/content"),
                name: String::new(),
                schema: schema("/output_config/format/schema"),
                most_tokens: number("/max_tokens").unwrap_or_default(),
            },
            Interface::Bedrock => Self {
                model: path.to_owned(),
                system: text("/system/0/text"),
                user: text("/messages/0/content/0/text"),
                name: text("/outputConfig/textFormat/structure/jsonSchema/name"),
                schema: serde_json::from_str(&text("/outputConfig/textFormat/structure/jsonSchema/schema"))
                    .unwrap_or_default(),
                most_tokens: number("/inferenceConfig/maxTokens").unwrap_or_default(),
            },
        }
    }
}

impl Interface {
    /// A success. The instruction counts as read from the cache, which OpenAI counts with the rest of the input, and
    /// the others beside it.
    pub(super) fn envelope(self, prompt: &Prompt, text: &str, ending: Ending) -> Value {
        let (cached, input, output) = (tokens(&prompt.system), tokens(&prompt.user), tokens(text));
        match self {
            Self::OpenAi => {
                let reason = if ending == Ending::CutOff { "length" } else { "stop" };
                let refused = ending == Ending::Refused;
                let (content, refusal) = if refused { (None, Some(text)) } else { (Some(text), None) };
                json!({
                    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": prompt.model,
                    "choices": [{"index": 0, "finish_reason": reason, "logprobs": null,
                        "message": {"role": "assistant", "content": content, "refusal": refusal}}],
                    "usage": {"prompt_tokens": cached + input, "completion_tokens": output,
                        "total_tokens": cached + input + output, "prompt_tokens_details": {"cached_tokens": cached}},
                })
            }
            Self::Anthropic => {
                let reason = ending.word("end_turn", "max_tokens", "refusal");
                json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": prompt.model,
                    "content": [{"type": "text", "text": text}], "stop_reason": reason, "stop_sequence": null,
                    "usage": {"input_tokens": input, "cache_creation_input_tokens": null,
                        "cache_read_input_tokens": cached, "output_tokens": output},
                })
            }
            Self::Bedrock => {
                let reason = ending.word("end_turn", "max_tokens", "content_filtered");
                json!({
                    "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
                    "stopReason": reason, "metrics": {"latencyMs": 7},
                    "usage": {"inputTokens": input, "cacheReadInputTokens": cached, "cacheWriteInputTokens": 0,
                        "outputTokens": output, "totalTokens": cached + input + output},
                })
            }
        }
    }

    /// What the interface says with this status.
    pub(super) fn error(self, status: u16) -> Refusal {
        let code = match (self, status) {
            (Self::OpenAi, 401) => "invalid_api_key",
            (Self::OpenAi, 429) => "rate_limit_exceeded",
            (Self::OpenAi, 500..) => "server_error",
            (Self::OpenAi, _) => "invalid_request_error",
            (Self::Anthropic, 401) => "authentication_error",
            (Self::Anthropic, 403) => "permission_error",
            (Self::Anthropic, 404) => "not_found_error",
            (Self::Anthropic, 413) => "request_too_large",
            (Self::Anthropic, 429) => "rate_limit_error",
            (Self::Anthropic, 504) => "timeout_error",
            (Self::Anthropic, 529) => "overloaded_error",
            (Self::Anthropic, 500..) => "api_error",
            (Self::Anthropic, _) => "invalid_request_error",
            (Self::Bedrock, 401 | 403) => "AccessDeniedException",
            (Self::Bedrock, 404) => "ResourceNotFoundException",
            (Self::Bedrock, 408) => "ModelTimeoutException",
            (Self::Bedrock, 424) => "ModelErrorException",
            (Self::Bedrock, 429) => "ThrottlingException",
            (Self::Bedrock, 503) => "ServiceUnavailableException",
            (Self::Bedrock, 500..) => "InternalServerException",
            (Self::Bedrock, _) => "ValidationException",
        };
        Refusal { status, code, param: None }
    }
}

impl Ending {
    fn word(self, done: &'static str, cut_off: &'static str, refused: &'static str) -> &'static str {
        match self {
            Self::Done => done,
            Self::CutOff => cut_off,
            Self::Refused => refused,
        }
    }
}

impl Refusal {
    pub(super) fn into_response(self, interface: Interface, prompt: &Prompt) -> Response {
        let what = self.param.as_ref().map(|param| format!("{param} is not supported")).unwrap_or("no".to_owned());
        let message = format!("key {KEY}: {what}: {}", prompt.user);
        let status = StatusCode::from_u16(self.status).unwrap();
        match interface {
            Interface::OpenAi => {
                let error = json!({"message": message, "type": self.code, "param": self.param, "code": self.code});
                (status, Json(json!({"error": error}))).into_response()
            }
            Interface::Anthropic => {
                let error = json!({"type": self.code, "message": message});
                (status, Json(json!({"type": "error", "error": error, "request_id": "req_1"}))).into_response()
            }
            Interface::Bedrock => {
                (status, [("x-amzn-errortype", self.code)], Json(json!({"message": message}))).into_response()
            }
        }
    }
}

/// The refusal of a request that is not what the interface's documentation asks of one.
pub(super) fn judge(
    interface: Interface,
    headers: &HeaderMap,
    body: &Value,
    prompt: &Prompt,
    unknown_fields: &BTreeSet<String>,
) -> Option<Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bearer = header("authorization").strip_prefix("Bearer ");
    let signed = header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=")
        && header("authorization").contains("/bedrock/aws4_request");
    let known = match interface {
        Interface::OpenAi => bearer == Some(KEY),
        Interface::Anthropic => header("x-api-key") == KEY,
        Interface::Bedrock => bearer == Some(KEY) || signed,
    };
    if !known {
        let status = if interface == Interface::Bedrock { 403 } else { 401 };
        return Some(interface.error(status));
    }
    let format = match interface {
        Interface::OpenAi => "response_format",
        Interface::Anthropic => "output_config",
        Interface::Bedrock => "outputConfig",
    };
    let fields = [Some(body), body.get("inferenceConfig")].into_iter().flatten().filter_map(Value::as_object);
    let unknown = fields.flat_map(|fields| fields.keys()).find(|field| unknown_fields.contains(*field));
    let wrong = match interface {
        _ if unknown.is_some() => unknown.map(String::as_str),
        _ if prompt.model.is_empty() => Some("model"),
        _ if prompt.system.is_empty() || prompt.user.is_empty() => Some("messages"),
        _ if prompt.most_tokens == 0 => Some("max_tokens"),
        Interface::Anthropic if header("anthropic-version") != "2023-06-01" => Some("anthropic-version"),
        _ if !asks_for_json(interface, body, prompt) || schema_problem(&prompt.schema).is_some() => Some(format),
        _ => None,
    };
    wrong.map(|field| Refusal { param: Some(field.to_owned()), ..interface.error(400) })
}

/// Whether the answer's form is asked for in the interface's own words.
fn asks_for_json(interface: Interface, body: &Value, prompt: &Prompt) -> bool {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    match interface {
        Interface::OpenAi => {
            body["response_format"]["type"] == "json_schema"
                && body["response_format"]["json_schema"]["strict"] == true
                && is_name(&prompt.name)
        }
        Interface::Anthropic => body["output_config"]["format"]["type"] == "json_schema",
        Interface::Bedrock => body["outputConfig"]["textFormat"]["type"] == "json_schema" && is_name(&prompt.name),
    }
}

/// Why a schema is not one that all three services take, as strict as the strictest: OpenAI wants every property
/// required, Anthropic and Bedrock take no limits of numbers and lengths, and all want objects closed.
pub fn schema_problem(schema: &Value) -> Option<String> {
    const KNOWN: [&str; 11] = [
        "type",
        "description",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "$defs",
        "$ref",
    ];
    let Some(fields) = schema.as_object() else {
        return Some("a schema that is no object".into());
    };
    if let Some(unknown) = fields.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Some(format!("the keyword {unknown}"));
    }
    let properties: Vec<(&String, &Value)> =
        fields.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    if schema["type"] == "object" {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if schema["additionalProperties"] != false {
            return Some("an open object".into());
        }
        if let Some((name, _)) = properties.iter().find(|(name, _)| !required.contains(&name.as_str())) {
            return Some(format!("the property {name} is not required"));
        }
    }
    let defined = fields.get("$defs").and_then(Value::as_object).into_iter().flatten().map(|(_, schema)| schema);
    let choices = fields.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let below =
        properties.into_iter().map(|(_, schema)| schema).chain(fields.get("items")).chain(choices).chain(defined);
    below.filter_map(schema_problem).next()
}
