//! A listener's changes, from counters and reads that are written down.

use serde_json::json;

use super::*;

/// A segment of a revision: where it begins, whether it is final, whether it changes once more.
fn segment(revision: u64, start_ms: u64, is_final: bool, provisional: bool) -> ServerMessage {
    let times = json!({"spoken": 0, "received": 0, "transcribed": 0, "stored": 0, "closing_ms": 0, "asr_ms": 0});
    serde_json::from_value(json!({
        "type": "segment", "call": "c", "revision": revision, "channel": "agent", "start_ms": start_ms,
        "end_ms": start_ms + 10, "text": "words", "final": is_final, "provisional": provisional, "times": times,
    }))
    .unwrap()
}

fn finished(revision: u64) -> ServerMessage {
    segment(revision, revision * 100, true, false)
}

fn read(messages: &[ServerMessage]) -> Read {
    Read { messages: messages.to_vec(), progress_writes: Some(0) }
}

/// Looks at a counter; every read gives the messages of its place. Gives what was read and what was told.
fn look(changes: &mut Changes, counter: u64, now_ms: i64, reads: &[Read]) -> (Vec<Look>, Vec<u64>) {
    let (mut looks, mut told) = (Vec::new(), Vec::new());
    let mut next = changes.look(counter, now_ms);
    while let Some(wanted) = next {
        let read = reads.get(looks.len()).unwrap_or_else(|| panic!("nothing to read for {wanted:?} after {looks:?}"));
        let (fresh, more) = changes.take(&wanted, read.clone(), now_ms);
        told.extend(fresh.iter().map(|fresh| fresh.revision));
        looks.push(wanted);
        next = more;
    }
    (looks, told)
}

/// The counter, what there is to read, what is read, and the revisions that are told.
type Step<'a> = (u64, &'a [Read], &'a [Look], &'a [u64]);

/// What is read and told at each counter, a second after the one before.
#[track_caller]
fn check(changes: &mut Changes, steps: &[Step<'_>]) {
    for (step, (counter, reads, looks, told)) in steps.iter().enumerate() {
        let now_ms = i64::try_from(step).unwrap() * 1_000;
        let found = look(changes, *counter, now_ms, reads);
        assert_eq!((found.0.as_slice(), found.1.as_slice()), (*looks, *told), "step {step}");
    }
}

#[test]
fn what_is_appended_is_found_among_the_last_segments() {
    let (one, two) = (read(&[finished(1)]), read(&[finished(1), finished(2)]));
    let three = read(&[finished(2), finished(3), finished(4)]);
    check(
        &mut Changes::after(0),
        &[
            (1, &[one], &[Look::Recent], &[1]),
            (1, &[], &[], &[]),
            (2, &[two], &[Look::Recent], &[2]),
            // Four was stored already, but its number was not seen yet.
            (3, std::slice::from_ref(&three), &[Look::Recent], &[3]),
            (4, std::slice::from_ref(&three), &[Look::Recent], &[4]),
        ],
    );
}

#[test]
fn a_listener_that_comes_back_is_told_what_is_above_its_revision() {
    let all = read(&(1..=40).map(finished).collect::<Vec<_>>());
    let above: Vec<u64> = (31..=40).collect();
    check(&mut Changes::after(30), &[(40, std::slice::from_ref(&all), &[Look::Recent], &above), (40, &[], &[], &[])]);
    let everything: Vec<u64> = (1..=40).collect();
    check(&mut Changes::after(0), &[(40, std::slice::from_ref(&all), &[Look::All], &everything)]);
    // One that knows more than there is is told what comes then.
    check(&mut Changes::after(50), &[(40, std::slice::from_ref(&all), &[Look::Recent], &[]), (50, &[], &[], &[])]);
}

#[test]
fn an_old_segment_that_was_open_is_read_by_name() {
    let before = read(&[segment(1, 100, false, false), segment(2, 200, true, true), finished(3)]);
    let named = Look::Named(vec![(100, Channel::Agent), (200, Channel::Agent)]);
    let changed = read(&[segment(4, 100, true, false), segment(2, 200, true, true)]);
    check(
        &mut Changes::after(0),
        &[
            (3, &[before], &[Look::Recent], &[1, 2, 3]),
            (4, &[read(&[finished(3)]), changed], &[Look::Recent, named], &[4]),
            (5, &[read(&[finished(3), finished(5)])], &[Look::Recent], &[5]),
        ],
    );
}

#[test]
fn what_is_found_nowhere_makes_all_be_read_and_seldom() {
    let mut changes = Changes::after(0);
    let all = read(&[segment(2, 5, true, false), finished(9)]);
    let recent = read(&[finished(9)]);
    let found = look(&mut changes, 2, 0, &[recent.clone(), all]);
    assert_eq!(found, (vec![Look::Recent, Look::All], vec![2]));
    // One stays missing: it is looked for where it is cheap, for a while, and all was read a moment ago.
    assert_eq!(look(&mut changes, 3, 1_000, std::slice::from_ref(&recent)), (vec![Look::Recent], vec![]));
    assert!(!changes.is_settled());
    assert_eq!(look(&mut changes, 3, 2_500, std::slice::from_ref(&recent)), (vec![Look::Recent], vec![]));
    assert_eq!(look(&mut changes, 3, 4_000, &[]), (vec![], vec![]));
    let late = read(&[finished(3), finished(9)]);
    assert_eq!(look(&mut changes, 3, 10_000, std::slice::from_ref(&late)), (vec![Look::All], vec![3]));
    assert!(changes.is_settled());
    assert_eq!(look(&mut changes, 3, 20_000, &[]), (vec![], vec![]));
    // What is stored later still is told with the next change.
    let later = read(&[segment(1, 7, true, false), finished(4)]);
    assert_eq!(look(&mut changes, 4, 30_000, std::slice::from_ref(&later)), (vec![Look::Recent], vec![1, 4]));
}

#[test]
fn progress_that_was_overwritten_is_not_looked_for() {
    let progress = |revision: u64, writes: u64| {
        let message = json!({
            "type": "progress", "call": "c", "revision": revision, "percent": 0, "landmarks": [], "objections": [],
            "remaining": [],
        });
        let known = finished(1);
        let mut messages = vec![known];
        messages.extend(serde_json::from_value::<ServerMessage>(message));
        Read { messages, progress_writes: Some(writes) }
    };
    check(
        &mut Changes::after(0),
        &[
            (2, &[progress(2, 1)], &[Look::Recent], &[1, 2]),
            (5, &[progress(5, 4)], &[Look::Recent], &[5]),
            // Here one more number was taken than progress was written.
            (8, &[progress(8, 6), progress(8, 6)], &[Look::Recent, Look::All], &[8]),
        ],
    );
}
