//! What can be wrong with a template, said so that a person finds the place.

/// Why a template was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The file is no YAML.
    #[error("line {line}, column {column}: {message}")]
    Yaml {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A parameter has no value, or one that it does not allow.
    #[error("parameter {name}: {message}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// A property is wrong, missing or beyond what the local stack runs.
    #[error("line {line}, column {column}: {property} of {resource}: {message}")]
    Property {
        /// Logical id of the resource, or the section's name.
        resource: String,
        /// Path of the property within it, such as `Events.Frames.BatchSize`.
        property: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong, and what is supported.
        message: String,
    },
}
