//! Settings that no environment may hold: `SECRETS` names secrets of AWS Secrets Manager, each a JSON object of settings.
//!
//! They are read once, when an environment starts; new ones count for environments that start after.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};
use aws_types::SdkConfig;

use crate::{SettingError, Settings};

const NAME: &str = "SECRETS";

/// The settings, and what the secrets add that `SECRETS` names by ARN, with spaces between them.
///
/// # Errors
/// A secret cannot be read, or is no JSON object of strings. Nothing of what it holds is told.
pub(crate) async fn added(settings: Settings, sdk: &SdkConfig) -> Result<Settings, SettingError> {
    let Some(names) = settings.optional(NAME) else { return Ok(settings) };
    let client = Client::new(sdk);
    let mut added = BTreeMap::new();
    for name in names.split_whitespace() {
        let answer = client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|e| unusable(name, format!("cannot be read: {}", DisplayErrorContext(&e))))?;
        added.extend(parsed(name, answer.secret_string().unwrap_or_default())?);
    }
    Ok(settings.with(added))
}

fn parsed(name: &str, text: &str) -> Result<BTreeMap<String, String>, SettingError> {
    // The parser's own words would tell what it read.
    serde_json::from_str(text).map_err(|_| unusable(name, "is no JSON object of strings"))
}

fn unusable(name: &str, problem: impl std::fmt::Display) -> SettingError {
    SettingError::malformed(NAME, format!("{name} {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_an_object_of_settings_and_never_told() {
        let read = parsed("s", r#"{"SPEECH_API_KEY":"k","RECORDINGS_API_KEY":""}"#).unwrap();
        assert_eq!(read["SPEECH_API_KEY"], "k");
        for wrong in ["", "hush", r#"["hush"]"#, r#"{"SPEECH_API_KEY":{"hush":1}}"#, r#"{"SPEECH_API_KEY":"hush"#] {
            let told = parsed("arn:s", wrong).unwrap_err().to_string();
            assert_eq!(told, "SECRETS is malformed: arn:s is no JSON object of strings");
        }
    }
}
