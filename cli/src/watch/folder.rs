//! Which recordings of a folder are complete, told from looking at it again and again. The time is handed in.
//!
//! Whoever writes a file says nowhere that it is whole. So one that stays as it is for some seconds is: what is written
//! under a temporary name and renamed at the end is found when it has its name, and what is written under its own name
//! when nothing was added for that long. One that goes on later is another recording then.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::upload::Identity;

/// Names that end so are recordings.
pub(crate) const ENDINGS: [&str; 10] = ["wav", "mp3", "m4a", "mp4", "aac", "flac", "ogg", "oga", "opus", "webm"];
/// Pause before what failed is tried again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What is known of a folder's recordings.
#[derive(Debug)]
pub(crate) struct Folder {
    settle: Duration,
    known: BTreeMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    state: State,
    /// How often it failed, and what was told of it.
    failed: u32,
    told: String,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It is as it is since then.
    Since(Duration),
    /// It was handed out.
    Taken,
    /// It failed, and is handed out again from then on.
    Again(Duration),
}

impl Folder {
    /// One of which nothing is known; recordings are complete when they stay as they are for this long.
    pub(crate) fn new(settle: Duration) -> Self {
        Self { settle, known: BTreeMap::new() }
    }

    /// Takes in what is there now. Returns what is to be sent: each file once, for as long as it stays what it is.
    pub(crate) fn scanned(&mut self, found: Vec<Identity>, now: Duration) -> Vec<Identity> {
        let mut before = std::mem::take(&mut self.known);
        for identity in found {
            let same = before.remove(&identity.path).filter(|known| known.identity == identity);
            let fresh = |identity| Known { identity, state: State::Since(now), failed: 0, told: String::new() };
            self.known.insert(identity.path.clone(), same.unwrap_or_else(|| fresh(identity)));
        }
        let settle = self.settle;
        let due = |known: &&mut Known| match known.state {
            State::Since(since) => now.saturating_sub(since) >= settle,
            State::Again(at) => now >= at,
            State::Taken => false,
        };
        let taken = self.known.values_mut().filter(due).map(|known| {
            known.state = State::Taken;
            known.identity.clone()
        });
        taken.collect()
    }

    /// It could not be sent, for this reason: it is handed out again later. Says whether that is news.
    pub(crate) fn failed(&mut self, path: &Path, reason: &str, now: Duration) -> bool {
        let Some(known) = self.known.get_mut(path) else { return true };
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(known.failed)).min(LONGEST_PAUSE);
        known.failed += 1;
        known.state = State::Again(now + pause);
        let news = known.told != reason;
        reason.clone_into(&mut known.told);
        news
    }

    /// Whether all that is there was handed out.
    pub(crate) fn is_settled(&self) -> bool {
        self.known.values().all(|known| !matches!(known.state, State::Since(_)))
    }
}

/// Whether a name is that of a recording, and not of one that is still copied, or hidden.
pub(crate) fn is_recording(name: &str) -> bool {
    let ending = name.rsplit_once('.').filter(|(front, _)| !front.is_empty()).map(|(_, ending)| ending);
    let is_known = |ending: &str| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending));
    !name.starts_with(['.', '~']) && ending.is_some_and(is_known)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn recordings_are_told_by_their_names() {
        for (name, expected) in [
            ("call.wav", true),
            ("call.2026-11-25.MP3", true),
            ("Anruf Müller.opus", true),
            ("call.wav.part", false),
            ("call.wav.crdownload", false),
            ("call.tmp", false),
            (".call.wav", false),
            ("~call.wav", false),
            (".wav", false),
            ("wav", false),
            ("notes.txt", false),
        ] {
            assert_eq!(is_recording(name), expected, "{name}");
        }
    }

    /// Writes a file, looks at the folder at a time, and compares what is to be sent by then.
    struct Looked {
        place: tempfile::TempDir,
        folder: Folder,
    }

    impl Looked {
        fn new() -> Self {
            Self { place: tempfile::tempdir().unwrap(), folder: Folder::new(Duration::from_secs(3)) }
        }

        fn path(&self) -> PathBuf {
            self.place.path().canonicalize().unwrap().join("call.wav")
        }

        fn check(&mut self, at_s: u64, content: Option<&str>, expected: usize) {
            match content {
                Some(content) if fs::read_to_string(self.path()).ok().as_deref() != Some(content) => {
                    fs::write(self.path(), content).unwrap();
                }
                None if self.path().exists() => fs::remove_file(self.path()).unwrap(),
                _ => {}
            }
            let found = Identity::look(&self.path()).ok().into_iter().collect();
            let taken = self.folder.scanned(found, Duration::from_secs(at_s));
            assert_eq!(taken.len(), expected, "after {at_s} s");
        }
    }

    #[test]
    fn what_stays_as_it_is_is_complete() {
        let mut looked = Looked::new();
        looked.check(0, None, 0);
        assert!(looked.folder.is_settled());
        looked.check(1, Some("a"), 0);
        looked.check(3, Some("ab"), 0);
        looked.check(5, Some("abc"), 0);
        assert!(!looked.folder.is_settled());
        looked.check(7, Some("abc"), 0);
        looked.check(8, Some("abc"), 1);
        assert!(looked.folder.is_settled());
        looked.check(60, Some("abc"), 0);
        // It went on, after all.
        looked.check(61, Some("abcd"), 0);
        looked.check(64, Some("abcd"), 1);
        // It was taken away, and another has its name.
        looked.check(65, None, 0);
        looked.check(66, Some("another"), 0);
        looked.check(69, Some("another"), 1);
    }

    #[test]
    fn what_failed_comes_again_later_and_is_told_once() {
        let mut looked = Looked::new();
        looked.check(0, Some("a"), 0);
        looked.check(3, Some("a"), 1);
        let path = looked.path();
        let failed = |looked: &mut Looked, reason, at_s| looked.folder.failed(&path, reason, Duration::from_secs(at_s));
        assert!(failed(&mut looked, "busy", 10));
        looked.check(69, Some("a"), 0);
        looked.check(70, Some("a"), 1);
        assert!(!failed(&mut looked, "busy", 100));
        looked.check(219, Some("a"), 0);
        looked.check(220, Some("a"), 1);
        assert!(failed(&mut looked, "gone", 300));
        // It changed: that is another one.
        looked.check(301, Some("ab"), 0);
        looked.check(304, Some("ab"), 1);
    }
}
