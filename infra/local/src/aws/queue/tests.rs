//! Tests of the queue's rules.

use super::*;

fn rules(fifo: bool, max_receives: Option<u32>) -> Rules {
    Rules {
        visibility_ms: 30_000,
        retention_ms: 3_600_000,
        delay_ms: 0,
        fifo,
        content_based_deduplication: false,
        max_receives,
    }
}

fn queue(fifo: bool, max_receives: Option<u32>) -> Queue {
    Queue::restore(rules(fifo, max_receives), [], [])
}

fn message(body: &str, group: &str) -> NewMessage {
    NewMessage {
        id: format!("id-{body}"),
        body: body.to_owned(),
        group: Some(group.to_owned()),
        deduplication: Some(body.to_owned()),
        ..NewMessage::default()
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[test]
fn a_received_message_comes_again_unless_deleted() {
    let mut queue = queue(false, None);
    queue.send(message("a", "g"), 0).unwrap();
    let (first, _) = queue.receive(10, None, 0);
    assert_eq!(bodies(&first), ["a"]);
    assert!(queue.receive(10, None, 29_999).0.is_empty());
    assert_eq!(queue.next_visible_ms(0), Some(30_000));
    let (second, _) = queue.receive(10, None, 30_000);
    assert_eq!(second[0].receives, 2);
    queue.delete(&second[0].receipt(), 30_001).unwrap();
    assert!(queue.receive(10, None, 90_000).0.is_empty());
}

#[test]
fn a_group_waits_for_its_message_in_flight() {
    let mut queue = queue(true, None);
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        queue.send(message(body, group), 0).unwrap();
    }
    let (first, _) = queue.receive(1, None, 0);
    assert_eq!(bodies(&first), ["a1"]);
    let (second, _) = queue.receive(10, None, 1);
    assert_eq!(bodies(&second), ["b1"]);
    queue.delete(&first[0].receipt(), 2).unwrap();
    assert_eq!(bodies(&queue.receive(10, None, 3).0), ["a2"]);
}

#[test]
fn a_duplicate_within_five_minutes_is_dropped() {
    let mut queue = queue(true, None);
    let (_, seq) = queue.send(message("a", "g"), 0).unwrap();
    assert_eq!(queue.send(message("a", "g"), 299_999).unwrap().1, seq);
    assert!(queue.send(message("a", "g"), 300_000).unwrap().1 > seq);
}

#[test]
fn a_message_received_too_often_is_dead() {
    let mut queue = queue(false, Some(2));
    queue.send(message("a", "g"), 0).unwrap();
    for now_ms in [0, 30_000] {
        assert_eq!(queue.receive(10, None, now_ms).0.len(), 1);
    }
    let (taken, dead) = queue.receive(10, None, 60_000);
    assert!(taken.is_empty());
    assert_eq!(bodies(&dead), ["a"]);
    assert_eq!(queue.counts(60_000), Counts::default());
}

#[test]
fn an_old_receipt_does_not_delete_from_a_fifo_queue() {
    let mut queue = queue(true, None);
    queue.send(message("a", "g"), 0).unwrap();
    let (first, _) = queue.receive(1, None, 0);
    let (second, _) = queue.receive(1, None, 30_000);
    assert_eq!(queue.delete(&first[0].receipt(), 30_001), Err(QueueError::Receipt));
    assert_eq!(queue.delete(&second[0].receipt(), 30_001), Ok(()));
}

#[test]
fn visibility_can_be_cut_short() {
    let mut queue = queue(false, None);
    queue.send(message("a", "g"), 0).unwrap();
    let (first, _) = queue.receive(1, None, 0);
    queue.change_visibility(&first[0].receipt(), 0, 5).unwrap();
    assert_eq!(queue.receive(1, None, 5).0.len(), 1);
}

#[test]
fn what_changed_is_told_once() {
    let mut queue = queue(true, None);
    let (_, seq) = queue.send(message("a", "g"), 0).unwrap();
    let dirty = queue.take_dirty();
    assert!(dirty.messages.contains(&seq) && dirty.duplicates.contains("a"));
    assert_eq!(queue.take_dirty(), Dirty::default());
}
