//! One DynamoDB table: typed items in and out, and conditions as outcomes instead of errors.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, DeleteRequest, ReturnValue, WriteRequest},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::ServiceError;

mod search;
mod transaction;

pub use search::{Found, Search};
pub use transaction::{Committed, Step};

/// DynamoDB writes so many items with one request at most.
const MOST_WRITTEN: usize = 25;
/// How often is sent what of a request a table was too busy for.
const WRITE_TRIES: usize = 4;

/// A table and the client to reach it.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

/// An item as it is stored.
pub type Item = HashMap<String, AttributeValue>;

/// Whether a conditional write took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Yes,
    /// The condition did not hold.
    No,
}

/// One page of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Sort key of the last item, when there are more behind it.
    pub next: Option<String>,
}

/// What to query: a partition, and what of it.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    /// An index instead of the table.
    pub index: Option<&'a str>,
    /// Partition key.
    pub pk: &'a str,
    /// Only sort keys that begin so.
    pub prefix: Option<&'a str>,
    /// Only sort keys below this one (descending) or above it (ascending).
    pub after: Option<&'a str>,
    /// Newest first.
    pub descending: bool,
    /// At most so many items; all without one.
    pub limit: Option<usize>,
    /// Only these attributes, inner ones by their path such as `playbook.name`; all without any.
    pub fields: &'a [&'a str],
}

