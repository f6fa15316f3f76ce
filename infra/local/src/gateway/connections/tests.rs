//! Posts, their limits, and what is gone.

use super::*;

fn open(connections: &Connections, id: &str) -> (Registration, Outbound) {
    connections.register(id.to_owned(), Peer { source_ip: "10.0.0.1".into(), user_agent: None })
}

#[tokio::test]
async fn a_post_reaches_its_connection_and_counts_as_activity() {
    let time = Arc::new(AtomicU64::new(1000));
    let clock = time.clone();
    let connections = Connections::with_clock(Arc::new(move || clock.load(Ordering::Relaxed)));
    let (_a, mut a) = open(&connections, "a");
    let _b = open(&connections, "b");
    time.store(2000, Ordering::Relaxed);
    connections.post("a", "hello").unwrap();
    assert_eq!(a.next().await.unwrap(), "hello");
    let info = connections.get("a").unwrap();
    assert_eq!((info.connected_at_ms, info.last_active_ms), (1000, 2000));
    assert_eq!(connections.get("b").unwrap().last_active_ms, 1000);
}

#[tokio::test]
async fn a_dropped_or_deleted_connection_is_gone() {
    let connections = Connections::default();
    assert_eq!(connections.post("a", "x"), Err(PostError::Gone));
    let a = open(&connections, "a");
    drop(a);
    assert_eq!(connections.post("a", "x"), Err(PostError::Gone));
    let (_b, mut b) = open(&connections, "b");
    assert!(connections.delete("b"));
    assert!(!connections.delete("b"));
    assert_eq!(connections.post("b", "x"), Err(PostError::Gone));
    assert_eq!(b.next().await, None);
    assert!(connections.is_empty());
}

#[tokio::test]
async fn size_and_queue_have_limits() {
    let connections = Connections::default();
    let (_a, mut a) = open(&connections, "a");
    let largest = vec![b'x'; MAX_POST_BYTES];
    assert_eq!(connections.post("a", vec![b'x'; MAX_POST_BYTES + 1]), Err(PostError::PayloadTooLarge));
    for _ in 0..QUEUE_BYTES / MAX_POST_BYTES {
        connections.post("a", largest.clone()).unwrap();
    }
    assert_eq!(connections.post("a", "x"), Err(PostError::LimitExceeded));
    a.next().await.unwrap();
    connections.post("a", "x").unwrap();

    let _b = open(&connections, "b");
    for _ in 0..QUEUE_MESSAGES {
        connections.post("b", "").unwrap();
    }
    assert_eq!(connections.post("b", ""), Err(PostError::LimitExceeded));
}

#[test]
fn ids_look_like_api_gateways() {
    let id = new_connection_id();
    assert_eq!(id.len(), 16);
    assert!(id.ends_with('='));
    assert_ne!(id, new_connection_id());
}
