//! The gateway's management API: messages to sockets, and their end.

use callboard_adapters::gateway::{Gateway, Posted};
use callboard_local::gateway::connections::Peer;
use callboard_wire::messages::ServerMessage;

use crate::{backend::Shared, differences::Difference};

pub(crate) async fn connections(backend: Shared) {
    let config = aws_sdk_apigatewaymanagement::config::Builder::from(&backend.sdk);
    let gateway = Gateway::new(&config, &backend.endpoint);
    // As API Gateway makes them.
    let id = "L0SM9cOFvHcCIhw=";
    let (_registration, mut outbound) = backend.connections.register(id.to_owned(), Peer::default());
    let acknowledged = |call: String| ServerMessage::Ack { call, seq: 41 };
    let message = acknowledged("01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned());
    assert_eq!(gateway.post(id, &message).await, Ok(Posted::Sent));
    if backend.as_aws(Difference::GoneConnections) {
        assert_eq!(outbound.next().await.unwrap(), message.to_json());
    }
    let absent = gateway.post("another=", &message).await;
    assert_eq!(absent == Ok(Posted::Gone), backend.as_aws(Difference::GoneConnections), "{absent:?}");
    let refused = gateway.post(id, &acknowledged("x".repeat(128 * 1024))).await;
    assert_eq!(refused == Ok(Posted::Refused), backend.as_aws(Difference::MessageSize), "{refused:?}");
    // Whoever is gone already is gone as well.
    for id in [id, id, "another="] {
        assert_eq!(gateway.disconnect(id).await, Ok(()));
    }
    let after = gateway.post(id, &message).await;
    assert_eq!(after == Ok(Posted::Gone), backend.as_aws(Difference::GoneConnections), "{after:?}");
}
