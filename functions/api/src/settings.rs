//! What an organization decides for all of its calls.

use axum::{Json, extract::State, http::StatusCode};
use callboard_domain::{permissions::Action, settings::OrgSettings};

use crate::{
    Context,
    body::JsonObject,
    caller::Caller,
    problem::{Refused, refused},
};

/// `GET /v1/settings`.
pub(crate) async fn read(State(context): State<Context>, caller: Caller) -> Result<Json<OrgSettings>, Refused> {
    caller.must(Action::ReadSettings, false, "read the organization's settings")?;
    Ok(Json(context.orgs.settings(&caller.org).await?))
}

/// `PUT /v1/settings`: all of them at once; what is left out is as a new organization has it.
pub(crate) async fn replace(
    State(context): State<Context>,
    caller: Caller,
    JsonObject(body): JsonObject,
) -> Result<Json<OrgSettings>, Refused> {
    caller.must(Action::ManageSettings, false, "change the organization's settings")?;
    let settings: OrgSettings = serde_json::from_value(serde_json::Value::Object(body)).map_err(|error| {
        let shape = "send {\"redaction\":\"off\"}, \"mask\" or \"mask_and_drop_audio\", and if you like \"retention_days\", \
                     \"keep_source\" and \"export\"";
        refused(StatusCode::BAD_REQUEST, format!("the settings are not understood: {error}; {shape}"))
    })?;
    settings.check().map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    context.orgs.put_settings(&caller.org, &settings).await?;
    Ok(Json(settings))
}
