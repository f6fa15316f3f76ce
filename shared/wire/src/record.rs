//! Records of the frame stream: all that happens to a call's audio, in one stream, each carrying what its consumer
//! needs, so that nobody looks a call up to hear it.
//!
//! A record is one version byte, the header's length as a little-endian u32, the header as JSON, and the frame's bytes
//! as they came. JSON keeps headers readable across versions; the bytes keep the audio free of a second base64.

use callboard_audio::{Format, FrameKey};
use callboard_domain::{CallId, Channel, OrgId, PlaybookId, call::EndReason};
use serde::{Deserialize, Serialize};

use crate::connection::{AuthContext, ParameterError, channels_text};

/// First byte of a record.
pub const VERSION: u8 = 1;

/// Largest frame number: a day of the shortest frames, and some.
pub const MAX_SEQ: u32 = 5_000_000;
/// Latest time of receipt: the end of the year 9999, in milliseconds since the Unix epoch.
pub const MAX_RECEIVED_MS: i64 = 253_402_300_799_999;
/// Longest id that a gateway gives a message, in bytes; its own have 16.
const MAX_MESSAGE_ID: usize = 128;

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
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
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
            trace: None,
            event,
        }))
    }

    /// What the frame is ordered by; none where none follows.
    pub fn frame_key(&self) -> Option<FrameKey> {
        match &self.event {
            Event::Audio { seq } => Some(FrameKey::Numbered(*seq)),
            Event::Unnumbered { message } => Some(FrameKey::Received(self.received_ms, message.clone())),
            _ => None,
        }
    }

    /// Whether the client shows with it that it is there.
    pub fn is_sign_of_life(&self) -> bool {
        !matches!(self.event, Event::Gone { .. } | Event::Disconnected | Event::Swept { .. })
    }

    /// Why the call is closed with it, whatever is missing; none if it goes on. `heard_ms` is the latest sign of life: wall
    /// clock, milliseconds since the Unix epoch.
    pub fn closes(&self, heard_ms: i64) -> Option<EndReason> {
        match self.event {
            // A client that cannot come back to its call ends it by leaving.
            Event::Disconnected if !self.resumable => Some(EndReason::Stopped),
            Event::Swept { silent_since_ms } if heard_ms <= silent_since_ms => Some(EndReason::Vanished),
            _ => None,
        }
    }

    /// Whether the call may end with it.
    pub fn may_end(&self) -> bool {
        matches!(self.event, Event::Stop { .. }) || self.closes(i64::MIN).is_some()
    }

    /// What the doors check, once more: a record that came another way must not upset its call.
    fn validate(&self) -> Result<(), String> {
        let format = self.format.validate().map_err(|e| e.to_string())?;
        if usize::from(format.channels) != self.channels.len() {
            return Err("channels do not fit the format".into());
        }
        if self.channels.first() == self.channels.get(1) {
            return Err("two channels are one".into());
        }
        if !(0..=MAX_RECEIVED_MS).contains(&self.received_ms) {
            return Err("it was received at no time that a clock shows".into());
        }
        let highest = match &self.event {
            Event::Audio { seq } | Event::Stop { seq } => *seq,
            Event::Gone { from, to } => *from.max(to),
            Event::Unnumbered { message } if message.len() > MAX_MESSAGE_ID => {
                return Err(format!("a message id is longer than {MAX_MESSAGE_ID} bytes"));
            }
            _ => 0,
        };
        if highest > MAX_SEQ {
            return Err(format!("a frame number is above {MAX_SEQ}"));
        }
        Ok(())
    }

    /// The same for what follows the header.
    fn validate_payload(&self, bytes: usize) -> Result<(), String> {
        match self.event {
            Event::Audio { .. } | Event::Unnumbered { .. } => {
                self.format.validate_frame(bytes).map_err(|e| e.to_string())
            }
            _ if bytes > 0 => Err("bytes follow what is no frame".into()),
            _ => Ok(()),
        }
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
        header.validate().and_then(|()| header.validate_payload(payload.len())).map_err(RecordError::Header)?;
        Ok(Self { header, payload: payload.to_vec() })
    }
}

