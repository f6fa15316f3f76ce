//! Follows one call: asks for its revision counter, and reads what is newer when it moved.
//!
//! Where nothing changed, a look costs one read of one small item. Where something did, it costs one query of what stands
//! apart from segments and one of the last segments, however long the call is; only what cannot be found there makes all
//! segments be read, every ten seconds at most.

use std::{mem, time::Duration};

use callboard_adapters::{ServiceError, calls::Calls};
use callboard_domain::{CallId, OrgId};
use callboard_wire::{items::SegmentItem, messages::ServerMessage};

use crate::{
    Context,
    changes::{Changes, Fresh, LAST_SEGMENTS, Look, Read},
};

/// How long after a number was taken its change is read: mostly it is stored by then.
const SETTLE: Duration = Duration::from_millis(100);
/// The longest wait between two looks at a call that goes on, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 2_000;
/// The same for a call that is over.
const LONGEST_PAUSE_AFTERWARDS_MS: i64 = 10_000;

/// One call that is followed.
#[derive(Debug)]
pub(crate) struct Follow {
    org: OrgId,
    call: CallId,
    calls: Calls,
    changes: Changes,
    /// Found, but not handed over: something else could not be read.
    found: Vec<Fresh>,
    shortest_pause_ms: i64,
    pause_ms: i64,
    /// When to look again, in milliseconds since the Unix epoch.
    pub(crate) due_ms: i64,
    quiet: bool,
    status: String,
    has_notes: bool,
}

impl Follow {
    /// Follows a call on behalf of somebody who knows all up to a revision.
    pub(crate) fn after(revision: u64, org: &OrgId, call: &CallId, context: &Context) -> Self {
        Self {
            org: org.clone(),
            call: call.clone(),
            calls: context.calls.clone(),
            changes: Changes::after(revision),
            found: Vec::new(),
            shortest_pause_ms: context.poll_ms,
            pause_ms: context.poll_ms,
            due_ms: 0,
            quiet: false,
            status: String::new(),
            has_notes: false,
        }
    }

    /// Looks once, and says when to look again. What is new comes by revision.
    pub(crate) async fn poll(&mut self, context: &Context) -> Result<Vec<Fresh>, ServiceError> {
        let looked = self.look(context).await;
        let longest = if self.is_over() { LONGEST_PAUSE_AFTERWARDS_MS } else { LONGEST_PAUSE_MS };
        self.pause_ms = match looked {
            Ok(true) => self.shortest_pause_ms,
            Ok(false) | Err(_) => (self.pause_ms + self.pause_ms / 4).min(longest.max(self.shortest_pause_ms)),
        };
        self.due_ms = context.clock.now_ms() + self.pause_ms;
        looked?;
        Ok(self.handed_over())
    }

    /// Whether the call is over and nothing changes any more; a little later than it is so.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.quiet && self.is_over()
    }

    /// Reads all once more, where something may have been overlooked: for the last time.
    pub(crate) async fn settle(&mut self, context: &Context) -> Result<Vec<Fresh>, ServiceError> {
        if !self.changes.is_settled() {
            self.read(Look::All, context).await?;
        }
        Ok(self.handed_over())
    }

    /// Whether it is written that the call ended, and its notes are there.
    fn is_over(&self) -> bool {
        match &*self.status {
            "ended" => self.has_notes,
            "failed" => true,
            _ => false,
        }
    }

    fn handed_over(&mut self) -> Vec<Fresh> {
        let mut found = mem::take(&mut self.found);
        found.sort_by_key(|fresh| fresh.revision);
        found
    }

    /// Whether there was a reason to read anything.
    async fn look(&mut self, context: &Context) -> Result<bool, ServiceError> {
        let counter = self.calls.revision(&self.org, &self.call).await?;
        let mut look = self.changes.look(counter, context.clock.now_ms());
        self.quiet = look.is_none();
        if !self.quiet {
            tokio::time::sleep(SETTLE).await;
        }
        while let Some(wanted) = look {
            look = self.read(wanted, context).await?;
        }
        Ok(!self.quiet)
    }

    /// Reads what is wanted; gives what is wanted besides.
    async fn read(&mut self, look: Look, context: &Context) -> Result<Option<Look>, ServiceError> {
        let (org, call) = (&self.org, &self.call);
        let mut segments = Vec::new();
        match &look {
            Look::Recent => segments = self.calls.last_segments(org, call, LAST_SEGMENTS).await?,
            Look::All => segments = self.calls.segments(org, call).await?,
            Look::Named(keys) => {
                for (start_ms, channel) in keys {
                    segments.extend(self.calls.segment(org, call, *start_ms, *channel).await?);
                }
            }
        }
        let mut read = Read::default();
        if !matches!(look, Look::Named(_)) {
            let standing = self.calls.standing(org, call).await?;
            self.notice(&standing.changes);
            read = Read { messages: standing.changes, progress_writes: Some(standing.progress_writes) };
        }
        read.messages.extend(segments.iter().map(SegmentItem::message).map(ServerMessage::Segment));
        let (fresh, more) = self.changes.take(&look, read, context.clock.now_ms());
        self.found.extend(fresh);
        Ok(more)
    }

    fn notice(&mut self, standing: &[ServerMessage]) {
        for message in standing {
            match message {
                ServerMessage::Call(call) => {
                    let status = serde_json::to_value(call.status).ok();
                    self.status = status.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
                }
                ServerMessage::Notes { .. } => self.has_notes = true,
                _ => {}
            }
        }
    }
}
