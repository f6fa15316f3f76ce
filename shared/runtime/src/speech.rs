//! The transcription service that the settings name, and what a call's playbook tells it.

use std::{sync::Arc, time::Duration};

use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    orgs::Orgs,
    speech::{self, ConfigError, Secret},
    table::Table,
};
use callboard_domain::{OrgId, PlaybookId, settings::RedactionPolicy, speech::Transcriber};

use crate::{Cache, SettingError, Settings, start::http_client};

/// How long a playbook's hints are kept before they are read again.
const HINTS_MS: i64 = 60_000;

/// The service of `SPEECH_PROVIDER`, `SPEECH_URL`, `SPEECH_MODEL`, `SPEECH_API_KEY` and `SPEECH_TIMEOUT_MS`.
pub fn connect(settings: &Settings) -> Result<Arc<dyn Transcriber>, SettingError> {
    let name = |error: &ConfigError| match error {
        ConfigError::Provider => "SPEECH_PROVIDER",
        ConfigError::Url => "SPEECH_URL",
        ConfigError::Model => "SPEECH_MODEL",
        ConfigError::KeyMissing | ConfigError::Key => "SPEECH_API_KEY",
        ConfigError::Timeout => "SPEECH_TIMEOUT_MS",
    };
    let malformed = |error: ConfigError| SettingError::malformed(name(&error), error);
    let provider: speech::Provider =
        settings.optional("SPEECH_PROVIDER").unwrap_or("openai").parse().map_err(malformed)?;
    let config = speech::Config {
        provider,
        url: settings.optional("SPEECH_URL").unwrap_or(provider.default_url()).to_owned(),
        model: settings.optional("SPEECH_MODEL").unwrap_or_default().to_owned(),
        api_key: settings.optional("SPEECH_API_KEY").map(Secret::new),
        timeout: Duration::from_millis(settings.parsed("SPEECH_TIMEOUT_MS", 20_000)?),
    };
    speech::connect(config, http_client()?).map_err(malformed)
}

/// What a playbook tells the transcription service, and what its organization wants of the text.
#[derive(Debug, Default)]
pub struct Hints {
    /// Language tag.
    pub language: Option<String>,
    /// Names and products.
    pub terms: Vec<String>,
    /// What becomes of card numbers and the like.
    pub redaction: RedactionPolicy,
}

/// The hints of every playbook that was asked for lately.
#[derive(Debug)]
pub struct HintBook {
    accounts: Accounts,
    orgs: Orgs,
    known: Cache<(OrgId, PlaybookId), Arc<Hints>>,
}

impl HintBook {
    /// Of the playbooks and organizations in the table `accounts`.
    pub fn new(accounts: Table) -> Self {
        let orgs = Orgs::new(accounts.clone());
        Self { accounts: Accounts::new(accounts), orgs, known: Cache::new(HINTS_MS) }
    }

    /// What a call's playbook tells the transcription service; nothing, where there is no such playbook.
    pub async fn of(&self, org: &OrgId, playbook: &PlaybookId, now_ms: i64) -> Result<Arc<Hints>, ServiceError> {
        let load = async {
            let redaction = self.orgs.settings(org).await?.redaction;
            let found = self.accounts.playbook(org, playbook).await?;
            let (language, terms) = found.map(|found| (Some(found.language), found.terms)).unwrap_or_default();
            Ok(Arc::new(Hints { language, terms, redaction }))
        };
        self.known.get((org.clone(), playbook.clone()), now_ms, load).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_wrong_setting_is_named() {
        let settings = |pairs: &[(&str, &str)]| {
            Settings::from(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
        };
        for (pairs, name) in [
            (vec![("SPEECH_PROVIDER", "siri")], "SPEECH_PROVIDER"),
            (vec![("SPEECH_URL", "nowhere")], "SPEECH_URL"),
            (vec![("SPEECH_PROVIDER", "assemblyai")], "SPEECH_API_KEY"),
            (vec![("SPEECH_TIMEOUT_MS", "soon")], "SPEECH_TIMEOUT_MS"),
            (vec![("SPEECH_TIMEOUT_MS", "0")], "SPEECH_TIMEOUT_MS"),
        ] {
            let error = connect(&settings(&pairs)).err().expect(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
