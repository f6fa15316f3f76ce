//! The OpenAPI document of the REST API: what `api/*.yaml` says of paths, and the schemas of the types that are sent.
//!
//! A path's parameters, answers and words stand in the YAML, a body's fields in its type. What every operation has in
//! common is added here. To add a path, write it into one of the files, or a new one into `PATHS`; to add a body, name
//! its type in `schemas`.

use callboard_domain::{
    CallId,
    coaching::{ITEM_CHARS, SUMMARY_CHARS},
    playbook::{CARD_CHARS, Playbook},
    settings::OrgSettings,
};
use schemars::{
    JsonSchema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use crate::compat::{JobAccepted, JobResult, JobStatus, TaskAccepted};
use crate::rest::accounts::{
    AuthInfo, CreatedInvitation, CreatedKey, InvitationInfo, InvitationList, InvitationSecret, Jwks, KeyList, Login,
    Me, NewAccount, NewInvitation, NewKey, PasswordChange, RefreshToken, Session, User, UserChange, UserList,
};
use crate::rest::{
    CallAudio, CallList, CallResult, CallSnapshot, CardVerdict, Health, HookTold, NewRecording, PlaybookList,
    PlaybookSummary, PlaybookTrial, Problem, RecordingTicket, Transcript, ValidPlaybook,
};

const BASE: &str = include_str!("../api/openapi.yaml");
/// Paths, by what they are about.
const PATHS: &[(&str, &str)] = &[
    ("calls.yaml", include_str!("../api/calls.yaml")),
    ("recordings.yaml", include_str!("../api/recordings.yaml")),
    ("feed.yaml", include_str!("../api/feed.yaml")),
    ("compat.yaml", include_str!("../api/compat.yaml")),
    ("playbooks.yaml", include_str!("../api/playbooks.yaml")),
    ("settings.yaml", include_str!("../api/settings.yaml")),
    ("accounts.yaml", include_str!("../api/accounts.yaml")),
    ("service.yaml", include_str!("../api/service.yaml")),
];
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Why the parts make no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A file of `api` cannot be read.
    #[error("{0}: {1}")]
    File(&'static str, String),
    /// A path stands in two files.
    #[error("{0} is described twice")]
    Twice(String),
}

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
    let mut document = read("openapi.yaml", BASE)?;
    let mut paths = Map::new();
    for (name, text) in PATHS {
        let Value::Object(described) = read(name, text)? else {
            return Err(DocumentError::File(name, "it is no mapping of paths".into()));
        };
        for (path, operations) in described {
            if paths.insert(path.clone(), operations).is_some() {
                return Err(DocumentError::Twice(path));
            }
        }
    }
    for operation in paths.values_mut().flat_map(operations) {
        add_common_answers(operation);
    }
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["paths"] = Value::Object(paths);
    document["components"]["schemas"] = Value::Object(schemas());
    make_readable(&mut document);
    Ok(document)
}

pub(crate) fn read(name: &'static str, text: &str) -> Result<Value, DocumentError> {
    serde_saphyr::from_str(text).map_err(|error| DocumentError::File(name, error.to_string()))
}

fn operations(path: &mut Value) -> impl Iterator<Item = &mut Value> {
    let members = path.as_object_mut().into_iter().flatten();
    members.filter(|(name, _)| METHODS.contains(&name.as_str())).map(|(_, operation)| operation)
}

/// What the gateway can answer to everything, and to whatever needs a token.
fn add_common_answers(operation: &mut Value) {
    let needs_token = operation.get("security").is_none();
    let answers = [("401", needs_token), ("403", needs_token), ("429", true), ("500", true), ("503", true)];
    for (status, _) in answers.iter().filter(|(_, counts)| *counts) {
        if operation["responses"].get(status).is_none() {
            operation["responses"][*status] = json!({ "$ref": format!("#/components/responses/{status}") });
        }
    }
}

/// What makes schemas of types as they are sent or received, for a document that holds them as components.
pub(crate) fn generator(contract: Contract) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = contract;
    });
    settings.into_generator()
}

/// Schemas of all bodies, and of what they consist of.
fn schemas() -> Map<String, Value> {
    let mut sent = generator(Contract::Serialize);
    add::<Health>(&mut sent);
    add::<CallList>(&mut sent);
    add::<CallSnapshot>(&mut sent);
    add::<Transcript>(&mut sent);
    add::<CallResult>(&mut sent);
    add::<CallAudio>(&mut sent);
    add::<RecordingTicket>(&mut sent);
    add::<JobAccepted>(&mut sent);
    add::<TaskAccepted>(&mut sent);
    add::<JobStatus>(&mut sent);
    add::<JobResult>(&mut sent);
    add::<PlaybookList>(&mut sent);
    add::<PlaybookSummary>(&mut sent);
    add::<CallId>(&mut sent);
    add::<PlaybookTrial>(&mut sent);
    add::<Problem>(&mut sent);
    add::<AuthInfo>(&mut sent);
    add::<Session>(&mut sent);
    add::<Me>(&mut sent);
    add::<User>(&mut sent);
    add::<UserList>(&mut sent);
    add::<InvitationInfo>(&mut sent);
    add::<InvitationList>(&mut sent);
    add::<CreatedInvitation>(&mut sent);
    add::<KeyList>(&mut sent);
    add::<CreatedKey>(&mut sent);
    add::<Jwks>(&mut sent);
    // What is received, and playbooks, of which what is empty is left out either way.
    let mut received = generator(Contract::Deserialize);
    add::<OrgSettings>(&mut received);
    add::<CardVerdict>(&mut received);
    add::<NewRecording>(&mut received);
    add::<HookTold>(&mut received);
    add::<Playbook>(&mut received);
    add::<ValidPlaybook>(&mut received);
    add::<NewAccount>(&mut received);
    add::<Login>(&mut received);
    add::<RefreshToken>(&mut received);
    add::<InvitationSecret>(&mut received);
    add::<PasswordChange>(&mut received);
    add::<UserChange>(&mut received);
    add::<NewInvitation>(&mut received);
    add::<NewKey>(&mut received);
    let mut schemas = sent.take_definitions(true);
    schemas.extend(received.take_definitions(true));
    schemas
}

pub(crate) fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// Descriptions are documentation of Rust: links and line ends mean nothing here.
pub(crate) fn make_readable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = readable(text);
            }
            members.values_mut().for_each(make_readable);
        }
        Value::Array(entries) => entries.iter_mut().for_each(make_readable),
        _ => {}
    }
}

fn readable(text: &str) -> String {
    let numbers = [
        ("[`super::ITEM_CHARS`]", ITEM_CHARS),
        ("[`super::SUMMARY_CHARS`]", SUMMARY_CHARS),
        ("[`CARD_CHARS`]", CARD_CHARS),
    ];
    let mut text = text.to_owned();
    for (link, number) in numbers {
        text = text.replace(link, &number.to_string());
    }
    // What is left are names: those of variants are sent in lower case.
    while let Some((before, rest)) = text.split_once("[`")
        && let Some((name, after)) = rest.split_once("`]")
    {
        let name = name.rsplit_once("::").map_or(name.to_owned(), |(_, variant)| variant.to_lowercase());
        text = format!("{before}`{name}`{after}");
    }
    let paragraphs = text.trim().split("\n\n").map(|paragraph| {
        if paragraph.contains("\n|") || paragraph.contains("\n-") {
            paragraph.into()
        } else {
            paragraph.replace('\n', " ")
        }
    });
    paragraphs.collect::<Vec<String>>().join("\n\n")
}
