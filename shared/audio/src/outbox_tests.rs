//! The outbox on good connections, on bad ones, and against a model of the stack that loses and doubles messages.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn with_frames(frames: u32, limits: Limits) -> Outbox {
    let mut outbox = Outbox::new(limits);
    for seq in 1..=frames {
        assert_eq!(outbox.push(vec![seq as u8]), seq);
    }
    outbox
}

/// All that it sends now, in short.
fn drain(outbox: &mut Outbox, now: Duration) -> Vec<String> {
    std::iter::from_fn(|| outbox.poll(now))
        .map(|outgoing| match outgoing {
            Outgoing::Watch => "watch".into(),
            Outgoing::Audio { seq, payload } => {
                assert_eq!(payload[..], [seq as u8]);
                seq.to_string()
            }
            Outgoing::Gone { from, to } => format!("gone {from}-{to}"),
            Outgoing::Stop { seq } => format!("stop {seq}"),
        })
        .collect()
}

#[test]
fn a_good_call_says_everything_once() {
    let mut outbox = with_frames(2, Limits::default());
    assert_eq!(drain(&mut outbox, ms(0)), [""; 0], "nothing before there is a connection");
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(0)), ["watch", "1", "2"]);
    outbox.watching();
    outbox.push([3]);
    outbox.finish();
    assert_eq!(drain(&mut outbox, ms(80)), ["3", "stop 3"]);
    outbox.acknowledged(ms(100), 3);
    assert!(!outbox.is_settled());
    outbox.ended();
    assert!(outbox.is_settled());
    assert_eq!(outbox.timeout(), None);
    assert_eq!(drain(&mut outbox, ms(60_000)), [""; 0]);
}

#[test]
fn after_a_reconnect_only_what_was_not_acknowledged_is_sent() {
    let mut outbox = with_frames(4, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.acknowledged(ms(10), 2);
    outbox.disconnected();
    outbox.push([5]);
    assert_eq!(drain(&mut outbox, ms(20)), [""; 0]);
    assert_eq!(outbox.timeout(), None);
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(30)), ["watch", "3", "4", "5"]);
}

#[test]
fn stop_is_repeated_on_a_new_connection() {
    let mut outbox = with_frames(1, Limits::default());
    outbox.finish();
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(0)), ["watch", "1", "stop 1"]);
    outbox.acknowledged(ms(1), 1);
    outbox.disconnected();
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(2)), ["watch", "stop 1"]);
}

#[test]
fn what_is_asked_for_comes_before_what_is_new() {
    let mut outbox = with_frames(5, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.push([6]);
    outbox.resend(ms(10), 2, 3);
    outbox.resend(ms(10), 3, 4);
    assert_eq!(drain(&mut outbox, ms(10)), ["2", "3", "4", "6"]);
}

#[test]
fn what_was_never_sent_is_not_sent_twice() {
    let mut outbox = with_frames(3, Limits::default());
    outbox.connected();
    outbox.resend(ms(0), 1, 900);
    assert_eq!(drain(&mut outbox, ms(0)), ["watch", "1", "2", "3"]);
    outbox.resend(ms(0), 7, 9);
    outbox.resend(ms(0), 3, 2);
    assert_eq!(drain(&mut outbox, ms(0)), [""; 0]);
}

#[test]
fn what_was_forgotten_is_gone() {
    let mut outbox = with_frames(5, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.acknowledged(ms(10), 3);
    outbox.resend(ms(20), 2, 4);
    assert_eq!(drain(&mut outbox, ms(20)), ["gone 2-3", "4"]);
}

#[test]
fn a_source_that_cannot_wait_gives_the_oldest_up() {
    let limits = Limits { keep: 3, ..Limits::default() };
    let mut outbox = with_frames(5, limits);
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(0)), ["watch", "gone 1-2", "3", "4", "5"]);
    outbox.push([6]);
    assert_eq!(drain(&mut outbox, ms(1)), ["gone 3-3", "6"]);
    assert_eq!(outbox.unacknowledged(), 6);
    outbox.acknowledged(ms(2), 6);
    assert_eq!(outbox.unacknowledged(), 0);
}

#[test]
fn the_window_closes_and_opens_with_acknowledgements() {
    let mut outbox = with_frames(3, Limits { window: 3, ..Limits::default() });
    assert!(!outbox.has_room());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.acknowledged(ms(1), 1);
    assert!(outbox.has_room());
}

