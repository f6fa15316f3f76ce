//! A request as a Function URL hands it on (payload format 2.0): what is wanted, by whom, and from where on.

use std::collections::BTreeMap;

use callboard_adapters::identity::Identity;
use callboard_domain::{
    CallId, OrgId,
    permissions::{Action, Role},
};
use callboard_wire::{connection::AuthContext, credentials::bearer, socket_event::header};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    Context,
    cursor::Cursor,
    problem::{Refused, refused},
};

/// The part of the event that is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Path.
    #[serde(default)]
    raw_path: String,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Query.
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
    /// What Lambda knows about it.
    request_context: RequestContext,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Http {
    #[serde(default)]
    method: String,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Their organization: nothing of another is ever read.
    pub(crate) org: OrgId,
    /// Who they are in it.
    pub(crate) principal: String,
    /// How they got in.
    auth: AuthContext,
}

impl Caller {
    /// Whether they are still who they were. Where that cannot be found out just now, they are.
    pub(crate) async fn is_still_known(&self, identity: &Identity) -> bool {
        identity.still_holds(&self.auth).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "a listener could not be looked up and is let on");
            true
        })
    }

    /// Whether they may read what was captured by this principal.
    pub(crate) fn may_read(&self, captured_by: &str) -> bool {
        let role = self.auth.role;
        role.may(Action::ReadAllCalls, false) || role.may(Action::ReadCall, captured_by == self.principal)
    }
}

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// The changes of one call.
    Call {
        /// Who asks.
        caller: Caller,
        /// The call.
        call: CallId,
        /// The last revision that they know; 0 for none.
        after: u64,
    },
    /// The finished segments of all calls that the caller may read.
    Organization {
        /// Who asks.
        caller: Caller,
        /// How far they got; none begins now.
        after: Option<Cursor>,
    },
}

enum Path {
    Call(String),
    Organization,
}

impl Request {
    /// What is wanted, once it is known that the caller may ask for it.
    pub(crate) async fn wanted(&self, context: &Context) -> Result<Wanted, Refused> {
        let path = self.path()?;
        let caller = self.caller(context).await?;
        let last = self.last_event_id();
        match path {
            Path::Call(id) => {
                let wrong = |detail: String| refused(StatusCode::BAD_REQUEST, detail);
                let call = CallId::parse(&id).map_err(|error| wrong(error.to_string()))?;
                let after =
                    last.map_or(Ok(0), |last| last.parse().map_err(|_| wrong(not_an_id("a revision", last))))?;
                Ok(Wanted::Call { caller, call, after })
            }
            Path::Organization => {
                let cursor = |last: &str| {
                    let detail = not_an_id("the id of an event of this feed", last);
                    Cursor::parse(last).ok_or_else(|| refused(StatusCode::BAD_REQUEST, detail))
                };
                Ok(Wanted::Organization { caller, after: last.map(cursor).transpose()? })
            }
        }
    }

    fn path(&self) -> Result<Path, Refused> {
        let parts: Vec<_> = self.raw_path.split('/').collect();
        let path = match parts.as_slice() {
            ["", "v1", "calls", id, "events"] => Path::Call((*id).to_owned()),
            ["", "transcription", "events"] => Path::Organization,
            _ => {
                let detail = "there is no such feed: see /v1/calls/{id}/events and /transcription/events";
                return Err(refused(StatusCode::NOT_FOUND, detail));
            }
        };
        if self.request_context.http.method != "GET" {
            return Err(refused(StatusCode::METHOD_NOT_ALLOWED, "a feed is read with GET"));
        }
        Ok(path)
    }

    async fn caller(&self, context: &Context) -> Result<Caller, Refused> {
        let unknown = |detail: &str| refused(StatusCode::UNAUTHORIZED, detail);
        let secret = header(&self.headers, "authorization").and_then(bearer);
        let secret = secret.ok_or_else(|| unknown("send a token: Authorization: Bearer <token>"))?;
        let found = context.identity.holder(secret, context.clock.now_ms()).await?;
        let auth = found.ok_or_else(|| unknown("this token is not known, or was revoked: send another"))?;
        let org =
            OrgId::parse(&auth.org).map_err(|_| unknown("this token belongs to no organization: send another"))?;
        if auth.role == Role::Capture {
            let detail = "the role capture may only send audio: use the token of a person";
            return Err(refused(StatusCode::FORBIDDEN, detail));
        }
        Ok(Caller { org, principal: auth.principal.clone(), auth })
    }

    /// The header that browsers send when they come back; the query parameter for clients that set no headers by habit.
    fn last_event_id(&self) -> Option<&str> {
        let query =
            self.query_string_parameters.as_ref().and_then(|query| query.get("last_event_id")).map(String::as_str);
        header(&self.headers, "last-event-id").or(query).map(str::trim).filter(|id| !id.is_empty())
    }
}

fn not_an_id(what: &str, given: &str) -> String {
    format!("Last-Event-ID \"{given:.40}\" is not {what}: send the id of the last event that you got, or none")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(path: &str, method: &str) -> Request {
        let event = json!({"rawPath": path, "requestContext": {"http": {"method": method}}});
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn the_sample_event_asks_for_a_call() {
        let event: Request = serde_json::from_str(include_str!("../../../events/feed.json")).unwrap();
        assert!(matches!(event.path(), Ok(Path::Call(id)) if id == "01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert_eq!(event.last_event_id(), Some("17"));
        assert_eq!(header(&event.headers, "Authorization").and_then(bearer), Some("example"));
    }

    #[test]
    fn paths_and_methods_that_are_no_feed_are_refused() {
        for (path, method, expected) in [
            ("/v1/calls/1/events", "GET", None),
            ("/transcription/events", "GET", None),
            ("/v1/calls/1/events", "POST", Some(405)),
            ("/v1/calls/1/2/events", "GET", Some(404)),
            ("/v1/calls", "GET", Some(404)),
            ("/", "GET", Some(404)),
        ] {
            let status = match request(path, method).path() {
                Ok(_) => None,
                Err(Refused::Because(status, _)) => Some(status.as_u16()),
                Err(Refused::Failed(error)) => panic!("{error}"),
            };
            assert_eq!(status, expected, "{method} {path}");
        }
    }

    #[test]
    fn the_document_describes_every_feed_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(callboard_wire::OPENAPI).unwrap();
        let stream = "/get/responses/200/content/text~1event-stream";
        let paths = document["paths"].as_object().unwrap().iter();
        let described: Vec<&str> =
            paths.filter(|(_, members)| members.pointer(stream).is_some()).map(|(path, _)| path.as_str()).collect();
        assert_eq!(described, ["/transcription/events", "/v1/calls/{id}/events"]);
        for path in described {
            assert!(request(&path.replace(['{', '}'], ""), "GET").path().is_ok(), "{path}");
        }
    }

    #[test]
    fn the_last_event_comes_by_header_or_query() {
        for (headers, query, expected) in [
            (json!({"last-event-id": "7"}), json!({}), Some("7")),
            (json!({"Last-Event-ID": "7"}), json!({"last_event_id": "5"}), Some("7")),
            (json!({}), json!({"last_event_id": " 5 "}), Some("5")),
            (json!({}), json!({"last_event_id": ""}), None),
            (json!({}), json!({}), None),
            (json!({}), json!(null), None),
        ] {
            let event = json!({"headers": headers, "queryStringParameters": query, "requestContext": {"http": {}}});
            let request: Request = serde_json::from_value(event).unwrap();
            assert_eq!(request.last_event_id(), expected, "{headers} {query}");
        }
    }
}
