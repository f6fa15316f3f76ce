//! Several writes that take place together, or not at all.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};
use serde::Serialize;

use super::{Table, failed, names, text};
use crate::ServiceError;

/// How often a transaction is tried that others were in the way of.
const TRIES: usize = 5;

/// One write of a transaction. Conditions name attributes as `#name`.
#[derive(Debug, Clone)]
pub struct Step {
    action: Action,
    pk: String,
    sk: String,
    condition: String,
    values: Vec<(&'static str, AttributeValue)>,
}

#[derive(Debug, Clone)]
enum Action {
    Put(super::Item),
    Update(&'static str),
    Delete,
}

/// Whether a transaction took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It did.
    Yes,
    /// Nothing was written: the condition of this step did not hold, counted from 0; the first of them.
    No(usize),
}

impl Step {
    /// Writes an item if a condition holds; whatever was there, where that is empty.
    ///
    /// # Errors
    /// It cannot be written as an item.
    pub fn put<T: Serialize>(item: &T, condition: &str) -> Result<Self, ServiceError> {
        let reason = || ServiceError::Corrupt { table: "a transaction".into(), reason: "it is no item".into() };
        let item: super::Item = serde_dynamo::to_item(item).map_err(|_| reason())?;
        let (pk, sk) = (String::new(), String::new());
        Ok(Self { action: Action::Put(item), pk, sk, condition: condition.to_owned(), values: Vec::new() })
    }

    /// Writes an item if its key is free.
    ///
    /// # Errors
    /// As [`Step::put`].
    pub fn put_new<T: Serialize>(item: &T) -> Result<Self, ServiceError> {
        Self::put(item, "attribute_not_exists(pk)")
    }

    /// Changes attributes by an update expression, of an item that is made where there is none, if a condition holds.
    pub fn update(pk: &str, sk: &str, expression: &'static str, condition: &str) -> Self {
        let (pk, sk, condition) = (pk.to_owned(), sk.to_owned(), condition.to_owned());
        Self { action: Action::Update(expression), pk, sk, condition, values: Vec::new() }
    }

    /// Removes an item that is there.
    pub fn delete(pk: &str, sk: &str) -> Self {
        let (pk, sk, condition) = (pk.to_owned(), sk.to_owned(), "attribute_exists(pk)".to_owned());
        Self { action: Action::Delete, pk, sk, condition, values: Vec::new() }
    }

    /// The same under one more condition.
    #[must_use]
    pub fn when(mut self, condition: &str) -> Self {
        self.condition = format!("{} AND {condition}", self.condition);
        self
    }

    /// A value that its expressions name.
    #[must_use]
    pub fn value(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.values.push((name, value));
        self
    }

    fn build(self, table: &str) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let expressions = match &self.action {
            Action::Update(expression) => format!("{expression} {}", self.condition),
            Action::Put(_) | Action::Delete => self.condition.clone(),
        };
        let names: std::collections::HashMap<String, String> =
            names(&expressions).map(|name| (name.to_owned(), name[1..].to_owned())).collect();
        let names = Some(names).filter(|names| !names.is_empty());
        let values: std::collections::HashMap<String, AttributeValue> =
            self.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let values = Some(values).filter(|values| !values.is_empty());
        let condition = Some(self.condition).filter(|condition| !condition.is_empty());
        let step = TransactWriteItem::builder();
        Ok(match self.action {
            Action::Put(item) => step.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Action::Update(expression) => step.update(
                Update::builder()
                    .table_name(table)
                    .key("pk", text(&self.pk))
                    .key("sk", text(&self.sk))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Action::Delete => step.delete(
                Delete::builder()
                    .table_name(table)
                    .key("pk", text(&self.pk))
                    .key("sk", text(&self.sk))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
        }
        .build())
    }
}

impl Table {
    /// Does all of this, or nothing.
    pub async fn transact(&self, steps: Vec<Step>) -> Result<Committed, ServiceError> {
        let built: Result<Vec<_>, _> = steps.into_iter().map(|step| step.build(&self.name)).collect();
        let built = built.map_err(|error| self.corrupt(&error))?;
        for _ in 0..TRIES {
            let sent = self.client.transact_write_items().set_transact_items(Some(built.clone())).send().await;
            let Err(error) = sent else { return Ok(Committed::Yes) };
            match refused(&error) {
                Refused::ByStep(step) => return Ok(Committed::No(step)),
                Refused::ByOthers => {}
                Refused::Otherwise => return Err(failed("TransactWriteItems", &error)),
            }
        }
        let reason = format!("others were in the way {TRIES} times");
        Err(ServiceError::Unavailable { service: "dynamodb", operation: "TransactWriteItems", reason })
    }
}

enum Refused {
    ByStep(usize),
    ByOthers,
    Otherwise,
}

fn refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> Refused {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Refused::Otherwise;
    };
    let codes: Vec<&str> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).collect();
    if let Some(step) = codes.iter().position(|code| *code == "ConditionalCheckFailed") {
        return Refused::ByStep(step);
    }
    if codes.contains(&"TransactionConflict") { Refused::ByOthers } else { Refused::Otherwise }
}
