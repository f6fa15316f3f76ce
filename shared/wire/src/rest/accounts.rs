//! Bodies of the REST API about accounts: people, how they get in, invitations and keys.
//!
//! Secrets travel as [`Secret`], which no log shows. What a good e-mail address or password is, the domain decides.

#[cfg(feature = "schema")]
use callboard_domain::accounts::{EMAIL_BYTES, INVITATION_DAYS, NAME_CHARS, PASSWORD_CHARS, PASSWORD_MIN_CHARS};
use callboard_domain::permissions::Role;
use serde::{Deserialize, Serialize};

use crate::credentials::Secret;

/// `GET /v1/auth`: how one gets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthInfo {
    /// Who may register.
    pub registration: Registration,
    /// Whether people have passwords here.
    pub passwords: bool,
    /// The other issuer whose tokens are taken; none where there is none.
    pub oidc: Option<OidcInfo>,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Nobody has an account here: whoever registers becomes the admin of a new organization.
    FirstUser,
    /// Whoever was invited.
    Invitation,
}

/// An OpenID Connect issuer, as a page needs it to send people there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OidcInfo {
    /// The issuer.
    pub issuer: String,
    /// What this deployment is to the issuer.
    pub client_id: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where a code is exchanged for tokens.
    pub token_endpoint: String,
    /// What is asked for, separated by spaces.
    pub scope: String,
}

/// How a refresh token is handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RefreshBy {
    /// In the answer.
    #[default]
    Body,
    /// As a cookie that no script can read. Who refreshes by it sends `X-Callboard: 1`.
    Cookie,
}

/// `POST /v1/auth/register`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// E-mail address; spaces around it and capitals do not count.
    #[cfg_attr(feature = "schema", schemars(length(min = 3, max = EMAIL_BYTES)))]
    pub email: String,
    /// Password.
    #[cfg_attr(feature = "schema", schemars(length(min = PASSWORD_MIN_CHARS, max = PASSWORD_CHARS)))]
    pub password: Secret,
    /// What the person is called.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = NAME_CHARS)))]
    pub name: String,
    /// What the new organization is called: of the first person, and of nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = NAME_CHARS)))]
    pub organization: Option<String>,
    /// The secret of an invitation: of everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Secret>,
    /// How the refresh token is handed out.
    #[serde(default)]
    pub refresh: RefreshBy,
}

/// `POST /v1/auth/login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// E-mail address.
    #[cfg_attr(feature = "schema", schemars(length(max = EMAIL_BYTES)))]
    pub email: String,
    /// Password.
    #[cfg_attr(feature = "schema", schemars(length(max = PASSWORD_CHARS)))]
    pub password: Secret,
    /// How the refresh token is handed out.
    #[serde(default)]
    pub refresh: RefreshBy,
}

/// `POST /v1/auth/refresh` and `/v1/auth/logout`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The refresh token; left out by who has it as a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// Somebody got in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Shown as a bearer token, over HTTP and by sockets.
    pub access_token: Secret,
    /// `Bearer`.
    pub token_type: String,
    /// For how long the access token is good, in seconds.
    pub expires_in_s: u64,
    /// Gives the next session, once; left out where it was handed out as a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// Who it is.
    pub me: Me,
}

/// `GET /v1/me`: who shows this token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    /// What calls that they capture name them by: a user's or key's id.
    pub principal: String,
    /// Their organization.
    pub org: String,
    /// What the organization is called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What they may do.
    pub role: Role,
    /// A person or a program.
    pub kind: MeKind,
    /// A person's e-mail address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What a person or key is called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Who shows a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MeKind {
    /// A person.
    User,
    /// A device or a script.
    Key,
}

/// `PUT /v1/me/password`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[cfg_attr(feature = "schema", schemars(length(max = PASSWORD_CHARS)))]
    pub current: Secret,
    /// The password from now on.
    #[cfg_attr(feature = "schema", schemars(length(min = PASSWORD_MIN_CHARS, max = PASSWORD_CHARS)))]
    pub new: Secret,
}

/// A person of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// What calls that they capture name them by.
    pub id: String,
    /// E-mail address, as it is compared.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept out.
    pub disabled: bool,
    /// When they registered: wall clock, milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// When they last logged in with their password: wall clock, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_ms: Option<i64>,
}

/// `GET /v1/users`: in the order in which they registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserList {
    /// The people of the organization.
    pub users: Vec<User>,
}

/// `PATCH /v1/users/{id}`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// What they may do from now on: `agent`, `supervisor` or `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether they are kept out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = NAME_CHARS)))]
    pub name: Option<String>,
}

/// An invitation that was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invitation {
    /// By which it is taken back.
    pub id: String,
    /// The only address that may take it; anybody's, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What whoever takes it may do.
    pub role: Role,
    /// Wall clock, milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Wall clock, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// `GET /v1/invitations`: the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationList {
    /// Those that can still be taken.
    pub invitations: Vec<Invitation>,
}

/// `POST /v1/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// What whoever takes it may do: `agent`, `supervisor` or `admin`.
    pub role: Role,
    /// The only address that may take it; anybody's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 3, max = EMAIL_BYTES)))]
    pub email: Option<String>,
    /// For how many days it can be taken.
    #[serde(default = "a_week")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = INVITATION_DAYS)))]
    pub expires_in_days: u16,
}

fn a_week() -> u16 {
    7
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// By which it is taken. It is told here, and never again.
    pub secret: Secret,
}

/// `POST /v1/auth/invitation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitationSecret {
    /// The secret of an invitation.
    pub invitation: Secret,
}

/// The answer to it: what one is invited to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationInfo {
    /// What the organization is called, or its id where it has no name.
    pub organization: String,
    /// The only address that may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What one may do there.
    pub role: Role,
    /// Wall clock, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// A key of a device or a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// What calls that it captures name it by.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Wall clock, milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// When it was last shown, to within five minutes: wall clock, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_ms: Option<i64>,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// `GET /v1/keys`: the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyList {
    /// The keys of the organization.
    pub keys: Vec<Key>,
}

/// `POST /v1/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is called.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = NAME_CHARS)))]
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedKey {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The key itself, as it is shown. It is told here, and never again.
    pub secret: Secret,
}

/// `GET /.well-known/jwks.json`: by which access tokens are verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Jwks {
    /// The key that signs, and those before it whose tokens are still good.
    pub keys: Vec<Jwk>,
}

/// A public key, in the shape of RFC 8037.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// By which a token names it.
    pub kid: String,
    /// The key, in base64url.
    pub x: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_documented() {
        let login: Login = serde_json::from_str(r#"{"email":"a@b.example","password":"x"}"#).unwrap();
        assert_eq!(login.refresh, RefreshBy::Body);
        let invitation: NewInvitation = serde_json::from_str(r#"{"role":"agent"}"#).unwrap();
        assert_eq!(invitation.expires_in_days, 7);
        assert!(serde_json::from_str::<Login>(r#"{"email":"a","password":"x","pasword":"y"}"#).is_err());
    }

    #[test]
    fn a_body_with_secrets_can_be_printed() {
        let login: Login = serde_json::from_str(r#"{"email":"a@b.example","password":"hunter22222"}"#).unwrap();
        assert!(!format!("{login:?}").contains("hunter"));
    }
}
