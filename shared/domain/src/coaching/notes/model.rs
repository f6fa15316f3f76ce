//! Notes by a language model: what it is asked, in which form it answers, and which of its claims are taken over.
//!
//! What was said is data throughout: a transcript that gives orders is a transcript, and a claim counts by its quote
//! alone. Calls no model.

mod answer;
mod claims;
mod prompt;
mod schema;

pub use answer::from_model;
pub use prompt::notes_request;
pub use schema::notes_schema;

/// Why an answer makes no notes. Tells fields, never what was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotesError {
    /// The answer does not follow the schema: worth asking once more.
    #[error("the model's notes need \"{field}\" to be {wanted}; ask again with the schema of the notes")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// Nothing was said, so there is nothing that a model could know.
    #[error("nothing was said in this call, so its notes need no model; keep those of the rules")]
    NothingSaid,
}
