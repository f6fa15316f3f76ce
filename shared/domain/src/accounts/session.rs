//! How a session goes on: a refresh token gives the next one, once.
//!
//! A session is one login. Of its refresh tokens, only hashes are known here: the current one's and the one's before it.
//! Any older one that is shown was copied by somebody, and ends the session: whoever stole it and whoever it was stolen
//! from are both out. Two tabs of one browser that refresh at once show the same token within moments; the second gets
//! the successor that the first got, as long as nobody used that.

use serde::{Deserialize, Serialize};

/// A session lives for so long after its last refresh, in milliseconds: thirty days.
pub const REFRESH_MS: i64 = 30 * 86_400_000;
/// For so long after it gave the next one, a refresh token may be shown again, in milliseconds.
pub const GRACE_MS: i64 = 10_000;

/// What is known of a session's refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// Hash of the token that gives the next one.
    pub current: String,
    /// Hash of the token before it, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When the current one took the place of that: wall clock, ms.
    pub rotated_at_ms: i64,
    /// By a logout, or since a token was shown twice.
    #[serde(default)]
    pub ended: bool,
}

/// What becomes of a token that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It gives the next one, which takes its place.
    Rotate,
    /// It did so a moment ago: the very same successor is given again.
    Again,
    /// It was used before: the session is to be ended.
    Reused,
    /// The session is over.
    Over,
}

impl Refresh {
    /// A session that begins with a token of this hash.
    pub fn begin(hash: String, now_ms: i64) -> Self {
        Self { current: hash, previous: None, rotated_at_ms: now_ms, ended: false }
    }

    /// What becomes of a token of this hash. Whoever shows it knows the session, so a hash that is unknown here is that of
    /// an older token of it.
    pub fn present(&self, hash: &str, now_ms: i64) -> Presented {
        if self.ended || now_ms - self.rotated_at_ms > REFRESH_MS {
            return Presented::Over;
        }
        if self.current == hash {
            return Presented::Rotate;
        }
        // The successor is the current token, so nobody used it yet.
        let is_racing = self.previous.as_deref() == Some(hash) && now_ms - self.rotated_at_ms <= GRACE_MS;
        if is_racing { Presented::Again } else { Presented::Reused }
    }

    /// The session after the current token gave a successor of this hash.
    #[must_use]
    pub fn rotated(&self, successor: String, now_ms: i64) -> Self {
        Self { previous: Some(self.current.clone()), current: successor, rotated_at_ms: now_ms, ended: false }
    }
}

/// Which of a user's sessions count. Disabling, demoting and a new password end all at once by a higher number, without
/// looking for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Sessions that began under another number are over…
    #[serde(default)]
    pub generation: u64,
    /// …but for this one, in which the password was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

impl Standing {
    /// Whether a session that began under this number still counts.
    pub fn admits(&self, session: &str, generation: u64) -> bool {
        self.generation == generation || self.kept.as_deref() == Some(session)
    }

    /// All sessions are over, but perhaps one.
    #[must_use]
    pub fn ended(&self, but: Option<&str>) -> Self {
        Self { generation: self.generation + 1, kept: but.map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_the_next_one_once() {
        let session = Refresh::begin("a".into(), 1_000);
        assert_eq!(session.present("a", 2_000), Presented::Rotate);
        let session = session.rotated("b".into(), 2_000);
        for (hash, now_ms, expected) in [
            ("b", 2_000, Presented::Rotate),
            // Two tabs race: within the grace, and until the successor is used.
            ("a", 2_000, Presented::Again),
            ("a", 2_000 + GRACE_MS, Presented::Again),
            ("a", 2_001 + GRACE_MS, Presented::Reused),
            ("x", 2_000, Presented::Reused),
            ("b", 2_000 + REFRESH_MS, Presented::Rotate),
            ("b", 2_001 + REFRESH_MS, Presented::Over),
        ] {
            assert_eq!(session.present(hash, now_ms), expected, "{hash} {now_ms}");
        }
        let used = session.rotated("c".into(), 3_000);
        assert_eq!(used.present("a", 3_000), Presented::Reused, "its successor was used");
        assert_eq!(used.present("b", 3_000), Presented::Again);
        let ended = Refresh { ended: true, ..used };
        assert_eq!(["a", "b", "c"].map(|hash| ended.present(hash, 3_000)), [Presented::Over; 3]);
    }

    #[test]
    fn sessions_end_at_once_but_for_one() {
        let standing = Standing::default();
        assert!(standing.admits("one", 0) && !standing.admits("one", 1));
        let changed = standing.ended(Some("one"));
        for (session, generation, expected) in [("one", 0, true), ("two", 0, false), ("three", 1, true)] {
            assert_eq!(changed.admits(session, generation), expected, "{session}");
        }
        let disabled = changed.ended(None);
        assert!(!disabled.admits("one", 0) && !disabled.admits("three", 1) && disabled.admits("four", 2));
    }
}
