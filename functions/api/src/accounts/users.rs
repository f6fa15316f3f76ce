//! The people of an organization, as its admins change them.

use axum::{Json, extract::State, http::StatusCode};
use callboard_adapters::accounts::Changed;
use callboard_domain::{accounts::name, permissions::Action};
use callboard_wire::{
    items::UserItem,
    rest::accounts::{User, UserChange, UserList},
};

use super::{Sent, of_people};
use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
};

/// `GET /v1/users`.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Json<UserList>, Refused> {
    caller.must(Action::ReadTeam, false, "read who is in the organization")?;
    let users = context.accounts.users(&caller.org).await?;
    Ok(Json(UserList { users: users.iter().map(UserItem::user).collect() }))
}

/// `PATCH /v1/users/{id}`.
pub(super) async fn change(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    change: Result<Sent<UserChange>, Refused>,
) -> Result<Json<User>, Refused> {
    caller.must(Action::ManageUsers, false, "change people")?;
    let Sent(change) = change?;
    let role = change.role.map(of_people).transpose()?;
    let shown_name = change.name.as_deref().map(|text| name("name", text)).transpose()?;
    let changed = context.accounts.change_user(&caller.org, &id, |user| {
        let before = (user.role, user.disabled);
        user.role = role.unwrap_or(user.role);
        user.disabled = change.disabled.unwrap_or(user.disabled);
        if let Some(shown_name) = &shown_name {
            user.name.clone_from(shown_name);
        }
        if before != (user.role, user.disabled) {
            user.standing = user.standing.ended(None);
        }
    });
    let user = settled(Box::pin(changed).await?, &id)?;
    // Also where nothing changed: a request that broke off here before is repeated.
    if change.role.is_some() || change.disabled.is_some() {
        context.sockets.close(&caller.org, &id).await?;
    }
    Ok(Json(user.user()))
}

/// `DELETE /v1/users/{id}`.
pub(super) async fn remove(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<StatusCode, Refused> {
    caller.must(Action::ManageUsers, false, "remove people")?;
    settled(context.accounts.remove_user(&caller.org, &id).await?, &id)?;
    context.sockets.close(&caller.org, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The person, or why nothing was done.
fn settled(changed: Changed, id: &str) -> Result<UserItem, Refused> {
    match changed {
        Changed::To(user) => Ok(*user),
        Changed::Absent => {
            let brief: String = id.chars().take(64).collect();
            Err(refused(StatusCode::NOT_FOUND, format!("there is nobody {brief} in the organization")))
        }
        Changed::LastAdmin => {
            Err(refused(StatusCode::CONFLICT, "this is the last active admin: make somebody else one first"))
        }
    }
}
