//! An utterance that has to wait for the transcription service: what the queue carries of it, and where and how its
//! audio is kept meanwhile. Nothing here holds a spoken word but the audio itself.

use callboard_domain::{CallId, Channel, OrgId, Placeholder, PlaybookId, Segment, SegmentTimes, redaction::Topic};
use serde::{Deserialize, Serialize};

/// The version of the message that this code writes and reads.
pub const VERSION: u32 = 1;

/// The message: everything that its consumer needs. Fields that are not known here are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeferredUtterance {
    /// See [`VERSION`].
    pub version: u32,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Who captures the call.
    pub principal: String,
    /// Playbook of the call.
    pub playbook: PlaybookId,
    /// Who spoke.
    pub channel: Channel,
    /// Where the utterance begins, in milliseconds of media time. With the channel, its key within the call.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Where its audio begins, which is a little before the utterance.
    pub audio_start_ms: u64,
    /// Samples a second of its audio, in Hz.
    pub sample_rate: u32,
    /// The object that holds its audio: see [`to_bytes`].
    pub audio: String,
    /// The times that are known so far: spoken, received, and the silence that closed it.
    pub times: SegmentTimes,
    /// What was spoken of before it, for redaction. Older messages do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// Why a message or its audio cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeferredError {
    /// No such message.
    #[error("the message is not what this version expects: {0}")]
    Malformed(String),
    /// Written by a version of this code that is not this one.
    #[error("the message is of version {0}, not {VERSION}")]
    Version(u32),
    /// Half a sample is too much, or not enough.
    #[error("the audio is cut off")]
    CutOff,
}

impl DeferredUtterance {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, DeferredError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| DeferredError::Malformed(error.to_string());
        let Versioned { version } = serde_json::from_str(text).map_err(malformed)?;
        if version != VERSION {
            return Err(DeferredError::Version(version));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// The message as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What stands in the transcript until the text is there.
    pub fn segment(&self, placeholder: Placeholder, now_ms: i64) -> Segment {
        Segment {
            call: self.call.clone(),
            channel: self.channel,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            text: placeholder.text().to_owned(),
            words: Vec::new(),
            is_final: false,
            placeholder: Some(placeholder),
            masked: Vec::new(),
            provisional: false,
            times: SegmentTimes { stored: now_ms, ..self.times },
        }
    }
}

/// Where the audio of an utterance is kept: the same place however often it is deferred.
pub fn audio_key(org: &OrgId, call: &CallId, start_ms: u64, channel: Channel) -> String {
    format!("deferred/{org}/{call}/{start_ms:010}-{}", channel.as_str())
}

/// Samples as they are kept: mono, 16 bit, signed, little-endian, and nothing else.
pub fn to_bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// The way back.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<i16>, DeferredError> {
    let (samples, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DeferredError::CutOff);
    }
    Ok(samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance() -> DeferredUtterance {
        let (org, call) = (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap());
        DeferredUtterance {
            version: VERSION,
            audio: audio_key(&org, &call, 1_040, Channel::Customer),
            org,
            call,
            principal: "desk-1".into(),
            playbook: PlaybookId::parse("sales").unwrap(),
            channel: Channel::Customer,
            start_ms: 1_040,
            end_ms: 2_400,
            audio_start_ms: 880,
            sample_rate: 16_000,
            times: SegmentTimes { spoken: 5, received: 6, closing_ms: 608, ..SegmentTimes::default() },
            topics: Vec::new(),
            trace: None,
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_may_say_more() {
        let text = utterance().to_json();
        assert_eq!(DeferredUtterance::parse(&text), Ok(utterance()));
        let more = text.replacen('{', r#"{"since":"a later version","#, 1);
        assert_eq!(DeferredUtterance::parse(&more), Ok(utterance()));
        assert_eq!(utterance().audio, "deferred/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV/0000001040-customer");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let later = utterance().to_json().replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(DeferredUtterance::parse(&later), Err(DeferredError::Version(2)));
        for text in ["", "{}", "[1]", r#"{"version":1}"#] {
            assert!(matches!(DeferredUtterance::parse(text), Err(DeferredError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn samples_are_kept_as_they_are() {
        let pcm = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(from_bytes(&to_bytes(&pcm)), Ok(pcm.to_vec()));
        assert_eq!(from_bytes(&[1, 2, 3]), Err(DeferredError::CutOff));
    }
}