/// A record of a call of 16 kHz, mono; a frame has 20 ms.
#[cfg(test)]
pub(crate) fn sample(event: Event) -> Record {
    let is_audio = matches!(event, Event::Audio { .. } | Event::Unnumbered { .. });
    Record {
        header: Header {
            org: OrgId::parse("acme").unwrap(),
            call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            connection: Some("c1".into()),
            principal: "key-1".into(),
            playbook: PlaybookId::parse("sales").unwrap(),
            channels: vec![Channel::Agent],
            format: Format { encoding: callboard_audio::Encoding::PcmS16le, sample_rate: 16_000, channels: 1 },
            received_ms: 1_700_000_000_000,
            resumable: true,
            trace: None,
            event,
        },
        payload: if is_audio { [0, 255].repeat(320) } else { Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        sample(Event::Audio { seq: 7 })
    }

    #[test]
    fn a_record_survives_its_bytes() {
        assert_eq!(Record::decode(&record().encode()).unwrap(), record());
    }

    #[test]
    fn a_record_that_is_traced_says_so_and_another_is_as_it_always_was() {
        let trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
        let traced = Record { header: Header { trace, ..record().header }, ..record() };
        assert_eq!(Record::decode(&traced.encode()).unwrap(), traced);
        let other = record().encode();
        assert!(!other.windows(5).any(|bytes| bytes == b"trace"), "older code reads it");
    }

    #[test]
    fn a_record_says_whether_its_call_goes_on() {
        let check = |event: Event, resumable: bool, closes: Option<EndReason>, may_end: bool, is_sign_of_life: bool| {
            let header = Header { resumable, ..sample(event).header };
            let said = (header.closes(50), header.may_end(), header.is_sign_of_life());
            assert_eq!(said, (closes, may_end, is_sign_of_life), "{header:?}");
        };
        check(Event::Audio { seq: 7 }, false, None, false, true);
        check(Event::Unnumbered { message: "m".into() }, false, None, false, true);
        check(Event::Connected, true, None, false, true);
        check(Event::Gone { from: 1, to: 2 }, true, None, false, false);
        check(Event::Stop { seq: 7 }, true, None, true, true);
        check(Event::Disconnected, true, None, false, false);
        check(Event::Disconnected, false, Some(EndReason::Stopped), true, false);
        check(Event::Swept { silent_since_ms: 50 }, true, Some(EndReason::Vanished), true, false);
        // It was heard of since.
        check(Event::Swept { silent_since_ms: 49 }, true, None, true, false);
    }

    #[test]
    fn a_frame_is_ordered_by_its_number_or_else_by_its_receipt() {
        let key = |event| sample(event).header.frame_key();
        assert_eq!(key(Event::Audio { seq: 7 }), Some(FrameKey::Numbered(7)));
        let received = FrameKey::Received(1_700_000_000_000, "m".into());
        assert_eq!(key(Event::Unnumbered { message: "m".into() }), Some(received));
        assert_eq!(key(Event::Stop { seq: 7 }), None);
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

    #[test]
    fn what_no_door_lets_through_is_refused_by_name() {
        let check = |change: &dyn Fn(&mut Record), words: &str| {
            let mut record = record();
            change(&mut record);
            let error = Record::decode(&record.encode()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check(&|it| it.header.received_ms = -1, "at no time");
        check(&|it| it.header.received_ms = i64::MAX, "at no time");
        check(&|it| it.header.event = Event::Stop { seq: MAX_SEQ + 1 }, "above 5000000");
        check(&|it| it.header.event = Event::Stop { seq: 1 }, "bytes follow");
        check(&|it| it.header.event = Event::Unnumbered { message: "m".repeat(129) }, "longer than 128");
        check(&|it| it.header.channels = vec![], "do not fit");
        check(
            &|it| {
                it.header.channels = vec![Channel::Agent; 2];
                it.header.format.channels = 2;
            },
            "two channels are one",
        );
        check(&|it| it.payload.clear(), "a frame of 0 ms");
        check(&|it| it.payload.truncate(639), "no whole number of samples");
        check(&|it| it.payload.resize(24_002, 0), "at most 24000 bytes");
    }
}
