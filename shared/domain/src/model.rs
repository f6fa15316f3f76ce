//! The port to a language model: an instruction and a text in, one JSON object out.
//!
//! How a service is spoken to is the adapter's matter. Whether the object fits its schema, and what stands in its place
//! when there is none, is decided by the caller.

use std::{fmt, ops, pin::Pin};

use serde_json::Value;

/// One question to the model.
#[derive(Clone, Copy)]
pub struct ModelRequest<'a> {
    /// What the model is and must do: the same for many requests, and free of what was said.
    pub system: &'a str,
    /// What it is about this time.
    pub user: &'a str,
    /// What the answer is called: 1 to 64 of `a` to `z` and `_`.
    pub name: &'a str,
    /// The answer's JSON Schema, of the part that every provider takes: all properties of an object required,
    /// `additionalProperties` false, no limits of lengths and numbers, nothing recursive.
    pub schema: &'a Value,
    /// Where the answer is cut off, in the model's tokens.
    pub most_output_tokens: u32,
}

/// Tells sizes only, since what was said must not end up in a log.
impl fmt::Debug for ModelRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ModelRequest")
            .field("name", &self.name)
            .field("system_bytes", &self.system.len())
            .field("user_bytes", &self.user.len())
            .field("most_output_tokens", &self.most_output_tokens)
            .finish()
    }
}

/// What the model answered.
#[derive(Clone, PartialEq)]
pub struct ModelAnswer {
    /// A JSON object. That it fits the schema is likely, but not verified here.
    pub value: Value,
    /// What it cost.
    pub usage: Usage,
}

/// Leaves the answer out, which quotes what was said.
impl fmt::Debug for ModelAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ModelAnswer").field("usage", &self.usage).finish_non_exhaustive()
    }
}

/// Tokens that the service counted. Those read from its cache, or written to it, are input like any other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// What it was told.
    pub input_tokens: u64,
    /// What it answered, its thoughts included.
    pub output_tokens: u64,
}

impl ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

impl ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Why there is no answer. The texts hold neither spoken content nor keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The service has no room now: try again later.
    #[error("the language model is busy{}", wait(*.retry_after_ms))]
    Busy {
        /// When the service wants to be asked again, in milliseconds from now, where it said so.
        retry_after_ms: Option<u64>,
    },
    /// The service was not reached, or failed: try again later.
    #[error("the language model is unavailable: {0}")]
    Unavailable(String),
    /// There was no answer in time.
    #[error("the language model did not answer in time")]
    TimedOut,
    /// The model or its service declines this request, however often it is sent.
    #[error("the language model declines to answer")]
    Refused,
    /// The answer is no JSON, was cut off, or is no object: another try may go well.
    #[error("the language model's answer cannot be used: {0}")]
    Malformed(String),
    /// The configuration is wrong (its key, address or model): every request fails until somebody mends it.
    #[error("the language model does not accept the configuration: {0}")]
    Unauthorized(String),
}

impl ModelError {
    /// The variant's name, for counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Malformed(_) => "malformed",
            Self::Unauthorized(_) => "unauthorized",
        }
    }
}

fn wait(retry_after_ms: Option<u64>) -> String {
    retry_after_ms.map(|wait_ms| format!(" for {wait_ms} ms")).unwrap_or_default()
}

/// A request that came to nothing, and what it cost all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ModelFailure {
    /// Why.
    pub error: ModelError,
    /// What the service counted, as far as it said so: a refusal and half an answer are paid for.
    pub usage: Usage,
}

impl From<ModelError> for ModelFailure {
    fn from(error: ModelError) -> Self {
        Self { error, usage: Usage::default() }
    }
}

/// The answer to come. Boxed, so that a function can hold an `Arc<dyn LanguageModel>` chosen by its configuration.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<ModelAnswer, ModelFailure>> + Send + 'a>>;

/// A language model.
pub trait LanguageModel: Send + Sync {
    /// Asks once. Dropping the future gives up on the answer.
    fn answer<'a>(&'a self, request: ModelRequest<'a>) -> Answering<'a>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_debug_forms_hold_nothing_that_was_said() {
        let schema = json!({"type": "object"});
        let request = ModelRequest {
            system: "You coach.",
            user: "my card number is",
            name: "advice",
            schema: &schema,
            most_output_tokens: 300,
        };
        assert_eq!(
            format!("{request:?}"),
            r#"ModelRequest { name: "advice", system_bytes: 10, user_bytes: 17, most_output_tokens: 300 }"#
        );
        let usage = Usage { input_tokens: 7, output_tokens: 2 };
        let answer = ModelAnswer { value: json!({"evidence": "my card number is"}), usage };
        assert_eq!(format!("{answer:?}"), "ModelAnswer { usage: Usage { input_tokens: 7, output_tokens: 2 }, .. }");
    }

    #[test]
    fn an_error_has_a_name_and_says_when_to_come_back() {
        fn check(error: ModelError, kind: &str, told: &str) {
            assert_eq!(error.kind(), kind);
            assert_eq!(error.to_string(), told);
            assert_eq!(ModelFailure::from(error).to_string(), told);
        }
        check(ModelError::Busy { retry_after_ms: None }, "busy", "the language model is busy");
        check(ModelError::Busy { retry_after_ms: Some(1500) }, "busy", "the language model is busy for 1500 ms");
        check(ModelError::TimedOut, "timed_out", "the language model did not answer in time");
        check(ModelError::Refused, "refused", "the language model declines to answer");
        check(ModelError::Unavailable("HTTP 500".into()), "unavailable", "the language model is unavailable: HTTP 500");
        check(
            ModelError::Malformed("no JSON".into()),
            "malformed",
            "the language model's answer cannot be used: no JSON",
        );
        check(
            ModelError::Unauthorized("HTTP 401".into()),
            "unauthorized",
            "the language model does not accept the configuration: HTTP 401",
        );
    }

    #[test]
    fn usage_adds_up() {
        let usage = |input_tokens, output_tokens| Usage { input_tokens, output_tokens };
        let mut sum = Usage::default();
        for part in [usage(100, 7), usage(20, 0)] {
            sum += part;
        }
        assert_eq!(sum, usage(120, 7));
        assert_eq!(usage(u64::MAX, 1) + usage(1, 1), usage(u64::MAX, 2));
    }
}
