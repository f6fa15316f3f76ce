//! Queries: of a partition and of an index, in pages, and searches that are bounded by what they look at.

use callboard_adapters::table::{Found, Page, Query, Search};
use serde_json::{Value, json};

use crate::backend::Shared;

const TABLE: &str = "CallsTable";

fn sort_keys(items: &[Value], name: &str) -> Vec<String> {
    items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn partitions(backend: Shared) {
    let table = backend.table(TABLE);
    for sk in ["SEG#2", "CALL", "SEG#1", "SEG#10", "CARD#1", "SEH", "seg#1"] {
        let item = json!({"pk": "p", "sk": sk, "playbook": {"name": "sales", "version": 3}, "status": "live"});
        table.put(&item).await.unwrap();
    }
    table.put(&json!({"pk": "p2", "sk": "SEG#3"})).await.unwrap();
    let all = Query { pk: "p", ..Query::default() };
    // In the order of their bytes.
    for (query, expected) in [
        (all.clone(), &["CALL", "CARD#1", "SEG#1", "SEG#10", "SEG#2", "SEH", "seg#1"][..]),
        (Query { prefix: Some("SEG#"), ..all.clone() }, &["SEG#1", "SEG#10", "SEG#2"]),
        (Query { prefix: Some("SEG#"), descending: true, ..all.clone() }, &["SEG#2", "SEG#10", "SEG#1"]),
        (Query { after: Some("SEG#10"), ..all.clone() }, &["SEG#2", "SEH", "seg#1"]),
        (Query { after: Some("SEG#10"), descending: true, ..all.clone() }, &["SEG#1", "CARD#1", "CALL"]),
        (Query { prefix: Some("NOTES"), ..all.clone() }, &[]),
    ] {
        let page: Page<Value> = table.query(&query).await.unwrap();
        assert_eq!((sort_keys(&page.items, "sk"), page.next), (expected.iter().map(|&sk| sk.into()).collect(), None));
    }
    // From page to page; whether one is the last may only show on the one after it.
    for limit in [1, 3, 7, 8] {
        let (mut found, mut after): (Vec<String>, Option<String>) = Default::default();
        loop {
            let query = Query { after: after.as_deref(), limit: Some(limit), ..all.clone() };
            let page: Page<Value> = table.query(&query).await.unwrap();
            assert!(page.items.len() <= limit);
            found.extend(sort_keys(&page.items, "sk"));
            after = page.next;
            if after.is_none() {
                break;
            }
            assert_eq!(after.as_ref(), found.last());
        }
        assert_eq!(found, ["CALL", "CARD#1", "SEG#1", "SEG#10", "SEG#2", "SEH", "seg#1"], "pages of {limit}");
    }
    let fields = Query { prefix: Some("CALL"), fields: &["sk", "playbook.name", "status"], ..all };
    let page: Page<Value> = table.query(&fields).await.unwrap();
    assert_eq!(page.items, [json!({"sk": "CALL", "playbook": {"name": "sales"}, "status": "live"})]);
}

/// An answer of DynamoDB ends at a megabyte.
pub(crate) async fn large_pages(backend: Shared) {
    let table = backend.table(TABLE);
    for sk in 0..7 {
        table.put(&json!({"pk": "large", "sk": sk.to_string(), "data": "x".repeat(300_000)})).await.unwrap();
    }
    let (client, values) = (backend.dynamodb(), [(":pk".to_owned(), callboard_adapters::table::text("large"))]);
    let first = client.query().table_name(TABLE).key_condition_expression("pk = :pk");
    let first = first.set_expression_attribute_values(Some(values.into())).send().await.unwrap();
    assert!((3..=4).contains(&first.count()), "{}", first.count());
    assert!(first.last_evaluated_key().is_some());

    for (limit, expected) in [(None, 7), (Some(6), 6)] {
        let page: Page<Value> = table.query(&Query { pk: "large", limit, ..Query::default() }).await.unwrap();
        assert_eq!(sort_keys(&page.items, "sk"), (0..expected).map(|sk| sk.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(table.delete_partition("large", &[]).await, Ok(7));
}

async fn fill_index(backend: &Shared, org: &str) {
    for number in 0..10 {
        let kind = if number % 3 == 0 { "a" } else { "b" };
        let item = json!({"pk": format!("{org} {number}"), "sk": "CALL", "kind": kind,
            "by_start_pk": org, "by_start_sk": format!("{number:02}")});
        backend.table(TABLE).put(&item).await.unwrap();
    }
    // What lacks an index's key is not in it.
    let item = json!({"pk": format!("{org} 11"), "sk": "CALL", "by_start_pk": org});
    backend.table(TABLE).put(&item).await.unwrap();
}

pub(crate) async fn indexes(backend: Shared) {
    fill_index(&backend, "indexes").await;
    let table = backend.table(TABLE);
    let (mut found, mut after): (Vec<String>, Option<String>) = Default::default();
    loop {
        let query =
            Query { index: Some("by_start"), pk: "indexes", descending: true, limit: Some(4), ..Query::default() };
        let page: Page<Value> = table.query(&Query { after: after.as_deref(), ..query }).await.unwrap();
        found.extend(sort_keys(&page.items, "by_start_sk"));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, (0..10).rev().map(|number| format!("{number:02}")).collect::<Vec<_>>());
}

pub(crate) async fn searches(backend: Shared) {
    fill_index(&backend, "searches").await;
    let table = backend.table(TABLE);
    let search = Search { index: "by_start", pk: "searches", range: ("02", "08"), equal: &[("kind", "a")], most: 4 };
    let first: Found<Value> = table.search(&search).await.unwrap();
    // 08 to 05 were looked at, of which one is what was looked for.
    assert_eq!((sort_keys(&first.items, "by_start_sk"), first.read), (vec!["06".to_owned()], 4));
    assert_eq!(first.next.as_deref(), Some("05"));
    let rest: Found<Value> = table.search(&Search { range: ("02", "04"), ..search.clone() }).await.unwrap();
    assert_eq!((sort_keys(&rest.items, "by_start_sk"), rest.read, rest.next), (vec!["03".to_owned()], 3, None));
    let all: Found<Value> =
        table.search(&Search { range: ("00", "99"), equal: &[], most: 100, ..search }).await.unwrap();
    assert_eq!((all.items.len(), all.read, all.next), (10, 10, None));
}
