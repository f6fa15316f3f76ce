//! What was sent to a stack already: which call a recording is, kept over restarts in this person's state folder.
//!
//! A call's id is noted down before the stack hears of it, so that whoever sends the recording again, or at the same
//! time, continues the same call. One small file a key: nothing is ever rewritten, and two programs agree by who creates
//! it first. How far an upload got is the stack's to know; here it is noted down only when all of it is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use callboard_domain::CallId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::identity::Identity;

/// The recordings that went to one stack.
pub(crate) struct Memory {
    folder: PathBuf,
}

/// The content of one file.
#[derive(Serialize, Deserialize)]
struct Noted {
    call: CallId,
    /// The name that the stack was told: one that was renamed since stays what it was.
    name: String,
    /// For people who look into the folder.
    file: PathBuf,
}

/// Which call a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The call.
    pub call: CallId,
    /// The name that the file had first.
    pub name: String,
    /// Whether it was known before.
    pub before: bool,
}

impl Memory {
    /// Of the stack at this address.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub(crate) fn open(uploads: &Path, address: &str) -> io::Result<Self> {
        let readable: String =
            address.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(60).collect();
        let folder = uploads.join(format!("{readable}-{}", hex::encode(&Sha256::digest(address)[..4])));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The call that a recording is; a fresh one is noted down where none is known, or where it shall be another.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub(crate) fn call(&self, of: &Identity, again: bool, fresh: impl Fn() -> CallId) -> io::Result<Known> {
        let keys = of.keys();
        if again {
            for key in &keys {
                remove(&self.file(key))?;
                remove(&self.folder.join(format!("{key}.sent")))?;
            }
        }
        let known = keys.iter().find_map(|key| self.read(key).transpose()).transpose()?;
        let before = known.is_some();
        let unknown = || Noted { call: fresh(), name: of.name(), file: of.path.clone() };
        let mut noted = known.unwrap_or_else(unknown);
        for key in &keys {
            // Another program may have been first: then it is that one's call.
            if !self.write(key, &noted)? && !before {
                noted = self.read(key)?.unwrap_or(noted);
            }
        }
        Ok(Known { call: noted.call, name: noted.name, before })
    }

    /// All of a recording is there: it need not be asked for.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn sent(&self, of: &Identity) -> io::Result<()> {
        of.keys().iter().try_for_each(|key| fs::write(self.folder.join(format!("{key}.sent")), ""))
    }

    /// Whether it was noted down that all of a recording is there.
    pub(crate) fn has_sent(&self, of: &Identity) -> bool {
        of.keys().iter().any(|key| self.folder.join(format!("{key}.sent")).exists())
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    fn read(&self, key: &str) -> io::Result<Option<Noted>> {
        match fs::read(self.file(key)) {
            // What is damaged was cut off while it was first written: the stack never heard of that call.
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file as a whole, if there is none or a damaged one. Says whether it did.
    fn write(&self, key: &str, noted: &Noted) -> io::Result<bool> {
        let target = self.file(key);
        if target.exists() && self.read(key)?.is_none() {
            remove(&target)?;
        }
        let written = self.folder.join(format!(".{key}.{:x}.tmp", rand::random::<u64>()));
        fs::write(&written, serde_json::to_vec(noted)?)?;
        let linked = fs::hard_link(&written, &target);
        remove(&written)?;
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use callboard_runtime::Clock;

    use super::*;

    fn fresh() -> CallId {
        Clock::system().call_id()
    }

    fn known(memory: &Memory, file: &Path, again: bool) -> Known {
        memory.call(&Identity::look(file).unwrap(), again, fresh).unwrap()
    }

    #[test]
    fn a_recording_stays_the_same_call_of_its_stack() {
        let folder = tempfile::tempdir().unwrap();
        let [file, renamed] = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
        fs::write(&file, "sound").unwrap();
        let memory = |address| Memory::open(&folder.path().join("state"), address).unwrap();
        let here = memory("http://127.0.0.1:8787");
        let sent = |file: &Path| here.has_sent(&Identity::look(file).unwrap());
        assert!(!sent(&file));
        let first = known(&here, &file, false);
        assert!(!first.before);
        assert_eq!(known(&memory("http://127.0.0.1:8787"), &file, false), Known { before: true, ..first.clone() });
        assert_ne!(known(&memory("http://127.0.0.1:8788"), &file, false).call, first.call);
        fs::rename(&file, &renamed).unwrap();
        #[cfg(unix)]
        assert_eq!(known(&here, &renamed, false), Known { before: true, ..first.clone() });
        here.sent(&Identity::look(&renamed).unwrap()).unwrap();
        assert!(sent(&renamed));
        let again = known(&here, &renamed, true);
        assert!(!sent(&renamed));
        assert!(!again.before && again.call != first.call);
        assert_eq!(known(&here, &renamed, false).call, again.call);
    }

    #[test]
    fn a_note_that_was_cut_off_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        fs::write(&file, "sound").unwrap();
        let memory = Memory::open(folder.path(), "x").unwrap();
        for key in Identity::look(&file).unwrap().keys() {
            fs::write(memory.file(&key), "{\"call\":").unwrap();
        }
        let first = known(&memory, &file, false);
        assert!(!first.before);
        assert_eq!(known(&memory, &file, false).call, first.call);
    }

    #[test]
    fn many_at_once_agree_on_one_call() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        fs::write(&file, "sound").unwrap();
        let memory = Memory::open(folder.path(), "x").unwrap();
        let calls: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| known(&memory, &file, false).call)).collect();
            asked.into_iter().map(|it| it.join().unwrap().to_string()).collect()
        });
        assert_eq!(calls.len(), 1, "{calls:?}");
    }
}
