//! Patterns and the records that they let pass.

use serde_json::{Value, json};

use super::Filter;

fn check(pattern: Value, record: Value, expected: bool) {
    let filter = Filter::new(std::slice::from_ref(&pattern)).unwrap();
    assert_eq!(filter.passes(&record), expected, "{pattern} on {record}");
}

#[test]
fn values_compare_as_documented() {
    let record = json!({"name": "SEG#1", "size": 5, "ok": true, "none": null, "tags": ["a", "b"], "empty": ""});
    for (pattern, expected) in [
        (json!({"name": ["SEG#1"]}), true),
        (json!({"name": ["SEG#2", "SEG#1"]}), true),
        (json!({"name": ["seg#1"]}), false),
        (json!({"name": [{"prefix": "SEG#"}]}), true),
        (json!({"name": [{"prefix": "CALL"}]}), false),
        (json!({"name": [{"prefix": {"equals-ignore-case": "seg"}}]}), true),
        (json!({"name": [{"suffix": "#1"}]}), true),
        (json!({"name": [{"equals-ignore-case": "seg#1"}]}), true),
        (json!({"name": [{"anything-but": "SEG#1"}]}), false),
        (json!({"name": [{"anything-but": ["a", "b"]}]}), true),
        (json!({"name": [{"anything-but": ["a", "SEG#1"]}]}), false),
        (json!({"name": [{"anything-but": {"prefix": "SEG"}}]}), false),
        (json!({"name": [{"anything-but": {"prefix": "CARD"}}]}), true),
        (json!({"missing": [{"anything-but": "x"}]}), false),
        (json!({"size": [5.0]}), true),
        (json!({"size": [{"numeric": [">", 0, "<=", 5]}]}), true),
        (json!({"size": [{"numeric": [">", 5]}]}), false),
        (json!({"size": [{"numeric": ["=", 5]}]}), true),
        (json!({"name": [{"numeric": ["=", 5]}]}), false),
        (json!({"ok": [true]}), true),
        (json!({"ok": ["true"]}), false),
        (json!({"none": [null]}), true),
        (json!({"missing": [null]}), false),
        (json!({"empty": [""]}), true),
        (json!({"name": [{"exists": true}]}), true),
        (json!({"name": [{"exists": false}]}), false),
        (json!({"missing": [{"exists": false}]}), true),
        (json!({"tags": ["b"]}), true),
        (json!({"tags": ["c"]}), false),
        (json!({"name": ["SEG#1"], "size": [6]}), false),
        (json!({"$or": [{"name": ["x"]}, {"size": [5]}]}), true),
        (json!({"$or": [{"name": ["x"]}, {"size": [6]}]}), false),
        (json!({"ok": [true], "$or": [{"size": [6]}, {"none": [null]}]}), true),
    ] {
        check(pattern, record.clone(), expected);
    }
}

#[test]
fn nested_fields_must_all_match() {
    let finals = json!({"eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {"sk": {"S": [{"prefix": "SEG#"}]}, "final": {"BOOL": [true]}}}});
    let record = |name: &str, sk: &str, last: bool| json!({"eventName": name, "dynamodb": {"NewImage": {"sk": {"S": sk}, "final": {"BOOL": last}}}});
    check(finals.clone(), record("INSERT", "SEG#1", true), true);
    check(finals.clone(), record("REMOVE", "SEG#1", true), false);
    check(finals.clone(), record("MODIFY", "SEG#1", false), false);
    check(finals.clone(), record("MODIFY", "CALL", true), false);
    check(finals, json!({"eventName": "INSERT", "dynamodb": {"Keys": {}}}), false);
    check(json!({"a": {"b": [{"exists": false}]}}), json!({}), true);
}

#[test]
fn no_pattern_lets_everything_pass_and_any_is_enough() {
    assert!(Filter::new(&[]).unwrap().passes(&json!({})));
    let filter = Filter::new(&[json!({"a": [1]}), json!({"b": [2]})]).unwrap();
    assert!(filter.passes(&json!({"b": 2})));
    assert!(!filter.passes(&json!({"b": 3})));
}

#[test]
fn malformed_patterns_are_refused() {
    for pattern in [
        json!([]),
        json!({}),
        json!({"a": 1}),
        json!({"a": []}),
        json!({"a": [{"near": 1}]}),
        json!({"a": [{"prefix": 1}]}),
        json!({"a": [{"numeric": [">"]}]}),
        json!({"a": [{"exists": "yes"}]}),
        json!({"a": [{"anything-but": {"numeric": 1}}]}),
    ] {
        assert!(Filter::new(std::slice::from_ref(&pattern)).is_err(), "{pattern}");
    }
}
