//! From a service's answer to the port's: what all providers' answers have in common.

use callboard_domain::model::{ModelAnswer, ModelError, ModelFailure, Usage};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads an answer's envelope. The parser's own words would quote it, so they are not passed on.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(body).map_err(|error| not_json("the answer is not the documented JSON", &error))
}

/// The object that the model wrote.
pub(super) fn object(text: &str) -> Result<Value, ModelError> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ModelError::Malformed("the model's text is no JSON object".into())),
        Err(error) => Err(not_json("the model's text is not JSON", &error)),
    }
}

/// An answer that ended at the limit of its length.
pub(super) fn cut_off() -> ModelError {
    ModelError::Malformed("it was cut off at the limit of its tokens".into())
}

/// An answer above [`LARGEST_ANSWER`](super::LARGEST_ANSWER).
pub(super) fn too_large() -> ModelError {
    ModelError::Malformed(format!("it has more than {} bytes", super::LARGEST_ANSWER))
}

/// With what it cost, whatever came of it.
pub(super) fn with_usage(value: Result<Value, ModelError>, usage: Usage) -> Result<ModelAnswer, ModelFailure> {
    value.map(|value| ModelAnswer { value, usage }).map_err(|error| ModelFailure { error, usage })
}

fn not_json(what: &str, error: &serde_json::Error) -> ModelError {
    ModelError::Malformed(format!("{what} (line {}, column {})", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_writes_an_object_or_nothing_of_use() {
        fn check(text: &str, expected: Result<Value, &str>) {
            assert_eq!(object(text), expected.map_err(|told| ModelError::Malformed(told.to_owned())), "{text}");
        }
        check("{}", Ok(json!({})));
        check("\n {\"say\": \"Hello.\"} \n", Ok(json!({"say": "Hello."})));
        check("[1]", Err("the model's text is no JSON object"));
        check("null", Err("the model's text is no JSON object"));
        check("", Err("the model's text is not JSON (line 1, column 0)"));
        check("my card", Err("the model's text is not JSON (line 1, column 1)"));
        check(r#"{"say": "my card"#, Err("the model's text is not JSON (line 1, column 16)"));
    }

    #[test]
    fn a_wrong_envelope_is_not_quoted() {
        let error = parse::<String>(br#"{"text":"my card number"}"#).expect_err("no string");
        assert!(!error.to_string().contains("card"), "{error}");
        assert_eq!(error.kind(), "malformed");
    }
}
