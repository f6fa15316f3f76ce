//! Settings of the local stack: the environment, and `.env` beside the template. Each is the value of the template's
//! parameter of the same name in capitals: `SPEECH_URL` sets `SpeechUrl`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use callboard_local::{
    stack::StackError,
    template::{Template, TemplateError},
};

/// What is set.
pub(super) struct Settings(BTreeMap<String, String>);

/// Reads `.env`, then the environment over it.
#[expect(
    clippy::disallowed_methods,
    reason = "the settings of a whole stack, which its functions get from the template"
)]
pub(super) fn read(project: &Path) -> anyhow::Result<Settings> {
    let file: PathBuf = project.join(".env");
    let mut settings = BTreeMap::new();
    if file.exists() {
        for entry in dotenvy::from_path_iter(&file).with_context(|| format!("{} cannot be read", file.display()))? {
            let (name, value) =
                entry.with_context(|| format!("{} has a line that is not NAME=value", file.display()))?;
            settings.insert(name, value);
        }
    }
    settings.extend(std::env::vars());
    settings.retain(|_, value| !value.trim().is_empty());
    // Counts on Lambda only, where nobody sees the start.
    if let Some(filter) = settings.get("LOG_FILTER")
        && let Err(problem) = tracing_subscriber::EnvFilter::try_new(filter)
    {
        anyhow::bail!("LOG_FILTER is malformed: {problem}; use a level, as in info");
    }
    Ok(Settings(settings))
}

impl Settings {
    /// A setting.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Values for the template's parameters.
    pub(super) fn overrides(&self, template: &Path) -> anyhow::Result<BTreeMap<String, String>> {
        let names =
            Template::parameter_names(template).map_err(|error| anyhow::anyhow!("{}: {error}", template.display()))?;
        let value = |name: String| self.get(&variable(&name)).map(|value| (name, value.to_owned()));
        Ok(names.into_iter().filter_map(value).collect())
    }
}

/// `SpeechTimeoutMs` is set by `SPEECH_TIMEOUT_MS`.
fn variable(parameter: &str) -> String {
    let mut name = String::new();
    for (at, letter) in parameter.chars().enumerate() {
        if at > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

/// A parameter that does not fit came from a variable: that is what the person can change.
pub(super) fn name_variable(error: StackError) -> anyhow::Error {
    match error {
        StackError::Template { error: TemplateError::Parameter { name, message }, .. } => {
            anyhow::anyhow!("{} is malformed: {message}", variable(&name))
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_set_by_variables_in_capitals() {
        assert_eq!(variable("SpeechTimeoutMs"), "SPEECH_TIMEOUT_MS");
        assert_eq!(variable("Shards"), "SHARDS");
    }
}
