//! What is to be done about calls outside of their streams: messages of a queue. They hold no spoken word.

use callboard_domain::{CallId, OrgId};
use serde::{Deserialize, Serialize};

use crate::items::call_of_source;

/// The version of the message that this code writes and reads.
pub const VERSION: u32 = 1;

/// The header in which a service that tells by itself that it is done shows its secret.
pub const HOOK_HEADER: &str = "x-callboard-hook";

/// The message. Fields that are not known here are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// See [`VERSION`].
    pub version: u32,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// What is to be done.
    pub task: Task,
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// What is to be done about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Its recording is there: it is looked at, and its parts are handed out.
    Plan,
    /// One part of its recording is transcribed.
    Part {
        /// Index of the part.
        part: usize,
    },
    /// Its recording is handed over whole to a service.
    Submit,
    /// That service is asked how far it is, again and again.
    Poll {
        /// The id that it knows the recording by.
        id: String,
        /// How often it was asked before.
        asked: u32,
    },
    /// That service says that it is done: it is asked once, now.
    Told {
        /// The id that it knows the recording by.
        id: String,
    },
    /// Its audio is made of its frames, if it was a live one and has ended.
    Keep {
        /// How often that was put off before.
        asked: u32,
    },
}

/// What a message of the queue asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Work that this program handed out.
    Work(Work),
    /// Recordings that were uploaded, as S3 tells it.
    Uploaded(Vec<(OrgId, CallId)>),
}

/// Why a message cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// No such message.
    #[error("the message is not what this version expects: {0}")]
    Malformed(String),
    /// Written by a version of this code that is not this one.
    #[error("the message is of version {0}, not {VERSION}")]
    Version(u32),
}

impl Work {
    /// Work on a call, in a trace.
    pub fn new(org: &OrgId, call: &CallId, task: Task, trace: Option<String>) -> Self {
        Self { version: VERSION, org: org.clone(), call: call.clone(), task, trace }
    }

    /// The message as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Asked {
    /// Reads a message. Objects that are no recordings are passed over, and so is the test that S3 sends when it is set up.
    pub fn parse(text: &str) -> Result<Self, WorkError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Message {
            Ours {
                version: u32,
            },
            Objects(Notification),
            Test {
                #[serde(rename = "Event")]
                _event: String,
            },
        }
        let malformed = |error: serde_json::Error| WorkError::Malformed(error.to_string());
        match serde_json::from_str(text).map_err(malformed)? {
            Message::Ours { version: VERSION } => Ok(Self::Work(serde_json::from_str(text).map_err(malformed)?)),
            Message::Ours { version } => Err(WorkError::Version(version)),
            Message::Objects(told) => Ok(Self::Uploaded(told.records.iter().filter_map(Told::recording).collect())),
            Message::Test { .. } => Ok(Self::Uploaded(Vec::new())),
        }
    }
}

/// What S3 tells: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    s3: ToldOf,
}

#[derive(Deserialize)]
struct ToldOf {
    object: ToldObject,
}

#[derive(Deserialize)]
struct ToldObject {
    key: String,
}

impl Told {
    /// A key comes form-encoded; those of recordings have nothing in them that this changes but their slashes.
    fn recording(&self) -> Option<(OrgId, CallId)> {
        call_of_source(&self.s3.object.key.replace("%2F", "/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of() -> (OrgId, CallId) {
        (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap())
    }

    #[test]
    fn work_is_read_as_it_was_written() {
        let (org, call) = of();
        let id = || "5552493-16d8".to_owned();
        let poll = Task::Poll { id: id(), asked: 3 };
        for task in [Task::Plan, Task::Submit, poll, Task::Told { id: id() }, Task::Keep { asked: 1 }] {
            let work = Work::new(&org, &call, task, None);
            assert_eq!(Asked::parse(&work.to_json()), Ok(Asked::Work(work)));
        }
        let work = Work::new(
            &org,
            &call,
            Task::Part { part: 7 },
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        );
        assert_eq!(Asked::parse(&work.to_json()), Ok(Asked::Work(work.clone())));
        let later = work.to_json().replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(Asked::parse(&later), Err(WorkError::Version(2)));
        for text in ["", "{}", "[1]", r#"{"version":1}"#] {
            assert!(matches!(Asked::parse(text), Err(WorkError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn uploads_are_told_by_s3() {
        let told = |key: &str| {
            format!(
                r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"b"}},"object":{{"key":"{key}","size":5}}}}}}]}}"#
            )
        };
        let key = "recordings/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV/source";
        for key in [key.to_owned(), key.replace('/', "%2F")] {
            assert_eq!(Asked::parse(&told(&key)), Ok(Asked::Uploaded(vec![of()])));
        }
        assert_eq!(Asked::parse(&told("deferred/x")), Ok(Asked::Uploaded(Vec::new())));
        assert_eq!(Asked::parse(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#), Ok(Asked::Uploaded(Vec::new())));
    }
}
