//! Sessions: they begin with a login, go on by refresh tokens, and end.
//!
//! A browser keeps its refresh token as a cookie that no script can read and no other site can send. Whoever refreshes by
//! it sends a header besides, which no form can.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use callboard_adapters::table::Written;
use callboard_domain::accounts::{ACCESS_TOKEN_S, Presented, REFRESH_MS, Refresh};
use callboard_wire::{
    credentials::Secret,
    items::{SessionItem, UserItem, session_pk, sk},
    rest::accounts::{RefreshBy, RefreshToken, Session},
};

use super::{
    Sent, me,
    refresh::{Token, new_salt},
    text,
};
use crate::{
    Context,
    problem::{Refused, refused},
    tags::put,
};

/// The cookie's name.
const COOKIE: &str = "callboard_refresh";
/// What whoever refreshes by cookie sends besides.
const HEADER: &str = "x-callboard";
/// Most bytes of a body.
const MOST_BYTES: usize = 10_000;
/// How often a refresh is tried against others of the same session.
const TRIES: usize = 4;

/// Begins a session of somebody who proved to be this.
pub(super) async fn begin(
    context: &Context,
    user: &UserItem,
    by: RefreshBy,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let (token, now_ms) = (Token::first()?, context.clock.now_ms());
    let item = SessionItem {
        pk: session_pk(&token.session()),
        sk: sk::SELF.into(),
        org: user.org.clone(),
        user: user.id.clone(),
        generation: user.standing.generation,
        refresh: Refresh::begin(token.hash(), now_ms),
        salt: None,
        version: 0,
        expires_at: expires_at(now_ms),
    };
    context.accounts.put_session(&item).await?;
    answer(context, user, &token, by, headers).await
}

/// When the table forgets a session that is refreshed now, in seconds since the Unix epoch.
fn expires_at(now_ms: i64) -> i64 {
    (now_ms + REFRESH_MS) / 1_000 + 1
}

