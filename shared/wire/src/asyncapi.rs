//! The AsyncAPI document of the socket: what `api/asyncapi.yaml` says of it, and a schema of each message.
//!
//! A message's schema is flat: what its type takes over from others is written out, so that any generator can read it. To
//! add a message, add a variant to its enum in `messages`.

use serde_json::{Map, Value, json};

use crate::{
    messages::{ClientMessage, LegacyAudio, ServerMessage},
    openapi::{DocumentError, add, generator, make_readable, read},
};

const BASE: &str = include_str!("../api/asyncapi.yaml");
/// Where schemas stand.
const SCHEMAS: &str = "#/components/schemas/";

/// The document, as it is committed.
///
/// # Errors
/// See [`DocumentError`].
pub fn text() -> Result<String, DocumentError> {
    Ok(format!("{:#}\n", document()?))
}

/// The document.
///
/// # Errors
/// See [`DocumentError`].
pub fn document() -> Result<Value, DocumentError> {
    let mut document = read("asyncapi.yaml", BASE)?;
    let mut generator = generator(schemars::generate::Contract::Serialize);
    add::<ClientMessage>(&mut generator);
    add::<LegacyAudio>(&mut generator);
    add::<ServerMessage>(&mut generator);
    let mut schemas = generator.take_definitions(true);
    let mut messages = Map::new();
    for (operation, union, tag) in [("hear", "ClientMessage", "action"), ("tell", "ServerMessage", "type")] {
        let variants = schemas.remove(union).unwrap_or_default();
        let mut names = Vec::new();
        for variant in variants["oneOf"].as_array().into_iter().flatten() {
            let said = variant["properties"][tag]["const"].as_str().unwrap_or_default().to_owned();
            let name = format!("{}{}", &union[..6], capital(&said));
            let schema = written_out(variant, &schemas);
            schemas.insert(name.clone(), schema);
            names.push((said, name));
        }
        if operation == "hear" {
            names.push(("audio_data".to_owned(), "LegacyAudio".to_owned()));
        }
        for (said, name) in &names {
            let described = &mut schemas[name];
            let summary = described.as_object_mut().and_then(|schema| schema.remove("description"));
            let summary = summary.unwrap_or_default();
            described["title"] = json!(name);
            let payload = json!({ "$ref": format!("{SCHEMAS}{name}") });
            messages.insert(name.clone(), json!({ "name": said, "description": summary, "payload": payload }));
            let channel = &mut document["channels"]["socket"]["messages"];
            channel[name] = json!({ "$ref": format!("#/components/messages/{name}") });
            let reference = json!({ "$ref": format!("#/channels/socket/messages/{name}") });
            if let Some(all) = document["operations"][operation]["messages"].as_array_mut() {
                all.push(reference);
            }
        }
        let any: Vec<Value> = names.iter().map(|(_, name)| json!({ "$ref": format!("{SCHEMAS}{name}") })).collect();
        schemas.insert(union.to_owned(), json!({ "title": union, "oneOf": any }));
    }
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["components"]["messages"] = Value::Object(messages);
    document["components"]["schemas"] = Value::Object(used(schemas));
    make_readable(&mut document);
    Ok(document)
}

/// Only what messages consist of: what was written out into others is left over.
fn used(schemas: Map<String, Value>) -> Map<String, Value> {
    let mut open = vec!["ClientMessage".to_owned(), "ServerMessage".to_owned()];
    let mut kept = Map::new();
    while let Some(name) = open.pop() {
        let Some(schema) = schemas.get(&name).filter(|_| !kept.contains_key(&name)) else { continue };
        references(schema, &mut open);
        kept.insert(name, schema.clone());
    }
    kept
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            found.extend(target.and_then(|target| target.strip_prefix(SCHEMAS)).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
        _ => {}
    }
}

/// A schema with the fields of those that it refers to at its top.
fn written_out(schema: &Value, schemas: &Map<String, Value>) -> Value {
    let mut whole = schema.clone();
    let target = whole.as_object_mut().and_then(|schema| schema.remove("$ref"));
    let name = target.as_ref().and_then(Value::as_str).and_then(|target| target.strip_prefix(SCHEMAS));
    let Some(other) = name.and_then(|name| schemas.get(name)) else { return whole };
    let other = written_out(other, schemas);
    for (field, described) in other["properties"].as_object().into_iter().flatten() {
        whole["properties"][field] = described.clone();
    }
    let mut required = whole["required"].as_array().cloned().unwrap_or_default();
    required.extend(other["required"].as_array().cloned().unwrap_or_default());
    whole["required"] = Value::Array(required);
    whole
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
