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
        let text = template();
        assert_eq!(text.matches(place).count(), 1, "the template has this once: {place}");
        Self::write(&text.replace(place, by))
    }

    /// Gives a property of a resource another value, whatever it is now.
    ///
    /// # Panics
    /// When the resource does not have it exactly once, on a line of its own.
    pub fn property(resource: &str, name: &str, value: &str) -> Self {
        Self::write(&changed(&template(), resource, name, value))
    }

    /// The same to what is changed already.
    ///
    /// # Panics
    /// As before.
    #[must_use]
    pub fn and_property(self, resource: &str, name: &str, value: &str) -> Self {
        let text = std::fs::read_to_string(self.path()).unwrap();
        Self::write(&changed(&text, resource, name, value))
    }

    fn write(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("template.yaml"), text).unwrap();
        Self { folder }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("template.yaml")
    }
}

fn changed(text: &str, resource: &str, name: &str, value: &str) -> String {
    let (mut within, mut changed) = (false, 0);
    let change = |line: &str| {
        if line.starts_with("  ") && !line[2..].starts_with([' ', '#']) {
            within = line.trim() == format!("{resource}:");
        }
        let indent = line.len() - line.trim_start().len();
        if within && line.trim_start().starts_with(&format!("{name}: ")) {
            changed += 1;
            return format!("{}{name}: {value}\n", " ".repeat(indent));
        }
        format!("{line}\n")
    };
    let text: String = text.lines().map(change).collect();
    assert_eq!(changed, 1, "{resource} has {name} once");
    text
}

fn template() -> String {
    std::fs::read_to_string(project().join("template.yaml")).unwrap()
}
