//! The REST API, for pages and scripts: calls as they stand, feedback on their cards, and playbooks.
//!
//! Owns the routes; what each does stands in its module. Who somebody is, the authorizer found out before.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post, put},
};
use callboard_adapters::{
    accounts::Accounts,
    audio::{self, AudioStore},
    calls::Calls,
    orgs::Orgs,
    table::Table,
};
use callboard_runtime::{Clock, SettingError, Start};
use callboard_wire::rest::Health;

mod body;
mod caller;
mod calls;
mod feedback;
mod playbooks;
mod problem;
mod recordings;
mod settings;
mod tags;

use problem::problem;

/// What the function needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// Playbooks, and what is learned from feedback.
    pub accounts: Accounts,
    /// Settings of organizations.
    pub orgs: Orgs,
    /// Calls.
    pub calls: Calls,
    /// Audio.
    pub audio: AudioStore,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE` and `AUDIO_BUCKET`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        Ok(Self {
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            orgs: Orgs::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            audio: AudioStore::new(audio::client(&start.sdk), start.settings.required("AUDIO_BUCKET")?),
            clock: start.clock.clone(),
        })
    }
}

/// All routes.
pub fn router(context: Context) -> Router {
    use playbooks::{trial, write};
    let absent = "there is no such resource: see /v1/calls and /v1/playbooks";
    let not_allowed = "this resource does not know this method";
    let playbook = get(playbooks::read).put(write::replace).delete(write::delete);
    Router::new()
        .route("/health", get(health))
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/{id}", get(calls::snapshot))
        .route("/v1/calls/{id}/transcript", get(calls::transcript))
        .route("/v1/calls/{id}/cards/{card}/feedback", put(feedback::give).delete(feedback::take_back))
        .route("/v1/calls/{id}/result", get(recordings::result))
        .route("/v1/recordings", post(recordings::create))
        .route("/v1/recordings/{id}/upload", get(recordings::upload))
        .route("/v1/recordings/{id}/complete", post(recordings::complete))
        .route("/v1/settings", get(settings::read).put(settings::replace))
        .route("/v1/playbooks", get(playbooks::list).post(write::create))
        .route("/v1/playbooks/validate", post(write::validate))
        .route("/v1/playbooks/try", post(trial::run))
        .route("/v1/playbooks/{id}", playbook)
        .method_not_allowed_fallback(move || async move { problem(StatusCode::METHOD_NOT_ALLOWED, not_allowed) })
        .fallback(move || async move { problem(StatusCode::NOT_FOUND, absent) })
        .with_state(context)
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() })
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
