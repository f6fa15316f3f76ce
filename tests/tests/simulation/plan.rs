//! What happens in one simulated run: everything follows from its seed.

use fastrand::Rng;

/// How often something goes wrong, each a share of the occasions; zero where the seed leaves it out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// A message is lost between client and function.
    pub(crate) message_lost: f64,
    /// A message comes twice.
    pub(crate) message_doubled: f64,
    /// Longest way of a message through the gateway, in milliseconds: what is slow is overtaken.
    pub(crate) message_delay_ms: u64,
    /// An AWS service refuses a request: throttled.
    pub(crate) throttled: f64,
    /// An AWS service does what was asked, and its answer is lost.
    pub(crate) answer_lost: f64,
    /// Longest time that a request to an AWS service takes, in milliseconds.
    pub(crate) request_ms: u64,
    /// An invocation fails before it did anything.
    pub(crate) fails_before: f64,
    /// An invocation fails after it did all its work.
    pub(crate) fails_after: f64,
    /// An invocation is broken off in the middle.
    pub(crate) broken_off: f64,
    /// A batch runs in two environments at once.
    pub(crate) raced: f64,
    /// An invocation gets a new environment though one is idle.
    pub(crate) fresh_environment: f64,
    /// A dashboard vanishes without a goodbye, for each second.
    pub(crate) dashboard_vanishes: f64,
    /// The transcription service does not do what it is asked.
    pub(crate) speech: f64,
    /// Longest time that the transcription service takes, in milliseconds.
    pub(crate) speech_ms: u64,
}

/// A connection that is lost: when, and for how long nothing gets through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) at_ms: u64,
    pub(crate) for_ms: u64,
}

/// One capture.
#[derive(Debug, Clone)]
pub(crate) struct CallPlan {
    /// Turns of the demo call that it is put together from.
    pub(crate) turns: Vec<usize>,
    /// Length of a frame.
    pub(crate) frame_ms: u64,
    /// When it begins.
    pub(crate) begins_ms: u64,
    /// Frames are sent as fast as they can be, not as they are spoken.
    pub(crate) recorded: bool,
    /// Connections that are lost.
    pub(crate) cuts: Vec<Cut>,
    /// The client vanishes for good, before its last word.
    pub(crate) vanishes_ms: Option<u64>,
    /// Unacknowledged frames that the client keeps.
    pub(crate) keep: usize,
    /// A turn that the transcription service refuses for ever.
    pub(crate) refused_turn: Option<usize>,
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) calls: Vec<CallPlan>,
    pub(crate) faults: Faults,
    /// After this nothing goes wrong any more, and all must come to rest.
    pub(crate) calm_ms: u64,
    /// When the whole stack is killed, and how long it is away.
    pub(crate) kills: Vec<Cut>,
    pub(crate) shards: usize,
    pub(crate) batch_size: usize,
    pub(crate) parallelization: usize,
    pub(crate) retries: u32,
    /// Whether utterances are shown while they go on.
    pub(crate) partial_text: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        // A swarm: each seed has some kinds of fault, rarely all of them at once.
        let mut share = |most: f64| if rng.bool() { rng.f64() * most } else { 0.0 };
        let faults = Faults {
            message_lost: share(0.15),
            message_doubled: share(0.15),
            message_delay_ms: share(1_500.0) as u64 + 20,
            throttled: share(0.08),
            answer_lost: share(0.05),
            request_ms: share(250.0) as u64 + 3,
            fails_before: share(0.15),
            fails_after: share(0.15),
            broken_off: share(0.08),
            raced: share(0.5),
            fresh_environment: share(0.3),
            dashboard_vanishes: share(0.2),
            speech: share(0.6),
            speech_ms: share(3_000.0) as u64 + 30,
        };
        let calls: Vec<CallPlan> = (0..[1, 1, 1, 2, 2, 3][rng.usize(..6)]).map(|_| CallPlan::of(rng)).collect();
        let spoken_ms = calls.iter().map(|call| call.begins_ms + call.turns.len() as u64 * 4_000).max().unwrap_or(0);
        let calm_ms = spoken_ms + rng.u64(..15_000);
        let kills = (0..[0, 0, 1, 2][rng.usize(..4)])
            .map(|_| Cut { at_ms: rng.u64(1_000..calm_ms), for_ms: rng.u64(200..8_000) })
            .collect();
        Self {
            seed,
            calls,
            faults,
            calm_ms,
            kills,
            shards: rng.usize(1..=2),
            batch_size: [1, 3, 10, 200][rng.usize(..4)],
            parallelization: [1, 10][rng.usize(..2)],
            // A few seeds give up early, so that batches end in the bucket.
            retries: [20, 20, 20, 2][rng.usize(..4)],
            partial_text: seed % 2 == 1,
        }
    }
}

impl CallPlan {
    fn of(rng: &mut Rng) -> Self {
        let turns: Vec<usize> = (0..rng.usize(2..=3)).map(|_| rng.usize(..8)).collect();
        let ends_ms = turns.len() as u64 * 3_500;
        let cuts = (0..[0, 0, 1, 2][rng.usize(..4)])
            .map(|_| {
                let long = rng.f64() < 0.1;
                Cut {
                    at_ms: rng.u64(..ends_ms),
                    for_ms: if long { rng.u64(70_000..100_000) } else { rng.u64(..25_000) },
                }
            })
            .collect();
        Self {
            frame_ms: [150, 300, 500, 700][rng.usize(..4)],
            begins_ms: rng.u64(..3_000),
            recorded: rng.f64() < 0.2,
            cuts,
            vanishes_ms: (rng.f64() < 0.15).then(|| rng.u64(..ends_ms)),
            keep: if rng.f64() < 0.1 { rng.usize(3..20) } else { usize::MAX },
            refused_turn: (rng.f64() < 0.1).then(|| rng.usize(..turns.len())),
            turns,
        }
    }
}
