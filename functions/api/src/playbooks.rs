//! Playbooks that an organization can use: the list, and each as JSON or as the text that was written.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use callboard_adapters::accounts::EARLIER_VERSIONS;
use callboard_domain::{
    PlaybookId,
    permissions::Action,
    playbook::{self, Playbook},
};
use callboard_wire::{
    items::PlaybookItem,
    rest::{Origin, PlaybookList},
};
use serde_json::Value;

use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
    query::Parameters,
    tags::{put, represent, represent_json},
};

pub(crate) mod trial;
pub(crate) mod write;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
/// Tells where a playbook comes from: its JSON holds what its text may hold, so that it can be sent back.
const ORIGIN: header::HeaderName = header::HeaderName::from_static("playbook-origin");

/// `GET /v1/playbooks`.
pub(crate) async fn list(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    caller.must(Action::ReadPlaybooks, false, "read playbooks")?;
    let playbooks = context.accounts.playbooks(&caller.org).await?;
    Ok(represent_json(&headers, &PlaybookList { playbooks }))
}

/// `GET /v1/playbooks/{id}`.
pub(crate) async fn read(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    caller.must(Action::ReadPlaybooks, false, "read playbooks")?;
    let version = Parameters::read(query.as_deref(), &["version"])?.number("version", 1, u32::MAX)?;
    let id = parse_id(&id)?;
    let found = Box::pin(usable(&context, &caller, &id)).await?;
    let found = match (version, found) {
        (Some(version), found) if found.as_ref().is_none_or(|(it, _)| it.playbook.version != version) => {
            let earlier = context.accounts.earlier_playbook(&caller.org, &id, version).await?;
            let detail =
                format!("there is no version {version} of a playbook {id}: {EARLIER_VERSIONS} earlier ones are kept");
            Some((earlier.ok_or_else(|| refused(StatusCode::NOT_FOUND, detail))?, Origin::Own))
        }
        (_, found) => found,
    };
    let (item, origin) = found.ok_or_else(|| absent(&id))?;
    let (kind, body) = if wants_yaml(&headers) {
        (YAML, text_of(&item).into_bytes())
    } else {
        (JSON, json_of(&item.playbook).into_bytes())
    };
    let mut response = represent(&headers, kind, body);
    put(response.headers_mut(), ORIGIN, origin.as_str());
    Ok(response)
}

/// The playbook that a call of this organization would be held against.
async fn usable(
    context: &Context,
    caller: &Caller,
    id: &PlaybookId,
) -> Result<Option<(PlaybookItem, Origin)>, Refused> {
    if let Some(own) = context.accounts.own_playbook(&caller.org, id).await? {
        return Ok(Some((own, Origin::Own)));
    }
    if let Some(shared) = context.accounts.shared_playbook(id).await? {
        return Ok(Some((shared, Origin::Shared)));
    }
    let shipped = playbook::shipped(id.as_str()).map(|playbook| {
        let text = shipped_text(id.as_str()).unwrap_or_default().to_owned();
        PlaybookItem { pk: String::new(), sk: String::new(), playbook, text }
    });
    Ok(shipped.map(|item| (item, Origin::Shipped)))
}

fn parse_id(id: &str) -> Result<PlaybookId, Refused> {
    PlaybookId::parse(id).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))
}

fn absent(id: &PlaybookId) -> Refused {
    refused(StatusCode::NOT_FOUND, format!("there is no playbook {id}: GET /v1/playbooks lists them"))
}

/// Whether the first kind that the client names and that there is, is YAML.
fn wants_yaml(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or_default());
    let known = kinds.find_map(|kind| match kind.trim().to_ascii_lowercase().as_str() {
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" | "text/plain" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    });
    known.unwrap_or(false)
}

fn shipped_text(id: &str) -> Option<&'static str> {
    let mut all = playbook::SHIPPED.iter();
    all.find(|(file, _)| file.strip_suffix(".yaml") == Some(id)).map(|(_, text)| *text)
}

/// The text as it was written. Older items have none: that of the shipped playbook, if it is that, or the JSON, which
/// is YAML as well.
fn text_of(item: &PlaybookItem) -> String {
    if !item.text.is_empty() {
        return item.text.clone();
    }
    let id = item.playbook.id.as_str();
    match shipped_text(id) {
        Some(text) if playbook::shipped(id).as_ref() == Some(&item.playbook) => text.to_owned(),
        _ => json_of(&item.playbook),
    }
}

/// A playbook as JSON that can be sent back: what is empty is left out, since a text may not hold it.
fn json_of(playbook: &Playbook) -> String {
    let mut value = serde_json::to_value(playbook).unwrap_or_default();
    leave_out_empty(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn leave_out_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| *field != Value::String(String::new()) && !field.is_null());
            fields.values_mut().for_each(leave_out_empty);
        }
        Value::Array(entries) => entries.iter_mut().for_each(leave_out_empty),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_a_playbook_reads_as_the_same() {
        for (file, text) in playbook::SHIPPED {
            let playbook = playbook::parse_yaml(text).unwrap();
            assert_eq!(playbook::check(&json_of(&playbook)), Ok(playbook), "{file}");
        }
    }

    #[test]
    fn the_kind_that_is_named_first_is_given() {
        for (accept, yaml) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("application/yaml", true),
            ("text/html, application/yaml;q=0.9, */*;q=0.1", true),
            ("application/json, text/yaml", false),
            ("image/png", false),
        ] {
            let mut headers = HeaderMap::new();
            put(&mut headers, header::ACCEPT, accept);
            assert_eq!(wants_yaml(&headers), yaml, "{accept}");
        }
    }

    #[test]
    fn an_item_without_a_text_has_one_all_the_same() {
        let mut item = PlaybookItem {
            pk: String::new(),
            sk: String::new(),
            playbook: playbook::shipped("sales").unwrap(),
            text: String::new(),
        };
        assert_eq!(Some(text_of(&item).as_str()), shipped_text("sales"));
        item.playbook.name = "Changed".into();
        assert_eq!(playbook::check(&text_of(&item)), Ok(item.playbook.clone()));
        item.text = "id: x".into();
        assert_eq!(text_of(&item), "id: x");
    }
}
