//! What each service is told, held against its documentation.

use callboard_adapters::speech::{Config, Provider, connect};
use callboard_domain::speech::{Recognized, SpeechError};
use serde_json::json;

use crate::{
    harness::{TERM, ask, ask_with, config, http, service},
    stub::{KEY, SAID, Stub},
};

#[tokio::test]
async fn openai_is_told_what_it_documents() {
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    ask(&*service(&stub)).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.text("model"), Some("whisper-1"));
    assert_eq!(seen.text("language"), Some("en"));
    assert_eq!(seen.text("temperature"), Some("0"));
    assert_eq!(seen.text("response_format"), Some("verbose_json"));
    assert_eq!(seen.text("timestamp_granularities[]"), Some("word"));
    assert_eq!(seen.text("prompt"), Some(format!("{TERM}. Good morning. {SAID}").as_str()));
    let file = seen.field("file").unwrap();
    assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
    assert_eq!(file.file_name.as_deref(), Some("utterance.wav"));
    assert_eq!(file.bytes.len(), 44 + 2 * 8000);
    assert_eq!(file.bytes[44..46], 900i16.to_le_bytes());
}

#[tokio::test]
async fn a_model_after_whisper_is_asked_for_json_from_the_start() {
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    let model = "gpt-4o-transcribe".to_owned();
    let service = connect(Config { model, ..config(stub.provider, &stub.url) }, http()).unwrap();
    let recognized = ask(&*service).await.unwrap();
    assert_eq!(recognized, Recognized { text: SAID.into(), words: vec![] });
    assert_eq!(stub.seen().len(), 1);
    assert_eq!(stub.seen()[0].text("response_format"), Some("json"));
}

#[tokio::test]
async fn a_server_without_verbose_answers_is_asked_in_vain_only_once() {
    let stub = Stub::start_with(Provider::OpenAi, &[], true).await;
    let service = service(&stub);
    for requests in [2, 3, 4] {
        assert_eq!(ask(&*service).await.unwrap().text, SAID);
        assert_eq!(stub.seen().len(), requests);
    }
}

#[tokio::test]
async fn assemblyai_is_told_what_it_documents() {
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    ask(&*service(&stub)).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.headers["authorization"], KEY);
    assert_eq!(seen.headers["x-aai-model"], "universal-3-5-pro");
    assert_eq!(seen.field("config").unwrap().content_type.as_deref(), Some("application/json"));
    let config: serde_json::Value = serde_json::from_str(seen.text("config").unwrap()).unwrap();
    let expected = json!({
        "keyterms_prompt": [TERM],
        "conversation_context": ["Good morning.", SAID],
        "language_codes": ["en"],
        "timestamps": true,
    });
    assert_eq!(config, expected);
}

#[tokio::test]
async fn utterances_are_brought_to_the_length_that_a_service_takes() {
    for (provider, part, shortest_ms) in [(Provider::OpenAi, "file", 100), (Provider::AssemblyAi, "audio", 80)] {
        let stub = Stub::start(provider, &[]).await;
        let recognized = ask_with(&*service(&stub), &[900; 160]).await.unwrap();
        assert!(recognized.words.iter().all(|word| word.end_ms <= 10), "{recognized:?}");
        assert_eq!(stub.seen()[0].field(part).unwrap().bytes.len(), 44 + shortest_ms * 32);
    }
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    let result = ask_with(&*service(&stub), &vec![900; 121 * 16_000]).await;
    assert_eq!(result, Err(SpeechError::Refused("121000 ms of audio, 120000 at most".into())));
    assert_eq!(stub.seen().len(), 0);
}

#[tokio::test]
async fn the_stubs_refuse_what_the_services_refuse() {
    async fn refused(
        stub: &Stub,
        route: &str,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> u16 {
        let form = reqwest::multipart::Form::new().text("model", "whisper-1").text("audio", "noise");
        let request = http().post(format!("{}{route}", stub.url)).multipart(form);
        change(request).send().await.unwrap().status().as_u16()
    }
    let stub = Stub::start(Provider::AssemblyAi, &[]).await;
    let route = "/v1/transcribe";
    assert_eq!(refused(&stub, route, |request| request).await, 401);
    assert_eq!(refused(&stub, route, |request| request.header("authorization", KEY)).await, 400);
    let with_model = |request: reqwest::RequestBuilder| {
        request.header("authorization", KEY).header("x-aai-model", "universal-3-5-pro")
    };
    assert_eq!(refused(&stub, route, with_model).await, 415);
    let stub = Stub::start(Provider::OpenAi, &[]).await;
    assert_eq!(refused(&stub, "/v1/audio/transcriptions", |request| request).await, 401);
    assert_eq!(refused(&stub, "/v1/audio/transcriptions", |request| request.bearer_auth(KEY)).await, 400);
}
