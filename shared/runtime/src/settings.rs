//! Settings: the environment of a function, read once, with errors that name the variable.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// A setting that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Not set, and there is no default.
    #[error("{0} is not set")]
    Missing(String),
    /// Set to something that does not fit. The value is not told, since it may be a secret.
    #[error("{name} is malformed: {problem}")]
    Malformed {
        /// The variable.
        name: String,
        /// What is wrong and what would fit.
        problem: String,
    },
}

impl SettingError {
    /// A malformed setting.
    pub fn malformed(name: &str, problem: impl Display) -> Self {
        Self::Malformed { name: name.to_owned(), problem: problem.to_string() }
    }
}

/// The variables that a function was given.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl From<BTreeMap<String, String>> for Settings {
    fn from(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }
}

impl Settings {
    /// The process's own environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        Self(std::env::vars().collect())
    }

    /// These settings, and others where these have none, or an empty one.
    pub fn with(mut self, others: BTreeMap<String, String>) -> Self {
        for (name, value) in others {
            if self.optional(&name).is_none() {
                self.0.insert(name, value);
            }
        }
        self
    }

    /// A setting, if it is there and not empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A setting that must be there.
    pub fn required(&self, name: &str) -> Result<&str, SettingError> {
        self.optional(name).ok_or_else(|| SettingError::Missing(name.to_owned()))
    }

    /// A setting that is read as a type; a default when it is not there.
    pub fn parsed<T: FromStr>(&self, name: &str, default: T) -> Result<T, SettingError>
    where
        T::Err: Display,
    {
        match self.optional(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|e| SettingError::malformed(name, e)),
        }
    }

    /// A setting that must be there and be an http or https address.
    pub fn address(&self, name: &str) -> Result<String, SettingError> {
        let address = self.required(name)?.trim_end_matches('/');
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(SettingError::malformed(name, "use an address that begins with http:// or https://"));
        }
        Ok(address.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        let settings = settings(&[("EMPTY", " "), ("NUMBER", "ten"), ("PLACE", "example.com")]);
        assert_eq!(settings.required("EMPTY").unwrap_err().to_string(), "EMPTY is not set");
        assert_eq!(
            settings.parsed::<u32>("NUMBER", 1).unwrap_err().to_string(),
            "NUMBER is malformed: invalid digit found in string"
        );
        assert!(settings.address("PLACE").unwrap_err().to_string().starts_with("PLACE is malformed: use an address"));
        assert_eq!(settings.parsed("ABSENT", 7), Ok(7));
        let others = [("EMPTY", "filled"), ("NUMBER", "11"), ("NEW", "new")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let settings = settings.with(BTreeMap::from(others));
        let read = ["EMPTY", "NUMBER", "NEW"].map(|name| settings.optional(name));
        assert_eq!(read, [Some("filled"), Some("ten"), Some("new")]);
    }

    #[test]
    fn values_are_never_printed() {
        assert!(!format!("{:?}", settings(&[("KEY", "secret")])).contains("secret"));
    }
}
