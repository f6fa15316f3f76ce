//! `FilterCriteria`: event patterns as AWS documents them for event source mappings. Pure.

use serde_json::{Map, Value};

/// A pattern that AWS would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter pattern: {0}")]
pub struct FilterError(String);

/// The patterns of a mapping: a record passes if any of them matches, or if there is none.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    patterns: Vec<Value>,
}

impl Filter {
    /// Checks the patterns' form.
    pub fn new(patterns: &[Value]) -> Result<Filter, FilterError> {
        for pattern in patterns {
            check_object(pattern)?;
        }
        Ok(Filter { patterns: patterns.to_vec() })
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a record passes.
    pub fn passes(&self, record: &Value) -> bool {
        self.is_empty() || self.patterns.iter().any(|pattern| matches(pattern, Some(record)))
    }
}

fn refuse<T>(what: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError(what.into()))
}

fn check_object(pattern: &Value) -> Result<(), FilterError> {
    let Value::Object(fields) = pattern else {
        return refuse(format!("{pattern} is no object"));
    };
    if fields.is_empty() {
        return refuse("an object without fields");
    }
    for (name, value) in fields {
        match value {
            Value::Object(_) => check_object(value)?,
            Value::Array(alternatives) if name == "$or" => {
                alternatives.iter().try_for_each(check_object)?;
            }
            Value::Array(matchers) if !matchers.is_empty() => {
                matchers.iter().try_for_each(check_matcher)?;
            }
            _ => return refuse(format!("{name} must be an object or a list of values")),
        }
    }
    Ok(())
}

fn check_matcher(matcher: &Value) -> Result<(), FilterError> {
    let Value::Object(matcher) = matcher else {
        return match matcher {
            Value::Array(_) => refuse("a list in a list of values"),
            _ => Ok(()),
        };
    };
    let Some((name, value)) = only(matcher) else {
        return refuse("a comparison has one name");
    };
    let good = match name {
        "prefix" | "suffix" => value.is_string() || value["equals-ignore-case"].is_string(),
        "equals-ignore-case" => value.is_string(),
        "exists" => value.is_boolean(),
        "numeric" => comparisons(value).is_some(),
        "anything-but" => match value {
            Value::Array(values) => !values.is_empty() && values.iter().all(is_scalar),
            Value::Object(inner) => only(inner).is_some_and(|(name, value)| match name {
                "prefix" | "suffix" | "equals-ignore-case" => all_text(value),
                _ => false,
            }),
            value => is_scalar(value),
        },
        _ => return refuse(format!("there is no comparison {name}")),
    };
    if good { Ok(()) } else { refuse(format!("{name} with {value}")) }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn all_text(value: &Value) -> bool {
    value.is_string() || value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

fn only(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = object.iter();
    let (name, value) = fields.next()?;
    fields.next().is_none().then_some((name.as_str(), value))
}

fn matches(pattern: &Value, event: Option<&Value>) -> bool {
    let Value::Object(fields) = pattern else {
        return false;
    };
    if let Some(Value::Array(elements)) = event {
        return elements.iter().any(|element| matches(pattern, Some(element)));
    }
    fields.iter().all(|(name, expected)| match expected {
        Value::Array(alternatives) if name == "$or" => {
            alternatives.iter().any(|alternative| matches(alternative, event))
        }
        Value::Array(matchers) => field_matches(matchers, event.and_then(|event| event.get(name))),
        nested => matches(nested, event.and_then(|event| event.get(name))),
    })
}

fn field_matches(matchers: &[Value], field: Option<&Value>) -> bool {
    match field {
        Some(Value::Array(elements)) => {
            let exists = matchers.iter().any(|matcher| matcher["exists"] == true);
            exists || elements.iter().any(|element| field_matches(matchers, Some(element)))
        }
        Some(value) => matchers.iter().any(|matcher| value_matches(matcher, value)),
        None => matchers.iter().any(|matcher| matcher["exists"] == false),
    }
}

fn value_matches(matcher: &Value, value: &Value) -> bool {
    let Value::Object(comparison) = matcher else {
        return equal(matcher, value);
    };
    let Some((name, operand)) = only(comparison) else {
        return false;
    };
    match name {
        // `exists` is about leaves: an object is none.
        "exists" => operand == true && !value.is_object(),
        "anything-but" => is_scalar(value) && !excluded(operand, value),
        "numeric" => in_range(operand, value),
        _ => value.as_str().is_some_and(|text| text_matches(name, operand, text)),
    }
}

fn excluded(operand: &Value, value: &Value) -> bool {
    match operand {
        Value::Array(values) => values.iter().any(|one| equal(one, value)),
        Value::Object(inner) => match (only(inner), value.as_str()) {
            (Some((name, Value::Array(operands))), Some(text)) => {
                operands.iter().any(|operand| text_matches(name, operand, text))
            }
            (Some((name, operand)), Some(text)) => text_matches(name, operand, text),
            _ => false,
        },
        one => equal(one, value),
    }
}

fn text_matches(name: &str, operand: &Value, text: &str) -> bool {
    let ignore_case = operand["equals-ignore-case"].as_str();
    let folded = text.to_lowercase();
    match (name, operand.as_str(), ignore_case) {
        ("prefix", Some(prefix), _) => text.starts_with(prefix),
        ("suffix", Some(suffix), _) => text.ends_with(suffix),
        ("prefix", None, Some(prefix)) => folded.starts_with(&prefix.to_lowercase()),
        ("suffix", None, Some(suffix)) => folded.ends_with(&suffix.to_lowercase()),
        ("equals-ignore-case", Some(other), _) => folded == other.to_lowercase(),
        _ => false,
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn in_range(operand: &Value, value: &Value) -> bool {
    let (Some(comparisons), Some(number)) = (comparisons(operand), value.as_f64()) else {
        return false;
    };
    comparisons.iter().all(|(operator, bound)| match *operator {
        "=" => number == *bound,
        "<" => number < *bound,
        "<=" => number <= *bound,
        ">" => number > *bound,
        ">=" => number >= *bound,
        _ => false,
    })
}

/// `[">", 0, "<=", 5]` as pairs.
fn comparisons(operand: &Value) -> Option<Vec<(&str, f64)>> {
    let parts = operand.as_array()?;
    if parts.is_empty() || parts.len() % 2 != 0 {
        return None;
    }
    let pairs = parts.chunks(2).map(|pair| {
        let operator = pair[0].as_str()?;
        let known = ["=", "<", "<=", ">", ">="].contains(&operator);
        known.then_some((operator, pair[1].as_f64()?))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests;
