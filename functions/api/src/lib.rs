//! The REST API: calls as they stand, for pages and scripts.

use axum::{
    Json, Router,
    extract::{Extension, Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use callboard_adapters::{ServiceError, calls::Calls, table::Table};
use callboard_domain::{CallId, OrgId, permissions::Action};
use callboard_runtime::{SettingError, Start};
use callboard_wire::{
    connection::AuthContext,
    items::{CallItem, SegmentItem},
    rest::{CallList, CallSnapshot, Health, Problem, Revised, Transcript},
};
use lambda_http::request::RequestContext;
use serde::Deserialize;

/// Calls a page, unless the request says otherwise, and at most.
const PAGE: usize = 50;
/// See [`PAGE`].
const MAX_PAGE: usize = 200;

/// What the function needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// Calls.
    pub calls: Calls,
}

impl Context {
    /// Reads `CALLS_TABLE`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        Ok(Self { calls: Calls::new(Table::new(client, start.settings.required("CALLS_TABLE")?)) })
    }
}

/// All routes.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/calls", get(list))
        .route("/v1/calls/{id}", get(snapshot))
        .route("/v1/calls/{id}/transcript", get(transcript))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is no such resource: see /v1/calls") })
        .layer(axum::middleware::from_fn(take_principal))
        .with_state(context)
}

/// Whoever the authorizer says this is; none on routes without one.
#[derive(Debug, Clone)]
struct Principal(Option<AuthContext>);

/// Hands the authorizer's context on to the handlers.
async fn take_principal(mut request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let context = request.extensions().get::<RequestContext>();
    let auth = match context {
        Some(RequestContext::ApiGatewayV2(context)) => context
            .authorizer
            .as_ref()
            .and_then(|authorizer| serde_json::to_value(&authorizer.fields).ok())
            .and_then(|value| serde_json::from_value(value).ok()),
        _ => None,
    };
    request.extensions_mut().insert(Principal(auth));
    next.run(request).await
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("error").to_owned();
    let body = Problem { title, status: status.as_u16(), detail: detail.to_owned() };
    (status, [("content-type", "application/problem+json")], Json(body)).into_response()
}

/// A table failed: the request may be repeated.
struct Failed(ServiceError);

impl From<ServiceError> for Failed {
    fn from(error: ServiceError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "request failed");
        problem(StatusCode::SERVICE_UNAVAILABLE, "the data cannot be reached just now: try again in a moment")
    }
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() })
}

#[derive(Deserialize)]
struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(
    State(context): State<Context>,
    Extension(principal): Extension<Principal>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failed> {
    let Ok(Query(query)) = query else {
        return Ok(problem(StatusCode::BAD_REQUEST, "limit must be a whole number from 1 to 200"));
    };
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Ok(problem(StatusCode::BAD_REQUEST, "limit must be a whole number from 1 to 200"));
    }
    let (auth, org) = match authorized(&principal) {
        Ok(who) => who,
        Err(refusal) => return Ok(*refusal),
    };
    let page = context.calls.list(&org, limit, query.cursor.as_deref().filter(|cursor| !cursor.is_empty())).await?;
    let visible = |item: &&CallItem| {
        auth.role.may(Action::ReadAllCalls, false) || auth.role.may(Action::ReadCall, item.principal == auth.principal)
    };
    let calls = page.items.iter().filter(visible).map(CallItem::message).collect();
    Ok(Json(CallList { calls, next: page.next }).into_response())
}

async fn snapshot(
    State(context): State<Context>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    let (org, call) = match readable(&context, &principal, &id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(*refusal),
    };
    // The revision first: what changes while the rest is read is pushed as well. The call last: where notes are, its end
    // is, too.
    let revision = context.calls.revision(&org, &call.call).await?;
    let segments = context.calls.segments(&org, &call.call).await?;
    let progress = context.calls.progress(&org, &call.call).await?;
    let cards = context.calls.cards(&org, &call.call).await?;
    let notes = context.calls.notes(&org, &call.call).await?;
    let call = context.calls.call(&org, &call.call).await?.unwrap_or(call);
    let body = CallSnapshot {
        revision,
        call: call.message(),
        segments: segments.iter().map(SegmentItem::message).collect(),
        progress: progress.map(|item| Revised { revision: item.revision, value: item.view }),
        cards: cards.into_iter().map(|item| Revised { revision: item.revision, value: item.card }).collect(),
        notes: notes.map(|item| Revised { revision: item.revision, value: item.notes }),
    };
    Ok(Json(body).into_response())
}

async fn transcript(
    State(context): State<Context>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Failed> {
    let (org, call) = match readable(&context, &principal, &id).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(*refusal),
    };
    let segments = context.calls.segments(&org, &call.call).await?;
    // A transcript is for reading; a snapshot holds what turned out to be silence, too, since it replaces a placeholder.
    let segments = segments.iter().map(SegmentItem::message).filter(|segment| !segment.is_silence()).collect();
    Ok(Json(Transcript { call: call.call.to_string(), segments }).into_response())
}

fn authorized(principal: &Principal) -> Result<(AuthContext, OrgId), Box<Response>> {
    let unknown = || Box::new(problem(StatusCode::UNAUTHORIZED, "send a token: Authorization: Bearer <token>"));
    let auth = principal.0.clone().ok_or_else(unknown)?;
    let org = OrgId::parse(&auth.org).map_err(|_| unknown())?;
    Ok((auth, org))
}

/// A call that this principal may read. One of another organization is as absent as one that never was.
async fn readable(
    context: &Context,
    principal: &Principal,
    id: &str,
) -> Result<Result<(OrgId, CallItem), Box<Response>>, ServiceError> {
    let (auth, org) = match authorized(principal) {
        Ok(who) => who,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let id = match CallId::parse(id) {
        Ok(id) => id,
        Err(error) => return Ok(Err(Box::new(problem(StatusCode::BAD_REQUEST, &error.to_string())))),
    };
    let found = context.calls.call(&org, &id).await?;
    let found = found.filter(|call| auth.role.may(Action::ReadCall, call.principal == auth.principal));
    let absent = || Box::new(problem(StatusCode::NOT_FOUND, &format!("there is no call {id}")));
    Ok(found.ok_or_else(absent).map(|call| (org, call)))
}

#[cfg(test)]
mod tests {
    use lambda_http::{http::Request, request::LambdaRequest};

    #[test]
    fn the_sample_event_is_a_request() {
        let event = include_str!("../../../events/api.json");
        let request: LambdaRequest = serde_json::from_str(event).unwrap();
        let request: Request<lambda_http::Body> = request.into();
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/health"));
    }
}
