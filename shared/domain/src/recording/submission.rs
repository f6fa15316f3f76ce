//! A recording that is handed over whole: by what id the service knows it, and how often it was handed over.

use serde::{Deserialize, Serialize};

use super::Recording;

/// A whole recording in the hands of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The id that it is asked about by; none before it was handed over, and after that came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How often it was handed over.
    #[serde(default)]
    pub count: u32,
}

impl Submission {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Recording {
    /// All of it was handed over to a service, which knows it by this id. The first id counts. Says whether that is new.
    pub fn submitted(&mut self, id: &str, now_ms: i64) -> bool {
        if self.submission.id.is_some() || self.is_over() {
            return false;
        }
        self.submission = Submission { id: Some(id.to_owned()), count: self.submission.count + 1 };
        self.advance(0, 0, now_ms);
        true
    }

    /// Nothing comes of what the service knows by this id. Says whether that is new.
    pub fn withdrawn(&mut self, id: &str) -> bool {
        let known = self.submission.id.as_deref() == Some(id);
        if known {
            self.submission.id = None;
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{RecordingState, Sound};

    #[test]
    fn a_recording_is_in_one_submission_at_a_time() {
        let mut recording = Recording::default();
        assert!(recording.plan(Sound::default(), 3, 3));
        assert!(recording.submitted("a", 7));
        assert_eq!((recording.state, recording.begun_at_ms), (RecordingState::Transcribing, Some(7)));
        assert!(!recording.submitted("b", 8), "the first id counts");
        assert!(!recording.withdrawn("b"));
        assert!(recording.withdrawn("a") && !recording.withdrawn("a"));
        assert!(recording.submitted("b", 9));
        assert_eq!(recording.submission, Submission { id: Some("b".to_owned()), count: 2 });
        assert!(recording.withdrawn("b") && recording.fail("no"));
        assert!(!recording.submitted("c", 10), "it is over");
    }
}
