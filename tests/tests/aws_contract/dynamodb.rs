//! Tables: conditions, counters and sets, transactions, batches, limits, times to live.

use callboard_adapters::{
    ServiceError,
    table::{Committed, Query, Step, Written, number, text},
};
use serde_json::{Value, json};

use crate::{
    backend::{Shared, now_ms},
    differences::Difference,
};

const TABLE: &str = "LiveTable";

pub(crate) async fn conditional_writes(backend: Shared) {
    let table = backend.table(TABLE);
    let found = async |sk: &str| table.get::<Value>("conditions", sk).await.unwrap();
    let item = |version: u32| json!({"pk": "conditions", "sk": "1", "state": "live", "version": version});
    assert_eq!(found("1").await, None);
    assert_eq!(table.put_new(&item(1)).await, Ok(Written::Yes));
    assert_eq!(table.put_new(&item(2)).await, Ok(Written::No));
    for (below, written) in [(1, Written::No), (2, Written::Yes)] {
        let values = [(":below", number(below))];
        assert_eq!(table.put_when(&item(3), "#version < :below", values).await, Ok(written));
    }
    assert_eq!(found("1").await, Some(item(3)));

    // An item that is not there is not made.
    let set = async |sk: &str, state: &str| {
        table.set("conditions", sk, [("state", text(state)), ("count", number(1))], "#state <> :state").await
    };
    assert_eq!(set("2", "ended").await, Ok(Written::No));
    assert_eq!(found("2").await, None);
    assert_eq!(set("1", "ended").await, Ok(Written::Yes));
    assert_eq!(set("1", "ended").await, Ok(Written::No));
    let item = json!({"pk": "conditions", "sk": "1", "state": "ended", "version": 3, "count": 1});
    assert_eq!(found("1").await, Some(item));

    // Or it is, where that is wanted; a condition on what it does not have does not hold.
    let put = async |condition: &str| {
        let compared = [(":wanted", number(7))];
        table.put_attributes("conditions", "3", [("name", text("a"))], condition, compared).await
    };
    assert_eq!(put("#version = :wanted").await, Ok(Written::No));
    assert_eq!(put("attribute_not_exists(#version) OR #version = :wanted").await, Ok(Written::Yes));
    assert_eq!(found("3").await, Some(json!({"pk": "conditions", "sk": "3", "name": "a"})));

    let delete = async |sk: &str, version: u32| {
        table.delete_when("conditions", sk, "#version = :version", [(":version", number(version))]).await
    };
    assert_eq!(delete("4", 3).await, Ok(Written::No));
    assert_eq!(delete("1", 4).await, Ok(Written::No));
    assert_eq!(delete("1", 3).await, Ok(Written::Yes));
    for _ in 0..2 {
        assert_eq!(table.delete("conditions", "3").await, Ok(()));
        assert_eq!(found("3").await, None);
    }
}

pub(crate) async fn counters_and_sets(backend: Shared) {
    let table = backend.table(TABLE);
    for expected in [5, 10] {
        assert_eq!(table.add("counters", "1", "revision", 5).await, Ok(expected));
    }
    for (expires_at, expected) in [(4_000_000_000, 1), (4_000_000_001, 2)] {
        assert_eq!(table.count("counters", "2", expires_at).await, Ok(expected));
    }
    assert_eq!(table.add_all("counters", "2", &[("tokens", 7), ("count", 1)]).await, Ok(()));
    let item = json!({"pk": "counters", "sk": "2", "expires_at": 4_000_000_001_u64, "tokens": 7, "count": 3});
    assert_eq!(table.get("counters", "2").await, Ok(Some(item)));

    let change = async |sk: &str, value: &str, add: bool| table.change_set("counters", sk, "tags", value, add).await;
    assert_eq!(change("3", "a", true).await, Ok(Written::No));
    assert_eq!(table.get::<Value>("counters", "3").await, Ok(None));
    table.put(&json!({"pk": "counters", "sk": "3"})).await.unwrap();
    // A set without members is none.
    for (value, add, expected) in [
        ("a", true, Some(json!(["a"]))),
        ("a", true, Some(json!(["a"]))),
        ("b", true, Some(json!(["a", "b"]))),
        ("c", false, Some(json!(["a", "b"]))),
        ("a", false, Some(json!(["b"]))),
        ("b", false, None),
    ] {
        assert_eq!(change("3", value, add).await, Ok(Written::Yes));
        let mut item = table.get::<Value>("counters", "3").await.unwrap().unwrap();
        if let Some(tags) = item.get_mut("tags").and_then(Value::as_array_mut) {
            tags.sort_by_key(ToString::to_string);
        }
        assert_eq!(item.get("tags"), expected.as_ref(), "{value} {add}");
    }
}

