//! A call between two batches: its session and the little beside it that the next batch needs.

mod packed;

use std::collections::BTreeSet;

use callboard_adapters::live::Version;
use callboard_audio::{
    Checkpoint, Session,
    session::{
        CheckpointError,
        stored::{self, Held, Parts},
    },
};
use callboard_domain::{CallStatus, call::EndReason, redaction::Pending};
use callboard_runtime::seal::Seal;
use callboard_wire::record::Header;
use serde::{Deserialize, Serialize};

use crate::partial::AllShown;
pub use packed::Stored;
use packed::{deflate, inflate, split};

/// Sentences that are handed to the transcription service as context.
const CONTEXT_SENTENCES: usize = 4;
/// What a deflated text begins with when it is sealed; JSON cannot.
const DEFLATED: &[u8] = &[0];

/// A call in the hands of an environment.
pub struct CallState {
    /// The version that this state was read from or written as; 0 before the first.
    pub version: u64,
    /// The session.
    pub session: Session,
    /// The rest.
    pub extra: Extra,
    /// Which stored version holds the bytes of each frame that the session needs.
    pub held: Held,
    /// What redaction remembers of each channel. It holds what was masked: it is stored sealed, or not at all.
    pub pending: Vec<Pending>,
    /// Until when this invocation asks the transcription service, wall clock, ms: what it comes to later has to wait, so
    /// that a slow service does not use up the time that the function has.
    pub ask_until_ms: i64,
}

/// What is kept beside the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extra {
    /// The header of the call's first record: what the call was begun with.
    pub header: Header,
    /// The last sentences, oldest first.
    pub context: Vec<String>,
    /// The call's status.
    pub status: CallStatus,
    /// When it ended (wall clock, ms) and why, if it has.
    #[serde(default)]
    pub end: Option<(i64, EndReason)>,
    /// Whether the call's item is known to say so. It is told after the version that decided it is stored, so by one
    /// environment only; a version of which that is not known is told again.
    #[serde(default)]
    pub told: bool,
    /// Latest sign of life: wall clock, ms.
    pub heard_ms: i64,
    /// The sign of life that the sweeper was told of: wall clock, ms.
    pub noted_ms: i64,
    /// What was acknowledged last, and when: wall clock, ms.
    pub acked: Option<(u32, i64)>,
    /// When missing frames were last asked for: wall clock, ms.
    pub asked_ms: i64,
    /// First of the missing frames that were last asked for…
    #[serde(default)]
    pub asked_from: u32,
    /// …and how often they were, as far as that counts…
    #[serde(default)]
    pub asks: u32,
    /// …and when that was counted last: wall clock, ms.
    #[serde(default)]
    pub ask_counted_ms: i64,
    /// The client left and cannot come back: whatever is heard from now on was overtaken by its disconnect.
    #[serde(default)]
    pub left: bool,
    /// The connection that the last frame came over.
    pub connection: Option<String>,
    /// What is shown of utterances that are open.
    #[serde(default, skip_serializing_if = "AllShown::is_empty")]
    pub partials: AllShown,
    /// What redaction remembers, sealed; none where it remembers nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

impl CallState {
    /// A call that begins with this record.
    pub fn begin(header: &Header) -> Self {
        let extra = Extra {
            header: Header { trace: None, ..header.clone() },
            context: Vec::new(),
            status: CallStatus::Live,
            end: None,
            told: true,
            heard_ms: header.received_ms,
            noted_ms: 0,
            acked: None,
            asked_ms: 0,
            asked_from: 0,
            asks: 0,
            ask_counted_ms: 0,
            left: false,
            connection: header.connection.clone(),
            partials: AllShown::new(),
            sealed: None,
        };
        let pending = vec![Pending::default(); header.channels.len()];
        Self {
            version: 0,
            session: Session::new(header.format),
            extra,
            held: Held::new(),
            pending,
            ask_until_ms: i64::MAX,
        }
    }

    /// As bytes, as the version that follows on this one: the part beside the session as JSON, the session's header, and the
    /// bytes of the frames that came since the version before, [packed](Stored).
    pub fn encode(&self) -> (Vec<u8>, Held) {
        let extra = serde_json::to_vec(&self.extra).unwrap_or_default();
        let Parts { header, payload, held } = self.session.parts(&self.held, self.version);
        let bytes = Stored { extra, header, payload }.to_bytes();
        (bytes, held)
    }

    /// The earlier versions that hold frames which a version needs.
    pub fn builds_on(version: u64, bytes: &[u8]) -> Result<BTreeSet<u64>, StateError> {
        let Some(stored) = Stored::of(bytes)? else { return Ok(BTreeSet::new()) };
        let mut versions = stored::versions(&stored.header)?;
        versions.remove(&version);
        Ok(versions)
    }

