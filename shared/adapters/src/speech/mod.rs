//! Transcription services behind the domain's [`Transcriber`] port.
//!
//! Owns how each service is addressed, what it is told of the call, what is tried again within one utterance's time,
//! and the log line of each utterance. Does not own the HTTP client, nor what becomes of an utterance that failed.

mod answer;
mod assemblyai;
mod deepgram;
mod exchange;
mod failure;
mod hints;
mod openai;
pub mod prerecorded;
mod wav;

use std::{str::FromStr, sync::Arc, time::Duration};

use callboard_domain::speech::Transcriber;
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    multipart::Part,
};

use crate::http;
pub use crate::http::Secret;

/// Which interface the service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// OpenAI's `/v1/audio/transcriptions`, which many servers offer, our local one among them.
    OpenAi,
    /// AssemblyAI's Sync API.
    AssemblyAi,
    /// Deepgram's `/v1/listen`.
    Deepgram,
}

impl Provider {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::AssemblyAi, Self::Deepgram];

    /// The name in settings and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::AssemblyAi => "assemblyai",
            Self::Deepgram => "deepgram",
        }
    }

    /// The vendor's own address.
    pub fn default_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com",
            Self::AssemblyAi => "https://sync.assemblyai.com",
            Self::Deepgram => "https://api.deepgram.com",
        }
    }

    /// The model that the vendor's own address surely has.
    pub fn default_model(self) -> &'static str {
        match self {
            Self::OpenAi => "whisper-1",
            Self::AssemblyAi => "universal-3-5-pro",
            Self::Deepgram => "nova-3",
        }
    }
}

impl FromStr for Provider {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text).ok_or(ConfigError::Provider)
    }
}

/// What is needed to reach a transcription service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which interface it speaks.
    pub provider: Provider,
    /// Where it is: `https://api.openai.com`, `http://127.0.0.1:8090`; a trailing `/v1` is the same place.
    pub url: String,
    /// Its model. An empty name means the provider's default.
    pub model: String,
    /// Its key. AssemblyAI and Deepgram need one; a local server mostly does not.
    pub api_key: Option<Secret>,
    /// How long one utterance may take, with everything that is tried again.
    pub timeout: Duration,
}

impl Config {
    /// The key, for a provider that takes nobody without one.
    fn required_key(&self) -> Result<Secret, ConfigError> {
        self.api_key.clone().filter(|key| !key.expose().is_empty()).ok_or(ConfigError::KeyMissing)
    }
}

/// What is wrong with a [`Config`]. All of it is for whoever set it: nothing will help but another setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such provider.
    #[error("the speech provider must be `openai`, `assemblyai` or `deepgram`")]
    Provider,
    /// The address cannot be used. It may hold no secrets, since addresses get logged.
    #[error("the speech address must be like https://host[:port], without user, query or fragment")]
    Url,
    /// The model's name cannot be sent in a header.
    #[error("the speech model's name must be plain printable ASCII")]
    Model,
    /// The provider takes nobody without a key.
    #[error("the speech provider needs an API key")]
    KeyMissing,
    /// The key cannot be sent in a header: a line break at its end, perhaps.
    #[error("the speech API key is empty or holds characters that no HTTP header can carry")]
    Key,
    /// No time at all.
    #[error("the speech timeout must be more than zero")]
    Timeout,
}

/// The service of this configuration. Nothing is sent yet. `http` should be the process's one client; its TLS provider
/// is the caller's choice.
pub fn connect(mut config: Config, http: reqwest::Client) -> Result<Arc<dyn Transcriber>, ConfigError> {
    if config.timeout.is_zero() {
        return Err(ConfigError::Timeout);
    }
    if config.model.is_empty() {
        config.model = config.provider.default_model().to_owned();
    }
    match config.provider {
        Provider::OpenAi => Ok(Arc::new(openai::OpenAi::new(config, http)?)),
        Provider::AssemblyAi => Ok(Arc::new(assemblyai::AssemblyAi::new(config, http)?)),
        Provider::Deepgram => Ok(Arc::new(deepgram::Deepgram::new(config, http)?)),
    }
}

/// The address of a route below the configured one.
fn endpoint(base: &str, route: &str) -> Result<Url, ConfigError> {
    http::endpoint(base, route).ok_or(ConfigError::Url)
}

/// A part of a form with its media type.
fn typed(part: Part, media_type: &'static str) -> Part {
    part.headers(HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]))
}

/// A header's value that no log shows.
fn secret_header(text: &str) -> Result<HeaderValue, ConfigError> {
    http::secret_header(text).ok_or(ConfigError::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_prints_no_key() {
        let config = Config {
            provider: Provider::OpenAi,
            url: "http://h".into(),
            model: "m".into(),
            api_key: Some(Secret::new("sk-very-secret")),
            timeout: Duration::from_secs(1),
        };
        assert!(format!("{config:?}").contains("api_key: Some(***)"));
        assert!(!format!("{config:#?}").contains("secret"));
    }

    #[test]
    fn a_provider_is_named_as_it_prints() {
        for provider in Provider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
            let told = ConfigError::Provider.to_string();
            assert!(told.contains(&format!("`{}`", provider.as_str())), "{told}");
        }
        assert_eq!("siri".parse::<Provider>(), Err(ConfigError::Provider));
    }
}