pub(crate) async fn transactions(backend: Shared) {
    let table = backend.table(TABLE);
    let found = async |sk: &str| table.get::<Value>("transactions", sk).await.unwrap();
    let item = |sk: &str| json!({"pk": "transactions", "sk": sk, "state": "new"});
    let new = |sk: &str| Step::put_new(&item(sk)).unwrap();
    let count = |sk: &str, condition: &str| {
        Step::update("transactions", sk, "ADD #count :one", condition).value(":one", number(1))
    };
    assert_eq!(table.transact(vec![new("1"), count("2", "")]).await, Ok(Committed::Yes));
    assert_eq!(found("1").await, Some(item("1")));
    assert_eq!(found("2").await, Some(json!({"pk": "transactions", "sk": "2", "count": 1})));

    // All or nothing, and which step it was.
    for (steps, refused) in [
        (vec![new("3"), new("1"), count("2", "attribute_exists(pk)")], 1),
        (vec![count("2", "attribute_exists(pk)"), new("3"), Step::delete("transactions", "4")], 2),
        (vec![count("5", "attribute_exists(pk)"), new("1")], 0),
    ] {
        assert_eq!(table.transact(steps).await, Ok(Committed::No(refused)));
        assert_eq!((found("3").await, found("5").await), (None, None));
        assert_eq!(found("2").await.unwrap()["count"], 1);
    }
    let conditional = Step::put(&json!({"pk": "transactions", "sk": "1", "state": "old"}), "#state = :state").unwrap();
    let steps = vec![
        conditional.value(":state", text("new")),
        Step::delete("transactions", "2").when("#count = :count").value(":count", number(1)),
        new("3"),
    ];
    assert_eq!(table.transact(steps).await, Ok(Committed::Yes));
    assert_eq!(found("1").await.unwrap()["state"], "old");
    assert_eq!((found("2").await, found("3").await), (None, Some(item("3"))));

    // One item can have one step only.
    let twice = table.transact(vec![new("6"), Step::delete("transactions", "6")]).await;
    assert!(is_refused(&twice, "ValidationException"), "{twice:?}");
    assert_eq!(found("6").await, None);
}

/// Neither back end is ever too busy, so the [recorder](crate::recorder) leaves every other item of a batch out.
pub(crate) async fn batches_that_are_left_unprocessed(backend: Shared) {
    let table = backend.table(TABLE);
    let keys: Vec<String> = (0..60).map(|number| format!("{number:03}")).collect();
    let fill = async || {
        for sk in &keys {
            table.put(&json!({"pk": "batches", "sk": sk, "other": {"name": "n", "rest": "r"}})).await.unwrap();
        }
    };
    fill().await;
    let mut wanted: Vec<(String, &str)> = keys.iter().map(|sk| ("batches".to_owned(), sk.as_str())).collect();
    wanted.extend((0..45).map(|number| (format!("absent {number}"), "000")));
    for busy in [0, 3] {
        backend.recorder.busy(busy);
        let mut items: Vec<Value> = table.get_all(wanted.clone(), &["sk", "other.name"]).await.unwrap();
        assert_eq!(backend.recorder.busy_for(), 0);
        items.sort_by_key(ToString::to_string);
        let expected: Vec<Value> = keys.iter().map(|sk| json!({"sk": sk, "other": {"name": "n"}})).collect();
        assert_eq!(items, expected);
    }

    let left = async || table.query::<Value>(&Query { pk: "batches", ..Query::default() }).await.unwrap().items.len();
    for busy in [0, 3] {
        backend.recorder.busy(busy);
        assert_eq!(table.delete_partition("batches", &["007"]).await, Ok(59));
        assert_eq!((backend.recorder.busy_for(), left().await), (0, 1));
        fill().await;
    }
    // Nobody waits for a table for ever.
    backend.recorder.busy(usize::MAX);
    let given_up = table.delete_partition("batches", &[]).await;
    backend.recorder.busy(0);
    assert!(is_refused(&given_up, "not all was taken"), "{given_up:?}");
    assert!(left().await > 0);
}

pub(crate) async fn limits(backend: Shared) {
    let table = backend.table(TABLE);
    let item = |sk: &str, bytes: usize| json!({"pk": "limits", "sk": sk, "data": "x".repeat(bytes)});
    assert_eq!(table.put(&item("1", 400_000)).await, Ok(()));
    for refused in [item("2", 410_000), item("", 1), json!({"pk": "limits"})] {
        let sent = table.put(&refused).await;
        assert!(is_refused(&sent, "ValidationException"), "{sent:?}");
    }
    let sent = backend.table("NoTable").put(&item("1", 1)).await;
    assert!(is_refused(&sent, "ResourceNotFoundException"), "{sent:?}");
}

pub(crate) async fn times_to_live(backend: Shared) {
    for table in &backend.template.tables {
        let described = backend.dynamodb().describe_time_to_live().table_name(&table.name).send().await.unwrap();
        let described = described.time_to_live_description.unwrap();
        assert_eq!(described.attribute_name, table.ttl_attribute, "{}", table.name);
    }
    let table = backend.table(TABLE);
    let now_s = now_ms() / 1000;
    for (sk, expires_at) in [("over", now_s - 100), ("good", now_s + 100)] {
        table.put(&json!({"pk": "times", "sk": sk, "expires_at": expires_at})).await.unwrap();
    }
    table.put(&json!({"pk": "times", "sk": "none"})).await.unwrap();
    backend.expire();
    let there = async |sk: &str| table.get::<Value>("times", sk).await.unwrap().is_some();
    assert_eq!(there("over").await, !backend.as_aws(Difference::Expiry));
    assert_eq!((there("good").await, there("none").await), (true, true));
}

/// Whether a service answered so, or was given up for this reason.
pub(crate) fn is_refused<T>(result: &Result<T, ServiceError>, why: &str) -> bool {
    matches!(result, Err(ServiceError::Unavailable { reason, .. }) if reason.contains(why))
}
