//! Looking through a folder and those in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::folder::is_recording;
use crate::upload::Identity;

/// What is there.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files that are recordings by their names.
    pub recordings: Vec<Identity>,
    /// Folders that could not be looked into, and why.
    pub closed: Vec<(PathBuf, String)>,
}

/// Looks through a folder whose path is whole. Hidden ones are passed over; links to folders, too: they may lead in a circle.
pub(crate) fn scan(folder: &Path) -> Found {
    let (mut found, mut open) = (Found::default(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        if let Err(error) = look_into(&folder, &mut open, &mut found) {
            found.closed.push((folder, error.to_string()));
        }
    }
    found.recordings.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn look_into(folder: &Path, open: &mut Vec<PathBuf>, found: &mut Found) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        // What is gone again meanwhile is no news.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !name.starts_with('.') {
                open.push(path);
            }
        } else if is_recording(&name)
            && let Ok(about) = path.metadata()
            && about.is_file()
        {
            found.recordings.push(Identity::of(&path, &about));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_it_are_looked_through() {
        let place = tempfile::tempdir().unwrap();
        let files = ["b.wav", "a/x/c.mp3", "a/d.txt", ".hidden/e.wav", "a/f.wav.part", "a/x/.g.wav"];
        for file in files {
            let path = place.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "sound").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.path(), place.path().join("a/circle")).unwrap();
        let found = scan(place.path());
        let within = |it: &Identity| it.path.strip_prefix(place.path()).unwrap().display().to_string();
        assert_eq!(found.recordings.iter().map(within).collect::<Vec<_>>(), ["a/x/c.mp3", "b.wav"]);
        assert_eq!(found.closed, []);
        let gone = scan(&place.path().join("gone"));
        assert_eq!((gone.recordings.len(), gone.closed.len()), (0, 1));
    }
}
