//! A call is removed: it cannot be read from then on, and the `archive` function removes all that belongs to it.

use axum::{extract::State, http::StatusCode};
use callboard_adapters::table::Written;
use callboard_domain::{CallId, permissions::Action};
use callboard_runtime::watch::trace;
use callboard_wire::archive::{ArchiveRequest, Wanted};

use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
};

/// `DELETE /v1/calls/{id}`. Repeated while something is left of the call, it is done again.
pub(crate) async fn delete(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<StatusCode, Refused> {
    let id = CallId::parse(&id).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let found = context.calls.call_or_rest(&caller.org, &id).await?;
    let may_read = |own: bool| caller.may(Action::ReadCall, own) || caller.may(Action::DeleteCall, own);
    let found = found.filter(|call| may_read(call.principal == caller.principal));
    let call = found.ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("there is no call {id}")))?;
    caller.must(Action::DeleteCall, call.principal == caller.principal, "remove calls")?;
    let goes_on = || refused(StatusCode::CONFLICT, format!("call {id} goes on: remove it when it is over"));
    if !call.is_deleted() && !call.status.is_over() {
        return Err(goes_on());
    }
    // Asked for first: whatever breaks off behind this, the call is removed.
    let request = ArchiveRequest::new(&caller.org, &id, Wanted::Delete { finally: false }, trace());
    context.archive.send(&request, 0).await?;
    let marked = context.calls.mark_deleted(&caller.org, &id, context.clock.now_ms()).await?;
    // Not marked here, it was marked before, or else audio came late, and the call goes on.
    if marked == Written::No && context.calls.call(&caller.org, &id).await?.is_some() {
        return Err(goes_on());
    }
    Ok(StatusCode::NO_CONTENT)
}
