//! The committed OpenAPI document is that of this code, and whole.

use std::collections::BTreeSet;

use callboard_wire::{OPENAPI, openapi};
use serde_json::Value;

#[test]
fn the_document_is_that_of_this_code() {
    assert!(openapi::text().unwrap() == OPENAPI, "shared/wire/api/openapi.json is of other code: run `make api-docs`");
}

/// Hands every object of a document to a visitor, with the way to it.
fn visit(way: &str, value: &Value, see: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(way, members);
            members.iter().for_each(|(name, member)| visit(&format!("{way}/{}", name.replace('/', "~1")), member, see));
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(at, entry)| visit(&format!("{way}/{at}"), entry, see));
        }
        _ => {}
    }
}

#[test]
fn references_lead_somewhere_and_everything_is_used() {
    let document = openapi::document().unwrap();
    let mut used = BTreeSet::new();
    visit("", &document, &mut |way, members| {
        if let Some(Value::String(target)) = members.get("$ref") {
            let found = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(found.is_some(), "{way} refers to {target}, which is not there");
            used.insert(target.clone());
        }
    });
    for kind in ["schemas", "parameters", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let own = format!("#/components/{kind}/{name}");
            assert!(used.contains(&own), "{own} is used by nothing");
        }
    }
}

#[test]
fn everything_is_described_in_plain_words() {
    let document = openapi::document().unwrap();
    visit("", &document, &mut |way, members| {
        if let Some(Value::String(text)) = members.get("description") {
            assert!(!text.contains("[`") && !text.contains("::"), "{way} links to code: {text}");
        }
    });
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let described = ["operationId", "summary", "description"].map(|it| operation[it].is_string());
            assert_eq!(described, [true; 3], "{method} {path}");
            assert!(operation["responses"].as_object().unwrap().len() > 3, "{method} {path}");
        }
    }
}
