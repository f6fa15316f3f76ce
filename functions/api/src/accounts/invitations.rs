//! Invitations: made and taken back by admins, looked at by whoever has the secret of one.

use axum::{Json, extract::State, http::StatusCode};
use callboard_adapters::table::Written;
use callboard_domain::{
    accounts::{Email, INVITATION_DAYS},
    permissions::Action,
};
use callboard_wire::{
    credentials::secret_hash,
    items::{InvitationItem, people_pk, sk},
    rest::accounts::{CreatedInvitation, InvitationInfo, InvitationList, InvitationSecret, NewInvitation},
};

use super::{Sent, me, new_secret, of_people};
use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
};

const DAY_MS: i64 = 86_400_000;

/// `GET /v1/invitations`.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Json<InvitationList>, Refused> {
    caller.must(Action::ManageInvitations, false, "read invitations")?;
    let items = context.accounts.invitations(&caller.org, context.clock.now_ms()).await?;
    Ok(Json(InvitationList { invitations: items.iter().map(InvitationItem::invitation).collect() }))
}

/// `POST /v1/invitations`.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    wanted: Result<Sent<NewInvitation>, Refused>,
) -> Result<(StatusCode, Json<CreatedInvitation>), Refused> {
    caller.must(Action::ManageInvitations, false, "invite people")?;
    let Sent(wanted) = wanted?;
    let role = of_people(wanted.role)?;
    let email = wanted.email.as_deref().map(Email::parse).transpose()?;
    if !(1..=INVITATION_DAYS).contains(&wanted.expires_in_days) {
        let detail = format!("expires_in_days must be from 1 to {INVITATION_DAYS}");
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let (secret, now_ms) = (new_secret("cbi_")?, context.clock.now_ms());
    let id = format!("inv_{}", context.clock.call_id());
    let expires_at_ms = now_ms + i64::from(wanted.expires_in_days) * DAY_MS;
    let item = InvitationItem {
        pk: people_pk(&caller.org),
        sk: sk::invitation(&id),
        org: caller.org,
        id,
        secret_hash: secret_hash(secret.expose()),
        email: email.map(|email| email.to_string()),
        role,
        created_at_ms: now_ms,
        expires_at_ms,
        expires_at: expires_at_ms / 1_000 + 1,
    };
    context.accounts.invite(&item).await?;
    Ok((StatusCode::CREATED, Json(CreatedInvitation { invitation: item.invitation(), secret })))
}

/// `DELETE /v1/invitations/{id}`.
pub(super) async fn take_back(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<StatusCode, Refused> {
    caller.must(Action::ManageInvitations, false, "take invitations back")?;
    if context.accounts.uninvite(&caller.org, &id).await? == Written::Yes {
        return Ok(StatusCode::NO_CONTENT);
    }
    let brief: String = id.chars().take(64).collect();
    Err(refused(StatusCode::NOT_FOUND, format!("there is no invitation {brief}, or not any more")))
}

/// `POST /v1/auth/invitation`.
pub(super) async fn look(
    State(context): State<Context>,
    Sent(shown): Sent<InvitationSecret>,
) -> Result<Json<InvitationInfo>, Refused> {
    let hash = secret_hash(shown.invitation.expose());
    let found = context.accounts.invitation(&hash, context.clock.now_ms()).await?;
    let absent = || refused(StatusCode::NOT_FOUND, "this invitation is not known, was taken or is over");
    let item = found.ok_or_else(absent)?;
    let organization = me::organization(&context, &item.org).await?.unwrap_or_else(|| item.org.to_string());
    let InvitationItem { email, role, expires_at_ms, .. } = item;
    Ok(Json(InvitationInfo { organization, email, role, expires_at_ms }))
}
