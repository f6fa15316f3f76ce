//! Keys of devices and scripts, each found by the hash of its secret, and listed among its organization's people.

use std::collections::HashMap;

use callboard_domain::OrgId;
use callboard_wire::{
    connection::AuthContext,
    credentials::secret_hash,
    items::{KeyEntryItem, KeyItem, KeyUseItem, key_pk, people_pk, sk, used_pk},
    rest::accounts::Key,
};

use super::Accounts;
use crate::{
    ServiceError,
    table::{Committed, Query, Step, Written, number, value},
};

/// When a key was last shown is noted so often at most, in milliseconds.
pub const NOTE_MS: i64 = 300_000;

impl Accounts {
    /// Who shows this secret of a key; none if nobody has it, or not any more.
    pub async fn key_holder(&self, secret: &str) -> Result<Option<AuthContext>, ServiceError> {
        let key: Option<KeyItem> = self.0.get(&key_pk(&secret_hash(secret)), sk::SELF).await?;
        Ok(key.filter(|key| !key.revoked).map(|key| {
            let requests_per_minute = key.requests_per_minute.map(|most| most.to_string());
            AuthContext { requests_per_minute, ..AuthContext::new(key.org.as_str(), &key.principal, key.role) }
        }))
    }

    /// Stores a key, whatever was there.
    pub async fn put_key(&self, key: &KeyItem, name: &str, created_at_ms: i64) -> Result<(), ServiceError> {
        let steps = vec![Step::put(key, "")?, Step::put(&key.entry(name, created_at_ms), "")?];
        self.0.transact(steps).await.map(|_| ())
    }

    /// What is listed of a key.
    pub async fn key_entry(&self, org: &OrgId, id: &str) -> Result<Option<KeyEntryItem>, ServiceError> {
        self.0.get(&people_pk(org), &sk::key(id)).await
    }

    /// The keys of an organization, in the order of their ids: the oldest first.
    pub async fn keys(&self, org: &OrgId) -> Result<Vec<Key>, ServiceError> {
        let pk = people_pk(org);
        let entries: Vec<KeyEntryItem> =
            self.0.query(&Query { pk: &pk, prefix: Some(sk::KEY), ..Query::default() }).await?.items;
        let pk = used_pk(org);
        let used: Vec<KeyUseItem> = self.0.query(&Query { pk: &pk, ..Query::default() }).await?.items;
        let used: HashMap<String, i64> = used.into_iter().map(|item| (item.sk, item.last_used_ms)).collect();
        Ok(entries.iter().map(|entry| entry.key(used.get(&entry.sk).copied())).collect())
    }

    /// Takes a key back; `No` if there is none of this id.
    pub async fn revoke_key(&self, org: &OrgId, id: &str) -> Result<Written, ServiceError> {
        let Some(entry) = self.key_entry(org, id).await? else { return Ok(Written::No) };
        let revoke = |pk: &str, sort_key: &str| -> Result<Step, ServiceError> {
            let step = Step::update(pk, sort_key, "SET #revoked = :revoked", "attribute_exists(pk)");
            Ok(step.value(":revoked", value(&true)?))
        };
        let steps = vec![revoke(&key_pk(&entry.secret_hash), sk::SELF)?, revoke(&entry.pk, &entry.sk)?];
        let committed = self.0.transact(steps).await?;
        Ok(if committed == Committed::Yes { Written::Yes } else { Written::No })
    }

    /// Notes that a key was shown, unless that was noted a moment ago.
    pub async fn note_key_use(&self, org: &OrgId, id: &str, now_ms: i64) -> Result<(), ServiceError> {
        let condition = "attribute_not_exists(#last_used_ms) OR #last_used_ms < :before";
        let before = [(":before", number(now_ms - NOTE_MS))];
        let values = [("last_used_ms", number(now_ms))];
        self.0.put_attributes(&used_pk(org), &sk::key(id), values, condition, before).await.map(|_| ())
    }
}