async fn answer(
    context: &Context,
    user: &UserItem,
    token: &Token,
    by: RefreshBy,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let whose = (user.org.as_str(), user.id.as_str(), user.role);
    let now_ms = context.clock.now_ms();
    let access_token = context.doors.signer.access_token(&context.accounts, whose, &token.session(), now_ms).await?;
    let session = Session {
        access_token,
        token_type: "Bearer".into(),
        expires_in_s: u64::try_from(ACCESS_TOKEN_S).unwrap_or_default(),
        refresh_token: (by == RefreshBy::Body).then(|| token.write()),
        me: me::of_user(context, user).await?,
    };
    let mut response = axum::Json(session).into_response();
    put(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    if by == RefreshBy::Cookie {
        set_cookie(&mut response, headers, token.write().expose(), REFRESH_MS / 1_000);
    }
    Ok(response)
}

/// The refresh token of a request, and how it came.
pub(super) struct Shown {
    token: Option<Secret>,
    by: RefreshBy,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequest<S> for Shown {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let headers = request.headers().clone();
        let (parts, body) = request.into_parts();
        let broken = |_| refused(StatusCode::BAD_REQUEST, "the body broke off, or is too long: send it again");
        let body = to_bytes(body, MOST_BYTES).await.map_err(broken)?;
        let sent = match body.is_empty() {
            true => RefreshToken::default(),
            false => Sent::from_request(Request::from_parts(parts, Body::from(body)), state).await?.0,
        };
        if let Some(token) = sent.refresh_token {
            return Ok(Self { token: Some(token), by: RefreshBy::Body, headers });
        }
        let token = cookie(&headers).map(Secret::new);
        if token.is_some() && text(&headers, HEADER) != Some("1") {
            let detail =
                "the cookie counts with the header X-Callboard: 1 alone: send it, or the token as refresh_token";
            return Err(refused(StatusCode::FORBIDDEN, detail));
        }
        Ok(Self { token, by: RefreshBy::Cookie, headers })
    }
}

/// `POST /v1/auth/refresh`.
pub(super) async fn refresh(State(context): State<Context>, shown: Shown) -> Result<Response, Refused> {
    let Shown { token, by, headers } = shown;
    let token = token.as_ref().and_then(|token| Token::read(token.expose()));
    let gone_on = match token {
        Some(token) => go_on(&context, &token).await?,
        None => None,
    };
    if let Some((user, token)) = gone_on {
        return answer(&context, &user, &token, by, &headers).await;
    }
    let mut response = refused(StatusCode::UNAUTHORIZED, "this session is over: log in").into_response();
    if by == RefreshBy::Cookie && cookie(&headers).is_some() {
        set_cookie(&mut response, &headers, "", 0);
    }
    Ok(response)
}

/// The person and the next token of a session; none if it is over. One that shows a token twice ends by it.
async fn go_on(context: &Context, token: &Token) -> Result<Option<(UserItem, Token)>, Refused> {
    let (id, now_ms) = (token.session(), context.clock.now_ms());
    for _ in 0..TRIES {
        let Some(session) = context.accounts.session(&id).await? else { return Ok(None) };
        let user = context.accounts.user(&session.org, &session.user).await?;
        let admits = |user: &UserItem| !user.disabled && user.standing.admits(&id, session.generation);
        let Some(user) = user.filter(admits) else { return Ok(None) };
        match session.refresh.present(&token.hash(), now_ms) {
            Presented::Over => return Ok(None),
            Presented::Reused => {
                tracing::warn!(user.id = user.id, "a refresh token was shown twice: its session is ended");
                context.accounts.end_session(&id).await?;
                return Ok(None);
            }
            Presented::Again => {
                let next = session.salt.as_deref().map(|salt| token.next(salt));
                return Ok(next.map(|next| (user, next)));
            }
            Presented::Rotate => {
                let salt = new_salt()?;
                let next = token.next(&salt);
                let rotated = SessionItem {
                    refresh: session.refresh.rotated(next.hash(), now_ms),
                    salt: Some(salt),
                    version: session.version + 1,
                    expires_at: expires_at(now_ms),
                    ..session
                };
                if context.accounts.put_session(&rotated).await? == Written::Yes {
                    return Ok(Some((user, next)));
                }
            }
        }
    }
    Err(refused(StatusCode::SERVICE_UNAVAILABLE, "this session is refreshed elsewhere just now: try again"))
}

/// `POST /v1/auth/logout`.
pub(super) async fn logout(State(context): State<Context>, shown: Shown) -> Result<Response, Refused> {
    if let Some(token) = shown.token.as_ref().and_then(|token| Token::read(token.expose())) {
        context.accounts.end_session(&token.session()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if cookie(&shown.headers).is_some() {
        set_cookie(&mut response, &shown.headers, "", 0);
    }
    Ok(response)
}

/// The refresh token that came as a cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE && !value.is_empty()).map(|(_, value)| value)
}

/// Sets the cookie, for as many seconds; takes it away for none.
fn set_cookie(response: &mut Response, request: &HeaderMap, value: &str, seconds: i64) {
    // A page of this machine is not served over TLS.
    let secure = if is_loopback(text(request, "host").unwrap_or_default()) { "" } else { "; Secure" };
    let cookie = format!("{COOKIE}={value}; Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    matches!(name.map_or(host, |(name, _)| name), "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (sent, expected) in [
            ("callboard_refresh=a", Some("a")),
            ("x=1; callboard_refresh=a; y=2", Some("a")),
            ("callboard_refresh=", None),
            ("not_callboard_refresh=a", None),
            ("", None),
        ] {
            assert_eq!(cookie(&headers(&[("cookie", sent)])), expected, "{sent}");
        }
    }

    #[test]
    fn the_cookie_is_secure_but_on_this_machine() {
        for (host, secure) in [
            ("127.0.0.1:8787", false),
            ("localhost:8787", false),
            ("[::1]:8787", false),
            ("localhost", false),
            ("calls.example.com", true),
            ("localhost.example.com", true),
            ("127.0.0.1.example.com:80", true),
            ("", true),
        ] {
            let mut response = StatusCode::OK.into_response();
            set_cookie(&mut response, &headers(&[("host", host)]), "v", 60);
            let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
            let expected = "callboard_refresh=v; Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age=60";
            assert_eq!(set, format!("{expected}{}", if secure { "; Secure" } else { "" }), "{host}");
        }
    }
}
