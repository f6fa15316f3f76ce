//! What was sent to a stack already: which call a recording is, kept over restarts in this person's state folder.
//!
//! A call's id is noted down before the stack hears of it, so that whoever sends the recording again, or at the same
//! time, continues the same call. One small file a key: nothing is ever rewritten, and two programs agree by who creates
//! it first. How far an upload got is the stack's to know and not kept here.

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
    /// For people who look into the folder.
    file: PathBuf,
}

/// Which call a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The call.
    pub call: CallId,
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
            keys.iter().try_for_each(|key| remove(&self.file(key)))?;
        }
        let known = keys.iter().find_map(|key| self.read(key).transpose()).transpose()?;
        let before = known.is_some();
        let mut call = known.unwrap_or_else(fresh);
        for key in &keys {
            // Another program may have been first: then it is that one's call.
            if !self.write(key, &Noted { call: call.clone(), file: of.path.clone() })? && !before {
                call = self.read(key)?.unwrap_or(call);
            }
        }
        Ok(Known { call, before })
    }

    /// Whether a recording is known.
    pub(crate) fn knows(&self, of: &Identity) -> bool {
        of.keys().iter().any(|key| self.file(key).exists())
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    fn read(&self, key: &str) -> io::Result<Option<CallId>> {
        match fs::read(self.file(key)) {
            // What is damaged was cut off while it was first written: the stack never heard of that call.
            Ok(text) => Ok(serde_json::from_slice::<Noted>(&text).ok().map(|noted| noted.call)),
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
        assert!(!here.knows(&Identity::look(&file).unwrap()));
        let first = known(&here, &file, false);
        assert!(!first.before);
        assert_eq!(known(&memory("http://127.0.0.1:8787"), &file, false), Known { before: true, ..first.clone() });
        assert_ne!(known(&memory("http://127.0.0.1:8788"), &file, false).call, first.call);
        fs::rename(&file, &renamed).unwrap();
        #[cfg(unix)]
        assert_eq!(known(&here, &renamed, false).call, first.call);
        let again = known(&here, &renamed, true);
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
