//! Server-sent events: what changes about a call, or about all calls, to browsers and scripts that hold a request open.
//!
//! A Function URL has no authorizer, so who asks is found out here. Nothing is pushed to this function: it looks whether
//! the call's revision counter moved, and reads what is newer. Where no answer is a stream, it is a problem document, as
//! the REST API gives.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use callboard_adapters::{accounts::Accounts, calls::Calls, identity::Identity, table::Table};
use callboard_runtime::{Clock, SettingError, Start, identity, watch::call_span};
use futures_util::stream::BoxStream;
use http::{HeaderValue, Response, header};
use tracing::Instrument as _;

mod call;
mod changes;
mod cursor;
mod encode;
mod follow;
mod organization;
mod problem;
mod request;
mod stream;

pub use request::Request;
use request::Wanted;

/// What an answer's body is read from. It does its work when it is read, and ends it when it is dropped.
pub type Body = BoxStream<'static, Result<Bytes, Infallible>>;

/// What the function needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// Keys and people.
    pub identity: Arc<Identity>,
    /// Calls.
    pub calls: Calls,
    /// How long to wait between two looks at a call that changes, in milliseconds.
    pub poll_ms: i64,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `FEED_POLL_MS`, and what [`identity::connect`] does.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        let poll_ms = start.settings.parsed("FEED_POLL_MS", 500)?;
        if !(50..=10_000).contains(&poll_ms) {
            return Err(SettingError::malformed("FEED_POLL_MS", "use 50 to 10000 milliseconds"));
        }
        Ok(Self {
            identity: Arc::new(identity::connect(&start.settings, Accounts::new(table("ACCOUNTS_TABLE")?))?),
            calls: Calls::new(table("CALLS_TABLE")?),
            poll_ms,
            clock: start.clock.clone(),
        })
    }
}

/// Answers one request. `deadline_ms` is when the function is ended, in milliseconds since the Unix epoch: a stream
/// ends by itself before.
pub async fn handle(request: Request, deadline_ms: i64, context: &Context) -> Response<Body> {
    let opened = match request.wanted(context).await {
        Ok(Wanted::Call { caller, call, after }) => {
            let span = call_span(&caller.org, &call, []);
            call::open(&caller, &call, after, deadline_ms, context).instrument(span).await
        }
        Ok(Wanted::Organization { caller, after }) => organization::open(caller, after, deadline_ms, context).await,
        Err(refused) => Err(refused),
    };
    opened.map_or_else(problem::answer, events)
}

fn events(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    response
}
