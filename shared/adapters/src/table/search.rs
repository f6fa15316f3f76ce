//! Reads that are bounded by what they look at, not by what they find: one step of a search through an index, and many
//! items by their keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde::de::DeserializeOwned;

use super::{Table, failed, projection, text};
use crate::ServiceError;

/// Most keys of one `BatchGetItem`.
const MOST_KEYS: usize = 100;
/// How often what a batch left out is asked for again, before the table counts as out of reach.
const TRIES: usize = 5;

/// One step of a search through an index, from high sort keys to low ones.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The index.
    pub index: &'a str,
    /// Its partition key.
    pub pk: &'a str,
    /// Lowest and highest sort key, both included.
    pub range: (&'a str, &'a str),
    /// Only items with these values; each attribute once.
    pub equal: &'a [(&'static str, &'a str)],
    /// Looks at so many items at most, whether or not they are what is looked for.
    pub most: usize,
}

/// What a step found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// The items, in the order of the index.
    pub items: Vec<T>,
    /// How many were looked at.
    pub read: usize,
    /// Sort key of the last one that was looked at, when there are more behind it.
    pub next: Option<String>,
}

impl Table {
    /// Takes one step of a search.
    pub async fn search<T: DeserializeOwned>(&self, search: &Search<'_>) -> Result<Found<T>, ServiceError> {
        let sort_key = format!("{}_sk", search.index);
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(search.index)
            .scan_index_forward(false)
            .limit(i32::try_from(search.most).unwrap_or(i32::MAX))
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :low AND :high")
            .expression_attribute_names("#pk", format!("{}_pk", search.index))
            .expression_attribute_names("#sk", &sort_key)
            .expression_attribute_values(":pk", text(search.pk))
            .expression_attribute_values(":low", text(search.range.0))
            .expression_attribute_values(":high", text(search.range.1));
        let mut conditions = Vec::new();
        for (name, value) in search.equal {
            conditions.push(format!("#{name} = :{name}"));
            request = request
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), text(value));
        }
        let filter = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        let answer = request.set_filter_expression(filter).send().await.map_err(|e| failed("Query", &e))?;
        let next = answer.last_evaluated_key.as_ref().and_then(|key| key.get(&sort_key));
        let next = next.and_then(|value| value.as_s().ok()).cloned();
        let read = usize::try_from(answer.scanned_count).unwrap_or(0);
        let items = answer.items.unwrap_or_default().into_iter().map(|item| self.read(item));
        Ok(Found { items: items.collect::<Result<_, _>>()?, read, next })
    }

    /// Reads of many items these attributes (see [`Query::fields`](super::Query::fields)), consistently and in no order;
    /// of those that are not there, none.
    pub async fn get_all<T: DeserializeOwned>(
        &self,
        keys: impl IntoIterator<Item = (String, &str)>,
        fields: &[&str],
    ) -> Result<Vec<T>, ServiceError> {
        let key = |(pk, sk): (String, &str)| {
            HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), text(sk))])
        };
        let mut open: Vec<HashMap<String, AttributeValue>> = keys.into_iter().map(key).collect();
        let mut found = Vec::new();
        let mut tries = 0;
        while !open.is_empty() {
            if tries == TRIES {
                let reason = format!("items were left out {TRIES} times");
                return Err(ServiceError::Unavailable { service: "dynamodb", operation: "BatchGetItem", reason });
            }
            let batch: Vec<_> = open.drain(..open.len().min(MOST_KEYS)).collect();
            let asked = batch.len();
            let (items, left) = self.get_batch(batch, fields).await?;
            found.extend(items);
            // A batch that gave something is progress: a large one is answered in parts.
            tries = if left.len() < asked { 0 } else { tries + 1 };
            open.extend(left);
        }
        Ok(found)
    }

    /// Reads a batch; gives what it is answered, and the keys that it is not.
    async fn get_batch<T: DeserializeOwned>(
        &self,
        keys: Vec<HashMap<String, AttributeValue>>,
        fields: &[&str],
    ) -> Result<(Vec<T>, Vec<HashMap<String, AttributeValue>>), ServiceError> {
        let (paths, names) = projection(fields);
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .projection_expression(paths)
            .set_expression_attribute_names(Some(names))
            .build()
            .map_err(|error| self.corrupt(&error))?;
        let sent = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
        let answer = sent.map_err(|e| failed("BatchGetItem", &e))?;
        let items = answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
        let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name).map(|left| left.keys);
        let items = items.into_iter().map(|item| self.read(item)).collect::<Result<_, _>>()?;
        Ok((items, left.unwrap_or_default()))
    }
}
