//! How people get in: they register, as the first or by invitation, and log in.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use callboard_adapters::accounts::Joined;
use callboard_domain::{
    OrgId,
    accounts::{Email, Password, name},
    permissions::Role,
};
use callboard_wire::{
    credentials::secret_hash,
    items::{InvitationItem, UserItem, people_pk, sk},
    rest::accounts::{AuthInfo, Login, NewAccount, OidcInfo, Registration},
};

use super::{Sent, passwords, sessions};
use crate::{
    Context,
    problem::{Refused, refused},
    tags::put,
};

/// `GET /v1/auth`.
pub(super) async fn info(State(context): State<Context>) -> Result<Json<AuthInfo>, Refused> {
    let has_people = context.accounts.has_people().await?;
    let oidc = match &context.doors.oidc {
        Some(oidc) => oidc.provider(context.clock.now_ms()).await.map(|provider| OidcInfo {
            issuer: provider.issuer,
            client_id: oidc.audience().to_owned(),
            authorization_endpoint: provider.authorization_endpoint,
            token_endpoint: provider.token_endpoint,
            scope: context.doors.scope.clone(),
        }),
        None => None,
    };
    let registration = if has_people { Registration::Invitation } else { Registration::FirstUser };
    Ok(Json(AuthInfo { registration, passwords: context.doors.passwords, oidc }))
}

/// Refuses where people have no passwords.
fn must_have_passwords(context: &Context) -> Result<(), Refused> {
    if context.doors.passwords {
        return Ok(());
    }
    Err(refused(StatusCode::FORBIDDEN, "people have no passwords here: see GET /v1/auth for who knows them"))
}

/// `POST /v1/auth/register`.
pub(super) async fn register(
    State(context): State<Context>,
    headers: HeaderMap,
    Sent(account): Sent<NewAccount>,
) -> Result<Response, Refused> {
    must_have_passwords(&context)?;
    let email = Email::parse(&account.email)?;
    let shown_name = name("name", &account.name)?;
    let password = Password::choose(account.password.expose(), &email)?;
    let entry = Entry::of(&context, &account, &email).await?;
    let (org, role) = match &entry {
        Entry::First { org, .. } => (org.clone(), Role::Admin),
        Entry::Invited(invitation) => (invitation.org.clone(), invitation.role),
    };
    let id = format!("usr_{}", context.clock.call_id());
    let user = UserItem {
        pk: people_pk(&org),
        sk: sk::user(&id),
        org,
        id,
        email: email.to_string(),
        name: shown_name,
        role,
        disabled: false,
        password: passwords::hash(password).await?,
        standing: Default::default(),
        created_at_ms: context.clock.now_ms(),
        last_login_ms: Some(context.clock.now_ms()),
        version: 1,
    };
    let joined = match &entry {
        Entry::First { organization, .. } => context.accounts.found(&user, organization).await?,
        Entry::Invited(invitation) => context.accounts.join(&user, invitation).await?,
    };
    match joined {
        Joined::Yes => {}
        Joined::EmailTaken => {
            return Err(refused(StatusCode::CONFLICT, "this e-mail address has an account: log in"));
        }
        Joined::TooLate => return Err(not_invited()),
    }
    let mut response = sessions::begin(&context, &user, account.refresh, &headers).await?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// By what somebody gets an account.
enum Entry {
    /// Nobody has one: of a new organization, under the name that it gets.
    First { org: OrgId, organization: String },
    /// By an invitation.
    Invited(Box<InvitationItem>),
}

impl Entry {
    async fn of(context: &Context, account: &NewAccount, email: &Email) -> Result<Self, Refused> {
        if let Some(secret) = &account.invitation {
            let hash = secret_hash(secret.expose());
            let found = context.accounts.invitation(&hash, context.clock.now_ms()).await?.ok_or_else(not_invited)?;
            if found.email.as_ref().is_some_and(|invited| invited != email.as_str()) {
                let detail = "this invitation is for another e-mail address: use that, or ask for one of yours";
                return Err(refused(StatusCode::FORBIDDEN, detail));
            }
            return Ok(Self::Invited(Box::new(found)));
        }
        if context.accounts.has_people().await? {
            let detail = "show an invitation: an admin of the organization makes one";
            return Err(refused(StatusCode::FORBIDDEN, detail));
        }
        let organization = account.organization.as_deref().unwrap_or_default();
        let organization = name("organization", organization)?;
        let org = match &context.doors.first_organization {
            Some(org) => org.clone(),
            None => new_org(context)?,
        };
        Ok(Self::First { org, organization })
    }
}

fn new_org(context: &Context) -> Result<OrgId, Refused> {
    let id = format!("org_{}", context.clock.call_id()).to_ascii_lowercase();
    OrgId::parse(&id).map_err(|error| refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
}

fn not_invited() -> Refused {
    refused(StatusCode::FORBIDDEN, "this invitation is not known, was taken or is over: ask for another")
}

/// `POST /v1/auth/login`.
pub(super) async fn login(
    State(context): State<Context>,
    headers: HeaderMap,
    Sent(login): Sent<Login>,
) -> Result<Response, Refused> {
    must_have_passwords(&context)?;
    let wrong = || refused(StatusCode::UNAUTHORIZED, "e-mail address or password is wrong");
    // What is no address is nobody's, and what is no password opens nothing: nothing is told by saying so at once.
    let (Ok(email), Ok(password)) = (Email::parse(&login.email), Password::typed(login.password.expose())) else {
        return Err(wrong());
    };
    if let Some(wait) = must_wait(&context, &email).await? {
        return Ok(wait);
    }
    let found = context.accounts.user_of_email(email.as_str()).await?;
    let user = passwords::admitted(found, password).await.ok_or_else(wrong)?;
    context.accounts.forget_attempts(email.as_str()).await?;
    context.accounts.note_login(&user, context.clock.now_ms()).await?;
    sessions::begin(&context, &user, login.refresh, &headers).await
}

/// Counts a try of an address; the refusal, where it has to wait.
pub(super) async fn must_wait(context: &Context, email: &Email) -> Result<Option<Response>, Refused> {
    let now_ms = context.clock.now_ms();
    let Err(wait_ms) = context.accounts.try_login(email.as_str(), now_ms).await? else { return Ok(None) };
    let seconds = (wait_ms + 999) / 1_000;
    let detail = format!("too many failed logins: try again in {seconds} s");
    let mut response = refused(StatusCode::TOO_MANY_REQUESTS, detail).into_response();
    put(response.headers_mut(), axum::http::header::RETRY_AFTER, &seconds.to_string());
    Ok(Some(response))
}
