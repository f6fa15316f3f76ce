//! DynamoDB, the management API and the door itself.

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata,
    operation::put_item::PutItemError,
    types::{AttributeValue, Put, ReturnValue, TransactWriteItem},
};
use axum::body::Body;
use callboard_local::{
    aws::{AwsError, LocalAws},
    gateway::{Connections, connections::Peer},
};
use serde_json::json;
use tower::ServiceExt;

use crate::support::{open, template};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn put(client: &Client, pk: &str, sk: &str) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
    client.put_item().table_name("Calls").item("pk", text(pk)).item("sk", text(sk)).item("by", text("org"))
}

#[tokio::test]
async fn conditions_queries_updates_and_transactions() {
    let aws = open(None, &template(1));
    let client = Client::new(&aws.sdk_config());
    put(&client, "call", "CALL").send().await.unwrap();
    let again = put(&client, "call", "CALL").condition_expression("attribute_not_exists(pk)").send().await;
    assert!(matches!(again.unwrap_err().into_service_error(), PutItemError::ConditionalCheckFailedException(_)));

    for sk in ["SEG#2", "SEG#1", "CARD#1"] {
        put(&client, "call", sk).send().await.unwrap();
    }
    let found = client
        .query()
        .table_name("Calls")
        .key_condition_expression("pk = :pk AND begins_with(sk, :seg)")
        .expression_attribute_values(":pk", text("call"))
        .expression_attribute_values(":seg", text("SEG#"))
        .send()
        .await
        .unwrap();
    let keys: Vec<&String> = found.items().iter().map(|item| item["sk"].as_s().unwrap()).collect();
    assert_eq!(keys, ["SEG#1", "SEG#2"]);

    let found = client
        .query()
        .table_name("Calls")
        .index_name("by_start")
        .key_condition_expression("#by = :by")
        .expression_attribute_names("#by", "by")
        .expression_attribute_values(":by", text("org"))
        .send()
        .await
        .unwrap();
    assert_eq!(found.count(), 4);

    for expected in ["2", "4"] {
        let updated = client
            .update_item()
            .table_name("Calls")
            .key("pk", text("call"))
            .key("sk", text("CALL"))
            .update_expression("ADD revision :two")
            .expression_attribute_values(":two", AttributeValue::N("2".to_owned()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .unwrap();
        assert_eq!(updated.attributes().unwrap()["revision"].as_n().unwrap(), expected);
    }

    let write = |sk: &str| {
        let put = Put::builder().table_name("Calls").item("pk", text("call")).item("sk", text(sk));
        let put = put.condition_expression("attribute_not_exists(pk)").build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let refused = client.transact_write_items().transact_items(write("NEW")).transact_items(write("CALL")).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_transaction_canceled_exception());
    client.transact_write_items().transact_items(write("NEW")).send().await.unwrap();
}

#[tokio::test]
async fn a_changed_table_is_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let mut template = template(1);
    drop(open(Some(dir.path()), &template));
    drop(open(Some(dir.path()), &template));
    let refused = |template| LocalAws::open(Some(dir.path()), &template, Connections::default()).map(drop).unwrap_err();
    let keep = template.clone();
    template.tables[0].create["GlobalSecondaryIndexes"][0]["IndexName"] = json!("other");
    let error = refused(template);
    assert!(matches!(&error, AwsError::TableChanged { .. }), "{error}");
    assert!(error.to_string().contains("UpdateTable"), "{error}");
    let mut template = keep;
    template.tables[0].create["KeySchema"] = json!([{"AttributeName": "sk", "KeyType": "HASH"}]);
    assert!(refused(template).to_string().contains("key schema"));
}

#[tokio::test]
async fn expired_items_are_swept() {
    let aws = open(None, &template(1));
    let client = Client::new(&aws.sdk_config());
    for (sk, at) in [("OLD", "1000000000"), ("YOUNG", "99999999999")] {
        put(&client, "call", sk).item("expires_at", AttributeValue::N(at.to_owned())).send().await.unwrap();
    }
    let old = (aws.now_ms() / 1000 - 60).to_string();
    put(&client, "call", "OLD").item("expires_at", AttributeValue::N(old)).send().await.unwrap();
    aws.sweep_expired().unwrap();
    let left = client.scan().table_name("Calls").send().await.unwrap();
    assert_eq!(left.count(), 1);
}

#[tokio::test]
async fn a_gone_connection_is_410() {
    let connections = Connections::default();
    let aws = LocalAws::open(None, &template(1), connections.clone()).unwrap();
    let config = aws_sdk_apigatewaymanagement::config::Builder::from(&aws.sdk_config())
        .endpoint_url("https://SocketApi.execute-api.local.amazonaws.com/ws")
        .build();
    let client = aws_sdk_apigatewaymanagement::Client::from_conf(config);
    let post = |id: &str| client.post_to_connection().connection_id(id).data(b"hello".to_vec().into()).send();
    let gone = post("a/b=").await.unwrap_err().into_service_error();
    assert!(gone.is_gone_exception(), "{gone}");

    let (_registration, mut outbound) = connections.register("a/b=".to_owned(), Peer::default());
    post("a/b=").await.unwrap();
    assert_eq!(outbound.next().await.unwrap(), "hello");
    let told = client.get_connection().connection_id("a/b=").send().await.unwrap();
    assert!(told.connected_at().is_some());
    let large = vec![0_u8; 129 * 1024].into();
    let large = client.post_to_connection().connection_id("a/b=").data(large).send().await;
    assert!(large.unwrap_err().into_service_error().is_payload_too_large_exception());
    client.delete_connection().connection_id("a/b=").send().await.unwrap();
    assert!(post("a/b=").await.unwrap_err().into_service_error().is_gone_exception());
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let aws = open(None, &template(1));
    let client = Client::new(&aws.sdk_config());
    let error = client.list_backups().send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    assert!(error.message().unwrap().contains("DynamoDB has no operation ListBackups"), "{error:?}");
    let request = axum::extract::Request::put("/FailedBatchesBucket/a/%2e%2e/%2e%2e/b").body(Body::empty());
    let response = aws.router().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 400);
    // A web page, whether it says where it comes from or made its name point here.
    for (name, value) in [("origin", "https://example.com"), ("host", "example.com:4000")] {
        let page =
            axum::extract::Request::post("/").header(name, value).header("x-amz-target", "DynamoDB_20120810.Scan");
        let response = aws.router().oneshot(page.body(Body::from("{}")).unwrap()).await.unwrap();
        assert_eq!(response.status(), 403, "{name}");
    }
    let unsigned = axum::extract::Request::get("/FailedBatchesBucket/a").body(Body::empty());
    assert_eq!(aws.router().oneshot(unsigned.unwrap()).await.unwrap().status(), 403);
}
