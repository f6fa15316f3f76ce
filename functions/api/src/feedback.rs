//! Feedback on a card of a call.

use axum::{extract::State, http::StatusCode};
use callboard_adapters::feedback::{Given, give as store};
use callboard_domain::{feedback::Verdict, permissions::Action};
use callboard_wire::rest::CardVerdict;
use serde_json::Value;

use crate::{
    Context,
    body::JsonObject,
    caller::Caller,
    calls::readable,
    path::Places,
    problem::{Refused, refused},
};

/// `PUT /v1/calls/{id}/cards/{card}/feedback`.
pub(crate) async fn give(
    State(context): State<Context>,
    caller: Caller,
    Places((call, card)): Places<(String, String)>,
    JsonObject(body): JsonObject,
) -> Result<StatusCode, Refused> {
    let CardVerdict { verdict } = serde_json::from_value(Value::Object(body)).map_err(|_| {
        let shape = format!("verdict must be {}: send {{\"verdict\":\"used\"}} and nothing else", Verdict::NAMES);
        refused(StatusCode::BAD_REQUEST, shape)
    })?;
    set(&context, &caller, &call, &card, Some(verdict)).await
}

/// `DELETE /v1/calls/{id}/cards/{card}/feedback`.
pub(crate) async fn take_back(
    State(context): State<Context>,
    caller: Caller,
    Places((call, card)): Places<(String, String)>,
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
