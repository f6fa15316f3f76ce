//! A session as versions that build on each other: each holds the bytes of the frames that came since the one before it,
//! and says of the others which version holds theirs. What is written of a frame is so written once, however long the
//! utterance goes on that it is part of.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Checkpoint, CheckpointError, Head, Session, Stored, sound};
use crate::sequence::FrameKey;

/// Frames, and the version that holds the bytes of each.
pub type Held = BTreeMap<FrameKey, u64>;
/// Frames and their bytes.
pub type Frames = BTreeMap<FrameKey, Vec<u8>>;

/// A version of a session, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// All but the frames' bytes, as JSON.
    pub header: Vec<u8>,
    /// The bytes of the frames that this version holds, one behind the other.
    pub payload: Vec<u8>,
    /// Which version holds the bytes of each frame that is still needed, once this one is stored.
    pub held: Held,
}

/// A frame within the header: key, receipt (ms), samples, whether it was released, length, and the version that holds
/// its bytes.
#[derive(Serialize, Deserialize)]
struct Entry(Option<FrameKey>, i64, u64, bool, usize, u64);

impl Session {
    /// The state as the version of this number, which follows on those that hold `held`. Call it when
    /// [`Session::poll`] has nothing more to say.
    pub fn parts(&self, held: &Held, version: u64) -> Parts {
        let mut parts = Parts { header: Vec::new(), payload: Vec::new(), held: Held::new() };
        let mut place = |key: Option<&FrameKey>, bytes: &[u8]| {
            let known = key.and_then(|key| held.get(key)).copied();
            let version = known.unwrap_or_else(|| {
                parts.payload.extend_from_slice(bytes);
                version
            });
            if let Some(key) = key {
                parts.held.insert(key.clone(), version);
            }
            version
        };
        let mut entries = Vec::new();
        for kept in &self.kept {
            let version = place(kept.key.as_ref(), &kept.payload);
            entries.push(Entry(kept.key.clone(), kept.received_ms, kept.samples, true, kept.payload.len(), version));
        }
        for (key, frame) in self.head.timeline.sequencer.waiting() {
            let version = place(Some(key), &frame.payload);
            entries.push(Entry(Some(key.clone()), frame.received_ms, 0, false, frame.payload.len(), version));
        }
        parts.header = serde_json::to_vec(&(&self.head, &entries)).unwrap_or_default();
        parts
    }
}

/// The versions that hold the frames which a header names.
///
/// # Errors
/// The header is none.
pub fn versions(header: &[u8]) -> Result<BTreeSet<u64>, CheckpointError> {
    let (_, entries) = read(header)?;
    Ok(entries.iter().filter(|entry| entry.4 > 0).map(|entry| entry.5).collect())
}

/// The frames whose bytes the version of this number holds.
///
/// # Errors
/// Header and bytes do not fit together.
pub fn frames(version: u64, header: &[u8], payload: &[u8]) -> Result<Frames, CheckpointError> {
    let (_, entries) = read(header)?;
    let mut rest = payload;
    let mut frames = Frames::new();
    for Entry(key, _, _, _, length, _) in entries.into_iter().filter(|entry| entry.5 == version) {
        let (own, behind) = rest.split_at_checked(length).ok_or_else(|| CheckpointError("it is cut off".into()))?;
        rest = behind;
        if let Some(key) = key {
            frames.insert(key, own.to_vec());
        }
    }
    Ok(frames)
}

/// The session of a header, from frames of this and earlier versions, with which version holds what. A frame whose bytes
/// are nowhere any more stands as silence, or is asked for again; how many those are is told.
///
/// # Errors
/// The header does not fit together.
pub fn session(header: &[u8], frames: &mut Frames) -> Result<(Session, Held, usize), CheckpointError> {
    let (head, entries) = read(header)?;
    let (mut stored, mut held, mut gone) = (Vec::new(), Held::new(), 0);
    for Entry(key, received_ms, samples, released, length, version) in entries {
        let payload = match &key {
            Some(key) if length > 0 => frames.remove(key).filter(|bytes| bytes.len() == length),
            _ => Some(Vec::new()),
        };
        let Some(payload) = payload else {
            gone += 1;
            if released {
                stored.push(Stored { key, received_ms, samples, released, length: 0, payload: Vec::new() });
            }
            continue;
        };
        if let Some(key) = &key {
            held.insert(key.clone(), version);
        }
        stored.push(Stored { key, received_ms, samples, released, length, payload });
    }
    sound::check(&head, &stored).map_err(CheckpointError)?;
    Ok((Session::resume(Checkpoint { head, frames: stored }), held, gone))
}

fn read(header: &[u8]) -> Result<(Head, Vec<Entry>), CheckpointError> {
    serde_json::from_slice(header).map_err(|error| CheckpointError(error.to_string()))
}
