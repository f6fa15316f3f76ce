//! Where the audio of a call is kept: keys of objects that hold a minute of it each, and of what they are made from.

use callboard_domain::{CallId, OrgId};

/// No piece is longer, in milliseconds.
pub const LONGEST_PIECE_MS: u64 = callboard_audio::keep::MINUTE_MS;

/// What the keys of a call's audio begin with.
pub fn kept_prefix(org: &OrgId, call: &CallId) -> String {
    format!("audio/{org}/{call}/")
}

/// Where a minute of a call is kept, or less of it. Media time in milliseconds; keys sort by it.
pub fn kept_key(org: &OrgId, call: &CallId, from_ms: u64, to_ms: u64) -> String {
    format!("{}{from_ms:010}-{to_ms:010}.wav", kept_prefix(org, call))
}

/// A piece of a call's audio, as its key says. Media time in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPiece {
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
}

impl KeptPiece {
    /// Reads a key; none if it is not one of a call's audio.
    pub fn parse(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix("audio/")?.split('/');
        let (org, call, name) = (parts.next()?, parts.next()?, parts.next()?);
        let (from, to) = name.strip_suffix(".wav")?.split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            let digits = text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().ok() } else { None }
        };
        let piece = Self {
            org: OrgId::parse(org).ok()?,
            call: CallId::parse(call).ok()?,
            from_ms: number(from)?,
            to_ms: number(to)?,
        };
        (parts.next().is_none() && piece.from_ms < piece.to_ms).then_some(piece)
    }

    /// Whether it holds something of a stretch.
    pub fn overlaps(&self, from_ms: u64, to_ms: u64) -> bool {
        self.from_ms < to_ms && from_ms < self.to_ms
    }
}

/// What the keys begin with of all that lies in the bucket for a call: its audio, the frames or the recording that it is
/// made from, and what waits for its text.
pub fn prefixes_of_call(org: &OrgId, call: &CallId) -> [String; 4] {
    ["audio", "frames", "recordings", "deferred"].map(|kind| format!("{kind}/{org}/{call}/"))
}

#[cfg(test)]
mod tests {
    use callboard_domain::Channel;

    use super::*;
    use crate::{deferred, frames, items};

    fn of() -> (OrgId, CallId) {
        (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap())
    }

    #[test]
    fn a_key_says_what_it_holds() {
        let (org, call) = of();
        let key = kept_key(&org, &call, 300_000, 360_000);
        assert_eq!(key, "audio/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV/0000300000-0000360000.wav");
        assert_eq!(KeptPiece::parse(&key), Some(KeptPiece { org, call, from_ms: 300_000, to_ms: 360_000 }));
        let call = "audio/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for other in [
            "",
            call,
            &format!("{call}/0000300000-0000300000.wav"),
            &format!("{call}/300000-360000.wav"),
            &format!("{call}/+000300000-0000360000.wav"),
            &format!("{call}/0000300000-0000360000.mp3"),
            &format!("{call}/0000300000-0000360000.wav/more"),
            &key.replace("audio/", "recordings/"),
        ] {
            assert_eq!(KeptPiece::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_piece_is_of_the_stretches_that_it_touches() {
        let (org, call) = of();
        let piece = KeptPiece { org, call, from_ms: 10, to_ms: 20 };
        for (from_ms, to_ms, expected) in [(0, 10, false), (0, 11, true), (19, 20, true), (20, 30, false)] {
            assert_eq!(piece.overlaps(from_ms, to_ms), expected, "{from_ms} {to_ms}");
        }
    }

    #[test]
    fn all_that_lies_in_the_bucket_for_a_call_is_found() {
        let (org, call) = of();
        let prefixes = prefixes_of_call(&org, &call);
        let found = |key: String| assert!(prefixes.iter().any(|prefix| key.starts_with(prefix)), "{key}");
        found(kept_key(&org, &call, 0, 1));
        found(items::source_key(&org, &call));
        found(deferred::audio_key(&org, &call, 0, Channel::Agent));
        let place = frames::Place { received_ms: 1, shard: "shardId-000000000000", first: "1", last: "2" };
        found(frames::frames_key(&org, &call, place));
    }
}
