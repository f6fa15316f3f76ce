//! Recordings that go to one stack, each once: who remembers what was sent, put together with who sends.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use callboard_domain::CallId;
use callboard_runtime::Clock;

use super::{
    identity::Identity,
    memory::Memory,
    retry::{Failure, Tries},
    sending::{Arrived, Progress, Sender},
    tickets::Tickets,
    wishes::WishArgs,
};
use crate::{failure::Unusable, local_state, stack::Stack};

/// See the module.
pub(crate) struct Uploader {
    sender: Sender,
    memory: Memory,
    wishes: WishArgs,
    clock: Clock,
}

/// What became of one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Its call, once it has one.
    pub call: Option<CallId>,
    /// Whether it is there.
    pub result: Result<Arrived, Failure>,
}

impl Uploader {
    /// One for a stack, which sends so many things at once.
    ///
    /// # Errors
    /// Says which option is wrong, or that nothing can be kept here of what was sent.
    pub(crate) fn new(stack: Stack, wishes: WishArgs, at_once: usize) -> anyhow::Result<Self> {
        let folder = local_state::uploads().ok_or_else(|| {
            Unusable("neither XDG_STATE_HOME nor HOME is set: name a folder that remembers what was sent".into())
        })?;
        Self::with(&folder, stack, wishes, at_once, Tries::default())
    }

    /// The same with a folder and a patience of one's own.
    pub(crate) fn with(
        folder: &Path,
        stack: Stack,
        wishes: WishArgs,
        at_once: usize,
        tries: Tries,
    ) -> anyhow::Result<Self> {
        wishes.check()?;
        let memory = Memory::open(folder, stack.address())
            .with_context(|| format!("what was sent cannot be kept in {}", folder.display()))?;
        let sender = Sender::new(Tickets { stack, tries }, at_once)?;
        Ok(Self { sender, memory, wishes, clock: Clock::system() })
    }

    /// Its stack.
    pub(crate) fn tickets(&self) -> &Tickets {
        self.sender.tickets()
    }

    /// Whether all of a recording went there before. The stack is not asked.
    pub(crate) fn has_sent(&self, file: &Identity) -> bool {
        self.memory.has_sent(file)
    }

    /// Sends what the stack has not of a recording; `again` makes another call of it.
    pub(crate) async fn send(&self, file: &Identity, again: bool, progress: Arc<dyn Progress>) -> Outcome {
        let known = match self.memory.call(file, again, || self.clock.call_id()) {
            Ok(known) => known,
            Err(error) => {
                let reason = format!("what was sent cannot be noted down ({error})");
                return Outcome { call: None, result: Err(Failure::Final(reason)) };
            }
        };
        let result = match self.wishes.new_recording(file, &known.name, &known.call) {
            Ok(new) => self.sender.send(file, &known.call, &new, progress).await,
            Err(reason) => Err(Failure::Unusable(reason)),
        };
        if result.is_ok()
            && let Err(error) = self.memory.sent(file)
        {
            tracing::warn!(%error, "what was sent is not noted down: the stack is asked for it again");
        }
        Outcome { call: Some(known.call), result }
    }
}
