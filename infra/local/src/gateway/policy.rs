//! What an authorizer of the WebSocket API answered: a policy, a principal, and a context of scalars.

use serde_json::{Map, Value};

/// Who was let in: what the events of a connection carry as `requestContext.authorizer`.
pub(super) type Authorized = Map<String, Value>;

/// Why a result lets nobody in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refused {
    /// The policy does not allow it.
    Denied,
    /// The result itself is wrong; the text is for the log.
    Malformed(String),
}

/// Judges an authorizer's result for one method.
pub(super) fn judge(result: &Value, method_arn: &str, most_bytes: usize) -> Result<Authorized, Refused> {
    let malformed = |message: &str| Err(Refused::Malformed(message.to_owned()));
    if result.to_string().len() > most_bytes {
        return Err(Refused::Malformed(format!("the result is larger than {most_bytes} bytes")));
    }
    let Some(principal) = result["principalId"].as_str() else {
        return malformed("the result has no principalId");
    };
    let statements = match &result["policyDocument"]["Statement"] {
        Value::Array(statements) => statements.iter().collect(),
        statement @ Value::Object(_) => vec![statement],
        _ => return malformed("the result has no policyDocument with a Statement"),
    };
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            statement["Effect"] == effect
                && any_matches(&statement["Action"], "execute-api:Invoke")
                && any_matches(&statement["Resource"], method_arn)
        })
    };
    if applies("Deny") || !applies("Allow") {
        return Err(Refused::Denied);
    }
    let mut authorized = Authorized::new();
    match &result["context"] {
        Value::Null => {}
        Value::Object(context) => {
            for (name, value) in context {
                // API Gateway hands every scalar on as text.
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Bool(_) | Value::Number(_) => value.to_string(),
                    _ => {
                        return Err(Refused::Malformed(format!("{name} in the context is no scalar")));
                    }
                };
                authorized.insert(name.clone(), Value::String(text));
            }
        }
        _ => return malformed("the context is no object"),
    }
    authorized.insert("principalId".to_owned(), Value::String(principal.to_owned()));
    Ok(authorized)
}

fn any_matches(patterns: &Value, text: &str) -> bool {
    match patterns {
        Value::String(pattern) => matches(pattern.as_bytes(), text.as_bytes()),
        Value::Array(patterns) => patterns.iter().any(|pattern| any_matches(pattern, text)),
        _ => false,
    }
}

/// IAM's wildcards: `*` for any text, `?` for one character. Backs up to the last `*` only, so it is quick.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < text.len() {
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => match &mut star {
                Some((pattern_at, text_at)) => {
                    *text_at += 1;
                    at = (*pattern_at + 1, *text_at);
                }
                None => return false,
            },
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:local:000000000000:Api/ws/$connect";

    fn result(effect: &str, resource: &str, context: Value) -> Value {
        let statement = json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource});
        json!({"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": context})
    }

    #[test]
    fn policies_are_judged() {
        for (effect, resource, allowed) in [
            ("Allow", ARN, true),
            ("Allow", "*", true),
            ("Allow", "arn:aws:execute-api:*:*:Api/*/$connect", true),
            ("Allow", "arn:aws:execute-api:*:*:Other/*", false),
            ("Deny", "*", false),
            ("Allow", "arn:aws:execute-api:local:000000000000:Api/w?/*", true),
            ("Allow", "", false),
        ] {
            let judged = judge(&result(effect, resource, Value::Null), ARN, 8192);
            assert_eq!(judged.is_ok(), allowed, "{effect} {resource}");
        }
        let mut both = result("Allow", "*", Value::Null);
        let deny = result("Deny", ARN, Value::Null)["policyDocument"]["Statement"][0].clone();
        both["policyDocument"]["Statement"].as_array_mut().unwrap().push(deny);
        assert_eq!(judge(&both, ARN, 8192), Err(Refused::Denied));
    }

    #[test]
    fn contexts_hold_scalars_as_text() {
        let judged = judge(&result("Allow", "*", json!({"a": "x", "b": 1, "c": true})), ARN, 8192).unwrap();
        assert_eq!(Value::Object(judged), json!({"a": "x", "b": "1", "c": "true", "principalId": "me"}));
    }

    #[test]
    fn malformed_results_are_told_apart_from_denials() {
        for wrong in [
            json!(null),
            json!({"principalId": "me"}),
            json!({"policyDocument": {"Statement": []}}),
            result("Allow", "*", json!({"a": {"b": 1}})),
            result("Allow", "*", json!([1])),
            result("Allow", "*", json!({"a": "x".repeat(8192)})),
        ] {
            assert!(matches!(judge(&wrong, ARN, 8192), Err(Refused::Malformed(_))), "{wrong}");
        }
    }
}
