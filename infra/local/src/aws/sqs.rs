//! The template's queues, stored in the state file: what was answered survives a kill.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, params};

use super::{
    ACCOUNT, AwsError, Changes, REGION, WallClock,
    queue::{Message, Queue, Rules},
    state::State,
};
use crate::template::{self, Template};

/// All queues.
#[derive(Clone)]
pub struct Sqs {
    state: State,
    clock: WallClock,
    changes: Changes,
    queues: Arc<Mutex<BTreeMap<String, Entry>>>,
}

struct Entry {
    queue: Queue,
    dead_letters: Option<String>,
}

impl Sqs {
    pub(crate) fn open(state: State, template: &Template, clock: WallClock, changes: Changes) -> Result<Sqs, AwsError> {
        let sqs = Sqs { state, clock, changes, queues: Arc::default() };
        for queue in &template.queues {
            sqs.create(queue)?;
        }
        Ok(sqs)
    }

    /// Creates a queue, or finds what is stored of it. One that is open already stays as it is.
    pub(crate) fn create(&self, declared: &template::Queue) -> Result<(), AwsError> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.contains_key(&declared.name) {
            return Ok(());
        }
        let queue = self.state.with(|connection| load(connection, &declared.name, Rules::from(declared)))?;
        let dead_letters = declared.redrive.as_ref().map(|(name, _)| name.clone());
        queues.insert(declared.name.clone(), Entry { queue, dead_letters });
        Ok(())
    }

    /// Names of all queues.
    pub(crate) fn names(&self) -> Vec<String> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Works on a queue at the present time, and stores what that changed before it returns.
    pub fn with<T>(&self, name: &str, work: impl FnOnce(&mut Queue, u64) -> T) -> Result<T, AwsError> {
        let now_ms = (self.clock)();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = queues.get_mut(name).ok_or_else(|| missing(name))?;
        let result = work(&mut entry.queue, now_ms);
        if self.store(name, &mut entry.queue)? {
            self.changes.announce(&format!("sqs/{name}"));
        }
        Ok(result)
    }

    /// Receives messages, and moves those that were received too often to the dead-letter queue.
    pub fn receive(&self, name: &str, max: usize, visibility_ms: Option<u64>) -> Result<Vec<Message>, AwsError> {
        let now_ms = (self.clock)();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = queues.get_mut(name).ok_or_else(|| missing(name))?;
        let (taken, dead) = entry.queue.receive(max, visibility_ms, now_ms);
        let target = entry.dead_letters.clone();
        if !dead.is_empty() {
            tracing::error!(queue = name, messages = dead.len(), "messages were received too often");
        }
        if let Some(target) = target.filter(|_| !dead.is_empty()) {
            // The dead-letter queue is stored first: killed in between, a message is there twice rather than never.
            let letters = queues.get_mut(&target).ok_or_else(|| missing(&target))?;
            dead.into_iter().for_each(|message| letters.queue.adopt(message, now_ms));
            self.store(&target, &mut letters.queue)?;
            self.changes.announce(&format!("sqs/{target}"));
        }
        if let Some(entry) = queues.get_mut(name) {
            self.store(name, &mut entry.queue)?;
        }
        Ok(taken)
    }

    /// Drops what is past its retention.
    pub(crate) fn expire(&self) -> Result<(), AwsError> {
        let now_ms = (self.clock)();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, entry) in queues.iter_mut() {
            entry.queue.expire(now_ms);
            self.store(name, &mut entry.queue)?;
        }
        Ok(())
    }

    /// Stores what changed; false if nothing did.
    fn store(&self, name: &str, queue: &mut Queue) -> Result<bool, AwsError> {
        let dirty = queue.take_dirty();
        if dirty.messages.is_empty() && dirty.duplicates.is_empty() {
            return Ok(false);
        }
        self.state.with(|connection| {
            let transaction = connection.transaction()?;
            for seq in &dirty.messages {
                store_message(&transaction, name, *seq, queue.message(*seq))?;
            }
            for key in &dirty.duplicates {
                store_duplicate(&transaction, name, key, queue.duplicate(key))?;
            }
            transaction.commit()?;
            Ok(true)
        })
    }
}

/// ARN of a queue.
pub(crate) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

fn missing(name: &str) -> AwsError {
    AwsError::Missing { kind: "queue", name: name.to_owned() }
}

fn load(connection: &Connection, name: &str, rules: Rules) -> rusqlite::Result<Queue> {
    let mut select = connection.prepare("SELECT message FROM queue_messages WHERE queue = ?1")?;
    let messages: Vec<String> = select.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let messages = messages.iter().filter_map(|message| match serde_json::from_str(message) {
        Ok(message) => Some(message),
        Err(error) => {
            tracing::error!(queue = name, %error, "a stored message is unreadable");
            None
        }
    });
    let mut select = connection.prepare("SELECT key, seen FROM queue_duplicates WHERE queue = ?1")?;
    let duplicates: Vec<(String, String)> =
        select.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let duplicates = duplicates.into_iter().filter_map(|(key, seen)| Some((key, serde_json::from_str(&seen).ok()?)));
    Ok(Queue::restore(rules, messages, duplicates))
}

fn store_message(connection: &Connection, queue: &str, seq: u64, message: Option<&Message>) -> rusqlite::Result<()> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    match message {
        Some(message) => connection
            .prepare_cached("INSERT OR REPLACE INTO queue_messages (queue, seq, message) VALUES (?1, ?2, ?3)")?
            .execute(params![queue, seq, serde_json::to_string(message).unwrap_or_default()]),
        None => connection
            .prepare_cached("DELETE FROM queue_messages WHERE queue = ?1 AND seq = ?2")?
            .execute(params![queue, seq]),
    }
    .map(drop)
}

fn store_duplicate(
    connection: &Connection,
    queue: &str,
    key: &str,
    seen: Option<&(u64, String, u64)>,
) -> rusqlite::Result<()> {
    match seen {
        Some(seen) => connection
            .prepare_cached("INSERT OR REPLACE INTO queue_duplicates (queue, key, seen) VALUES (?1, ?2, ?3)")?
            .execute(params![queue, key, serde_json::to_string(seen).unwrap_or_default()]),
        None => connection
            .prepare_cached("DELETE FROM queue_duplicates WHERE queue = ?1 AND key = ?2")?
            .execute(params![queue, key]),
    }
    .map(drop)
}
