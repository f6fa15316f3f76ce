//! Waiting until recordings are done: asked for, since a client that waits for hours keeps no socket.
//!
//! A few are asked for one by one, which tells how far each is. Of many, the list of calls tells which are over, and only
//! the oldest of the others are asked for: so a thousand that wait cost the stack a request or two a round.

use std::{collections::BTreeSet, time::Duration};

use callboard_domain::{CallId, CallStatus, recording::RecordingView};
use callboard_wire::rest::CallSnapshot;

use super::{
    retry::{Failure, refused, unanswered},
    tickets::Tickets,
};
use crate::reading::{Pages, not_understood};

/// How many are asked for one by one in a round, mostly.
const ASKED: usize = 8;
/// Pause between two rounds when something just happened.
const SHORTEST: Duration = Duration::from_millis(250);
/// Pause between two rounds when nothing happens.
const LONGEST: Duration = Duration::from_secs(5);
/// Calls of a page of the list.
const PAGE: usize = 200;

/// What is heard of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    /// How far it is.
    At(Box<RecordingView>),
    /// It is done; how many segments it has.
    Done(usize),
    /// Nothing comes of it, for this reason.
    Failed(String),
}

/// Calls that are waited for, oldest first.
pub(crate) struct Waiting {
    tickets: Tickets,
    /// How many are asked for one by one in a round.
    asked: usize,
    pending: Vec<CallId>,
    pause: Duration,
}

impl Waiting {
    /// Nothing yet.
    pub(crate) fn new(tickets: Tickets) -> Self {
        Self::asking(tickets, ASKED)
    }

    /// Nothing yet; so many are asked for one by one in a round.
    pub(crate) fn asking(tickets: Tickets, asked: usize) -> Self {
        Self { tickets, asked, pending: Vec::new(), pause: SHORTEST }
    }

    /// One more is waited for.
    pub(crate) fn add(&mut self, call: CallId) {
        self.pending.push(call);
        self.pause = SHORTEST;
    }

    /// Those that are waited for still.
    pub(crate) fn pending(&self) -> &[CallId] {
        &self.pending
    }

    /// Waits until all are over. `hear` is told of each change.
    ///
    /// # Errors
    /// The stack tells nothing any more.
    pub(crate) async fn all(&mut self, mut hear: impl FnMut(&CallId, Heard)) -> Result<(), Failure> {
        while !self.pending.is_empty() {
            self.round(&mut hear).await?;
            if !self.pending.is_empty() {
                self.rest().await;
            }
        }
        Ok(())
    }

    /// Waits a little: the longer, the less happens.
    pub(crate) async fn rest(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = self.pause.mul_f64(1.5).min(LONGEST);
    }

    /// Asks once.
    ///
    /// # Errors
    /// The stack does not tell.
    pub(crate) async fn round(&mut self, hear: &mut impl FnMut(&CallId, Heard)) -> Result<(), Failure> {
        let mut asked: Vec<CallId> = self.pending.iter().take(self.asked).cloned().collect();
        if self.pending.len() > self.asked {
            let over = self.over().await;
            asked.retain(|call| !over.contains(call));
            asked.extend(over);
        }
        for call in asked {
            let heard = self.ask(&call).await?;
            if !matches!(heard, Heard::At(_)) {
                self.pending.retain(|pending| *pending != call);
                self.pause = SHORTEST;
            }
            hear(&call, heard);
        }
        Ok(())
    }

    /// Those that are over, as far as the list tells.
    async fn over(&self) -> Vec<CallId> {
        let mut pages = Pages::new(&self.tickets.stack);
        let mut unseen: BTreeSet<&CallId> = self.pending.iter().collect();
        let mut over = Vec::new();
        while !unseen.is_empty() {
            // Who may not read the list, or just now cannot, is told all the same: one by one, the oldest first.
            let Ok(Some(calls)) = pages.next(PAGE).await else { break };
            for call in calls {
                let Ok(id) = CallId::parse(&call.call) else { continue };
                if unseen.remove(&id) && call.status.is_over() {
                    over.push(id);
                }
            }
        }
        over
    }

    async fn ask(&self, call: &CallId) -> Result<Heard, Failure> {
        let Tickets { stack, tries } = &self.tickets;
        let ask = async || {
            let path = format!("/v1/calls/{call}");
            let answer = stack.get(&path).await.map_err(|error| unanswered(&error, stack))?;
            match answer.status().as_u16() {
                404 => Ok(None),
                200..300 => {
                    let body = answer.bytes().await.map_err(|error| unanswered(&error, stack))?;
                    let read = serde_json::from_slice::<CallSnapshot>(&body);
                    read.map(Some).map_err(|error| Failure::Final(not_understood(error).to_string()))
                }
                _ => Err(refused(answer, stack).await),
            }
        };
        let Some(snapshot) = tries.ask(ask).await? else {
            return Ok(Heard::Failed("the stack does not know it any more: it was deleted".into()));
        };
        Ok(heard(snapshot))
    }
}

fn heard(snapshot: CallSnapshot) -> Heard {
    let view = snapshot.recording.map(|recording| recording.value);
    match (snapshot.call.status, view) {
        (CallStatus::Failed, view) => {
            let reason = view.and_then(|view| view.reason);
            Heard::Failed(reason.unwrap_or_else(|| "the stack tells no reason".into()))
        }
        (CallStatus::Ended, _) | (_, None) => {
            Heard::Done(snapshot.segments.iter().filter(|segment| !segment.is_silence()).count())
        }
        (_, Some(view)) => Heard::At(Box::new(view)),
    }
}