    /// From a version, and the earlier ones that it [builds on](Self::builds_on).
    pub fn decode(latest: &Version, earlier: &[Version]) -> Result<Self, StateError> {
        let Version { number: version, state: ref bytes } = *latest;
        let Some(latest) = Stored::of(bytes)? else { return Self::decode_whole(version, bytes) };
        let mut frames = stored::frames(version, &latest.header, &latest.payload)?;
        for Version { number, state } in earlier {
            if let Some(earlier) = Stored::of(state)? {
                frames.append(&mut stored::frames(*number, &earlier.header, &earlier.payload)?);
            }
        }
        let extra: Extra = serde_json::from_slice(&latest.extra).map_err(|e| StateError::Extra(e.to_string()))?;
        let (session, held, gone) = stored::session(&latest.header, &mut frames)?;
        if gone > 0 {
            tracing::warn!(call.id = %extra.header.call, frames.lost = gone, "frames of a stored call are not there any more");
        }
        let pending = vec![Pending::default(); extra.header.channels.len()];
        Ok(Self { version, session, extra, held, pending, ask_until_ms: i64::MAX })
    }

    /// As the first edition stored a call: the length of the rest as a little-endian u32, the rest as JSON, and the whole
    /// session.
    fn decode_whole(version: u64, bytes: &[u8]) -> Result<Self, StateError> {
        let (extra, session) = split(bytes)?;
        let extra: Extra = serde_json::from_slice(extra).map_err(|e| StateError::Extra(e.to_string()))?;
        let pending = vec![Pending::default(); extra.header.channels.len()];
        let session = Session::resume(Checkpoint::decode(session)?);
        Ok(Self { version, session, extra, held: Held::new(), pending, ask_until_ms: i64::MAX })
    }

    /// Seals what redaction remembers, for [`encode`](Self::encode). Without a key there is nothing to seal.
    pub fn seal(&mut self, seal: &Seal) {
        let remembers = self.pending.iter().any(|pending| !pending.is_empty());
        let text = remembers.then(|| serde_json::to_vec(&self.pending).unwrap_or_default());
        // What is sealed cannot be deflated any more.
        let text = text.map(|text| [DEFLATED, &*deflate(&text)].concat());
        self.extra.sealed = text.and_then(|text| seal.seal(&self.place(), &text));
    }

    /// Opens what was sealed. What cannot be opened is forgotten: what it masked stays masked.
    pub fn open(&mut self, seal: &Seal) {
        let Some(sealed) = &self.extra.sealed else { return };
        let opened = seal.open(&self.place(), sealed).and_then(|text| match text.strip_prefix(DEFLATED) {
            Some(deflated) => inflate(deflated),
            // As older versions sealed it.
            None => Some(text),
        });
        let opened = opened.and_then(|text| serde_json::from_slice::<Vec<Pending>>(&text).ok());
        match opened.filter(|opened| opened.len() == self.pending.len()) {
            Some(opened) => self.pending = opened,
            None => {
                tracing::warn!(call.id = %self.extra.header.call, "what redaction remembered cannot be opened");
                // Whatever numbers go on now may be the rest of what is forgotten.
                self.pending.iter_mut().for_each(|pending| drop(pending.interrupt()));
            }
        }
    }

    fn place(&self) -> String {
        format!("{}#{}", self.extra.header.org, self.extra.header.call)
    }

    /// Adds a sentence to the context.
    pub fn remember(&mut self, text: &str) {
        self.extra.context.push(text.to_owned());
        let surplus = self.extra.context.len().saturating_sub(CONTEXT_SENTENCES);
        self.extra.context.drain(..surplus);
    }
}

/// Why stored bytes are no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Shorter than they say.
    #[error("the stored call is cut off")]
    CutOff,
    /// The part beside the session.
    #[error("the stored call cannot be read: {0}")]
    Extra(String),
    /// The session.
    #[error(transparent)]
    Session(#[from] CheckpointError),
}

#[cfg(test)]
mod tests {
    use callboard_domain::{Word, redaction};

    use super::*;

    #[test]
    fn what_redaction_remembers_is_sealed_small_and_read_as_it_ever_was() {
        let header = r#"{"org":"acme","call":"01ARZ3NDEKTSV4RRFFQ69G5FAV","principal":"desk 7","playbook":"sales",
            "channels":["customer","agent"],"format":{"encoding":"opus","sample_rate":16000,"channels":2},
            "received_ms":1700000000000,"resumable":true,"kind":"connected"}"#;
        let mut state = CallState::begin(&serde_json::from_str(header).unwrap());
        let seal = Seal::new(Some("a key"));
        let text = "Of course, please write it down, the number of my card is four one one one";
        let word = |(at, word): (usize, &str)| Word {
            text: word.to_owned(),
            start_ms: at as u64 * 300,
            end_ms: at as u64 * 300 + 250,
            confidence: None,
        };
        let words: Vec<Word> = text.split(' ').enumerate().map(word).collect();
        redaction::take(&mut state.pending, 0, 480, text, &words, "en");
        let pending = state.pending.clone();
        assert!(pending.iter().any(|it| !it.is_empty()));
        state.seal(&seal);
        let plain = serde_json::to_vec(&pending).unwrap();
        let sealed = state.extra.sealed.clone().unwrap();
        assert!(2 * sealed.len() < plain.len(), "{} of {} bytes", sealed.len(), plain.len());
        for sealed in [sealed, seal.seal(&state.place(), &plain).unwrap()] {
            state.extra.sealed = Some(sealed);
            state.pending = vec![Pending::default(); 2];
            state.open(&seal);
            assert_eq!(state.pending, pending);
        }
    }
}
