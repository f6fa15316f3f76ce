//! Language models behind the domain's [`LanguageModel`] port.
//!
//! Owns how each service is asked for one JSON object, what its refusals mean, the time limit, and the log line of each
//! request. Does not own the clients, whether an object fits its schema, nor what becomes of a request that failed.

mod answer;
mod anthropic;
#[cfg(feature = "bedrock")]
mod bedrock;
mod exchange;
mod failure;
mod field;
mod openai;

use std::{str::FromStr, sync::Arc, time::Duration};

use callboard_domain::model::LanguageModel;
use reqwest::{Url, header::HeaderValue};

use crate::http;
pub use crate::http::Secret;

/// Far above any answer that is asked for; whatever is larger is none.
const LARGEST_ANSWER: usize = 256 * 1024;
/// Advice is to be the same for the same call.
const TEMPERATURE: f32 = 0.0;

/// Which interface the service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// OpenAI's `/v1/chat/completions`, which many servers offer.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// Amazon Bedrock's Converse, reached as every other AWS service is.
    Bedrock,
}

impl Provider {
    /// The name in settings and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
        }
    }

    /// The vendor's own address; Bedrock's depends on the region.
    fn default_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Bedrock => "",
        }
    }
}

impl FromStr for Provider {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "openai" => Ok(Self::OpenAi),
            "anthropic" => Ok(Self::Anthropic),
            "bedrock" => Ok(Self::Bedrock),
            _ => Err(ConfigError::Provider),
        }
    }
}

/// What is needed to reach a language model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which interface it speaks.
    pub provider: Provider,
    /// Where it is: `https://api.openai.com`, `http://127.0.0.1:8000`; a trailing `/v1` is the same place. Empty for
    /// the provider's own address.
    pub url: String,
    /// The model, as the service knows it. There is no default: vendors retire their models, and one's price is
    /// another's tenfold.
    pub model: String,
    /// Its key. Anthropic needs one; a local server mostly does not; Bedrock takes the function's role without one.
    pub api_key: Option<Secret>,
    /// How long one answer may take, with everything that is tried again.
    pub timeout: Duration,
}

/// What is wrong with a [`Config`]. All of it is for whoever set it: nothing will help but another setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such provider.
    #[error("the model provider must be `none`, `openai`, `anthropic` or `bedrock`")]
    Provider,
    /// The address cannot be used. It may hold no secrets, since addresses get logged.
    #[error("the model's address must be like https://host[:port], without user, query or fragment")]
    Url,
    /// No model is named.
    #[error("the model must be named as its service knows it")]
    Model,
    /// The provider takes nobody without a key.
    #[error("the model provider needs an API key")]
    KeyMissing,
    /// The key cannot be sent in a header: a line break at its end, perhaps.
    #[error("the model's API key is empty or holds characters that no HTTP header can carry")]
    Key,
    /// Bedrock is reached in a region, and none is known.
    #[error("Amazon Bedrock needs a region, such as eu-central-1")]
    Region,
    /// No time at all.
    #[error("the model's timeout must be more than zero")]
    Timeout,
}

/// The service of this configuration, unless it is Bedrock's, which `connect_bedrock` is for. Nothing is sent yet.
/// `http` should be the process's one client; its TLS provider is the caller's choice.
pub fn connect(config: Config, http: reqwest::Client) -> Result<Arc<dyn LanguageModel>, ConfigError> {
    let config = checked(config)?;
    match config.provider {
        Provider::OpenAi => Ok(Arc::new(openai::OpenAi::new(config, http)?)),
        Provider::Anthropic => Ok(Arc::new(anthropic::Anthropic::new(config, http)?)),
        Provider::Bedrock => Err(ConfigError::Provider),
    }
}

/// The model of this configuration on Amazon Bedrock, in the region and by the HTTP client of `sdk`, and with its
/// credentials where no key is configured. Nothing is sent yet.
#[cfg(feature = "bedrock")]
pub fn connect_bedrock(config: Config, sdk: &aws_types::SdkConfig) -> Result<Arc<dyn LanguageModel>, ConfigError> {
    Ok(Arc::new(bedrock::Bedrock::new(checked(config)?, sdk)?))
}

fn checked(mut config: Config) -> Result<Config, ConfigError> {
    if config.timeout.is_zero() {
        return Err(ConfigError::Timeout);
    }
    if config.model.is_empty() {
        return Err(ConfigError::Model);
    }
    if config.api_key.as_ref().is_some_and(|key| key.expose().is_empty()) {
        return Err(ConfigError::Key);
    }
    if config.url.is_empty() {
        config.url = config.provider.default_url().to_owned();
    }
    Ok(config)
}

/// The address of a route below the configured one.
fn endpoint(base: &str, route: &str) -> Result<Url, ConfigError> {
    http::endpoint(base, route).ok_or(ConfigError::Url)
}

/// A header's value that no log shows.
fn secret_header(text: &str) -> Result<HeaderValue, ConfigError> {
    http::secret_header(text).ok_or(ConfigError::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_as_it_prints() {
        for provider in [Provider::OpenAi, Provider::Anthropic, Provider::Bedrock] {
            assert_eq!(provider.as_str().parse(), Ok(provider));
        }
        assert_eq!("none".parse::<Provider>(), Err(ConfigError::Provider));
    }

    #[test]
    fn a_configuration_prints_no_key() {
        let config = Config {
            provider: Provider::OpenAi,
            url: String::new(),
            model: "m".into(),
            api_key: Some(Secret::new("sk-very-secret")),
            timeout: Duration::from_secs(1),
        };
        assert!(format!("{config:?}").contains("api_key: Some(***)"));
        assert!(!format!("{config:#?}").contains("secret"));
    }
}
