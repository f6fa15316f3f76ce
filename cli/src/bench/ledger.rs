//! What was sent and what came of it, call by call: whether all is there once, with the same words for the same sound.

use std::collections::{BTreeMap, BTreeSet};

use callboard_domain::CallId;
use serde::Serialize;

use crate::stream::summary::Spread;

/// The calls.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    calls: BTreeMap<CallId, Entry>,
}

/// One call. Times in milliseconds of one clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    /// Which file it is.
    file: usize,
    begun_ms: i64,
    uploaded_ms: Option<i64>,
    done_ms: Option<i64>,
    segments: usize,
    /// Why nothing came of it.
    failed: Option<String>,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Account {
    /// Calls that were begun.
    pub calls: usize,
    /// Of them, sent to the end.
    pub uploaded: usize,
    /// Of them, done.
    pub done: usize,
    /// Of them, failed: at sending or after it.
    pub failed: usize,
    /// Of those that were sent, neither done nor failed, or not in the stack's list.
    pub lost: usize,
    /// Those that the stack lists more than once.
    pub twice: usize,
    /// Those with another number of segments than most of the same file.
    pub segments_differ: usize,
    /// From the first byte until all of it was there.
    pub upload_ms: Option<Spread>,
    /// From then on until it was done.
    pub done_ms: Option<Spread>,
}

impl Ledger {
    /// A file is sent as this call.
    pub(crate) fn begun(&mut self, call: &CallId, file: usize, now_ms: i64) {
        self.calls.insert(call.clone(), Entry { file, begun_ms: now_ms, ..Entry::default() });
    }

    /// All of it is there.
    pub(crate) fn uploaded(&mut self, call: &CallId, now_ms: i64) {
        if let Some(entry) = self.calls.get_mut(call) {
            entry.uploaded_ms = Some(now_ms);
        }
    }

    /// It is done.
    pub(crate) fn done(&mut self, call: &CallId, segments: usize, now_ms: i64) {
        if let Some(entry) = self.calls.get_mut(call) {
            (entry.done_ms, entry.segments) = (Some(now_ms), segments);
        }
    }

    /// Nothing comes of it.
    pub(crate) fn failed(&mut self, call: &CallId, reason: &str) {
        if let Some(entry) = self.calls.get_mut(call) {
            entry.failed = Some(reason.to_owned());
        }
    }

    /// Since when the one waits that waits longest to be done.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let waits = |entry: &&Entry| entry.done_ms.is_none() && entry.failed.is_none();
        self.calls.values().filter(waits).filter_map(|entry| entry.uploaded_ms).min()
    }

    /// How many were sent, are done, and failed.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Entry) -> bool| self.calls.values().filter(|entry| is(entry)).count();
        (
            count(|entry| entry.uploaded_ms.is_some()),
            count(|entry| entry.done_ms.is_some()),
            count(|entry| entry.failed.is_some()),
        )
    }

    /// The calls that were begun.
    pub(crate) fn ids(&self) -> BTreeSet<CallId> {
        self.calls.keys().cloned().collect()
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, call: &CallId) -> bool {
        self.calls.contains_key(call)
    }

    /// Why calls failed, each reason once.
    pub(crate) fn reasons(&self) -> BTreeSet<&str> {
        self.calls.values().filter_map(|entry| entry.failed.as_deref()).collect()
    }

    /// Segments of all that are done.
    pub(crate) fn segments(&self) -> usize {
        self.calls.values().map(|entry| entry.segments).sum()
    }

    /// The account, with the ids that the stack lists.
    pub(crate) fn account(&self, listed: &[CallId]) -> Account {
        let mut times: BTreeMap<&CallId, usize> = BTreeMap::new();
        listed.iter().for_each(|call| *times.entry(call).or_default() += 1);
        let is_lost = |(call, entry): &(&CallId, &Entry)| {
            let over = entry.done_ms.is_some() || entry.failed.is_some();
            entry.uploaded_ms.is_some() && (!over || !times.contains_key(call))
        };
        let (uploaded, done, failed) = self.counts();
        let span = |from: Option<i64>, to: Option<i64>| u64::try_from(to?.saturating_sub(from?)).ok();
        let entries = || self.calls.values();
        Account {
            calls: self.calls.len(),
            uploaded,
            done,
            failed,
            lost: self.calls.iter().filter(is_lost).count(),
            twice: self.calls.keys().filter(|call| times.get(call).is_some_and(|times| *times > 1)).count(),
            segments_differ: self.segments_differ(),
            upload_ms: Spread::of(
                entries().filter_map(|entry| span(Some(entry.begun_ms), entry.uploaded_ms)).collect(),
            ),
            done_ms: Spread::of(entries().filter_map(|entry| span(entry.uploaded_ms, entry.done_ms)).collect()),
        }
    }

    /// Of each file, those that have not as many segments as most have. None is as wrong as any: a file of talk has some.
    fn segments_differ(&self) -> usize {
        let mut files: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
        for entry in self.calls.values().filter(|entry| entry.done_ms.is_some()) {
            *files.entry(entry.file).or_default().entry(entry.segments).or_default() += 1;
        }
        let odd = |counts: &BTreeMap<usize, usize>| {
            let usual = counts.iter().filter(|(segments, _)| **segments > 0).map(|(_, calls)| *calls).max();
            counts.values().sum::<usize>() - usual.unwrap_or_default()
        };
        files.values().map(odd).sum()
    }
}

