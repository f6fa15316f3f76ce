//! Secrets: settings that a function reads when it starts.

use aws_sdk_secretsmanager::Client;

use crate::{backend::Shared, differences::Difference};

pub(crate) async fn settings(backend: Shared) {
    let client = Client::new(&backend.sdk);
    let made = client.create_secret().name("callboard/speech").secret_string(r#"{"SPEECH_API_KEY":"k"}"#).send().await;
    assert_eq!(made.is_ok(), backend.as_aws(Difference::Secrets), "{made:?}");
    let Ok(made) = made else { return };
    let read = client.get_secret_value().secret_id(made.arn().unwrap()).send().await.unwrap();
    assert_eq!(read.secret_string(), Some(r#"{"SPEECH_API_KEY":"k"}"#));
    let absent = client.get_secret_value().secret_id("callboard/model").send().await.unwrap_err();
    assert!(absent.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()), "{absent:?}");
}
