//! Who shows a secret: a key of a device or script, an access token of this deployment, or one of another issuer.
//!
//! Keys and people are looked up each time, so that whoever was taken back is out at once; only the keys that verify
//! signatures are kept. Knows no request: where the secret stood is others' business.

use std::{collections::HashMap, sync::Mutex};

use callboard_domain::OrgId;
use callboard_wire::{
    connection::{AuthContext, PrincipalKind},
    items::SigningKeyItem,
};

use crate::{
    ServiceError,
    accounts::{Accounts, NOTE_MS},
};

mod oidc;
mod signatures;
mod token;

pub use oidc::{Oidc, OidcConfig, OidcError, Provider};
pub use token::{AUDIENCE, Claims, sign};

/// Signing keys are read again after so long, in milliseconds.
const KEEP_MS: i64 = 300_000;

/// What finds out who somebody is.
#[derive(Debug)]
pub struct Identity {
    accounts: Accounts,
    issuer: String,
    oidc: Option<Oidc>,
    /// The signing keys, and when they were read.
    known: Mutex<(i64, Vec<SigningKeyItem>)>,
    /// When this environment last noted that a key was shown, by organization and key.
    noted: Mutex<HashMap<(OrgId, String), i64>>,
}

impl Identity {
    /// Of the people and keys of a table; `issuer` is how this deployment's tokens name it.
    pub fn new(accounts: Accounts, issuer: impl Into<String>, oidc: Option<Oidc>) -> Self {
        Self { accounts, issuer: issuer.into(), oidc, known: Mutex::default(), noted: Mutex::default() }
    }

    /// Who shows this secret; none if nobody has it, or not any more.
    pub async fn holder(&self, secret: &str, now_ms: i64) -> Result<Option<AuthContext>, ServiceError> {
        let Some(issuer) = token::issuer(secret) else {
            return self.accounts.key_holder(secret).await;
        };
        if issuer == self.issuer {
            return self.session_holder(secret, now_ms).await;
        }
        match self.oidc.as_ref().filter(|oidc| oidc.issuer() == issuer) {
            Some(oidc) => oidc.holder(secret, now_ms).await,
            None => Ok(None),
        }
    }

    /// Whether whoever got in still may what they could then.
    pub async fn still_holds(&self, auth: &AuthContext) -> Result<bool, ServiceError> {
        self.accounts.still_holds(auth).await
    }

    /// Notes that a key was shown, unless that was noted a moment ago.
    pub async fn note(&self, auth: &AuthContext, now_ms: i64) -> Result<(), ServiceError> {
        let (PrincipalKind::Key, Ok(org)) = (auth.kind, OrgId::parse(&auth.org)) else { return Ok(()) };
        let key = (org, auth.principal.clone());
        if let Ok(mut noted) = self.noted.lock() {
            noted.retain(|_, at_ms| now_ms - *at_ms < NOTE_MS);
            if noted.contains_key(&key) {
                return Ok(());
            }
            noted.insert(key.clone(), now_ms);
        }
        self.accounts.note_key_use(&key.0, &key.1, now_ms).await
    }

    async fn session_holder(&self, token: &str, now_ms: i64) -> Result<Option<AuthContext>, ServiceError> {
        let Some(kid) = token::key_id(token) else { return Ok(None) };
        let Some(key) = self.signing_key(&kid, now_ms).await?.filter(|key| key.verifies_until_ms > now_ms) else {
            return Ok(None);
        };
        let Some(claims) = token::verify(token, &key.public, &self.issuer, now_ms) else { return Ok(None) };
        let Ok(org) = OrgId::parse(&claims.org) else { return Ok(None) };
        // What somebody may do is what they may do now, whatever the token says.
        let role = self.accounts.session_role(&org, &claims.sub, &claims.sid).await?;
        Ok(role.map(|role| {
            AuthContext::new(&claims.org, &claims.sub, role).of_person(PrincipalKind::User, Some(&claims.sid))
        }))
    }

    /// The signing key of this id. One that is not known is looked for, since keys are made at any time; what is known is
    /// read again after a while, since one may be replaced before its time.
    async fn signing_key(&self, kid: &str, now_ms: i64) -> Result<Option<SigningKeyItem>, ServiceError> {
        let named = |keys: &[SigningKeyItem]| keys.iter().find(|key| key.kid == kid).cloned();
        let known = self.known.lock().ok();
        let known = known.filter(|known| (0..KEEP_MS).contains(&(now_ms - known.0))).and_then(|known| named(&known.1));
        if known.is_some() {
            return Ok(known);
        }
        let keys = self.accounts.signing_keys().await?;
        let found = named(&keys);
        if let Ok(mut known) = self.known.lock() {
            *known = (now_ms, keys);
        }
        Ok(found)
    }
}
