//! Creates the template's tables, and refuses a data directory whose tables are declared otherwise.

use dynoxide::{
    Database,
    actions::{
        describe_table::DescribeTableRequest, describe_time_to_live::DescribeTimeToLiveRequest,
        update_time_to_live::UpdateTimeToLiveRequest,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AwsError, dynamodb::engine_error};
use crate::template::Table;

/// Whether a table has a stream.
pub(crate) fn has_stream(table: &Table) -> bool {
    view_type(&table.create).is_some()
}

/// Creates each table that is not there, compares each that is, and turns time to live on.
pub(crate) fn create_missing(database: &Database, tables: &[Table], place: &str) -> Result<(), AwsError> {
    for table in tables {
        let exists = database.get_table_metadata(&table.name).map_err(engine_error)?.is_some();
        if exists {
            compare(database, table, place)?;
        } else {
            let mut request = table.create.clone();
            if let Some(stream) = request.get_mut("StreamSpecification").and_then(Value::as_object_mut) {
                // CloudFormation leaves it out, the API wants it.
                stream.insert("StreamEnabled".to_owned(), json!(true));
            }
            database.create_table(request_from(request)?).map_err(engine_error)?;
            tracing::info!(table = table.name, "table created");
        }
        enable_time_to_live(database, table)?;
    }
    Ok(())
}

fn enable_time_to_live(database: &Database, table: &Table) -> Result<(), AwsError> {
    let Some(attribute) = &table.ttl_attribute else {
        return Ok(());
    };
    let request: DescribeTimeToLiveRequest = request_from(json!({"TableName": table.name}))?;
    let current = database.describe_time_to_live(request).map_err(engine_error)?;
    let current = serde_json::to_value(&current).unwrap_or_default();
    let description = &current["TimeToLiveDescription"];
    if description["TimeToLiveStatus"] == "ENABLED" && description["AttributeName"] == **attribute {
        return Ok(());
    }
    let request: UpdateTimeToLiveRequest = request_from(json!({
        "TableName": table.name,
        "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
    }))?;
    database.update_time_to_live(request).map(drop).map_err(engine_error)
}

fn compare(database: &Database, table: &Table, place: &str) -> Result<(), AwsError> {
    let request: DescribeTableRequest = request_from(json!({"TableName": table.name}))?;
    let existing = database.describe_table(request).map_err(engine_error)?;
    let existing = serde_json::to_value(&existing).unwrap_or_default();
    let existing = &existing["Table"];
    let changed = |what: String, advice: &str| AwsError::TableChanged {
        table: table.name.clone(),
        what,
        place: place.to_owned(),
        advice: advice.to_owned(),
    };
    if key_schema(existing) != key_schema(&table.create) {
        let advice = "no table's keys can be changed, so give the table another name";
        return Err(changed("the key schema".to_owned(), advice));
    }
    if indexes(existing) != indexes(&table.create) {
        let advice = "add or remove the index there with UpdateTable";
        return Err(changed("the set of secondary indexes".to_owned(), advice));
    }
    if view_type(existing) != view_type(&table.create) {
        let advice = "set StreamSpecification there with UpdateTable";
        return Err(changed("the stream".to_owned(), advice));
    }
    Ok(())
}

/// What makes up a key schema: attribute, kind, type.
fn key_schema(table: &Value) -> Vec<(String, String, String)> {
    keys_of(table, &table["KeySchema"])
}

fn keys_of(table: &Value, schema: &Value) -> Vec<(String, String, String)> {
    let types = table["AttributeDefinitions"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut keys: Vec<_> = schema
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| {
            let name = &key["AttributeName"];
            let kind = types.iter().find(|definition| definition["AttributeName"] == *name);
            let kind = kind.map(|definition| text(&definition["AttributeType"]));
            (text(name), text(&key["KeyType"]), kind.unwrap_or_default())
        })
        .collect();
    keys.sort();
    keys
}

type Index = (String, Vec<(String, String, String)>, String);

fn indexes(table: &Value) -> Vec<Index> {
    let mut found: Vec<Index> = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
        .iter()
        .flat_map(|kind| table[*kind].as_array().cloned().unwrap_or_default())
        .map(|index| {
            let name = index["IndexName"].as_str().unwrap_or_default().to_owned();
            let projection = index["Projection"]["ProjectionType"].as_str().unwrap_or_default();
            (name, keys_of(table, &index["KeySchema"]), projection.to_owned())
        })
        .collect();
    found.sort();
    found
}

fn view_type(table: &Value) -> Option<&str> {
    table["StreamSpecification"]["StreamViewType"].as_str()
}

fn request_from<T: DeserializeOwned>(request: Value) -> Result<T, AwsError> {
    serde_json::from_value(request).map_err(|error| AwsError::DynamoDb(error.to_string()))
}
