//! The committed documents, OpenAPI and AsyncAPI, are those of this code, and whole.

use std::collections::BTreeSet;

use callboard_wire::{ASYNCAPI, OPENAPI, asyncapi, openapi};
use serde_json::Value;

#[test]
fn the_documents_are_those_of_this_code() {
    assert!(openapi::text().unwrap() == OPENAPI, "shared/wire/api/openapi.json is of other code: run `make api-docs`");
    assert!(
        asyncapi::text().unwrap() == ASYNCAPI,
        "shared/wire/api/asyncapi.json is of other code: run `make api-docs`"
    );
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

/// What of a document is referred to, each found where it is said to be.
fn used(document: &Value) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    visit("", document, &mut |way, members| {
        if let Some(Value::String(target)) = members.get("$ref") {
            let found = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(found.is_some(), "{way} refers to {target}, which is not there");
            used.insert(target.clone());
        }
    });
    used
}

#[test]
fn references_lead_somewhere_and_everything_is_used() {
    for (document, kinds, tops) in [
        (openapi::document().unwrap(), &["schemas", "parameters", "responses", "headers"][..], &[][..]),
        (asyncapi::document().unwrap(), &["schemas", "messages"], &["ClientMessage", "ServerMessage"]),
    ] {
        let used = used(&document);
        for kind in kinds {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let own = format!("#/components/{kind}/{name}");
                assert!(used.contains(&own) || tops.contains(&name.as_str()), "{own} is used by nothing");
            }
        }
    }
}

#[test]
fn every_message_is_described_with_all_its_fields() {
    let document = asyncapi::document().unwrap();
    let schema = |name: &str| &document["components"]["schemas"][name];
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        assert!(message["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} is described");
        let tag = if name.starts_with("Client") { "action" } else { "type" };
        if name != "LegacyAudio" {
            assert_eq!(schema(name)["properties"][tag]["const"], message["name"], "{name}");
        }
    }
    for (name, fields) in [
        ("ClientAudio", &["action", "seq", "data"][..]),
        ("ClientWatch", &["action"]),
        ("ServerSegment", &["type", "call", "revision", "channel", "start_ms", "text", "final", "times"]),
        ("ServerCard", &["type", "call", "revision", "id", "say", "evidence"]),
        ("ServerProgress", &["type", "call", "revision", "percent", "landmarks"]),
        ("ServerNotes", &["type", "call", "revision", "summary"]),
    ] {
        for field in fields {
            assert!(schema(name)["properties"].get(field).is_some(), "{name} has {field}: {}", schema(name));
            assert!(schema(name)["required"].as_array().unwrap().contains(&Value::from(*field)), "{name} {field}");
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
