//! Accounts: how people get in, who they are, and what admins decide about people, invitations and keys.
//!
//! Owns what all of these share: secrets that are made here, bodies that hold some, and sockets that are closed.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    routing::{MethodRouter, delete, get, patch, post, put},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use callboard_adapters::{connections::Connections, gateway::Gateway, identity::Oidc};
use callboard_domain::{OrgId, accounts::AccountError, permissions::Role};
use callboard_runtime::{SettingError, Start, identity, seal::Seal};
use callboard_wire::credentials::Secret;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Context,
    body::JsonObject,
    problem::{Refused, refused},
};

mod doors;
mod invitations;
mod keys;
mod me;
mod passwords;
mod refresh;
mod sessions;
mod signing;
mod users;

use signing::Signer;

/// How people get in.
#[derive(Debug)]
pub struct Doors {
    signer: Signer,
    oidc: Option<Oidc>,
    /// What is asked of the other issuer.
    scope: String,
    /// Whether people have passwords here.
    passwords: bool,
    /// The organization that the first person joins; one of their own where there is none.
    first_organization: Option<OrgId>,
}

impl Doors {
    /// Reads `PASSWORD_LOGIN` (`true` by default), `FIRST_ORGANIZATION`, `SIGNING_KEY_SECRET`, `OIDC_SCOPE` (`openid` by
    /// default), and what [`identity::oidc`] and [`identity::issuer`] do.
    pub(crate) fn start(start: &Start) -> Result<Self, SettingError> {
        let settings = &start.settings;
        let name = "FIRST_ORGANIZATION";
        let first = settings.optional(name).map(OrgId::parse).transpose();
        Ok(Self {
            signer: Signer::new(identity::issuer(settings), Seal::new(settings.optional("SIGNING_KEY_SECRET"))),
            oidc: identity::oidc(settings)?,
            scope: settings.optional("OIDC_SCOPE").unwrap_or("openid").to_owned(),
            passwords: settings.parsed("PASSWORD_LOGIN", true)?,
            first_organization: first.map_err(|error| SettingError::malformed(name, error))?,
        })
    }

    /// Doors of nobody.
    #[cfg(test)]
    pub(crate) fn shut() -> Self {
        let signer = Signer::new("callboard", Seal::new(None));
        Self { signer, oidc: None, scope: String::new(), passwords: true, first_organization: None }
    }
}

/// The sockets of principals, which are closed when they may not do any more what they could.
#[derive(Debug, Clone)]
pub struct Sockets {
    /// Who is connected.
    pub connections: Connections,
    /// Where connections are closed.
    pub gateway: Gateway,
}

impl Sockets {
    /// Closes all of a principal's.
    async fn close(&self, org: &OrgId, principal: &str) -> Result<(), Refused> {
        for connection in self.connections.of_principal(org, principal).await? {
            self.gateway.disconnect(&connection).await?;
        }
        Ok(())
    }
}

/// The routes.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Context>)> {
    vec![
        ("/v1/auth", get(doors::info)),
        ("/v1/auth/register", post(doors::register)),
        ("/v1/auth/login", post(doors::login)),
        ("/v1/auth/refresh", post(sessions::refresh)),
        ("/v1/auth/logout", post(sessions::logout)),
        ("/v1/auth/invitation", post(invitations::look)),
        ("/.well-known/jwks.json", get(signing::jwks)),
        ("/v1/me", get(me::read)),
        ("/v1/me/password", put(me::change_password)),
        ("/v1/users", get(users::list)),
        ("/v1/users/{id}", patch(users::change).delete(users::remove)),
        ("/v1/invitations", get(invitations::list).post(invitations::create)),
        ("/v1/invitations/{id}", delete(invitations::take_back)),
        ("/v1/keys", get(keys::list).post(keys::create)),
        ("/v1/keys/{id}", delete(keys::revoke)),
    ]
}

/// A body that says what type it is, read as a struct. A page of another site can only send what it does not say.
#[derive(Debug)]
struct Sent<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "say that the body is application/json"));
        }
        let JsonObject(object) = JsonObject::from_request(request, state).await?;
        let read = serde_json::from_value(Value::Object(object)).map(Self);
        read.map_err(|error| refused(StatusCode::BAD_REQUEST, format!("the body is not understood: {error}")))
    }
}

impl From<AccountError> for Refused {
    fn from(error: AccountError) -> Self {
        refused(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

/// A role that people can have.
fn of_people(role: Role) -> Result<Role, Refused> {
    if role.is_for_people() {
        return Ok(role);
    }
    let detail = "the role capture is for keys: use agent, supervisor or admin";
    Err(refused(StatusCode::UNPROCESSABLE_ENTITY, detail))
}

/// Random bytes that nobody can guess.
fn random<const N: usize>() -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    let detail = "no secret can be made just now: try again";
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| refused(StatusCode::SERVICE_UNAVAILABLE, detail)).map(|()| bytes)
}

/// A new secret; what it begins with tells what it is.
fn new_secret(kind: &str) -> Result<Secret, Refused> {
    Ok(Secret::new(format!("{kind}{}", URL_SAFE_NO_PAD.encode(random::<32>()?))))
}

/// A header's text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
