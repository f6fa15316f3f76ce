//! What writing costs: the write units of each table, as the engine counts them by DynamoDB's rules (a unit for each KB
//! begun, indexes as well, twice as much in a transaction). Reading is not counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, routing::get};
use dynoxide::{
    Database, DynoxideError,
    actions::{
        batch_write_item::{BatchWriteItemRequest, BatchWriteItemResponse},
        delete_item::{DeleteItemRequest, DeleteItemResponse},
        put_item::{PutItemRequest, PutItemResponse},
        transact_write_items::{TransactWriteItemsRequest, TransactWriteItemsResponse},
        update_item::{UpdateItemRequest, UpdateItemResponse},
    },
    types::ConsumedCapacity,
};
use serde_json::json;

/// Write units by table since the stack began. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteUnits(Arc<Mutex<BTreeMap<String, f64>>>);

impl WriteUnits {
    fn add(&self, table: &str, units: f64) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counted.get_mut(table) {
            Some(known) => *known += units,
            None => _ = counted.insert(table.to_owned(), units),
        }
    }

    /// `GET /_local/usage`: `{"write_units":{"<table>":12.0,…}}`.
    pub(super) fn routes(&self) -> Router {
        let counted = self.0.clone();
        let told = move || {
            let told = json!({ "write_units": *counted.lock().unwrap_or_else(PoisonError::into_inner) });
            std::future::ready(Json(told))
        };
        Router::new().route("/_local/usage", get(told))
    }

    /// Writes, and counts what it took. Who did not ask for that is not told.
    pub(super) fn count<R: Writes>(&self, database: &Database, mut request: R) -> Result<R::Reply, DynoxideError> {
        let mode = request.mode();
        let asked = mode.as_deref().is_some_and(|mode| mode != "NONE");
        if !asked {
            *mode = Some("TOTAL".to_owned());
        }
        let table = request.table();
        let written = request.write(database);
        match written {
            Ok(mut reply) => {
                R::consumed(&reply).iter().for_each(|consumed| self.add(&consumed.table_name, consumed.capacity_units));
                if !asked {
                    R::forget(&mut reply);
                }
                Ok(reply)
            }
            Err(error) => {
                // A condition that does not hold is paid for, too: what was there is rarely more than one KB.
                if let (DynoxideError::ConditionalCheckFailedException(..), Some(table)) = (&error, table) {
                    self.add(&table, 1.0);
                }
                Err(error)
            }
        }
    }
}

/// A request that writes.
pub(super) trait Writes {
    /// What it is answered with.
    type Reply;

    /// What it wishes to be told of its cost.
    fn mode(&mut self) -> &mut Option<String>;

    /// The table, where there is one only.
    fn table(&self) -> Option<String>;

    /// Does it.
    fn write(self, database: &Database) -> Result<Self::Reply, DynoxideError>;

    /// What it took, by table.
    fn consumed(reply: &Self::Reply) -> &[ConsumedCapacity];

    /// Leaves that out of the answer.
    fn forget(reply: &mut Self::Reply);
}

macro_rules! writes {
    ($($request:ty, $reply:ty, $method:ident, $table:expr, $consumed:expr;)*) => {$(
        impl Writes for $request {
            type Reply = $reply;

            fn mode(&mut self) -> &mut Option<String> {
                &mut self.return_consumed_capacity
            }

            fn table(&self) -> Option<String> {
                let table: fn(&Self) -> Option<String> = $table;
                table(self)
            }

            fn write(self, database: &Database) -> Result<$reply, DynoxideError> {
                database.$method(self)
            }

            fn consumed(reply: &$reply) -> &[ConsumedCapacity] {
                let consumed: fn(&$reply) -> &[ConsumedCapacity] = $consumed;
                consumed(reply)
            }

            fn forget(reply: &mut $reply) {
                reply.consumed_capacity = None;
            }
        }
    )*};
}

writes! {
    PutItemRequest, PutItemResponse, put_item,
        |it| Some(it.table_name.clone()), |it| it.consumed_capacity.as_slice();
    UpdateItemRequest, UpdateItemResponse, update_item,
        |it| Some(it.table_name.clone()), |it| it.consumed_capacity.as_slice();
    DeleteItemRequest, DeleteItemResponse, delete_item,
        |it| Some(it.table_name.clone()), |it| it.consumed_capacity.as_slice();
    BatchWriteItemRequest, BatchWriteItemResponse, batch_write_item,
        |_| None, |it| it.consumed_capacity.as_deref().unwrap_or_default();
    TransactWriteItemsRequest, TransactWriteItemsResponse, transact_write_items,
        |_| None, |it| it.consumed_capacity.as_deref().unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Writes to a table in memory; says what is told of the cost, and what was counted in all.
    #[track_caller]
    fn check<R: Writes + serde::de::DeserializeOwned>(requests: &[Value], told: usize, counted: f64) {
        let (database, units) = (Database::memory().unwrap(), WriteUnits::default());
        let table = json!({
            "TableName": "table", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        });
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        let count = |request: &Value| units.count::<R>(&database, serde_json::from_value(request.clone()).unwrap());
        let replies: Vec<_> = requests.iter().filter_map(|request| count(request).ok()).collect();
        assert_eq!(replies.iter().map(|reply| R::consumed(reply).len()).sum::<usize>(), told);
        assert_eq!(units.0.lock().unwrap().get("table"), Some(&counted));
    }

    #[test]
    fn each_kilobyte_is_a_unit_and_a_refused_write_is_one_too() {
        let item = |bytes: usize| json!({"pk": {"S": "a"}, "text": {"S": "x".repeat(bytes)}});
        check::<PutItemRequest>(&[json!({"TableName": "table", "Item": item(2_500)})], 0, 3.0);
        let asks = json!({"TableName": "table", "Item": item(10), "ReturnConsumedCapacity": "TOTAL"});
        check::<PutItemRequest>(&[asks], 1, 1.0);
        let new = json!({"TableName": "table", "Item": item(10), "ConditionExpression": "attribute_not_exists(pk)"});
        check::<PutItemRequest>(&[new.clone(), new], 0, 2.0);
        let batch = json!({"RequestItems": {"table": [{"PutRequest": {"Item": item(10)}}]}});
        check::<BatchWriteItemRequest>(&[batch], 0, 1.0);
        let together = json!({"TransactItems": [{"Put": {"TableName": "table", "Item": item(10)}}]});
        check::<TransactWriteItemsRequest>(&[together], 0, 2.0);
    }
}
