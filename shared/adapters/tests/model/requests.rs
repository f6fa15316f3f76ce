//! What each service is told, held against its documentation.

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future};
use callboard_adapters::model::{self, Config, ConfigError, Provider, Secret};
use callboard_domain::model::ModelError;
use serde_json::{Value, json};

use crate::{
    harness::{PROVIDERS, SAID, SYSTEM, ask, aws_http, config, connect, connected, schema, sdk, service},
    service::{Asked, KEY, schema_problem},
};

async fn told(provider: Provider) -> Asked {
    let model = service();
    ask(&*connected(provider, &model)).await.unwrap();
    model.asked().remove(0)
}

fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn openai_is_told_what_it_documents() {
    let asked = told(Provider::OpenAi).await;
    assert_eq!(header(&asked, "authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(header(&asked, "content-type"), Some("application/json"));
    let expected = json!({
        "model": "example.model-v1:0",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": SAID}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "advice", "schema": schema(), "strict": true},
        },
        "max_completion_tokens": 300,
        "temperature": 0.0,
    });
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn anthropic_is_told_what_it_documents() {
    let asked = told(Provider::Anthropic).await;
    assert_eq!(header(&asked, "x-api-key"), Some(KEY));
    assert_eq!(header(&asked, "anthropic-version"), Some("2023-06-01"));
    assert_eq!(header(&asked, "anthropic-beta"), None);
    assert_eq!(header(&asked, "content-type"), Some("application/json"));
    let expected = json!({
        "model": "example.model-v1:0",
        "max_tokens": 300,
        "temperature": 0.0,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": SAID}],
        "output_config": {"format": {"type": "json_schema", "schema": schema()}},
    });
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn bedrock_is_told_what_it_documents() {
    let asked = told(Provider::Bedrock).await;
    let signed = header(&asked, "authorization").unwrap();
    assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signed}");
    assert!(signed.contains("/eu-central-1/bedrock/aws4_request"), "{signed}");
    let expected = json!({
        "system": [{"text": SYSTEM}],
        "messages": [{"role": "user", "content": [{"text": SAID}]}],
        "inferenceConfig": {"maxTokens": 300, "temperature": 0.0},
        "outputConfig": {"textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"name": "advice", "schema": schema().to_string()}},
        }},
    });
    assert_eq!(asked.body, expected);
    assert_eq!(asked.prompt.model, "example.model-v1:0");
}

#[tokio::test]
async fn bedrock_takes_a_key_in_place_of_a_role() {
    let model = service();
    let api_key = Some(Secret::new(KEY));
    let connected = connect(Config { api_key, ..config(Provider::Bedrock, &model.url) }).unwrap();
    ask(&*connected).await.unwrap();
    assert_eq!(header(&model.asked()[0], "authorization"), Some(format!("Bearer {KEY}").as_str()));
}

#[tokio::test]
async fn openai_needs_no_key_where_the_server_asks_for_none() {
    let model = service();
    let connected = connect(Config { api_key: None, ..config(Provider::OpenAi, &model.url) }).unwrap();
    ask(&*connected).await.unwrap_err();
    assert_eq!(header(&model.asked()[0], "authorization"), None);
}

#[tokio::test]
async fn a_field_that_the_model_does_not_take_is_sent_in_vain_only_once() {
    async fn check(provider: Provider, field: &str, pointer: &str, instead: Option<&str>) {
        let model = service();
        model.takes_no(field);
        let connected = connected(provider, &model);
        for requests in [2, 3] {
            ask(&*connected).await.unwrap();
            assert_eq!(model.asked().len(), requests, "{provider:?} without {field}");
        }
        let asked = model.asked();
        let sent: Vec<bool> = asked.iter().map(|asked| asked.body.pointer(pointer).is_some()).collect();
        assert_eq!(sent, [true, false, false]);
        let instead = instead.map(|pointer| asked[2].body.pointer(pointer).cloned().unwrap_or_default());
        assert!(instead.is_none_or(|value| value == 300));
    }
    for provider in PROVIDERS {
        let pointer = if provider == Provider::Bedrock { "/inferenceConfig/temperature" } else { "/temperature" };
        check(provider, "temperature", pointer, None).await;
    }
    let field = "max_completion_tokens";
    check(Provider::OpenAi, field, "/max_completion_tokens", Some("/max_tokens")).await;
}

#[tokio::test]
async fn a_model_may_take_neither_of_these_fields() {
    let model = service();
    model.takes_no("temperature");
    model.takes_no("max_completion_tokens");
    ask(&*connected(Provider::OpenAi, &model)).await.unwrap();
    assert_eq!(model.asked().len(), 3);
}

#[test]
fn the_service_takes_no_schema_that_one_of_the_three_refuses() {
    fn check(schema: Value, expected: Option<&str>) {
        assert_eq!(schema_problem(&schema).as_deref(), expected, "{schema}");
    }
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    check(schema(), None);
    check(object(json!({"a": {"type": "array", "items": schema()}}), json!(["a"])), None);
    check(object(json!({"a": {"anyOf": [schema(), {"type": "null"}]}}), json!(["a"])), None);
    check(json!("object"), Some("a schema that is no object"));
    check(json!({"type": "object", "properties": {}, "required": []}), Some("an open object"));
    check(object(json!({"a": {"type": "string"}}), json!([])), Some("the property a is not required"));
    for keyword in ["minimum", "maxLength", "minItems"] {
        let limited = object(json!({"a": {"type": "string", keyword: 1}}), json!(["a"]));
        check(limited.clone(), Some(&format!("the keyword {keyword}")));
        check(json!({"type": "array", "items": limited}), Some(&format!("the keyword {keyword}")));
    }
}

/// What the SDK finds where there is neither role, profile nor environment.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("there are none")))
    }
}

#[tokio::test]
async fn bedrock_without_credentials_is_a_matter_of_configuration() {
    let model = service();
    let anonymous = sdk(aws_http()).into_builder().credentials_provider(SharedCredentialsProvider::new(Nobody)).build();
    let connected = model::connect_bedrock(config(Provider::Bedrock, &model.url), &anonymous).unwrap();
    let failure = ask(&*connected).await.unwrap_err();
    assert_eq!(failure.error, ModelError::Unauthorized("there are no AWS credentials".into()));
    assert_eq!(model.asked().len(), 0);
}

#[test]
fn bedrock_without_a_region_is_refused_at_once() {
    let nowhere = sdk(aws_http()).into_builder().region(None).build();
    let refused = model::connect_bedrock(config(Provider::Bedrock, ""), &nowhere).err();
    assert_eq!(refused, Some(ConfigError::Region));
}
