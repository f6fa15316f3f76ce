//! `PROGRESS`: what was found in a call, and how it reads against the playbook.
//!
//! It is stored [compact] and deflated. As plain attributes it grows to several kilobytes while landmarks are reached,
//! mostly by quotes that stand in it two or three times and by times, and each write is paid for by the kilobyte. Items from
//! before stand in attributes of their own and are read, too.

use callboard_domain::{
    CallId, OrgId,
    coaching::{Progress, ProgressView},
};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How hard to try: 1 to 10, of which 6 is the usual one.
const LEVEL: u8 = 6;
/// What no progress comes near, in bytes: an item itself holds 400 kB.
const MOST_BYTES: usize = 4 << 20;

/// `PROGRESS`: what was found, and how it reads against the playbook. Written under its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ProgressItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Revision of this change.
    pub revision: u64,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// The findings.
    pub progress: Progress,
    /// How they read.
    pub view: ProgressView,
}

/// What of a call's progress tells which objections were raised; the attributes are [`Raised::ATTRIBUTES`].
#[derive(Debug, Deserialize)]
pub struct Raised {
    /// Key.
    pub pk: String,
    #[serde(default)]
    raised: Vec<String>,
    #[serde(default)]
    progress: Option<Objections>,
}

#[derive(Debug, Deserialize)]
struct Objections {
    #[serde(default)]
    objections: std::collections::BTreeMap<String, serde::de::IgnoredAny>,
}

impl Raised {
    /// The attributes of the item that it is read from.
    pub const ATTRIBUTES: [&str; 3] = ["pk", "raised", "progress.objections"];

    /// Whether this objection was raised.
    pub fn has(&self, objection: &str) -> bool {
        self.raised.iter().any(|id| id == objection)
            || self.progress.as_ref().is_some_and(|it| it.objections.contains_key(objection))
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    pk: String,
    sk: String,
    org: OrgId,
    call: CallId,
    revision: u64,
    version: u64,
    /// The ids of the objections that were raised, for lists of calls.
    #[serde(default)]
    raised: Vec<String>,
    /// [`Found`] as [compact] JSON, deflated.
    #[serde(default, with = "serde_bytes")]
    found: Vec<u8>,
    /// What it is in items from before.
    #[serde(default, skip_serializing)]
    progress: Option<Progress>,
    #[serde(default, skip_serializing)]
    view: Option<ProgressView>,
}

#[derive(Serialize, Deserialize)]
struct Found {
    progress: Progress,
    view: ProgressView,
}

/// An item that is no progress. It says nothing of the content, which is what was said in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is stored as a call's progress cannot be read")]
struct NoProgress;

impl From<ProgressItem> for Stored {
    fn from(item: ProgressItem) -> Self {
        let raised = item.progress.objections.keys().cloned().collect();
        let found = Found { progress: item.progress, view: item.view };
        // Maps with text as keys, and no number that JSON has not: it cannot fail.
        let json = serde_json::to_value(&found).map(|found| compact(found).to_string()).unwrap_or_default();
        Self {
            pk: item.pk,
            sk: item.sk,
            org: item.org,
            call: item.call,
            revision: item.revision,
            version: item.version,
            raised,
            found: compress_to_vec(json.as_bytes(), LEVEL),
            progress: None,
            view: None,
        }
    }
}

impl TryFrom<Stored> for ProgressItem {
    type Error = NoProgress;

    fn try_from(stored: Stored) -> Result<Self, NoProgress> {
        let Found { progress, view } = match (stored.progress, stored.view) {
            (Some(progress), Some(view)) => Found { progress, view },
            _ => {
                let json = decompress_to_vec_with_limit(&stored.found, MOST_BYTES).map_err(|_| NoProgress)?;
                let found = serde_json::from_slice(&json).map_err(|_| NoProgress)?;
                serde_json::from_value(expand(found)).map_err(|_| NoProgress)?
            }
        };
        Ok(Self {
            pk: stored.pk,
            sk: stored.sk,
            org: stored.org,
            call: stored.call,
            revision: stored.revision,
            version: stored.version,
            progress,
            view,
        })
    }
}

/// The fields of an [`Evidence`](callboard_domain::coaching::Evidence), in the order of its compact form: of its end, the
/// distance from its beginning; its source only where it is told.
const EVIDENCE: [&str; 5] = ["quote", "channel", "start_ms", "end_ms", "source"];

/// The same with each evidence as a list, and in lists of times each time as the distance from the one before.
fn compact(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            if let Some(evidence) = evidence_list(&fields) {
                return evidence;
            }
            Value::Object(fields.into_iter().map(|(name, value)| (name, compact(value))).collect())
        }
        Value::Array(items) => times(items, |time, before| (time.wrapping_sub(before), time), compact),
        other => other,
    }
}

