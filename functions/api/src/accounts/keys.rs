//! Keys of devices and scripts, as admins make them and take them back.

use axum::{Json, extract::State, http::StatusCode};
use callboard_adapters::table::Written;
use callboard_domain::{accounts::name, permissions::Action};
use callboard_wire::{
    credentials::secret_hash,
    items::KeyItem,
    rest::accounts::{CreatedKey, KeyList, NewKey},
};

use super::{Sent, new_secret};
use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
};

/// `GET /v1/keys`.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Json<KeyList>, Refused> {
    caller.must(Action::ManageKeys, false, "read keys")?;
    Ok(Json(KeyList { keys: context.accounts.keys(&caller.org).await? }))
}

/// `POST /v1/keys`.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    wanted: Result<Sent<NewKey>, Refused>,
) -> Result<(StatusCode, Json<CreatedKey>), Refused> {
    caller.must(Action::ManageKeys, false, "make keys")?;
    let Sent(wanted) = wanted?;
    let shown_name = name("name", &wanted.name)?;
    let (secret, now_ms) = (new_secret("cbk_")?, context.clock.now_ms());
    let id = format!("key_{}", context.clock.call_id());
    let key = KeyItem::new(&secret_hash(secret.expose()), &caller.org, &id, wanted.role);
    context.accounts.put_key(&key, &shown_name, now_ms).await?;
    Ok((StatusCode::CREATED, Json(CreatedKey { key: key.entry(&shown_name, now_ms).key(None), secret })))
}

/// `DELETE /v1/keys/{id}`.
pub(super) async fn revoke(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<StatusCode, Refused> {
    caller.must(Action::ManageKeys, false, "take keys back")?;
    if context.accounts.revoke_key(&caller.org, &id).await? == Written::No {
        let brief: String = id.chars().take(64).collect();
        return Err(refused(StatusCode::NOT_FOUND, format!("there is no key {brief}")));
    }
    context.sockets.close(&caller.org, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
