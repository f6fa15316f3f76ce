//! Sessions of people, the keys that sign their access tokens, and whether whoever got in still may.

use callboard_domain::{
    OrgId,
    accounts::{Refresh, Standing},
    permissions::Role,
};
use callboard_wire::{
    connection::{AuthContext, PrincipalKind},
    items::{SIGNING_PK, SessionItem, SigningKeyItem, people_pk, session_pk, sk},
};
use serde::Deserialize;

use super::Accounts;
use crate::{
    ServiceError,
    table::{Query, Written, number, text},
};

/// What of a person and of a session decides whether a token of it counts.
#[derive(Deserialize)]
struct Part {
    role: Option<Role>,
    disabled: Option<bool>,
    standing: Option<Standing>,
    user: Option<String>,
    generation: Option<u64>,
    refresh: Option<Refresh>,
}

/// The attributes of [`Part`].
const PARTS: &[&str] = &["role", "disabled", "standing", "user", "generation", "refresh"];

impl Accounts {
    /// A session.
    pub async fn session(&self, id: &str) -> Result<Option<SessionItem>, ServiceError> {
        self.0.get(&session_pk(id), sk::SELF).await
    }

    /// Stores a session in the place of the version that it was made from; a new one where there is none.
    pub async fn put_session(&self, session: &SessionItem) -> Result<Written, ServiceError> {
        if session.version == 0 {
            return self.0.put_new(session).await;
        }
        self.0.put_when(session, "#version = :over", [(":over", number(session.version - 1))]).await
    }

    /// Ends a session, if there is one.
    pub async fn end_session(&self, id: &str) -> Result<(), ServiceError> {
        for _ in 0..8 {
            let Some(mut session) = self.session(id).await?.filter(|session| !session.refresh.ended) else {
                return Ok(());
            };
            session.refresh.ended = true;
            session.version += 1;
            if self.put_session(&session).await? == Written::Yes {
                return Ok(());
            }
        }
        let reason = "other writers were first".to_owned();
        Err(ServiceError::Unavailable { service: "dynamodb", operation: "PutItem", reason })
    }

    /// What a person may do now who shows an access token of this session; none if it does not count any more.
    pub async fn session_role(&self, org: &OrgId, user: &str, session: &str) -> Result<Option<Role>, ServiceError> {
        let sort_key = sk::user(user);
        let keys = [(people_pk(org), sort_key.as_str()), (session_pk(session), sk::SELF)];
        let parts: Vec<Part> = self.0.get_all(keys, PARTS).await?;
        let mut role = None;
        let mut standing = Standing::default();
        let mut begun = None;
        for part in parts {
            match part {
                Part { refresh: Some(refresh), user: Some(whose), generation: Some(generation), .. } => {
                    begun = Some(generation).filter(|_| whose == user && !refresh.ended);
                }
                Part { role: found, disabled, standing: stands, .. } => {
                    role = found.filter(|_| disabled != Some(true));
                    standing = stands.unwrap_or_default();
                }
            }
        }
        Ok(role.filter(|_| begun.is_some_and(|generation| standing.admits(session, generation))))
    }

    /// Whether a principal still may what it could when it got in: for what goes on for a while.
    pub async fn still_holds(&self, auth: &AuthContext) -> Result<bool, ServiceError> {
        let Ok(org) = OrgId::parse(&auth.org) else { return Ok(false) };
        match (auth.kind, &auth.session) {
            (PrincipalKind::User, Some(session)) => {
                Ok(self.session_role(&org, &auth.principal, session).await? == Some(auth.role))
            }
            (PrincipalKind::User, None) => Ok(false),
            // A key without an entry was made by other means, and nothing takes it back here.
            (PrincipalKind::Key, _) => {
                let entry = self.key_entry(&org, &auth.principal).await?;
                Ok(entry.is_none_or(|entry| !entry.revoked && entry.role == auth.role))
            }
            (PrincipalKind::Federated | PrincipalKind::Anonymous, _) => Ok(true),
        }
    }

    /// The keys that sign access tokens or did so, the latest last.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyItem>, ServiceError> {
        Ok(self.0.query(&Query { pk: SIGNING_PK, ..Query::default() }).await?.items)
    }

    /// The key that signs in a period.
    pub async fn signing_key(&self, period: i64) -> Result<Option<SigningKeyItem>, ServiceError> {
        self.0.get(SIGNING_PK, &sk::period(period)).await
    }

    /// Stores the key of its period: where there is none, or in the place of the one that is named by its `kid`.
    pub async fn put_signing_key(&self, key: &SigningKeyItem, over: Option<&str>) -> Result<Written, ServiceError> {
        match over {
            None => self.0.put_new(key).await,
            Some(kid) => self.0.put_when(key, "#kid = :kid", [(":kid", text(kid))]).await,
        }
    }
}
