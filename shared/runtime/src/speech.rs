//! The transcription service that the settings name, and what a call's playbook tells it.

use std::{sync::Arc, time::Duration};

use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    orgs::Orgs,
    speech::{
        self, ConfigError, Secret,
        prerecorded::{self, Prerecorded, PrerecordedConfig, Webhook},
    },
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

/// The service that works on whole recordings, where `RECORDINGS_ENGINE` is `assemblyai`; none where it is `parts` or not
/// set. Reads `RECORDINGS_URL` and `RECORDINGS_MODEL` (the vendor's own by default), `RECORDINGS_API_KEY` (else
/// `SPEECH_API_KEY`), `SPEECH_TIMEOUT_MS`, and for a service that may tell when it is done `RECORDINGS_HOOK_URL` and
/// `RECORDINGS_HOOK_SECRET`.
pub fn prerecorded(settings: &Settings) -> Result<Option<Prerecorded>, SettingError> {
    match settings.optional("RECORDINGS_ENGINE").unwrap_or("parts") {
        "parts" => return Ok(None),
        "assemblyai" => {}
        _ => return Err(SettingError::malformed("RECORDINGS_ENGINE", "use parts or assemblyai")),
    }
    let name = |error: &ConfigError| match error {
        ConfigError::Provider => "RECORDINGS_ENGINE",
        ConfigError::Url => "RECORDINGS_URL",
        ConfigError::Model => "RECORDINGS_MODEL",
        ConfigError::KeyMissing | ConfigError::Key => "RECORDINGS_API_KEY",
        ConfigError::Timeout => "SPEECH_TIMEOUT_MS",
    };
    let malformed = |error: ConfigError| SettingError::malformed(name(&error), error);
    let key = settings.optional("RECORDINGS_API_KEY").or(settings.optional("SPEECH_API_KEY"));
    let secret = settings.optional("RECORDINGS_HOOK_SECRET");
    let config = PrerecordedConfig {
        url: settings.optional("RECORDINGS_URL").unwrap_or(prerecorded::DEFAULT_URL).to_owned(),
        api_key: Secret::new(key.unwrap_or_default()),
        model: settings.optional("RECORDINGS_MODEL").unwrap_or_default().to_owned(),
        timeout: Duration::from_millis(settings.parsed("SPEECH_TIMEOUT_MS", 20_000)?),
        webhook: secret
            .map(|secret| {
                let url = settings.required("RECORDINGS_HOOK_URL")?.to_owned();
                Ok(Webhook { url, secret: Secret::new(secret) })
            })
            .transpose()?,
    };
    Prerecorded::new(config, http_client()?).map(Some).map_err(malformed)
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

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn recordings_are_worked_on_in_parts_unless_a_service_is_set() {
        let whole = ("RECORDINGS_ENGINE", "assemblyai");
        let key = ("SPEECH_API_KEY", "key");
        for pairs in [vec![], vec![("RECORDINGS_ENGINE", "parts")], vec![("RECORDINGS_URL", "nowhere")]] {
            assert!(prerecorded(&settings(&pairs)).unwrap().is_none(), "{pairs:?}");
        }
        assert!(prerecorded(&settings(&[whole, key])).unwrap().is_some());
        assert!(prerecorded(&settings(&[whole, ("RECORDINGS_API_KEY", "key")])).unwrap().is_some());
        for (pairs, name) in [
            (vec![("RECORDINGS_ENGINE", "best")], "RECORDINGS_ENGINE"),
            (vec![whole], "RECORDINGS_API_KEY"),
            (vec![whole, key, ("RECORDINGS_URL", "nowhere")], "RECORDINGS_URL"),
            (vec![whole, key, ("RECORDINGS_HOOK_SECRET", "secret")], "RECORDINGS_HOOK_URL"),
            (vec![whole, key, ("SPEECH_TIMEOUT_MS", "0")], "SPEECH_TIMEOUT_MS"),
        ] {
            let error = prerecorded(&settings(&pairs)).expect_err(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (pairs, name) in [
            (vec![("SPEECH_PROVIDER", "siri")], "SPEECH_PROVIDER"),
            (vec![("SPEECH_URL", "nowhere")], "SPEECH_URL"),
            (vec![("SPEECH_PROVIDER", "assemblyai")], "SPEECH_API_KEY"),
            (vec![("SPEECH_PROVIDER", "deepgram")], "SPEECH_API_KEY"),
            (vec![("SPEECH_TIMEOUT_MS", "soon")], "SPEECH_TIMEOUT_MS"),
            (vec![("SPEECH_TIMEOUT_MS", "0")], "SPEECH_TIMEOUT_MS"),
        ] {
            let error = connect(&settings(&pairs)).err().expect(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
