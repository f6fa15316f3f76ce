//! Tests of lanes, retries, bisection and checkpoints.

use serde_json::json;

use super::*;

fn settings() -> Settings {
    Settings {
        batch_size: 4,
        window_ms: 0,
        lanes: 1,
        retries: Some(2),
        max_age_ms: None,
        bisect: false,
        first_pause_ms: 10,
        longest_pause_ms: 1000,
    }
}

fn record(position: u64, key: &str) -> Record {
    Record {
        position,
        sequence: position.to_string(),
        key: key.to_owned(),
        at_ms: position,
        bytes: 10,
        event: Arc::new(json!(position)),
    }
}

fn shard(settings: Settings, positions: std::ops::RangeInclusive<u64>) -> Shard {
    let mut shard = Shard::new(settings, 0);
    positions.for_each(|position| shard.push(record(position, "k"), 0));
    shard
}

fn positions(work: &Work) -> Vec<u64> {
    work.records.iter().map(|record| record.position).collect()
}

/// Polls at the time when something is due.
fn next(shard: &mut Shard, now_ms: &mut u64) -> Work {
    *now_ms = (*now_ms).max(shard.next_wake_ms().expect("something is due"));
    shard.poll(*now_ms).expect("something to do")
}

#[test]
fn batches_go_in_order_and_one_at_a_time() {
    let mut shard = shard(settings(), 1..=6);
    let first = shard.poll(0).unwrap();
    assert_eq!(positions(&first), [1, 2, 3, 4]);
    assert_eq!(shard.poll(0), None);
    assert_eq!(shard.checkpoint(), 0);
    assert_eq!(shard.invoked(0, Outcome::Success, 0), Verdict::Done);
    assert_eq!(shard.checkpoint(), 4);
    assert_eq!(positions(&shard.poll(0).unwrap()), [5, 6]);
    shard.invoked(0, Outcome::Success, 0);
    assert_eq!(shard.checkpoint(), 6);
    assert_eq!(shard.next_wake_ms(), None);
}

#[test]
fn a_window_waits_until_it_is_over_or_the_batch_is_full() {
    let mut shard = shard(Settings { window_ms: 1000, ..settings() }, 1..=3);
    assert_eq!(shard.poll(999), None);
    assert_eq!(shard.next_wake_ms(), Some(1000));
    shard.push(record(4, "k"), 500);
    assert_eq!(positions(&shard.poll(500).unwrap()), [1, 2, 3, 4]);
}

#[test]
fn a_batch_stays_below_the_payload_limit() {
    let mut shard = Shard::new(settings(), 0);
    for position in 1..=3 {
        let large = Record { bytes: PAYLOAD_BYTES / 2 - 10, ..record(position, "k") };
        shard.push(large, 0);
    }
    assert_eq!(positions(&shard.poll(0).unwrap()), [1, 2]);
}

#[test]
fn lanes_keep_each_keys_order_and_work_side_by_side() {
    let mut shard = Shard::new(Settings { lanes: 4, batch_size: 2, ..settings() }, 0);
    let keys = ["a", "b", "c", "d", "e", "f", "g"];
    for position in 1..=70_u64 {
        shard.push(record(position, keys[position as usize % keys.len()]), 0);
    }
    let mut seen: std::collections::HashMap<String, Vec<u64>> = Default::default();
    let mut widest = 0;
    loop {
        let works: Vec<Work> = std::iter::from_fn(|| shard.poll(0)).collect();
        if works.is_empty() {
            break;
        }
        widest = widest.max(works.len());
        let mut in_flight = BTreeSet::new();
        for work in &works {
            let keys: BTreeSet<&str> = work.records.iter().map(|record| record.key.as_str()).collect();
            assert!(keys.iter().all(|key| in_flight.insert(key.to_string())), "a key in two batches at once");
        }
        for work in works.iter().rev() {
            for record in &work.records {
                seen.entry(record.key.clone()).or_default().push(record.position);
            }
            shard.invoked(work.lane, Outcome::Success, 0);
        }
    }
    assert!(widest > 1);
    assert!(seen.values().all(|positions| positions.is_sorted() && positions.len() == 10));
    assert_eq!(shard.checkpoint(), 70);
}

#[test]
fn the_checkpoint_is_the_prefix_over_all_lanes() {
    let mut shard = Shard::new(Settings { lanes: 10, ..settings() }, 100);
    let keys: Vec<String> = (0..20).map(|key| key.to_string()).collect();
    let other = keys.iter().find(|key| lane_of(key, 10) != lane_of("k", 10)).unwrap();
    shard.push(record(101, "k"), 0);
    shard.push(record(102, other), 0);
    shard.skip(103);
    let works: Vec<Work> = std::iter::from_fn(|| shard.poll(0)).collect();
    let (slow, quick): (Vec<_>, Vec<_>) = works.iter().partition(|work| work.records[0].position == 101);
    shard.invoked(quick[0].lane, Outcome::Success, 0);
    assert_eq!(shard.checkpoint(), 100);
    shard.invoked(slow[0].lane, Outcome::Success, 0);
    assert_eq!(shard.checkpoint(), 103);
}

