//! What a socket connection states when it opens, and the context that the authorizer hands to its messages.

use callboard_audio::{Encoding, Format};
use callboard_domain::{CallId, Channel, PlaybookId, permissions::Role};
use serde::{Deserialize, Serialize};

/// The playbook of a call that names none.
pub const DEFAULT_PLAYBOOK: &str = "sales";

/// What a capture connection states about its call: query parameters of the connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// The call; none when the client states none, which then gets one of its own.
    pub call: Option<CallId>,
    /// Encoding, rate and number of channels.
    pub format: Format,
    /// Who is on which channel, in interleaving order.
    pub channels: Vec<Channel>,
    /// The playbook the call is held against.
    pub playbook: PlaybookId,
}

/// A parameter that does not fit, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter {name}: {problem}")]
pub struct ParameterError {
    /// Name of the query parameter.
    pub name: &'static str,
    /// What is wrong with it and what to do.
    pub problem: String,
}

fn wrong(name: &'static str, problem: impl std::fmt::Display) -> ParameterError {
    ParameterError { name, problem: problem.to_string() }
}

impl Capture {
    /// Reads the parameters through a lookup by name. What is left out takes the value that the older clients have:
    /// PCM s16le, 16 kHz, mono, channel agent, playbook `sales`; mu-law has 8 kHz.
    pub fn from_query<'a>(query: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ParameterError> {
        let call = query("call").map(CallId::parse).transpose().map_err(|e| wrong("call", e))?;
        let encoding = query("encoding").unwrap_or(Encoding::PcmS16le.as_str());
        let encoding = Encoding::parse(encoding).ok_or_else(|| {
            let known = "use pcm_s16le, mulaw or opus";
            wrong("encoding", format!("\"{}\" is not supported: {known}", brief(encoding)))
        })?;
        let sample_rate = match query("sample_rate") {
            None => encoding.default_rate(),
            Some(rate) => rate.parse().map_err(|_| {
                wrong("sample_rate", format!("\"{}\" is no number of Hz: use 8000 to 48000", brief(rate)))
            })?,
        };
        let channels = parse_channels(query("channels").unwrap_or("agent"))?;
        let format = Format { encoding, sample_rate, channels: channels.len() as u8 }
            .validate()
            .map_err(|e| wrong("sample_rate", e))?;
        let playbook =
            PlaybookId::parse(query("playbook").unwrap_or(DEFAULT_PLAYBOOK)).map_err(|e| wrong("playbook", e))?;
        Ok(Self { call, format, channels, playbook })
    }
}

fn parse_channels(text: &str) -> Result<Vec<Channel>, ParameterError> {
    let usage = "name one or both of agent and customer, each once, as in channels=agent,customer";
    let mut channels = Vec::new();
    for name in text.split(',') {
        match Channel::parse(name) {
            Some(channel) if !channels.contains(&channel) => channels.push(channel),
            _ => return Err(wrong("channels", format!("\"{}\" does not fit: {usage}", brief(text)))),
        }
    }
    Ok(channels)
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The channels as the parameter spells them.
pub fn channels_text(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(",")
}

/// What a principal is, and so how one finds out whether it still gets in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A device or a script.
    #[default]
    Key,
    /// A person with an account here.
    User,
    /// A person that another issuer vouches for.
    Federated,
    /// Whoever shows nothing, where that is allowed.
    Anonymous,
}

