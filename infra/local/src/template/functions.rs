//! Functions: their globals, environment, secrets and limits.

use std::collections::BTreeMap;

use super::{
    Function,
    error::TemplateError,
    field::{Field, Place},
    node::{Kind, Node},
    resources::Block,
};

/// Properties that work on AWS and that the local stack leaves out, so that it can say so.
const LEFT_OUT: [&str; 3] = ["EventInvokeConfig", "DeadLetterQueue", "VpcConfig"];

/// The variable that names the secrets of a function, and their type.
const SECRETS: &str = "SECRETS";
const SECRET: &str = "AWS::SecretsManager::Secret";

/// Puts the globals below a function's own properties: mappings are merged, lists joined, the rest replaced.
pub(super) fn with_globals(globals: Option<&Node>, own: &Node) -> Node {
    let Some(globals) = globals else {
        return own.clone();
    };
    match (&globals.kind, &own.kind) {
        (Kind::Map(general), Kind::Map(special)) => {
            let mut merged: Vec<_> = general
                .iter()
                .map(|(key, value)| match own.get(key) {
                    Some(special) => (key.clone(), with_globals(Some(value), special)),
                    None => (key.clone(), value.clone()),
                })
                .collect();
            let added = special.iter().filter(|(key, _)| globals.get(key).is_none());
            merged.extend(added.cloned());
            Node { kind: Kind::Map(merged), at: own.at }
        }
        (Kind::List(general), Kind::List(special)) => {
            Node { kind: Kind::List(general.iter().chain(special).cloned().collect()), at: own.at }
        }
        _ => own.clone(),
    }
}

/// Reads one function, but not what calls it.
pub(super) fn function(block: &Block<'_, '_>) -> Result<Function, TemplateError> {
    let code = block.require("CodeUri")?;
    let path = code.text()?;
    let handler = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if handler.is_empty() {
        return Err(code.error("must be the folder of a function's crate, such as functions/ingest"));
    }
    let timeout_s = block.property("Timeout")?.map_or(Ok(3), |field| field.count(1..=900))?;
    let memory_mib = block.property("MemorySize")?.map_or(Ok(128), |field| field.count(128..=10_240))?;
    let reserved = block.property("ReservedConcurrentExecutions")?.map(|field| field.count(0..=100_000)).transpose()?;
    Ok(Function {
        id: block.id.to_owned(),
        handler,
        environment: environment(block)?,
        timeout_s,
        memory_mib,
        reserved_concurrency: reserved.and_then(|count| usize::try_from(count).ok()),
        has_url: has_url(block)?,
    })
}

/// Whether a function has a URL, which must be one that streams and asks nobody who they are.
fn has_url(block: &Block<'_, '_>) -> Result<bool, TemplateError> {
    let Some(config) = block.property("FunctionUrlConfig")? else {
        return Ok(false);
    };
    config.only(&["AuthType", "InvokeMode"])?;
    config.require("AuthType")?.one_of(&["NONE"])?;
    config.require("InvokeMode")?.one_of(&["RESPONSE_STREAM"])?;
    Ok(true)
}

fn environment(block: &Block<'_, '_>) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut environment = BTreeMap::new();
    let variables = block.property("Environment")?.and_then(|field| field.get("Variables"));
    let Some(variables) = variables else {
        return Ok(environment);
    };
    for (name, field) in variables.entries()? {
        if name == SECRETS {
            environment.extend(secrets(block, &field)?);
        } else {
            environment.insert(name, field.text()?);
        }
    }
    Ok(environment)
}

/// The settings in the secrets that a variable names: on AWS a function reads them when it starts. One that is made by
/// itself there is none here.
fn secrets(block: &Block<'_, '_>, names: &Field) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut settings = BTreeMap::new();
    for id in names.text()?.split_whitespace() {
        let secret = block.resolver.resource(id)?;
        let secret = secret.filter(|node| node.get("Type").and_then(Node::as_text) == Some(SECRET));
        let secret = secret.ok_or_else(|| names.error(format!("{id} is no secret of this template")))?;
        let Some(text) = secret.get("Properties").and_then(|properties| properties.get("SecretString")) else {
            continue;
        };
        let Some(text) = block.resolver.field(text, Place::of(id).then("SecretString"))? else { continue };
        let read = serde_json::from_str::<BTreeMap<String, String>>(&text.text()?);
        // What is wrong with it would tell what is in it.
        settings.extend(read.map_err(|_| text.error("must be a JSON object of strings, without \" and \\ in them"))?);
    }
    Ok(settings)
}

/// The properties of a function that have no effect here, as `Function.Property`.
pub(super) fn left_out(block: &Block<'_, '_>) -> impl Iterator<Item = String> {
    LEFT_OUT.into_iter().filter(|name| block.properties.get(name).is_some()).map(|name| format!("{}.{name}", block.id))
}

/// The error for a function that something names and the template has not.
pub(super) fn unknown(id: &str, place: &Place, at: super::node::Position) -> TemplateError {
    place.error(at, format!("{id} is no function of this template"))
}