impl Account {
    /// Whether each is there once, done, and as it must be.
    pub(crate) fn is_right(&self) -> bool {
        self.done == self.calls && self.lost + self.twice + self.segments_differ == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<CallId> {
        (0..count).map(|at| CallId::parse(&format!("01ARZ3NDEKTSV4RRFFQ69G5F{at:02}")).unwrap()).collect()
    }

    /// Three calls of one file, and what happens to them; the numbers of done, failed, lost, twice and odd ones.
    fn check(change: impl FnOnce(&mut Ledger, &mut Vec<CallId>), expected: [usize; 5]) {
        let (mut ledger, mut listed) = (Ledger::default(), ids(3));
        for (at, call) in listed.iter().enumerate() {
            ledger.begun(call, 0, 0);
            ledger.uploaded(call, 10);
            ledger.done(call, 4, 100 * (at as i64 + 1));
        }
        change(&mut ledger, &mut listed);
        let account = ledger.account(&listed);
        let Account { done, failed, lost, twice, segments_differ, .. } = account;
        assert_eq!([done, failed, lost, twice, segments_differ], expected, "{account:?}");
        assert_eq!(account.is_right(), expected == [3, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_not_as_it_must_be_is_found() {
        check(|_, _| {}, [3, 0, 0, 0, 0]);
        check(|_, listed| listed.truncate(2), [3, 0, 1, 0, 0]);
        check(|_, listed| listed.extend(ids(1)), [3, 0, 0, 1, 0]);
        check(|ledger, _| ledger.done(&ids(1)[0], 5, 100), [3, 0, 0, 0, 1]);
        check(|ledger, _| ids(3).iter().for_each(|call| ledger.done(call, 0, 100)), [3, 0, 0, 0, 3]);
        let begun = |ledger: &mut Ledger| ledger.begun(&ids(1)[0], 0, 0);
        check(|ledger, _| begun(ledger), [2, 0, 0, 0, 0]);
        check(
            |ledger, _| {
                begun(ledger);
                ledger.uploaded(&ids(1)[0], 10);
            },
            [2, 0, 1, 0, 0],
        );
        check(
            |ledger, _| {
                begun(ledger);
                ledger.uploaded(&ids(1)[0], 10);
                ledger.failed(&ids(1)[0], "no audio");
            },
            [2, 1, 0, 0, 0],
        );
    }

    #[test]
    fn times_are_from_the_end_of_the_upload() {
        let mut ledger = Ledger::default();
        let call = &ids(1)[0];
        ledger.begun(call, 0, 1_000);
        assert_eq!(ledger.oldest_ms(), None);
        ledger.uploaded(call, 1_200);
        assert_eq!(ledger.oldest_ms(), Some(1_200));
        ledger.done(call, 1, 2_000);
        assert_eq!(ledger.oldest_ms(), None);
        let account = ledger.account(&ids(1));
        assert_eq!((account.upload_ms.unwrap().p50, account.done_ms.unwrap().p95), (200, 800));
    }
}
