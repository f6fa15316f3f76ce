//! Who makes a request, as the authorizer found out, and what they may do.

use axum::{
    extract::FromRequestParts,
    http::{Extensions, StatusCode, request::Parts},
};
use callboard_domain::{OrgId, permissions::Action};
use callboard_wire::connection::AuthContext;
use lambda_http::request::RequestContext;

use crate::problem::{Refused, refused};

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Their organization: nothing of another is ever read.
    pub(crate) org: OrgId,
    /// Who they are in it.
    pub(crate) principal: String,
    /// How they got in.
    pub(crate) auth: AuthContext,
}

impl Caller {
    /// Whether they may do this; `own` says that they captured the call that it is about.
    pub(crate) fn may(&self, action: Action, own: bool) -> bool {
        self.auth.role.may(action, own)
    }

    /// Refuses what they may not do, `what` being how it is called.
    pub(crate) fn must(&self, action: Action, own: bool, what: &str) -> Result<(), Refused> {
        if self.may(action, own) {
            return Ok(());
        }
        let detail = format!("the role {} may not {what}", self.auth.role.as_str());
        Err(refused(StatusCode::FORBIDDEN, detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let unknown = || refused(StatusCode::UNAUTHORIZED, "send a token: Authorization: Bearer <token>");
        let auth = auth(&parts.extensions).ok_or_else(unknown)?;
        let org = OrgId::parse(&auth.org).map_err(|_| unknown())?;
        Ok(Self { org, principal: auth.principal.clone(), auth })
    }
}

/// What the authorizer found out; none where it was not asked.
pub(crate) fn auth(extensions: &Extensions) -> Option<AuthContext> {
    let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() else { return None };
    let fields = serde_json::to_value(&context.authorizer.as_ref()?.fields).ok()?;
    serde_json::from_value(fields).ok()
}
