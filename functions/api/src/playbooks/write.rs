//! Creating, replacing, deleting and checking an organization's own playbooks.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use callboard_adapters::table::Written;
use callboard_domain::{
    PlaybookId,
    permissions::Action,
    playbook::{self, Playbook},
};
use callboard_wire::{
    items::PlaybookItem,
    rest::{Origin, PlaybookSummary, TextProblem, ValidPlaybook},
};

use super::{JSON, YAML, absent, json_of, parse_id, text_of, usable};
use crate::{
    Context,
    body::{PLAYBOOK_BYTES, PlaybookText, too_large},
    caller::Caller,
    path::Places,
    problem::{Refused, refused, with_problems},
    tags::{may_write, put, tag},
};

/// How often a write is tried against others.
const TRIES: usize = 5;
/// Ids that are resources themselves.
const TAKEN_IDS: [&str; 2] = ["validate", "try"];
/// Most bytes of a text and what it comes to, together: what fits an item of 400 KB, with room for the rest.
const STORED_BYTES: usize = 390_000;

/// `POST /v1/playbooks`.
pub(crate) async fn create(
    State(context): State<Context>,
    caller: Caller,
    PlaybookText(text): PlaybookText,
) -> Result<Response, Refused> {
    caller.must(Action::ManagePlaybooks, false, "create playbooks: an admin may")?;
    let mut playbook = checked(&text)?;
    let id = playbook.id.clone();
    if TAKEN_IDS.contains(&id.as_str()) {
        return Err(wrong_id(&text, format!("the id {id} is taken by the program: choose another")));
    }
    let taken = || {
        let detail = format!("the organization has a playbook {id}: PUT /v1/playbooks/{id} replaces it");
        refused(StatusCode::CONFLICT, detail)
    };
    let before = match Box::pin(usable(&context, &caller, &id)).await? {
        Some((_, Origin::Own)) => return Err(taken()),
        Some((item, _)) => item.playbook.version,
        None => 0,
    };
    let earlier = context.accounts.latest_earlier_version(&caller.org, &id).await?.unwrap_or(0);
    playbook.version = before.max(earlier).saturating_add(1);
    if Box::pin(context.accounts.put_playbook(&caller.org, &playbook, &text, None)).await? == Written::No {
        return Err(taken());
    }
    let mut response = stored(StatusCode::CREATED, playbook);
    put(response.headers_mut(), header::LOCATION, &format!("/v1/playbooks/{id}"));
    Ok(response)
}

/// `PUT /v1/playbooks/{id}`.
pub(crate) async fn replace(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    headers: HeaderMap,
    PlaybookText(text): PlaybookText,
) -> Result<Response, Refused> {
    caller.must(Action::ManagePlaybooks, false, "replace playbooks: an admin may")?;
    let id = parse_id(&id)?;
    let mut playbook = checked(&text)?;
    if playbook.id != id {
        return Err(wrong_id(&text, format!("the id is {}, and the address says {id}: make them agree", playbook.id)));
    }
    for _ in 0..TRIES {
        let known = Box::pin(writable(&context, &caller, &id, &headers)).await?;
        playbook.version = known.playbook.version.saturating_add(1);
        let put = context.accounts.put_playbook(&caller.org, &playbook, &text, Some(&known));
        if Box::pin(put).await? == Written::Yes {
            return Ok(stored(StatusCode::OK, playbook));
        }
    }
    Err(contended(&id))
}

/// `DELETE /v1/playbooks/{id}`.
pub(crate) async fn delete(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    caller.must(Action::ManagePlaybooks, false, "delete playbooks: an admin may")?;
    let id = parse_id(&id)?;
    for _ in 0..TRIES {
        let known = Box::pin(writable(&context, &caller, &id, &headers)).await?;
        if Box::pin(context.accounts.delete_playbook(&caller.org, &known)).await? == Written::Yes {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(contended(&id))
}

/// `POST /v1/playbooks/validate`.
pub(crate) async fn validate(caller: Caller, PlaybookText(text): PlaybookText) -> Result<Response, Refused> {
    caller.must(Action::ReadPlaybooks, false, "check playbooks")?;
    let playbook = checked(&text)?;
    Ok(Json(ValidPlaybook { valid: true, playbook }).into_response())
}

/// The playbook that a text is, or all that is wrong with it.
pub(super) fn checked(text: &str) -> Result<Playbook, Refused> {
    if text.len() > PLAYBOOK_BYTES {
        return Err(too_large("a playbook", PLAYBOOK_BYTES, Some(text.len())));
    }
    let playbook = playbook::check(text).map_err(|problems| {
        let problems: Vec<TextProblem> = problems.into_iter().map(TextProblem::from).collect();
        let count = problems.len();
        let detail = format!("the playbook has {count} problem{}: see problems", if count == 1 { "" } else { "s" });
        with_problems(StatusCode::UNPROCESSABLE_ENTITY, detail, problems)
    })?;
    // References and what is taken over from another playbook can make more of a text than it is long.
    let stored_bytes = text.len() + serde_json::to_vec(&playbook).map_or(0, |json| json.len());
    if stored_bytes > STORED_BYTES {
        return Err(too_large("a playbook with all that it takes over", STORED_BYTES, Some(stored_bytes)));
    }
    Ok(playbook)
}

/// The refusal of a text whose id does not fit, with the place of the id.
fn wrong_id(text: &str, message: String) -> Refused {
    let at = text.lines().position(|line| line.trim_start().trim_start_matches(['{', '"', ' ']).starts_with("id"));
    let line = u64::try_from(at.unwrap_or(0)).unwrap_or(0) + 1;
    let problem = TextProblem { line, column: 1, message: message.clone() };
    with_problems(StatusCode::UNPROCESSABLE_ENTITY, message, vec![problem])
}

/// The organization's own playbook, if `If-Match` lets it be changed.
async fn writable(
    context: &Context,
    caller: &Caller,
    id: &PlaybookId,
    headers: &HeaderMap,
) -> Result<PlaybookItem, Refused> {
    let Some(known) = context.accounts.own_playbook(&caller.org, id).await? else {
        if Box::pin(usable(context, caller, id)).await?.is_none() {
            return Err(absent(id));
        }
        let detail =
            format!("the playbook {id} is not the organization's own: POST /v1/playbooks makes one of this id");
        return Err(refused(StatusCode::NOT_FOUND, detail));
    };
    let current = [tag(JSON, json_of(&known.playbook).as_bytes()), tag(YAML, text_of(&known).as_bytes())];
    if may_write(headers, &current) {
        return Ok(known);
    }
    let detail = format!("the playbook {id} was changed since it was read: read it again");
    Err(refused(StatusCode::PRECONDITION_FAILED, detail))
}

fn contended(id: &PlaybookId) -> Refused {
    refused(StatusCode::CONFLICT, format!("others are changing the playbook {id} just now: read it again"))
}

fn stored(status: StatusCode, playbook: Playbook) -> Response {
    let tag = tag(JSON, json_of(&playbook).as_bytes());
    tracing::info!(playbook.id = %playbook.id, playbook.version, "playbook stored");
    let Playbook { id, name, version, language, .. } = playbook;
    let summary = PlaybookSummary { id: id.to_string(), name, version, language, origin: Origin::Own };
    let mut response = (status, Json(summary)).into_response();
    put(response.headers_mut(), header::ETAG, &tag);
    response
}
