//! The feed of all calls that somebody may read: each finished segment, once.
//!
//! The newest calls of the organization are looked at, those that go on and those that ended since the feed began. An
//! agent's are those among them that they captured.

use std::collections::BTreeMap;

use callboard_adapters::{ServiceError, calls::CallFilter};
use callboard_domain::CallId;
use callboard_wire::{items::CallItem, messages::ServerMessage};
use futures_util::future::{join_all, try_join_all};

use crate::{
    Body, Context,
    changes::{Fresh, is_finished},
    cursor::Cursor,
    encode::event,
    follow::Follow,
    problem::Refused,
    request::Caller,
    stream::{Feed, serve},
};

/// How many of an organization's newest calls are looked at.
const MOST_CALLS: usize = 50;
/// The longest wait between two looks, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 2_000;
/// So long after it began, a call stands in the list for certain, in milliseconds.
const LISTED_MS: i64 = 10_000;

struct OrganizationFeed {
    caller: Caller,
    context: Context,
    /// The listed calls; those that were over when the feed began are known and not followed.
    calls: BTreeMap<CallId, Option<Follow>>,
    cursor: Cursor,
    pause_ms: i64,
    due_ms: i64,
}

/// Opens the feed, from now on or from where somebody got to.
pub(crate) async fn open(
    caller: Caller,
    after: Option<Cursor>,
    deadline_ms: i64,
    context: &Context,
) -> Result<Body, Refused> {
    let (pause_ms, now_ms) = (context.poll_ms, context.clock.now_ms());
    let cursor = Cursor { at_ms: now_ms - LISTED_MS, ..Cursor::default() };
    let mut feed =
        OrganizationFeed { caller, context: context.clone(), calls: BTreeMap::new(), cursor, pause_ms, due_ms: 0 };
    let listed = feed.listed().await?;
    let begun = try_join_all(listed.iter().map(|call| feed.known_of(call, after.as_ref()))).await?;
    for (call, known) in listed.into_iter().zip(begun) {
        feed.begin(call.call, known);
    }
    Ok(serve(feed, deadline_ms, &context.clock))
}

impl OrganizationFeed {
    /// The newest calls that the caller may read.
    async fn listed(&self) -> Result<Vec<CallItem>, ServiceError> {
        let page = self.context.calls.list(&self.caller.org, &CallFilter::default(), MOST_CALLS, None).await?;
        Ok(page.calls.into_iter().filter(|call| self.caller.may_read(&call.principal)).collect())
    }

    /// Up to which revision a call is known when the feed begins; none of a call that is not followed.
    async fn known_of(&self, call: &CallItem, after: Option<&Cursor>) -> Result<Option<u64>, ServiceError> {
        if let Some(after) = after {
            if let Some(revision) = after.calls.get(&call.call) {
                return Ok(Some(*revision));
            }
            if call.started_at_ms >= after.at_ms {
                return Ok(Some(0));
            }
        }
        // What just ended is followed so that it is named: who comes back would take it for new.
        if is_over(call) && call.started_at_ms < self.cursor.at_ms {
            return Ok(None);
        }
        self.context.calls.revision(&self.caller.org, &call.call).await.map(Some)
    }

    fn begin(&mut self, call: CallId, known: Option<u64>) {
        let follow = known.map(|revision| Follow::after(revision, &self.caller.org, &call, &self.context));
        if let Some(revision) = known {
            self.cursor.calls.insert(call.clone(), revision);
        }
        self.calls.insert(call, follow);
    }

    /// Takes new calls up, and leaves those that the newest ones pushed out of the list.
    async fn update(&mut self) -> Result<(), ServiceError> {
        let now_ms = self.context.clock.now_ms();
        let listed = self.listed().await?;
        self.cursor.at_ms = now_ms - LISTED_MS;
        self.calls.retain(|known, _| listed.iter().any(|call| call.call == *known));
        self.cursor.calls.retain(|known, _| self.calls.contains_key(known));
        for call in listed {
            match self.calls.get(&call.call) {
                Some(Some(_)) => {}
                None => self.begin(call.call, Some(0)),
                Some(None) if is_over(&call) => {}
                Some(None) => {
                    let revision = self.context.calls.revision(&self.caller.org, &call.call).await?;
                    self.begin(call.call, Some(revision));
                }
            }
        }
        Ok(())
    }

    /// Looks at every call that is due. One that cannot be read just now takes nothing from the others.
    async fn look(&mut self) -> Vec<(CallId, Fresh)> {
        let (context, now_ms) = (&self.context, self.context.clock.now_ms());
        let due = self.calls.iter_mut().filter_map(|(call, follow)| Some((call, follow.as_mut()?)));
        let looks = due.filter(|(_, follow)| follow.due_ms <= now_ms).map(|(call, follow)| async move {
            match follow.poll(context).await {
                Ok(fresh) => fresh.into_iter().map(|fresh| (call.clone(), fresh)).collect(),
                Err(error) => {
                    tracing::warn!(error = %error, call.id = %call, "a call could not be read and is tried again");
                    Vec::new()
                }
            }
        });
        join_all(looks).await.into_iter().flatten().collect()
    }
}

impl Feed for OrganizationFeed {
    async fn news(&mut self) -> Result<String, ServiceError> {
        let updated = self.update().await;
        let fresh = self.look().await;
        let now_ms = self.context.clock.now_ms();
        let mut text = String::new();
        for (call, Fresh { revision, kind, message }) in fresh {
            let ServerMessage::Segment(segment) = &message else { continue };
            if !is_finished(segment) || segment.is_silence() {
                continue;
            }
            let known = self.cursor.calls.entry(call).or_default();
            *known = revision.max(*known);
            text.push_str(&event(&kind, Some(&self.cursor.to_string()), &message.told_at(now_ms).to_json()));
        }
        let longer = (self.pause_ms + self.pause_ms / 4).min(LONGEST_PAUSE_MS.max(self.context.poll_ms));
        self.pause_ms = if text.is_empty() { longer } else { self.context.poll_ms };
        self.due_ms = now_ms + self.pause_ms;
        // What was found is told, even where the list could not be read.
        if text.is_empty() { updated.map(|()| text) } else { Ok(text) }
    }

    async fn is_allowed(&self) -> bool {
        self.caller.is_still_known(&self.context.identity).await
    }

    fn due_ms(&self) -> i64 {
        self.due_ms
    }

    fn is_over(&self) -> bool {
        false
    }
}

/// Whether nothing more is expected of a call.
fn is_over(call: &CallItem) -> bool {
    let status = serde_json::to_value(call.status).ok();
    status.and_then(|status| status.as_str().map(|name| matches!(name, "ended" | "failed"))).unwrap_or_default()
}
