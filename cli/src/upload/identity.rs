//! Which recording a file is: what tells it from others without reading it through.
//!
//! Two files are the same recording if path, length and time of change are the same; or, where the file system numbers
//! its files, if number, length and time of change are, so that one that was renamed or moved is known again. A copy is
//! another one, and so is a file that was written to since: to be sure of either, both would have to be read.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest as _, Sha256};

/// A recording that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its whole path, without links.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// When it was changed: nanoseconds since the Unix epoch; negative before.
    changed_ns: i128,
    /// Number of its device, and its number there.
    node: Option<(u64, u64)>,
}

impl Identity {
    /// Looks at a file, and whether it can be read.
    ///
    /// # Errors
    /// Says what is wrong with it, and what to do.
    pub(crate) fn look(path: &Path) -> Result<Self, String> {
        let cannot = |error: io::Error| format!("{}: {}", path.display(), unreadable(&error));
        let whole = path.canonicalize().map_err(cannot)?;
        let found = Self::of(&whole, &whole.metadata().map_err(cannot)?);
        if whole.is_dir() {
            let name = path.display();
            return Err(format!("{name} is a folder: name files, or use `callboard watch-folder {name} --once`"));
        }
        if !whole.is_file() {
            return Err(format!("{} is no file: only files can be sent and sent again", path.display()));
        }
        if found.bytes == 0 {
            return Err(format!("{} is empty: was the recording stopped before it began?", path.display()));
        }
        File::open(&whole).map_err(cannot)?;
        Ok(found)
    }

    /// Of a file whose path is whole.
    pub(crate) fn of(whole: &Path, about: &Metadata) -> Self {
        let changed_ns = about.modified().map_or(0, |at| match at.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        });
        Self { path: whole.to_owned(), bytes: about.len(), changed_ns, node: node(about) }
    }

    /// Whether the file is still what it was.
    pub(crate) fn holds(&self) -> bool {
        self.path.metadata().is_ok_and(|about| Self::of(&self.path, &about) == *self)
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What it is known by, the surest first.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut by_path = Sha256::new();
        by_path.update(self.path.as_os_str().as_encoded_bytes());
        let by_path = digest(by_path, self);
        let by_node = self.node.map(|(device, number)| {
            let mut by_node = Sha256::new();
            by_node.update(format!("{device} {number}"));
            digest(by_node, self)
        });
        [Some(format!("path-{by_path}")), by_node.map(|key| format!("node-{key}"))].into_iter().flatten().collect()
    }
}

fn digest(mut start: Sha256, of: &Identity) -> String {
    start.update(format!("\n{} {}", of.bytes, of.changed_ns));
    hex::encode(&start.finalize()[..16])
}

/// Why a file cannot be read, and what to do.
pub(crate) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file: check the name".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read: check its permissions".to_owned(),
        _ => format!("it cannot be read ({error})"),
    }
}

#[cfg(unix)]
fn node(about: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn node(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_cannot_be_sent_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty.wav"), "").unwrap();
        for (name, expected) in
            [("none.wav", "there is no such file"), ("", "is a folder: name files"), ("empty.wav", "is empty")]
        {
            let error = Identity::look(&folder.path().join(name)).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn a_recording_is_known_by_its_path_and_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one.wav", "other.wav"].map(|name| folder.path().join(name));
        fs::write(&one, "sound").unwrap();
        let first = Identity::look(&one).unwrap();
        assert_eq!(Identity::look(&folder.path().join(".").join("one.wav")).unwrap(), first);
        fs::rename(&one, &other).unwrap();
        assert!(!first.holds());
        let renamed = Identity::look(&other).unwrap();
        let shared = |a: &Identity, b: &Identity| a.keys().iter().any(|key| b.keys().contains(key));
        assert_eq!(shared(&first, &renamed), cfg!(unix));
        fs::copy(&other, &one).unwrap();
        File::options().append(true).open(&one).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let copy = Identity::look(&one).unwrap();
        assert!(!shared(&first, &copy) && !shared(&renamed, &copy));
        fs::write(&other, "sound and more").unwrap();
        assert!(!renamed.holds() && !shared(&renamed, &Identity::look(&other).unwrap()));
    }
}
