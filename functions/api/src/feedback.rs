//! Feedback on a card of a call.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use callboard_adapters::feedback::{Given, give as store};
use callboard_domain::{feedback::Verdict, permissions::Action};
use serde_json::Value;

use crate::{
    Context,
    body::JsonObject,
    caller::Caller,
    calls::readable,
    problem::{Refused, refused},
};

/// `PUT /v1/calls/{id}/cards/{card}/feedback`.
pub(crate) async fn give(
    State(context): State<Context>,
    caller: Caller,
    Path((call, card)): Path<(String, String)>,
    JsonObject(body): JsonObject,
) -> Result<StatusCode, Refused> {
    let verdict = body.get("verdict").and_then(Value::as_str).and_then(Verdict::parse);
    let shape = || format!("verdict must be {}: send {{\"verdict\":\"used\"}}", Verdict::NAMES);
    let verdict = verdict.ok_or_else(|| refused(StatusCode::BAD_REQUEST, shape()))?;
    set(&context, &caller, &call, &card, Some(verdict)).await
}

/// `DELETE /v1/calls/{id}/cards/{card}/feedback`.
pub(crate) async fn take_back(
    State(context): State<Context>,
    caller: Caller,
    Path((call, card)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    set(&context, &caller, &call, &card, None).await
}

async fn set(
    context: &Context,
    caller: &Caller,
    call: &str,
    card: &str,
    verdict: Option<Verdict>,
) -> Result<StatusCode, Refused> {
    let call = readable(context, caller, call).await?;
    let own = call.principal == caller.principal;
    caller.must(Action::GiveFeedback, own, "give feedback on cards")?;
    let given = Given { card, principal: &caller.principal, verdict, now_ms: context.clock.now_ms() };
    if store(&context.calls, &context.accounts, &call, given).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let brief: String = card.chars().take(64).collect();
    Err(refused(StatusCode::NOT_FOUND, format!("the call {} has no card \"{brief}\"", call.call)))
}
