//! Functions and their environments: JSON in, JSON out.
//!
//! A function has a pool of environments, each with one invocation at a time; an idle one is chosen at random,
//! since Lambda promises no affinity. A panic ends its environment and nothing else.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use serde_json::Value;

/// A boxed future, as the registry keeps them.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why an invocation gave no result. The message is what Lambda would put into `errorMessage`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The handler returned an error.
    #[error("{0}")]
    Handler(String),
    /// The handler panicked.
    #[error("the function panicked")]
    Panicked,
    /// The handler took longer than the function's `Timeout`.
    #[error("the function timed out after {0} s")]
    TimedOut(u64),
    /// No environment could be started (a missing or malformed setting, for instance).
    #[error("{0}")]
    Init(String),
    /// The template names a function that is not there.
    #[error("there is no function {0}")]
    Unknown(String),
}

/// One warm environment of a function: an initialized handler.
pub trait Environment: Send + Sync {
    /// Handles one event.
    fn invoke(&self, event: Value) -> BoxFuture<Result<Value, String>>;
}

/// What an environment is started with: the function's variables and the AWS the SDK clients shall talk to.
#[derive(Debug, Clone)]
pub struct Init {
    /// The function's environment variables, from the template.
    pub variables: BTreeMap<String, String>,
    /// An SDK configuration whose HTTP client is the local AWS.
    pub sdk: aws_types::SdkConfig,
}

/// Starts an environment of one function.
pub type Start = Arc<dyn Fn(Init) -> BoxFuture<Result<Box<dyn Environment>, String>> + Send + Sync>;

/// The handlers that are linked into this process, by crate name (`ingest`, `transcribe`, …).
pub type Registry = BTreeMap<&'static str, Start>;
