//! The language model that the settings name, if they name one.

use std::{sync::Arc, time::Duration};

use callboard_adapters::model::{self, Config, ConfigError, Provider, Secret};
use callboard_domain::model::LanguageModel;

use crate::{SettingError, Start, start::http_client};

/// The model of `MODEL_PROVIDER`, `MODEL_URL`, `MODEL_NAME`, `MODEL_API_KEY` and `MODEL_TIMEOUT_MS`; nothing where the
/// provider is `none` or not set. Nothing is sent yet.
pub fn connect(start: &Start) -> Result<Option<Arc<dyn LanguageModel>>, SettingError> {
    let settings = &start.settings;
    let provider: Provider = match settings.optional("MODEL_PROVIDER").unwrap_or("none") {
        "none" => return Ok(None),
        name => name.parse().map_err(malformed)?,
    };
    let config = Config {
        provider,
        url: settings.optional("MODEL_URL").unwrap_or_default().to_owned(),
        model: settings.required("MODEL_NAME")?.to_owned(),
        api_key: settings.optional("MODEL_API_KEY").map(Secret::new),
        timeout: Duration::from_millis(settings.parsed("MODEL_TIMEOUT_MS", 60_000)?),
    };
    let connected = match provider {
        Provider::Bedrock => model::connect_bedrock(config, &start.sdk),
        Provider::OpenAi | Provider::Anthropic => model::connect(config, http_client()?),
    };
    connected.map(Some).map_err(malformed)
}

fn malformed(error: ConfigError) -> SettingError {
    let name = match error {
        ConfigError::Provider => "MODEL_PROVIDER",
        ConfigError::Url => "MODEL_URL",
        ConfigError::Model => "MODEL_NAME",
        ConfigError::KeyMissing | ConfigError::Key => "MODEL_API_KEY",
        ConfigError::Region => "AWS_REGION",
        ConfigError::Timeout => "MODEL_TIMEOUT_MS",
    };
    SettingError::malformed(name, error)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_config::BehaviorVersion;
    use aws_types::SdkConfig;

    use super::*;
    use crate::{Clock, Settings, Watch};

    fn connected(pairs: &[(&str, &str)]) -> Result<bool, SettingError> {
        let settings = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>();
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_types::region::Region::new("eu-central-1"))
            .build();
        let start =
            Start { settings: Settings::from(settings), sdk, clock: Clock::from_fn(|| 0), watch: Watch::default() };
        Ok(connect(&start)?.is_some())
    }

    #[test]
    fn there_is_no_model_unless_one_is_named() {
        assert_eq!(connected(&[]), Ok(false));
        assert_eq!(connected(&[("MODEL_PROVIDER", ""), ("MODEL_NAME", "m")]), Ok(false));
        assert_eq!(connected(&[("MODEL_PROVIDER", "none"), ("MODEL_TIMEOUT_MS", "soon")]), Ok(false));
        for provider in ["openai", "anthropic", "bedrock"] {
            let pairs = [("MODEL_PROVIDER", provider), ("MODEL_NAME", "m"), ("MODEL_API_KEY", "k")];
            assert_eq!(connected(&pairs), Ok(true), "{provider}");
        }
        assert_eq!(connected(&[("MODEL_PROVIDER", "openai"), ("MODEL_NAME", "m")]), Ok(true));
        assert_eq!(connected(&[("MODEL_PROVIDER", "bedrock"), ("MODEL_NAME", "m")]), Ok(true));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        fn check(provider: &str, pair: (&str, &str), expected: &str) {
            let pairs = [("MODEL_PROVIDER", provider), ("MODEL_NAME", "m"), pair];
            let told = connected(&pairs).expect_err(expected).to_string();
            assert!(told.starts_with(expected), "{told}");
            assert!(pair.1.trim().is_empty() || !told.contains(pair.1), "{told}");
        }
        check("clippy", ("MODEL_URL", ""), "MODEL_PROVIDER is malformed: the model provider must be `none`, `openai`");
        check("anthropic", ("MODEL_API_KEY", ""), "MODEL_API_KEY is malformed: the model provider needs an API key");
        for provider in ["openai", "anthropic", "bedrock"] {
            check(provider, ("MODEL_NAME", " "), "MODEL_NAME is not set");
            check(provider, ("MODEL_TIMEOUT_MS", "soon"), "MODEL_TIMEOUT_MS is malformed");
            check(
                provider,
                ("MODEL_TIMEOUT_MS", "0"),
                "MODEL_TIMEOUT_MS is malformed: the model's timeout must be more",
            );
            check(provider, ("MODEL_API_KEY", "sk-1\n2"), "MODEL_API_KEY is malformed");
        }
        let keyed =
            |url| [("MODEL_PROVIDER", "bedrock"), ("MODEL_NAME", "m"), ("MODEL_API_KEY", "k"), ("MODEL_URL", url)];
        for provider in ["openai", "anthropic", "bedrock"] {
            let mut pairs = keyed("nowhere");
            pairs[0].1 = provider;
            let told = connected(&pairs).expect_err("no address").to_string();
            assert!(told.starts_with("MODEL_URL is malformed: the model's address must be like https://"), "{told}");
        }
    }
}
