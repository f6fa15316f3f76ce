//! One SQS queue as a state machine: time is handed in, messages go in and come out, changes are told to the caller.
//!
//! It reads no clock and stores nothing; `sqs` does both. Standard queues here keep order too, which AWS does not
//! promise, so nothing may depend on it.

mod message;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::message::{Counts, Dirty, Message, NewMessage, QueueError, Rules};

/// How long a FIFO queue remembers a deduplication id.
const DEDUPLICATION_MS: u64 = 5 * 60 * 1000;

/// A queue.
#[derive(Debug)]
pub struct Queue {
    rules: Rules,
    messages: BTreeMap<u64, Message>,
    /// When a deduplication id was seen, and the message that it stood for.
    duplicates: HashMap<String, (u64, String, u64)>,
    next_seq: u64,
    dirty: Dirty,
}

impl Queue {
    /// A queue as it was stored.
    pub fn restore(
        rules: Rules,
        messages: impl IntoIterator<Item = Message>,
        duplicates: impl IntoIterator<Item = (String, (u64, String, u64))>,
    ) -> Queue {
        let messages: BTreeMap<u64, Message> = messages.into_iter().map(|message| (message.seq, message)).collect();
        let duplicates: HashMap<_, _> = duplicates.into_iter().collect();
        let seen = duplicates.values().map(|(_, _, seq)| *seq).max().unwrap_or(0);
        let last = messages.keys().next_back().copied().unwrap_or(0);
        Queue { rules, messages, duplicates, next_seq: seen.max(last) + 1, dirty: Dirty::default() }
    }

    /// Takes a message; answers its id and place, those of the first one for a duplicate.
    pub fn send(&mut self, new: NewMessage, now_ms: u64) -> Result<(String, u64), QueueError> {
        let deduplication = self.deduplication_of(&new)?;
        if let Some(key) = &deduplication
            && let Some((at_ms, id, seq)) = self.duplicates.get(key)
            && now_ms < at_ms + DEDUPLICATION_MS
        {
            return Ok((id.clone(), *seq));
        }
        // Sequence numbers also follow the clock, so that they keep growing when a restart finds the queue empty.
        let seq = self.next_seq.max(now_ms << 12);
        self.next_seq = seq + 1;
        if let Some(key) = &deduplication {
            self.duplicates.insert(key.clone(), (now_ms, new.id.clone(), seq));
            self.dirty.duplicates.insert(key.clone());
        }
        let delay_ms = match self.rules.fifo {
            true => self.rules.delay_ms,
            false => new.delay_ms.unwrap_or(self.rules.delay_ms),
        };
        self.insert(Message {
            seq,
            id: new.id.clone(),
            body: new.body,
            attributes: new.attributes,
            group: new.group,
            deduplication,
            sent_ms: now_ms,
            visible_ms: now_ms + delay_ms,
            receives: 0,
            first_received_ms: None,
        });
        Ok((new.id, seq))
    }

    /// Takes a message over from the queue whose dead letters come here.
    pub fn adopt(&mut self, mut message: Message, now_ms: u64) {
        message.seq = self.next_seq.max(now_ms << 12);
        self.next_seq = message.seq + 1;
        message.visible_ms = now_ms;
        message.receives = 0;
        message.first_received_ms = None;
        self.insert(message);
    }

    /// Gives out up to `max` visible messages and hides them; messages that were received too often are taken out
    /// and returned as dead letters instead.
    pub fn receive(&mut self, max: usize, visibility_ms: Option<u64>, now_ms: u64) -> (Vec<Message>, Vec<Message>) {
        self.expire(now_ms);
        let hidden_until = now_ms + visibility_ms.unwrap_or(self.rules.visibility_ms);
        let mut blocked: BTreeSet<Option<String>> = BTreeSet::new();
        let mut taken = Vec::new();
        let mut dead = Vec::new();
        let order: Vec<u64> = self.messages.keys().copied().collect();
        for seq in order {
            if taken.len() >= max {
                break;
            }
            let Some(message) = self.messages.get_mut(&seq) else {
                continue;
            };
            if self.rules.fifo && blocked.contains(&message.group) {
                continue;
            }
            if message.visible_ms > now_ms {
                // In flight or delayed: those behind it in its group wait.
                blocked.insert(message.group.clone());
                continue;
            }
            self.dirty.messages.insert(seq);
            if self.rules.max_receives.is_some_and(|most| message.receives >= most) {
                dead.extend(self.messages.remove(&seq));
                continue;
            }
            message.receives += 1;
            message.visible_ms = hidden_until;
            message.first_received_ms.get_or_insert(now_ms);
            taken.push(message.clone());
        }
        (taken, dead)
    }

