//! Bodies of the routes that clients of an older service know: upload a file, ask for its status, fetch its text.
//!
//! Field names and states are those clients', not this project's own: what is new is told by `/v1/…` alone.

use serde::{Deserialize, Serialize};

/// Where a job stands, in those clients' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits to be worked on.
    Queued,
    /// It is worked on.
    Processing,
    /// Its text and its notes are there.
    Completed,
    /// Nothing comes of it.
    Error,
}

/// `POST /upload-audio/`: the job that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobAccepted {
    /// The job, which is the call's id.
    pub job_id: String,
    /// `queued`.
    pub status: JobState,
}

/// `POST /transcribe`: the same in other words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskAccepted {
    /// For a person.
    pub message: String,
    /// The job, which is the call's id.
    #[serde(rename = "taskId")]
    pub task_id: String,
}

/// `GET /status/{job_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobStatus {
    /// The job.
    pub job_id: String,
    /// Where it stands.
    pub status: JobState,
    /// The name that the file was sent with.
    pub file_name: String,
    /// Why nothing comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `GET /result/{job_id}`: the text once it is completed, and until then a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobResult {
    /// The job.
    pub job_id: String,
    /// Where it stands.
    pub status: JobState,
    /// All that was said, a line an utterance, with who said it where there are two sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcription: Option<String>,
    /// The notes as Markdown; empty where none could be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diary_note: Option<String>,
    /// What to do until it is completed, or why it never will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