#[test]
fn a_late_acknowledgement_makes_it_start_over_ever_more_patiently() {
    let mut outbox = with_frames(3, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.watching();
    outbox.acknowledged(ms(1_000), 1);
    // An acknowledgement is due every 2 s; this one is 2 s late.
    assert_eq!(outbox.timeout(), Some(ms(5_000)));
    assert_eq!(drain(&mut outbox, ms(4_999)), [""; 0]);
    assert_eq!(drain(&mut outbox, ms(5_000)), ["2", "3"]);
    assert_eq!(outbox.timeout(), Some(ms(13_000)));
    assert_eq!(drain(&mut outbox, ms(13_000)), ["2", "3"]);
    assert_eq!(outbox.timeout(), Some(ms(29_000)));
    assert_eq!(drain(&mut outbox, ms(29_000)), ["2", "3"]);
    assert_eq!(outbox.timeout(), Some(ms(45_000)), "no longer than the longest wait");
    outbox.acknowledged(ms(30_000), 2);
    assert_eq!(outbox.timeout(), Some(ms(34_000)), "patience begins anew with progress");
}

#[test]
fn quiet_is_no_stall() {
    let mut outbox = with_frames(1, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    outbox.watching();
    outbox.acknowledged(ms(10), 1);
    assert_eq!(outbox.timeout(), None);
    outbox.push([2]);
    drain(&mut outbox, ms(60_000));
    assert_eq!(outbox.timeout(), Some(ms(64_000)));
}

#[test]
fn a_stop_that_got_lost_is_repeated_until_the_call_ends() {
    let mut outbox = with_frames(1, Limits::default());
    outbox.connected();
    outbox.watching();
    outbox.ended();
    outbox.finish();
    assert_eq!(drain(&mut outbox, ms(0)), ["1", "stop 1"], "an end from before the stop means nothing");
    outbox.acknowledged(ms(10), 1);
    assert_eq!(drain(&mut outbox, ms(4_010)), ["stop 1"]);
    outbox.ended();
    assert_eq!(drain(&mut outbox, ms(60_000)), [""; 0]);
}

#[test]
fn a_watch_that_is_not_confirmed_is_repeated() {
    let mut outbox = Outbox::new(Limits::default());
    outbox.connected();
    assert_eq!(drain(&mut outbox, ms(0)), ["watch"]);
    assert_eq!(drain(&mut outbox, ms(1_999)), [""; 0]);
    assert_eq!(drain(&mut outbox, ms(2_000)), ["watch"]);
    assert_eq!(outbox.timeout(), Some(ms(6_000)));
    outbox.watching();
    assert_eq!(outbox.timeout(), None);
}

#[test]
fn acknowledgements_may_come_late_twice_and_too_far() {
    let mut outbox = with_frames(3, Limits::default());
    outbox.connected();
    drain(&mut outbox, ms(0));
    for seq in [2, 1, 2, 0] {
        outbox.acknowledged(ms(1), seq);
        assert_eq!(outbox.unacknowledged(), 1);
    }
    outbox.acknowledged(ms(1), 4_000);
    assert_eq!((outbox.unacknowledged(), outbox.last()), (0, 3));
    assert_eq!(outbox.push([4]), 4);
    assert_eq!(drain(&mut outbox, ms(2)), ["4"]);
}

/// The stack, as far as an outbox sees it.
#[derive(Default)]
struct Stack {
    heard: BTreeSet<u32>,
    stop: Option<u32>,
}

impl Stack {
    fn without_gap(&self) -> u32 {
        (1..).take_while(|seq| self.heard.contains(seq)).last().unwrap_or(0)
    }
}

#[test]
fn every_frame_arrives_over_a_connection_that_loses_doubles_and_breaks() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut outbox = Outbox::new(Limits { window: 20, ..Limits::default() });
        let mut stack = Stack::default();
        let frames = random.random_range(1..120);
        let (mut now, mut sent) = (ms(0), 0_u32);
        let mut connected = false;
        while !outbox.is_settled() {
            now += ms(20);
            assert!(now < Duration::from_secs(3_600), "seed {seed} never settles: {outbox:?}");
            if random.random_bool(0.01) {
                outbox.disconnected();
                connected = false;
            } else if !connected && random.random_bool(0.1) {
                outbox.connected();
                connected = true;
            }
            while outbox.last() < frames && outbox.has_room() {
                outbox.push([(outbox.last() + 1) as u8]);
            }
            if outbox.last() == frames {
                outbox.finish();
            }
            while let Some(outgoing) = outbox.poll(now) {
                sent += 1;
                if random.random_bool(0.2) {
                    continue;
                }
                match outgoing {
                    Outgoing::Watch => outbox.watching(),
                    Outgoing::Audio { seq, payload } => {
                        assert_eq!(payload[..], [seq as u8]);
                        stack.heard.insert(seq);
                    }
                    Outgoing::Gone { .. } => {}
                    Outgoing::Stop { seq } => stack.stop = Some(seq),
                }
            }
            if !connected || random.random_bool(0.2) {
                continue;
            }
            outbox.acknowledged(now, stack.without_gap());
            let (known, furthest) = (stack.without_gap(), stack.heard.last().copied().unwrap_or(0));
            if furthest > known && random.random_bool(0.2) {
                outbox.resend(now, known + 1, furthest);
            }
            if stack.stop == Some(stack.without_gap()) {
                outbox.ended();
            }
        }
        assert_eq!(stack.without_gap(), frames, "seed {seed}");
        assert!(sent < 60 * frames + 200, "seed {seed} sent {sent} messages for {frames} frames");
    }
}
