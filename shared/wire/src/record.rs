//! Records of the frame stream: all that happens to a call's audio, in one stream, each carrying what its consumer
//! needs, so that nobody looks a call up to hear it.
//!
//! A record is one version byte, the header's length as a little-endian u32, the header as JSON, and the frame's bytes
//! as they came. JSON keeps headers readable across versions; the bytes keep the audio free of a second base64.

use callboard_audio::Format;
use callboard_domain::{CallId, Channel, OrgId, PlaybookId};
use serde::{Deserialize, Serialize};

use crate::connection::{AuthContext, ParameterError, channels_text};

/// First byte of a record.
pub const VERSION: u8 = 1;

/// Largest frame number: a day of the shortest frames, and some.
pub const MAX_SEQ: u32 = 5_000_000;

/// What a record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Event {
    /// A numbered frame; its bytes follow the header.
    Audio {
        /// Number within the call.
        seq: u32,
    },
    /// A frame of a client that does not number; ordered by receipt, then by the gateway's message id.
    Unnumbered {
        /// API Gateway's message id.
        message: String,
    },
    /// The call is over after this frame.
    Stop {
        /// Number of the last frame.
        seq: u32,
    },
    /// The client no longer has these frames.
    Gone {
        /// First of them.
        from: u32,
        /// Last of them.
        to: u32,
    },
    /// A capture connection opened that can be come back to: the call is known from here on, audio or not.
    Connected,
    /// The capture connection closed.
    Disconnected,
    /// Nothing was heard of the call for the grace: end it.
    Swept {
        /// A sign of life later than this keeps the call open: wall clock, ms.
        silent_since_ms: i64,
    },
}

/// The header of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// The connection it came over; none for the sweeper's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Whose key or login captures.
    pub principal: String,
    /// The call's playbook.
    pub playbook: PlaybookId,
    /// The call's channels.
    pub channels: Vec<Channel>,
    /// The call's format.
    pub format: Format,
    /// When the gateway received it: wall clock, milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// False for a client that cannot come back to its call: its disconnect ends the call.
    pub resumable: bool,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Header {
    /// The header of what comes over a capture connection; none for a connection that captures nothing.
    ///
    /// # Errors
    /// The context's parameters do not fit; the authorizer lets none such through.
    pub fn of(
        context: &AuthContext,
        connection: &str,
        received_ms: i64,
        event: Event,
    ) -> Result<Option<Self>, ParameterError> {
        let Some((call, capture)) = context.capture()? else { return Ok(None) };
        let org = OrgId::parse(&context.org).map_err(|e| ParameterError { name: "org", problem: e.to_string() })?;
        Ok(Some(Self {
            org,
            call,
            connection: Some(connection.to_owned()),
            principal: context.principal.clone(),
            playbook: capture.playbook,
            channels: capture.channels,
            format: capture.format,
            received_ms,
            resumable: capture.call.is_some(),
            event,
        }))
    }

    /// What the doors check, once more: a record that came another way must not upset its call.
    fn validate(&self) -> Result<(), String> {
        let format = self.format.validate().map_err(|e| e.to_string())?;
        if usize::from(format.channels) != self.channels.len() {
            return Err("channels do not fit the format".into());
        }
        let highest = match self.event {
            Event::Audio { seq } | Event::Stop { seq } => seq,
            Event::Gone { from, to } => from.max(to),
            _ => 0,
        };
        if highest > MAX_SEQ {
            return Err(format!("a frame number is above {MAX_SEQ}"));
        }
        Ok(())
    }

    /// What a later connection must state alike to go on with this call.
    pub fn parameters(&self) -> String {
        let Format { encoding, sample_rate, .. } = self.format;
        let encoding = serde_json::to_value(encoding).ok();
        let encoding = encoding.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
        format!("{encoding} {sample_rate} {} {}", channels_text(&self.channels), self.playbook)
    }
}

/// A record, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What happened to which call.
    pub header: Header,
    /// The frame's bytes; empty for anything but audio.
    pub payload: Vec<u8>,
}

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by another version of this code.
    #[error("record version {0} is not known")]
    Version(u8),
    /// Shorter than it says.
    #[error("record is cut off")]
    CutOff,
    /// The header is not what it should be. The text names fields, never their values.
    #[error("record header cannot be read: {0}")]
    Header(String),
}

impl Record {
    /// The partition key: everything of one call stays in order.
    pub fn partition_key(&self) -> String {
        format!("{}#{}", self.header.org, self.header.call)
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&self.header).unwrap_or_default();
        let mut bytes = Vec::with_capacity(5 + header.len() + self.payload.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (&version, rest) = bytes.split_first().ok_or(RecordError::CutOff)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::CutOff)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (header, payload) = rest.split_at_checked(length).ok_or(RecordError::CutOff)?;
        let header: Header = serde_json::from_slice(header).map_err(|e| RecordError::Header(e.to_string()))?;
        header.validate().map_err(RecordError::Header)?;
        Ok(Self { header, payload: payload.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use callboard_audio::Encoding;

    use super::*;

    fn record() -> Record {
        Record {
            header: Header {
                org: OrgId::parse("acme").unwrap(),
                call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
                connection: Some("c1".into()),
                principal: "key-1".into(),
                playbook: PlaybookId::parse("sales").unwrap(),
                channels: vec![Channel::Agent],
                format: Format { encoding: Encoding::PcmS16le, sample_rate: 16_000, channels: 1 },
                received_ms: 1_700_000_000_000,
                resumable: true,
                event: Event::Audio { seq: 7 },
            },
            payload: vec![0, 255, 10],
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        assert_eq!(Record::decode(&record().encode()).unwrap(), record());
    }

    #[test]
    fn damaged_records_are_refused_by_name() {
        let bytes = record().encode();
        assert_eq!(Record::decode(&[]), Err(RecordError::CutOff));
        assert_eq!(Record::decode(&[9, 0, 0]), Err(RecordError::Version(9)));
        assert_eq!(Record::decode(&bytes[..40]), Err(RecordError::CutOff));
        assert_eq!(Record::decode(&[1, 255, 255, 255, 255, 1]), Err(RecordError::CutOff));
        assert!(matches!(Record::decode(&[1, 2, 0, 0, 0, b'{', b'}']), Err(RecordError::Header(_))));
    }
}
