//! Who one is, and one's own password.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use callboard_adapters::accounts::Changed;
use callboard_domain::{
    OrgId,
    accounts::{Email, Password},
    permissions::Action,
};
use callboard_wire::{
    connection::PrincipalKind,
    items::UserItem,
    rest::accounts::{Me, MeKind, PasswordChange},
};

use super::{Sent, doors::must_wait, passwords};
use crate::{
    Context,
    caller::Caller,
    problem::{Refused, refused},
};

/// `GET /v1/me`.
pub(super) async fn read(State(context): State<Context>, caller: Caller) -> Result<Json<Me>, Refused> {
    caller.must(Action::ReadMe, true, "read who they are")?;
    let (org, principal) = (&caller.org, caller.principal.as_str());
    let (email, name) = match caller.auth.kind {
        PrincipalKind::User => {
            let user = context.accounts.user(org, principal).await?;
            user.map(|user| (Some(user.email), Some(user.name))).unwrap_or_default()
        }
        PrincipalKind::Key => (None, context.accounts.key_entry(org, principal).await?.map(|entry| entry.name)),
        PrincipalKind::Federated | PrincipalKind::Anonymous => (None, None),
    };
    let kind = if caller.auth.kind == PrincipalKind::Key { MeKind::Key } else { MeKind::User };
    let role = caller.auth.role;
    let organization = organization(&context, org).await?;
    Ok(Json(Me { principal: caller.principal, org: org.to_string(), organization, role, kind, email, name }))
}

/// Who somebody is with an account.
pub(super) async fn of_user(context: &Context, user: &UserItem) -> Result<Me, Refused> {
    Ok(Me {
        principal: user.id.clone(),
        org: user.org.to_string(),
        organization: organization(context, &user.org).await?,
        role: user.role,
        kind: MeKind::User,
        email: Some(user.email.clone()),
        name: Some(user.name.clone()),
    })
}

/// What an organization is called.
pub(super) async fn organization(context: &Context, org: &OrgId) -> Result<Option<String>, Refused> {
    Ok(context.accounts.organization(org).await?.and_then(|item| item.name))
}

/// `PUT /v1/me/password`.
pub(super) async fn change_password(
    State(context): State<Context>,
    caller: Caller,
    Sent(change): Sent<PasswordChange>,
) -> Result<Response, Refused> {
    caller.must(Action::ChangePassword, true, "change a password")?;
    let found = match caller.auth.kind {
        PrincipalKind::User => context.accounts.user(&caller.org, &caller.principal).await?,
        _ => None,
    };
    let none = || refused(StatusCode::FORBIDDEN, "only people with an account here have a password");
    let user = found.ok_or_else(none)?;
    let email = Email::parse(&user.email)?;
    let new = Password::choose(change.new.expose(), &email)?;
    let wrong = || refused(StatusCode::FORBIDDEN, "the current password is wrong");
    let current = Password::typed(change.current.expose()).map_err(|_| wrong())?;
    if let Some(wait) = must_wait(&context, &email).await? {
        return Ok(wait);
    }
    let user = passwords::admitted(Some(user), current).await.ok_or_else(wrong)?;
    context.accounts.forget_attempts(email.as_str()).await?;
    let hash = passwords::hash(new).await?;
    let session = caller.auth.session.as_deref();
    let changed = context.accounts.change_user(&caller.org, &user.id, |user| {
        user.password.clone_from(&hash);
        user.standing = user.standing.ended(session);
    });
    match Box::pin(changed).await? {
        Changed::To(_) => {}
        Changed::Absent | Changed::LastAdmin => return Err(none()),
    }
    // Which of them belongs to which session is not known: those of this one connect again.
    context.sockets.close(&caller.org, &user.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