impl Table {
    /// A table by name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Reads one item, consistently.
    pub async fn get<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, ServiceError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .send()
            .await
            .map_err(|e| failed("GetItem", &e))?;
        answer.item.map(|item| self.read(item)).transpose()
    }

    /// Writes an item, whatever was there.
    pub async fn put<T: Serialize>(&self, item: &T) -> Result<(), ServiceError> {
        let item = serde_dynamo::to_item(item).map_err(|_| self.corrupt(&"it cannot be written as an item"))?;
        let sent = self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await;
        sent.map(|_| ()).map_err(|e| failed("PutItem", &e))
    }

    /// Writes an item if its key is free.
    pub async fn put_new<T: Serialize>(&self, item: &T) -> Result<Written, ServiceError> {
        self.put_when(item, "attribute_not_exists(pk)", []).await
    }

    /// Writes an item if a condition holds. Names with a leading `#` stand for attributes of that name.
    pub async fn put_when<T: Serialize>(
        &self,
        item: &T,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Written, ServiceError> {
        let item = serde_dynamo::to_item(item).map_err(|_| self.corrupt(&"it cannot be written as an item"))?;
        let mut request =
            self.client.put_item().table_name(&self.name).set_item(Some(item)).condition_expression(condition);
        for name in names(condition) {
            request = request.expression_attribute_names(name, &name[1..]);
        }
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::No)
            }
            Err(e) => Err(failed("PutItem", &e)),
        }
    }

    /// Sets attributes of an item that exists, if a condition holds; `No` if there is none or it does not. The
    /// condition may name each attribute, as `#name`, and its new value, as `:name`.
    pub async fn set(
        &self,
        pk: &str,
        sk: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
        condition: &str,
    ) -> Result<Written, ServiceError> {
        self.put_attributes(pk, sk, values, &format!("attribute_exists(pk) AND {condition}"), []).await
    }

    /// Sets attributes of an item, which is made where there is none, if a condition holds. The condition may name any
    /// attribute, as `#name`, the new values, as `:name`, and the values that it is given besides.
    pub async fn put_attributes(
        &self,
        pk: &str,
        sk: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
        condition: &str,
        compared: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Written, ServiceError> {
        let mut request = self.client.update_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        for name in names(condition) {
            request = request.expression_attribute_names(name, &name[1..]);
        }
        for (name, value) in compared {
            request = request.expression_attribute_values(name, value);
        }
        let mut assignments = Vec::new();
        for (name, value) in values {
            assignments.push(format!("#{name} = :{name}"));
            request = request
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let request = request.update_expression(format!("SET {}", assignments.join(", ")));
        match request.condition_expression(condition).send().await {
            Ok(_) => Ok(Written::Yes),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::No)
            }
            Err(e) => Err(failed("UpdateItem", &e)),
        }
    }

    /// Adds to a counter and returns its new value.
    pub async fn add(&self, pk: &str, sk: &str, attribute: &str, amount: u64) -> Result<u64, ServiceError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression("ADD #counter :amount")
            .expression_attribute_names("#counter", attribute)
            .expression_attribute_values(":amount", number(amount))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|e| failed("UpdateItem", &e))?;
        let value = answer.attributes.as_ref().and_then(|new| new.get(attribute)).and_then(|value| value.as_n().ok());
        value
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| self.corrupt(&format!("{attribute} is no whole number")))
    }

    /// Counts one more in the attribute `count` of an item that is kept until `expires_at`, in seconds since the Unix epoch;
    /// gives how many there are now.
    pub async fn count(&self, pk: &str, sk: &str, expires_at: i64) -> Result<u64, ServiceError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression("ADD #count :one SET #expires_at = :expires_at")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires_at", number(expires_at))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|e| failed("UpdateItem", &e))?;
        let count = answer.attributes.as_ref().and_then(|new| new.get("count")).and_then(|value| value.as_n().ok());
        count.and_then(|count| count.parse().ok()).ok_or_else(|| self.corrupt(&"count is no whole number"))
    }

    /// Adds to counters of an item, which is made where there is none.
    pub async fn add_all(&self, pk: &str, sk: &str, amounts: &[(&str, u64)]) -> Result<(), ServiceError> {
        let mut request = self.client.update_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        let mut additions = Vec::new();
        for (at, (attribute, amount)) in amounts.iter().enumerate() {
            additions.push(format!("#c{at} :a{at}"));
            request = request
                .expression_attribute_names(format!("#c{at}"), *attribute)
                .expression_attribute_values(format!(":a{at}"), number(amount));
        }
        let sent = request.update_expression(format!("ADD {}", additions.join(", "))).send().await;
        sent.map(|_| ()).map_err(|e| failed("UpdateItem", &e))
    }

    /// Adds to a set attribute of an item that exists, or takes from it; `No` if there is no such item.
    pub async fn change_set(
        &self,
        pk: &str,
        sk: &str,
        attribute: &str,
        value: &str,
        add: bool,
    ) -> Result<Written, ServiceError> {
        let verb = if add { "ADD" } else { "DELETE" };
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(pk)")
            .update_expression(format!("{verb} #set :value"))
            .expression_attribute_names("#set", attribute)
            .expression_attribute_values(":value", AttributeValue::Ss(vec![value.to_owned()]))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Written::Yes),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::No)
            }
            Err(e) => Err(failed("UpdateItem", &e)),
        }
    }

    /// Removes an item, if it is there.
    pub async fn delete(&self, pk: &str, sk: &str) -> Result<(), ServiceError> {
        self.client
            .delete_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .send()
            .await
            .map_err(|e| failed("DeleteItem", &e))?;
        Ok(())
    }

    /// Removes all items of a partition but those with these sort keys; says how many there were.
    pub async fn delete_partition(&self, pk: &str, but: &[&str]) -> Result<usize, ServiceError> {
        #[derive(serde::Deserialize)]
        struct Key {
            sk: String,
        }
        let keys: Vec<Key> = self.query(&Query { pk, fields: &["sk"], ..Query::default() }).await?.items;
        let keys: Vec<Key> = keys.into_iter().filter(|key| !but.contains(&key.sk.as_str())).collect();
        for some in keys.chunks(MOST_WRITTEN) {
            let delete = |key: &Key| {
                let request = DeleteRequest::builder().key("pk", text(pk)).key("sk", text(&key.sk)).build();
                request.map(|request| WriteRequest::builder().delete_request(request).build())
            };
            let requests: Result<Vec<WriteRequest>, _> = some.iter().map(delete).collect();
            self.write_all(requests.map_err(|error| self.corrupt(&error))?).await?;
        }
        Ok(keys.len())
    }

    /// Writes as much as one request may hold. What the table was too busy for is sent again.
    async fn write_all(&self, mut requests: Vec<WriteRequest>) -> Result<(), ServiceError> {
        for _ in 0..WRITE_TRIES {
            let sent = self.client.batch_write_item().request_items(&self.name, requests).send().await;
            let left = sent.map_err(|e| failed("BatchWriteItem", &e))?.unprocessed_items.unwrap_or_default();
            requests = left.into_values().flatten().collect();
            if requests.is_empty() {
                return Ok(());
            }
        }
        let reason = format!("not all was taken {WRITE_TRIES} times");
        Err(ServiceError::Unavailable { service: "dynamodb", operation: "BatchWriteItem", reason })
    }

    /// Removes an item if a condition holds, in which `#name` stands for an attribute; `No` if it does not, or there is
    /// no item.
    pub async fn delete_when(
        &self,
        pk: &str,
        sk: &str,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Written, ServiceError> {
        let mut request = self.client.delete_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        for name in names(condition) {
            request = request.expression_attribute_names(name, &name[1..]);
        }
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.condition_expression(condition).send().await {
            Ok(_) => Ok(Written::Yes),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::No)
            }
            Err(e) => Err(failed("DeleteItem", &e)),
        }
    }

    /// Reads items of a partition, in the order of their sort keys.
    pub async fn query<T: DeserializeOwned>(&self, query: &Query<'_>) -> Result<Page<T>, ServiceError> {
        let Page { items, next } = self.items(query).await?;
        let items = items.into_iter().map(|item| self.read(item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// The same, as they are stored: for items of more than one kind.
    pub async fn items(&self, query: &Query<'_>) -> Result<Page<Item>, ServiceError> {
        let (pk, sk) = match query.index {
            Some(index) => (format!("{index}_pk"), format!("{index}_sk")),
            None => ("pk".to_owned(), "sk".to_owned()),
        };
        let mut items = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let wanted = query.limit.map(|limit| limit - items.len());
            let mut condition = "#pk = :pk".to_owned();
            let mut request = self
                .client
                .query()
                .table_name(&self.name)
                .set_index_name(query.index.map(str::to_owned))
                .consistent_read(query.index.is_none())
                .scan_index_forward(!query.descending)
                .set_limit(wanted.map(|wanted| i32::try_from(wanted).unwrap_or(i32::MAX)))
                .set_exclusive_start_key(start.take())
                .expression_attribute_names("#pk", &pk)
                .expression_attribute_values(":pk", text(query.pk));
            if query.prefix.is_some() || query.after.is_some() {
                request = request.expression_attribute_names("#sk", &sk);
            }
            if let Some(prefix) = query.prefix {
                condition.push_str(" AND begins_with(#sk, :prefix)");
                request = request.expression_attribute_values(":prefix", text(prefix));
            } else if let Some(after) = query.after {
                condition.push_str(if query.descending { " AND #sk < :after" } else { " AND #sk > :after" });
                request = request.expression_attribute_values(":after", text(after));
            }
            if !query.fields.is_empty() {
                let (paths, names) = projection(query.fields);
                for (name, attribute) in names {
                    request = request.expression_attribute_names(name, attribute);
                }
                request = request.projection_expression(paths);
            }
            let answer = request.key_condition_expression(condition).send().await.map_err(|e| failed("Query", &e))?;
            for item in answer.items.unwrap_or_default() {
                items.push(item);
            }
            start = answer.last_evaluated_key;
            let full = query.limit.is_some_and(|limit| items.len() >= limit);
            if start.is_none() || full {
                break;
            }
        }
        let next = start.and_then(|key| key.get(&sk).and_then(|value| value.as_s().ok().cloned()));
        Ok(Page { items, next })
    }

    /// A stored item as a struct.
    pub fn read<T: DeserializeOwned>(&self, item: Item) -> Result<T, ServiceError> {
        let sk = item.get("sk").and_then(|sk| sk.as_s().ok().cloned()).unwrap_or_default();
        // What exactly does not fit is not told: the words might be spoken ones.
        serde_dynamo::from_item(item).map_err(|_| self.corrupt(&format!("{sk} is not what this version expects")))
    }

    fn corrupt(&self, reason: &impl ToString) -> ServiceError {
        ServiceError::Corrupt { table: self.name.clone(), reason: reason.to_string() }
    }
}

/// The expression for attributes by their paths, and what its names stand for.
fn projection(fields: &[&str]) -> (String, HashMap<String, String>) {
    let mut names = HashMap::new();
    let mut path_of = |path: &&str| {
        let parts = path.split('.').map(|part| {
            let name = format!("#f_{part}");
            names.insert(name.clone(), part.to_owned());
            name
        });
        parts.collect::<Vec<_>>().join(".")
    };
    let paths: Vec<String> = fields.iter().map(&mut path_of).collect();
    (paths.join(", "), names)
}

/// What a condition names with a leading `#`.
fn names(condition: &str) -> impl Iterator<Item = &str> {
    condition.split(|c: char| !c.is_alphanumeric() && c != '#' && c != '_').filter(|word| word.starts_with('#'))
}

/// Anything as an attribute.
pub fn value<T: Serialize>(value: &T) -> Result<AttributeValue, ServiceError> {
    let reason = "it cannot be written as an attribute".to_owned();
    serde_dynamo::to_attribute_value(value).map_err(|_| ServiceError::Corrupt { table: "a value".into(), reason })
}

/// A string attribute.
pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A number attribute.
pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn failed<E: ProvideErrorMetadata + std::error::Error + 'static, R: std::fmt::Debug>(
    operation: &'static str,
    error: &SdkError<E, R>,
) -> ServiceError {
    ServiceError::Unavailable { service: "dynamodb", operation, reason: reason(error) }
}

/// The error code that the service gave, or what kept it from answering.
fn reason<E: ProvideErrorMetadata + std::error::Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown error");
            format!("{code}: {}", service.err().message().unwrap_or("no message"))
        }
        SdkError::TimeoutError(_) => "timed out".into(),
        SdkError::DispatchFailure(failure) => format!("not reached ({failure:?})"),
        other => other.to_string(),
    }
}
