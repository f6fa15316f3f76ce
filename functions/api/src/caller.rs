//! Who makes a request, as the authorizer found out, and what they may do.

use axum::{extract::FromRequestParts, http::StatusCode, http::request::Parts};
use callboard_domain::{
    OrgId,
    permissions::{Action, Role},
};
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
    role: Role,
}

impl Caller {
    /// Whether they may do this; `own` says that they captured the call that it is about.
    pub(crate) fn may(&self, action: Action, own: bool) -> bool {
        self.role.may(action, own)
    }

    /// Refuses what they may not do, `what` being how it is called.
    pub(crate) fn must(&self, action: Action, own: bool, what: &str) -> Result<(), Refused> {
        if self.may(action, own) {
            return Ok(());
        }
        let detail = format!("the role {} may not {what}", self.role.as_str());
        Err(refused(StatusCode::FORBIDDEN, detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let unknown = || refused(StatusCode::UNAUTHORIZED, "send a token: Authorization: Bearer <token>");
        let Some(RequestContext::ApiGatewayV2(context)) = parts.extensions.get::<RequestContext>() else {
            return Err(unknown());
        };
        let fields = context.authorizer.as_ref().and_then(|found| serde_json::to_value(&found.fields).ok());
        let auth: Option<AuthContext> = fields.and_then(|fields| serde_json::from_value(fields).ok());
        let AuthContext { org, principal, role, .. } = auth.ok_or_else(unknown)?;
        let org = OrgId::parse(&org).map_err(|_| unknown())?;
        Ok(Self { org, principal, role })
    }
}