/// What [`compact`] was made of.
fn expand(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, expand(value))).collect()),
        Value::Array(items) => match items.as_slice() {
            [quote @ Value::String(_), channel, Value::Number(start), Value::Number(length), source @ ..] => {
                let (start, length) = (start.as_u64().unwrap_or_default(), length.as_u64().unwrap_or_default());
                let values = [quote.clone(), channel.clone(), json!(start), json!(start.wrapping_add(length))];
                let values = values.into_iter().chain(source.iter().cloned());
                Value::Object(EVIDENCE.iter().map(|name| (*name).to_owned()).zip(values).collect())
            }
            _ => times(items, |length, before| (before.wrapping_add(length), before.wrapping_add(length)), expand),
        },
        other => other,
    }
}

fn evidence_list(fields: &Map<String, Value>) -> Option<Value> {
    let told = fields.keys().filter(|name| EVIDENCE.contains(&name.as_str())).count();
    let [quote, channel, start, end] = ["quote", "channel", "start_ms", "end_ms"].map(|name| fields.get(name));
    let (start, end) = (start?.as_u64()?, end?.as_u64()?);
    if told != fields.len() {
        return None;
    }
    let list = [quote?.clone(), channel?.clone(), json!(start), json!(end.wrapping_sub(start))];
    Some(list.into_iter().chain(fields.get("source").cloned()).collect())
}

/// A list of times, each of which becomes another one by what is known of those before; of others, each for itself.
fn times(items: Vec<Value>, change: impl Fn(u64, u64) -> (u64, u64), other: impl Fn(Value) -> Value) -> Value {
    let mut before = 0;
    let changed = items.into_iter().map(|item| match item.as_u64() {
        Some(time) => {
            let (changed, next) = change(time, before);
            before = next;
            json!(changed)
        }
        None => other(item),
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(item: serde_json::Value) -> Raised {
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn objections_are_found_in_items_of_both_kinds() {
        let old = raised(json!({"pk": "a", "progress": {"objections": {"no_time": {"quote": "later"}}}}));
        let new = raised(json!({"pk": "a", "raised": ["no_time"]}));
        for item in [old, new] {
            assert!(item.has("no_time"));
            assert!(!item.has("competitor"));
        }
        assert!(!raised(json!({"pk": "a"})).has("no_time"));
    }

    #[test]
    fn what_is_no_progress_is_refused_and_not_quoted() {
        let item = |found: &[u8]| {
            json!({"pk": "a", "sk": "PROGRESS", "org": "acme", "call": "01M8Q45Y44ZRD4VQ7PQN6GK74J", "revision": 1,
                "version": 1, "found": found})
        };
        for found in [&b""[..], b"hello", &compress_to_vec(br#"{"progress":"hello"}"#, LEVEL)] {
            let error = serde_json::from_value::<ProgressItem>(item(found)).unwrap_err();
            assert_eq!(error.to_string(), NoProgress.to_string());
        }
    }

    #[test]
    fn what_is_compact_is_the_same_again() {
        let evidence = json!({"quote": "later", "channel": "customer", "start_ms": 4_000, "end_ms": 7_000});
        let by_model = json!({"quote": "", "channel": "agent", "start_ms": 9, "end_ms": 3, "source": "model"});
        let own = json!({"quote": "later", "channel": "agent", "start_ms": 1, "end_ms": 2, "state": "done"});
        let value = json!({
            "times": [4_000, 4_016, 9_000, 8_000], "none": [], "ids": ["a", "b", "c"], "a": evidence, "b": [by_model, own],
            "percent": 40, "c": null,
        });
        let compact = compact(value.clone());
        assert_eq!(compact["times"], json!([4_000, 16, 4_984, u64::MAX - 999]));
        assert_eq!(compact["a"], json!(["later", "customer", 4_000, 3_000]));
        assert_eq!(compact["b"][1], own);
        assert_eq!(expand(compact), value);
    }
}