    /// Deletes a received message. Deleting one that is gone succeeds, as it does at AWS.
    pub fn delete(&mut self, receipt: &str, now_ms: u64) -> Result<(), QueueError> {
        let (seq, receives) = parse_receipt(receipt).ok_or(QueueError::Receipt)?;
        let Some(message) = self.messages.get(&seq) else {
            return Ok(());
        };
        let current = message.receives == receives && message.visible_ms > now_ms;
        if self.rules.fifo && !current {
            return Err(QueueError::Receipt);
        }
        self.messages.remove(&seq);
        self.dirty.messages.insert(seq);
        Ok(())
    }

    /// Hides a message that is in flight for another while, or shows it at once with 0.
    pub fn change_visibility(&mut self, receipt: &str, visibility_ms: u64, now_ms: u64) -> Result<(), QueueError> {
        let (seq, receives) = parse_receipt(receipt).ok_or(QueueError::Receipt)?;
        let message = self.messages.get_mut(&seq).ok_or(QueueError::Receipt)?;
        if message.receives != receives || message.visible_ms <= now_ms {
            return Err(QueueError::Receipt);
        }
        message.visible_ms = now_ms + visibility_ms;
        self.dirty.messages.insert(seq);
        Ok(())
    }

    /// Deletes all messages.
    pub fn purge(&mut self) {
        self.dirty.messages.extend(self.messages.keys());
        self.messages.clear();
    }

    /// Drops messages past their retention and forgets old deduplication ids.
    pub fn expire(&mut self, now_ms: u64) {
        let retention_ms = self.rules.retention_ms;
        let dirty = &mut self.dirty;
        self.messages.retain(|seq, message| {
            let keep = now_ms < message.sent_ms + retention_ms;
            if !keep {
                dirty.messages.insert(*seq);
            }
            keep
        });
        self.duplicates.retain(|key, (at_ms, _, _)| {
            let keep = now_ms < *at_ms + DEDUPLICATION_MS;
            if !keep {
                dirty.duplicates.insert(key.clone());
            }
            keep
        });
    }

    /// When the next hidden message shows itself.
    pub fn next_visible_ms(&self, now_ms: u64) -> Option<u64> {
        let hidden = self.messages.values().filter(|message| message.visible_ms > now_ms);
        hidden.map(|message| message.visible_ms).min()
    }

    /// How many messages are in which state.
    pub fn counts(&self, now_ms: u64) -> Counts {
        let mut counts = Counts::default();
        for message in self.messages.values() {
            match (message.visible_ms > now_ms, message.receives) {
                (false, _) => counts.visible += 1,
                (true, 0) => counts.delayed += 1,
                (true, _) => counts.in_flight += 1,
            }
        }
        counts
    }

    /// The queue's rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A message by its place.
    pub fn message(&self, seq: u64) -> Option<&Message> {
        self.messages.get(&seq)
    }

    /// What a deduplication id stands for.
    pub fn duplicate(&self, key: &str) -> Option<&(u64, String, u64)> {
        self.duplicates.get(key)
    }

    /// What has to be stored.
    pub fn take_dirty(&mut self) -> Dirty {
        std::mem::take(&mut self.dirty)
    }

    fn insert(&mut self, message: Message) {
        self.dirty.messages.insert(message.seq);
        self.messages.insert(message.seq, message);
    }

    fn deduplication_of(&self, new: &NewMessage) -> Result<Option<String>, QueueError> {
        if !self.rules.fifo {
            return Ok(None);
        }
        if new.group.is_none() {
            return Err(QueueError::GroupMissing);
        }
        match (&new.deduplication, self.rules.content_based_deduplication) {
            (Some(key), _) => Ok(Some(key.clone())),
            (None, true) => Ok(Some(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&new.body)))),
            (None, false) => Err(QueueError::DeduplicationMissing),
        }
    }
}

fn parse_receipt(receipt: &str) -> Option<(u64, u32)> {
    let mut parts = receipt.splitn(3, '.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
