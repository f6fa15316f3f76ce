//! Items of the `accounts` table about who gets in: people, invitations, sessions, keys, and what is counted of them.
//!
//! They begin with the organization, but for those that are found before it is known: by a hash or an e-mail address.

use callboard_domain::{
    OrgId,
    accounts::{Attempts, Refresh, Standing},
    permissions::Role,
};
use serde::{Deserialize, Serialize};

use super::{invitation_pk, key_pk, people_pk, sk};
use crate::rest::accounts::{Invitation, Key, User};

/// `DEPLOYMENT`: there is somebody with an account here, so nobody is the first any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
}

/// An organization, among its people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many of its people are admins and not disabled: never taken down to 0.
    #[serde(default)]
    pub admins: u64,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// The principal that they are.
    pub id: String,
    /// E-mail address, as it is compared.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept out.
    #[serde(default)]
    pub disabled: bool,
    /// Hash of the password, with all that is needed to verify it.
    pub password: String,
    /// Which of their sessions count.
    #[serde(default)]
    pub standing: Standing,
    /// Wall clock, ms.
    pub created_at_ms: i64,
    /// Wall clock, ms. Written apart from the rest, under no condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_ms: Option<i64>,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
}

impl UserItem {
    /// Whether they count among the organization's active admins.
    pub fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && !self.disabled
    }

    /// As others see them.
    pub fn user(&self) -> User {
        User {
            id: self.id.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            disabled: self.disabled,
            created_at_ms: self.created_at_ms,
            last_login_ms: self.last_login_ms,
        }
    }
}

/// Whose e-mail address it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// The person.
    pub user: String,
}

/// An invitation, among the organization's people. Its secret is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// By which it is taken back.
    pub id: String,
    /// Hash of its secret.
    pub secret_hash: String,
    /// The only address that may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What whoever takes it may do.
    pub role: Role,
    /// Wall clock, ms.
    pub created_at_ms: i64,
    /// Wall clock, ms.
    pub expires_at_ms: i64,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

impl InvitationItem {
    /// As admins see it.
    pub fn invitation(&self) -> Invitation {
        Invitation {
            id: self.id.clone(),
            email: self.email.clone(),
            role: self.role,
            created_at_ms: self.created_at_ms,
            expires_at_ms: self.expires_at_ms,
        }
    }

    /// Where it is found by its secret.
    pub fn lookup(&self) -> InvitationLookupItem {
        InvitationLookupItem {
            pk: invitation_pk(&self.secret_hash),
            sk: sk::SELF.into(),
            org: self.org.clone(),
            id: self.id.clone(),
            expires_at: self.expires_at,
        }
    }
}

/// Which invitation has the secret of this hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationLookupItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// The invitation.
    pub id: String,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A session, found by the hash of what its refresh tokens have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Whose it is.
    pub user: String,
    /// Under which number of the person's sessions it began.
    pub generation: u64,
    /// Its refresh tokens, as hashes.
    pub refresh: Refresh,
    /// What the present token was made from, together with the one before it; none of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A key: found by the hash of its secret, which is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// The principal it stands for, which is its id.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// True once it was taken back.
    #[serde(default)]
    pub revoked: bool,
    /// How many requests a minute it has, where that is not what all have; 0 for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
}

impl KeyItem {
    /// A key with a secret of this hash.
    pub fn new(secret_hash: &str, org: &OrgId, principal: &str, role: Role) -> Self {
        Self {
            pk: key_pk(secret_hash),
            sk: sk::SELF.into(),
            org: org.clone(),
            principal: principal.to_owned(),
            role,
            revoked: false,
            requests_per_minute: None,
        }
    }

    /// Where it stands among the organization's people.
    pub fn entry(&self, name: &str, created_at_ms: i64) -> KeyEntryItem {
        KeyEntryItem {
            pk: people_pk(&self.org),
            sk: sk::key(&self.principal),
            id: self.principal.clone(),
            secret_hash: self.pk.strip_prefix(&key_pk("")).unwrap_or_default().to_owned(),
            name: name.to_owned(),
            role: self.role,
            created_at_ms,
            revoked: self.revoked,
        }
    }
}

/// A key among the organization's people: what is listed of it, and how it is found without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntryItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The principal it stands for.
    pub id: String,
    /// Hash of its secret.
    pub secret_hash: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Wall clock, ms.
    pub created_at_ms: i64,
    /// True once it was taken back.
    #[serde(default)]
    pub revoked: bool,
}

impl KeyEntryItem {
    /// As admins see it.
    pub fn key(&self, last_used_ms: Option<i64>) -> Key {
        Key {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role,
            created_at_ms: self.created_at_ms,
            last_used_ms,
            revoked: self.revoked,
        }
    }
}

/// When a key was last shown. Apart from the key, so that whoever notes it can write nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUseItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Wall clock, ms.
    pub last_used_ms: i64,
}

/// Logins of an e-mail address that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// How many, and when.
    pub attempts: Attempts,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A key that signs access tokens for a while, and verifies them a little longer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyItem {
    /// Key.
    pub pk: String,
    /// Key: the period in which it signs.
    pub sk: String,
    /// By which tokens name it.
    pub kid: String,
    /// The public half, in base64url.
    pub public: String,
    /// The private half, in PKCS#8 and base64: sealed where there is a secret for that.
    pub private: String,
    /// Until when its tokens can be good: wall clock, ms.
    pub verifies_until_ms: i64,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

impl std::fmt::Debug for SigningKeyItem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SigningKeyItem").field("kid", &self.kid).finish_non_exhaustive()
    }
}
