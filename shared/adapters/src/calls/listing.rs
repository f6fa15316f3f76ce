//! An organization's calls, newest first: those that fit a filter, page by page.
//!
//! A page is bounded by what is read for it, too, and not only by what it holds: a filter that fits next to nothing
//! gives pages with few calls, or none, and each says where to go on.

use std::collections::HashSet;

use callboard_domain::{CallStatus, OrgId, PlaybookId};
use callboard_wire::items::{CallItem, Raised, call_pk, calls_pk, sk};

use super::Calls;
use crate::{ServiceError, table::Search};

const INDEX: &str = "by_start";
/// Most calls that are looked at for one page.
const MOST_READ: usize = 1_000;
/// Most calls whose progress is read for one page.
const MOST_PROGRESS_READ: usize = 200;
/// Calls that are looked at in one step.
const STEP: usize = 100;

/// Which calls are looked for. What is not said, does not matter.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallFilter<'a> {
    /// Started then or later: wall clock, milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Started before that.
    pub to_ms: Option<i64>,
    /// Where it stands.
    pub status: Option<CallStatus>,
    /// Who captures it.
    pub principal: Option<&'a str>,
    /// What it is held against.
    pub playbook: Option<&'a PlaybookId>,
    /// An objection that was raised in it, by its id in the playbook.
    pub objection: Option<&'a str>,
}

/// A page of calls.
#[derive(Debug, Clone, PartialEq)]
pub struct CallPage {
    /// The calls.
    pub calls: Vec<CallItem>,
    /// What to go on behind, where there may be more: the sort key of a call in the index `by_start`.
    pub next: Option<String>,
}

impl Calls {
    /// At most `limit` calls that fit, from behind a position on. There may be more behind a page that is not full.
    pub async fn list(
        &self,
        org: &OrgId,
        filter: &CallFilter<'_>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<CallPage, ServiceError> {
        let pk = calls_pk(org);
        let mut page = CallPage { calls: Vec::new(), next: None };
        let low = sort_key_of(filter.from_ms.unwrap_or(0));
        let mut high = highest(filter.to_ms, after);
        let equal = equal(filter);
        let mut left = if filter.objection.is_some() { MOST_PROGRESS_READ } else { MOST_READ };
        while left > 0 && low <= high {
            // One more than is missing tells whether there are more. Where some do not fit, more are looked at at once.
            let missing = limit - page.calls.len() + 1;
            let fits_all = equal.is_empty() && filter.objection.is_none();
            let most = if fits_all { missing } else { missing.max(STEP) }.min(left);
            let search = Search { index: INDEX, pk: &pk, range: (&low, &high), equal: &equal, most };
            let step = self.0.search(&search).await?;
            left = left.saturating_sub(step.read.max(1));
            let there: Vec<CallItem> = step.items.into_iter().filter(|call: &CallItem| !call.is_deleted()).collect();
            page.calls.extend(self.with_objection(org, filter.objection, there).await?);
            if page.calls.len() > limit {
                page.calls.truncate(limit);
                page.next = page.calls.last().map(|call| call.by_start_sk.clone());
                return Ok(page);
            }
            page.next = step.next;
            match &page.next {
                Some(next) => high = below(next),
                None => break,
            }
        }
        Ok(page)
    }

    /// Those of the calls in which the objection was raised.
    async fn with_objection(
        &self,
        org: &OrgId,
        objection: Option<&str>,
        calls: Vec<CallItem>,
    ) -> Result<Vec<CallItem>, ServiceError> {
        let Some(objection) = objection else { return Ok(calls) };
        let keys = calls.iter().map(|call| (call_pk(org, &call.call), sk::PROGRESS));
        let known: Vec<Raised> = self.0.get_all(keys, &Raised::ATTRIBUTES).await?;
        let raised = known.into_iter().filter(|it| it.has(objection)).map(|it| it.pk);
        let raised: HashSet<String> = raised.collect();
        Ok(calls.into_iter().filter(|call| raised.contains(&call.pk)).collect())
    }
}

fn equal<'a>(filter: &CallFilter<'a>) -> Vec<(&'static str, &'a str)> {
    let status = filter.status.map(CallStatus::as_str);
    let playbook = filter.playbook.map(PlaybookId::as_str);
    let all = [("status", status), ("principal", filter.principal), ("playbook", playbook)];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What the sort keys of calls that start then begin with. Before the epoch there was none.
fn sort_key_of(at_ms: i64) -> String {
    format!("{:015}", at_ms.max(0))
}

/// The highest sort key that is wanted: that of no call that started at `to_ms`, or stands at `after` or before it.
fn highest(to_ms: Option<i64>, after: Option<&str>) -> String {
    let to = to_ms.map(sort_key_of);
    let after = after.map(below);
    // Digits alone are below each key that begins with them.
    let end = || "~".to_owned();
    to.into_iter().chain(after).min().unwrap_or_else(end)
}

/// What is above each sort key that is below this one, and below this one.
fn below(sort_key: &str) -> String {
    let mut characters = sort_key.chars();
    let last = characters.next_back().unwrap_or('1');
    let before = char::from_u32(u32::from(last).saturating_sub(1)).unwrap_or('0');
    format!("{}{before}~", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let keys = ["000000000000001#01A", "000000000000001#01B", "000000000000002#010", "000000000000002#01Z"];
        let up_to = |high: &str| keys.iter().filter(|key| **key <= high).count();
        for (to_ms, after, expected) in [
            (None, None, 4),
            (Some(2), None, 2),
            (Some(3), None, 4),
            (Some(-1), None, 0),
            (None, Some(keys[3]), 3),
            (None, Some(keys[2]), 2),
            (None, Some(keys[1]), 1),
            (None, Some(keys[0]), 0),
            (Some(2), Some(keys[3]), 2),
            (Some(2), Some(keys[1]), 1),
        ] {
            assert_eq!(up_to(&highest(to_ms, after)), expected, "{to_ms:?} {after:?}");
        }
        assert!(sort_key_of(2).as_str() <= keys[2] && sort_key_of(2).as_str() > keys[1]);
    }
}
