//! The form in which a model answers, as a JSON Schema that strict structured outputs accept: every object closed, every
//! property required, what may be missing is null.

use serde_json::{Map, Value, json};

/// The JSON Schema of a model's answer.
pub fn notes_schema() -> Value {
    let item = |more: &[(&str, Value)]| {
        let mut properties = vec![("text", text()), ("quote", text()), ("said_by", one_of(&["agent", "customer"]))];
        properties.extend(more.iter().cloned());
        object(properties)
    };
    let due = || [("due", text_or_null())];
    let owner = ("owner", one_of(&["agent", "customer", "unknown"]));
    let [dated] = due();
    object(vec![
        ("summary", text()),
        ("agreements", list(item(&due()))),
        ("actions", list(item(&[dated, owner]))),
        (
            "entities",
            list(object(vec![("kind", one_of(&["person", "amount", "date", "organization"])), ("text", text())])),
        ),
        ("pain_points", list(item(&due()))),
        ("open_questions", list(item(&[]))),
        (
            "objections",
            list(object(vec![
                ("id", text()),
                ("outcome", one_of(&["answered", "resolved", "unanswered"])),
                ("quote", text_or_null()),
            ])),
        ),
        ("diary", nullable(diary())),
    ])
}

fn diary() -> Value {
    let entry = || object(vec![("text", text()), ("quote", text())]);
    let dated = object(vec![("text", text()), ("quote", text()), ("due", text_or_null())]);
    object(vec![
        ("title", text()),
        ("topics", list(entry())),
        ("done", list(entry())),
        ("todo", list(dated)),
        ("mood", nullable(entry())),
    ])
}

fn object(properties: Vec<(&str, Value)>) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let required = json!(required);
    let properties: Map<String, Value> = properties.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn nullable(mut object: Value) -> Value {
    object["type"] = json!(["object", "null"]);
    object
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn one_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn text_or_null() -> Value {
    json!({"type": ["string", "null"]})
}
