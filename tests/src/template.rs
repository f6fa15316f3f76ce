//! Copies of template.yaml with one thing changed.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::project;

/// A changed copy; it ends with this.
pub struct Changed {
    folder: TempDir,
}

impl Changed {
    /// Replaces one place of the template.
    ///
    /// # Panics
    /// When the place is not there exactly once: then the template has changed, and the test must follow.
    pub fn at(place: &str, by: &str) -> Self {
        let text = std::fs::read_to_string(project().join("template.yaml")).unwrap();
        assert_eq!(text.matches(place).count(), 1, "the template has this once: {place}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("template.yaml"), text.replace(place, by)).unwrap();
        Self { folder }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("template.yaml")
    }
}