/// What the authorizer returns and API Gateway hands to every message of the connection, and to REST requests:
/// strings only, as API Gateway requires of scalars it passes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthContext {
    /// Organization.
    pub org: String,
    /// Whose key or login this is.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// What it is.
    #[serde(default)]
    pub kind: PrincipalKind,
    /// A person's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How many requests a minute it has, where that is not what all have; 0 for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<String>,
    /// The call that this connection captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// `true` when the client chose the call id itself, so it can come back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumable: Option<String>,
    /// Encoding of its audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Sample rate of its audio, in Hz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<String>,
    /// Channels of its audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<String>,
    /// Playbook of its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// A parameter that does not fit: `$connect` refuses the connection with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl AuthContext {
    /// The context of a key that captures nothing.
    pub fn new(org: &str, principal: &str, role: Role) -> Self {
        Self {
            org: org.to_owned(),
            principal: principal.to_owned(),
            role,
            kind: PrincipalKind::Key,
            session: None,
            requests_per_minute: None,
            call: None,
            resumable: None,
            encoding: None,
            sample_rate: None,
            channels: None,
            playbook: None,
            refusal: None,
        }
    }

    /// The same of a person.
    #[must_use]
    pub fn of_person(self, kind: PrincipalKind, session: Option<&str>) -> Self {
        Self { kind, session: session.map(str::to_owned), ..self }
    }

    /// The same of a principal that makes as many requests as it likes.
    #[must_use]
    pub fn unlimited(self) -> Self {
        Self { requests_per_minute: Some("0".to_owned()), ..self }
    }

    /// Adds what is captured, under the call id that was stated or chosen for it.
    pub fn capturing(mut self, capture: &Capture, call: &CallId) -> Self {
        self.call = Some(call.to_string());
        self.resumable = capture.call.as_ref().map(|_| "true".to_owned());
        self.encoding = Some(capture.format.encoding.as_str().to_owned());
        self.sample_rate = Some(capture.format.sample_rate.to_string());
        self.channels = Some(channels_text(&capture.channels));
        self.playbook = Some(capture.playbook.to_string());
        self
    }

    /// What this connection captures, if it does.
    pub fn capture(&self) -> Result<Option<(CallId, Capture)>, ParameterError> {
        let Some(call) = &self.call else { return Ok(None) };
        let call = CallId::parse(call).map_err(|e| wrong("call", e))?;
        let capture = Capture::from_query(|name| match name {
            "encoding" => self.encoding.as_deref(),
            "sample_rate" => self.sample_rate.as_deref(),
            "channels" => self.channels.as_deref(),
            "playbook" => self.playbook.as_deref(),
            "call" if self.resumable.is_some() => self.call.as_deref(),
            _ => None,
        })?;
        Ok(Some((call, capture)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Capture, String> {
        Capture::from_query(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_client_that_states_nothing_is_an_older_one() {
        let capture = parse(&[]).unwrap();
        assert_eq!((capture.format.sample_rate, capture.channels.as_slice()), (16_000, &[Channel::Agent][..]));
        assert_eq!(capture.playbook.as_str(), "sales");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (name, value, expected) in [
            ("call", "1", "parameter call: call \"1\" is not valid"),
            ("encoding", "opus2", "parameter encoding: \"opus2\" is not supported: use pcm_s16le, mulaw or opus"),
            ("sample_rate", "fast", "parameter sample_rate: \"fast\" is no number of Hz"),
            ("sample_rate", "96000", "parameter sample_rate: sample_rate 96000 is not supported"),
            ("channels", "agent,agent", "parameter channels: \"agent,agent\" does not fit"),
            ("channels", "left,right", "parameter channels: \"left,right\" does not fit"),
            ("playbook", "A B", "parameter playbook: playbook \"A B\" is not valid"),
        ] {
            let message = parse(&[(name, value)]).unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn an_encoding_and_its_rate_go_together() {
        let format =
            |pairs: &[(&str, &str)]| parse(pairs).map(|capture| (capture.format.encoding, capture.format.sample_rate));
        assert_eq!(format(&[("encoding", "mulaw")]), Ok((Encoding::Mulaw, 8_000)));
        assert_eq!(format(&[("encoding", "opus")]), Ok((Encoding::Opus, 16_000)));
        assert_eq!(format(&[("encoding", "opus"), ("sample_rate", "48000")]), Ok((Encoding::Opus, 48_000)));
        for (encoding, rate, words) in
            [("mulaw", "16000", "with mulaw: it has 8000 Hz"), ("opus", "44100", "with opus: use 8000, 12000")]
        {
            let message = format(&[("encoding", encoding), ("sample_rate", rate)]).unwrap_err();
            assert!(message.starts_with("parameter sample_rate: ") && message.contains(words), "{message}");
        }
    }

    #[test]
    fn the_context_carries_a_capture_unchanged() {
        for encoding in Encoding::ALL {
            let capture = parse(&[
                ("call", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                ("encoding", encoding.as_str()),
                ("sample_rate", "8000"),
                ("channels", "customer,agent"),
            ])
            .unwrap();
            let call = capture.call.clone().unwrap();
            let context = AuthContext::new("acme", "key-1", Role::Capture).capturing(&capture, &call);
            assert_eq!(context.capture().unwrap(), Some((call, capture)));
        }
    }
}
