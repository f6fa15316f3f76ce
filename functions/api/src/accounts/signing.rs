//! The keys that sign access tokens: one for thirty days, made when it is first needed, and known for as long as its
//! tokens are good.
//!
//! Environments race to make one; the table lets one win. The private half is sealed where there is a secret for that.

use std::sync::Mutex;

use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use callboard_adapters::{
    accounts::Accounts,
    identity::{Claims, sign},
    table::Written,
};
use callboard_domain::{
    accounts::{ACCESS_TOKEN_S, SIGNING_MS},
    permissions::Role,
};
use callboard_runtime::seal::Seal;
use callboard_wire::{
    credentials::Secret,
    items::{SIGNING_PK, SigningKeyItem, sk},
    rest::accounts::{Jwk, Jwks},
};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};

use super::random;
use crate::{
    Context,
    problem::{Refused, refused},
};

/// Clocks may differ by so much, in milliseconds: tokens are verified for a little longer than they are good.
const MARGIN_MS: i64 = 60_000;

/// What signs access tokens.
#[derive(Debug)]
pub(super) struct Signer {
    issuer: String,
    seal: Seal,
    current: Mutex<Option<Current>>,
}

/// The key that signs now.
#[derive(Clone)]
struct Current {
    period: i64,
    kid: String,
    private: Vec<u8>,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Current").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Signer {
    pub(super) fn new(issuer: &str, seal: Seal) -> Self {
        Self { issuer: issuer.to_owned(), seal, current: Mutex::default() }
    }

    /// An access token of a session of somebody, by organization, id and role.
    pub(super) async fn access_token(
        &self,
        accounts: &Accounts,
        whose: (&str, &str, Role),
        session: &str,
        now_ms: i64,
    ) -> Result<Secret, Refused> {
        let key = self.current(accounts, now_ms).await?;
        let claims = Claims::new(&self.issuer, whose, session, now_ms);
        sign(&claims, &key.kid, &key.private).map(Secret::new).ok_or_else(broken)
    }

    async fn current(&self, accounts: &Accounts, now_ms: i64) -> Result<Current, Refused> {
        let period = now_ms.div_euclid(SIGNING_MS);
        let kept = self.current.lock().ok().and_then(|kept| kept.clone());
        if let Some(kept) = kept.filter(|kept| kept.period == period) {
            return Ok(kept);
        }
        let key = self.of_period(accounts, period).await?;
        if let Ok(mut kept) = self.current.lock() {
            *kept = Some(key.clone());
        }
        Ok(key)
    }

    /// The stored key of a period; one is made where there is none, or none that can be opened.
    async fn of_period(&self, accounts: &Accounts, period: i64) -> Result<Current, Refused> {
        // One that wins, or finds the winner's: no third time is needed but for a secret that is changed just now.
        for _ in 0..3 {
            let stored = accounts.signing_key(period).await?;
            if let Some(private) = stored.as_ref().and_then(|stored| self.open(stored)) {
                let kid = stored.map(|stored| stored.kid).unwrap_or_default();
                return Ok(Current { period, kid, private });
            }
            let (item, private) = self.make(period)?;
            let over = stored.as_ref().map(|stored| stored.kid.as_str());
            if over.is_some() {
                tracing::warn!(
                    "the key that signs access tokens cannot be opened and is replaced: its tokens are over"
                );
            }
            if accounts.put_signing_key(&item, over).await? == Written::Yes {
                return Ok(Current { period, kid: item.kid, private });
            }
        }
        Err(broken())
    }

    fn make(&self, period: i64) -> Result<(SigningKeyItem, Vec<u8>), Refused> {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| broken())?;
        let public = Ed25519KeyPair::from_pkcs8(pair.as_ref()).map_err(|_| broken())?;
        let private = pair.as_ref().to_vec();
        let kid = hex::encode(random::<8>()?);
        let plain = || format!("plain {}", URL_SAFE_NO_PAD.encode(&private));
        let verifies_until_ms = (period + 1) * SIGNING_MS + ACCESS_TOKEN_S * 1_000 + MARGIN_MS;
        let item = SigningKeyItem {
            pk: SIGNING_PK.into(),
            sk: sk::period(period),
            private: self.seal.seal(&kid, &private).unwrap_or_else(plain),
            public: URL_SAFE_NO_PAD.encode(public.public_key().as_ref()),
            kid,
            verifies_until_ms,
            expires_at: verifies_until_ms / 1_000 + 1,
        };
        Ok((item, private))
    }

    /// The private half, if it is kept as this environment keeps it.
    fn open(&self, item: &SigningKeyItem) -> Option<Vec<u8>> {
        if self.seal.keeps() {
            return self.seal.open(&item.kid, &item.private);
        }
        URL_SAFE_NO_PAD.decode(item.private.strip_prefix("plain ")?).ok()
    }
}

fn broken() -> Refused {
    refused(StatusCode::SERVICE_UNAVAILABLE, "access tokens cannot be signed just now: try again in a moment")
}

/// `GET /.well-known/jwks.json`.
pub(super) async fn jwks(State(context): State<Context>) -> Result<Json<Jwks>, Refused> {
    let now_ms = context.clock.now_ms();
    let known = context.accounts.signing_keys().await?;
    let keys = known.into_iter().filter(|key| key.verifies_until_ms > now_ms).map(|key| Jwk {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        alg: "EdDSA".into(),
        usage: "sig".into(),
        kid: key.kid,
        x: key.public,
    });
    Ok(Json(Jwks { keys: keys.collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_opened_by_what_sealed_it_alone() {
        let signers = [None, Some("a"), Some("b")].map(|secret| Signer::new("callboard", Seal::new(secret)));
        for (at, by) in signers.iter().enumerate() {
            let (item, private) = by.make(700).unwrap();
            let opened = signers.each_ref().map(|signer| signer.open(&item));
            for (other, opened) in opened.into_iter().enumerate() {
                assert_eq!(opened, (other == at).then(|| private.clone()), "{at} {other}");
            }
            let bare = URL_SAFE_NO_PAD.encode(&private);
            assert_eq!(item.private.contains(&bare), at == 0, "sealed where there is a secret");
            assert_eq!(item.verifies_until_ms, 701 * SIGNING_MS + 16 * 60_000);
        }
    }
}
