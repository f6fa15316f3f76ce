//! The feed of one call: what a watching socket is pushed, from any revision on, until the call is over.

use callboard_adapters::ServiceError;
use callboard_domain::CallId;
use http::StatusCode;
use serde_json::json;

use crate::{
    Body, Context,
    encode::event,
    follow::Follow,
    problem::{Refused, refused},
    request::Caller,
    stream::{Feed, serve},
};

struct CallFeed {
    caller: Caller,
    call: CallId,
    follow: Follow,
    context: Context,
    /// The highest revision that was told.
    last: u64,
    over: bool,
}

/// Opens the feed of a call that the caller may read. One of another organization is as absent as one that never was.
pub(crate) async fn open(
    caller: &Caller,
    call: &CallId,
    after: u64,
    deadline_ms: i64,
    context: &Context,
) -> Result<Body, Refused> {
    let found = context.calls.call(&caller.org, call).await?;
    if !found.is_some_and(|found| caller.may_read(&found.principal)) {
        return Err(refused(StatusCode::NOT_FOUND, format!("there is no call {call}")));
    }
    let follow = Follow::after(after, &caller.org, call, context);
    let (caller, call, context) = (caller.clone(), call.clone(), context.clone());
    let clock = context.clock.clone();
    let feed = CallFeed { caller, call, follow, context, last: after, over: false };
    Ok(serve(feed, deadline_ms, &clock))
}

impl Feed for CallFeed {
    async fn news(&mut self) -> Result<String, ServiceError> {
        let mut fresh = self.follow.poll(&self.context).await?;
        if fresh.is_empty() && self.follow.is_at_rest() {
            fresh = self.follow.settle(&self.context).await?;
            self.over = true;
        }
        let now_ms = self.context.clock.now_ms();
        let mut text = String::new();
        for fresh in fresh {
            // What was stored late comes without an id: who comes back names the highest that they were told.
            let id = (fresh.revision > self.last).then(|| fresh.revision.to_string());
            self.last = self.last.max(fresh.revision);
            text.push_str(&event(&fresh.kind, id.as_deref(), &fresh.message.told_at(now_ms).to_json()));
        }
        if self.over {
            text.push_str(&event("end", None, &json!({"type": "end", "call": self.call}).to_string()));
        }
        Ok(text)
    }

    async fn is_allowed(&self) -> bool {
        self.caller.is_still_known(&self.context.identity).await
    }

    fn due_ms(&self) -> i64 {
        self.follow.due_ms
    }

    fn is_over(&self) -> bool {
        self.over
    }
}
