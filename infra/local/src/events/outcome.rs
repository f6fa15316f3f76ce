//! What a function's answer says about its batch. Pure.

use serde_json::Value;

use crate::functions::InvokeError;

/// How an invocation ended, for the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All records are done.
    Success,
    /// The records before this index are done; this one and all after it come again.
    FailedFrom(usize),
    /// The whole batch failed.
    Failed,
}

/// Judges a stream batch's answer: the lowest failed sequence number is the checkpoint.
pub fn of_stream(report_item_failures: bool, answer: &Result<Value, InvokeError>, sequences: &[&str]) -> Outcome {
    let indexes = match failed_indexes(report_item_failures, answer, sequences) {
        Some(indexes) => indexes,
        None => return Outcome::Failed,
    };
    indexes.into_iter().min().map_or(Outcome::Success, Outcome::FailedFrom)
}

/// Judges a queue batch's answer: the indexes of the messages that failed, or none if the whole batch did.
pub fn of_queue(report_item_failures: bool, answer: &Result<Value, InvokeError>, ids: &[&str]) -> Option<Vec<usize>> {
    failed_indexes(report_item_failures, answer, ids)
}

/// None stands for the whole batch: an error, an empty or unknown identifier, or an answer of another shape.
fn failed_indexes(report: bool, answer: &Result<Value, InvokeError>, identifiers: &[&str]) -> Option<Vec<usize>> {
    let answer = answer.as_ref().ok()?;
    if !report {
        return Some(Vec::new());
    }
    let failures = match answer {
        Value::Null => return Some(Vec::new()),
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(failures)) => failures,
            Some(_) => return None,
        },
        // An empty string is what a function without a result gives.
        Value::String(text) if text.is_empty() => return Some(Vec::new()),
        _ => return None,
    };
    let indexes = failures.iter().map(|failure| {
        let identifier = failure.get("itemIdentifier")?.as_str()?;
        identifiers.iter().position(|known| *known == identifier)
    });
    indexes.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(answer: Value, expected: Outcome) {
        assert_eq!(of_stream(true, &Ok(answer.clone()), &["a", "b", "c"]), expected, "{answer}");
    }

    #[test]
    fn answers_are_judged_as_documented() {
        check(json!({"batchItemFailures": []}), Outcome::Success);
        check(json!({"batchItemFailures": null}), Outcome::Success);
        check(json!({}), Outcome::Success);
        check(json!(null), Outcome::Success);
        check(json!({"batchItemFailures": [{"itemIdentifier": "b"}]}), Outcome::FailedFrom(1));
        let both = json!({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "b"}]});
        check(both, Outcome::FailedFrom(1));
        check(json!({"batchItemFailures": [{"itemIdentifier": ""}]}), Outcome::Failed);
        check(json!({"batchItemFailures": [{"itemIdentifier": null}]}), Outcome::Failed);
        check(json!({"batchItemFailures": [{"itemId": "b"}]}), Outcome::Failed);
        check(json!({"batchItemFailures": [{"itemIdentifier": "z"}]}), Outcome::Failed);
        check(json!({"batchItemFailures": "b"}), Outcome::Failed);
        check(json!([1]), Outcome::Failed);
    }

    #[test]
    fn an_error_fails_the_batch_and_reports_count_only_if_asked_for() {
        let error = Err(InvokeError::Handler("no".to_owned()));
        assert_eq!(of_stream(false, &error, &["a"]), Outcome::Failed);
        let report = Ok(json!({"batchItemFailures": [{"itemIdentifier": "a"}]}));
        assert_eq!(of_stream(false, &report, &["a"]), Outcome::Success);
    }
}