#[test]
fn a_failed_batch_comes_again_with_growing_pauses_until_it_is_given_up() {
    let mut shard = shard(settings(), 1..=3);
    let mut now_ms = 0;
    let mut starts = Vec::new();
    for _ in 0..3 {
        let work = next(&mut shard, &mut now_ms);
        assert_eq!((positions(&work), work.discard), (vec![1, 2, 3], None));
        starts.push(now_ms);
        shard.invoked(0, Outcome::Failed, now_ms);
    }
    assert_eq!(starts, [0, 10, 30]);
    let work = next(&mut shard, &mut now_ms);
    assert_eq!((work.discard, work.invocations), (Some(Condition::RetryAttemptsExhausted), 3));
    assert_eq!(shard.checkpoint(), 0);
    // The destination fails: the batch is offered again and never dropped.
    assert_eq!(shard.discarded(0, false, now_ms), Verdict::Again(3));
    assert_eq!(shard.checkpoint(), 0);
    let work = next(&mut shard, &mut now_ms);
    assert_eq!(work.discard, Some(Condition::RetryAttemptsExhausted));
    assert_eq!(shard.discarded(0, true, now_ms), Verdict::GivenUp(3));
    assert_eq!(shard.checkpoint(), 3);
}

#[test]
fn a_partial_failure_completes_what_came_before() {
    let mut shard = shard(settings(), 1..=4);
    shard.poll(0).unwrap();
    assert_eq!(shard.invoked(0, Outcome::FailedFrom(2), 0), Verdict::Again(2));
    assert_eq!(shard.checkpoint(), 2);
    let mut now_ms = 0;
    for _ in 0..2 {
        assert_eq!(positions(&next(&mut shard, &mut now_ms)), [3, 4]);
        shard.invoked(0, Outcome::FailedFrom(0), now_ms);
    }
    // It was retried twice: the partial failure counted.
    assert!(next(&mut shard, &mut now_ms).discard.is_some());
}

#[test]
fn with_bisection_a_partial_failure_costs_no_retry() {
    let mut shard = shard(Settings { bisect: true, ..settings() }, 1..=4);
    shard.poll(0).unwrap();
    shard.invoked(0, Outcome::FailedFrom(2), 0);
    let mut now_ms = 0;
    for _ in 0..3 {
        let work = next(&mut shard, &mut now_ms);
        assert_eq!((positions(&work), work.discard), (vec![3, 4], None));
        shard.invoked(0, Outcome::FailedFrom(0), now_ms);
    }
    assert!(next(&mut shard, &mut now_ms).discard.is_some());
}

#[test]
fn bisection_isolates_the_bad_record_and_keeps_the_order() {
    let mut shard = shard(Settings { bisect: true, batch_size: 8, ..settings() }, 1..=8);
    let (mut done, mut lost, mut now_ms) = (Vec::new(), Vec::new(), 0);
    while shard.checkpoint() < 8 {
        let work = next(&mut shard, &mut now_ms);
        match work.discard {
            Some(_) => {
                lost.extend(positions(&work));
                shard.discarded(0, true, now_ms);
            }
            None if positions(&work).contains(&6) => {
                shard.invoked(0, Outcome::Failed, now_ms);
            }
            None => {
                done.extend(positions(&work));
                shard.invoked(0, Outcome::Success, now_ms);
            }
        }
    }
    assert_eq!(done, [1, 2, 3, 4, 5, 7, 8]);
    assert_eq!(lost, [6]);
}

#[test]
fn old_records_are_given_up_and_young_ones_go_on() {
    let mut shard = shard(Settings { max_age_ms: Some(100), retries: None, ..settings() }, 1..=4);
    let work = shard.poll(103).unwrap();
    assert_eq!((positions(&work), work.discard), (vec![1, 2], Some(Condition::RecordAgeExceeded)));
    shard.discarded(0, true, 103);
    let work = shard.poll(103).unwrap();
    assert_eq!((positions(&work), work.discard), (vec![3, 4], None));
}

#[test]
fn without_a_limit_retries_go_on() {
    let mut shard = shard(Settings { retries: None, ..settings() }, 1..=1);
    let mut now_ms = 0;
    for _ in 0..1000 {
        assert_eq!(next(&mut shard, &mut now_ms).discard, None);
        shard.invoked(0, Outcome::Failed, now_ms);
    }
    assert_eq!(shard.next_wake_ms(), Some(now_ms + 1000));
}
