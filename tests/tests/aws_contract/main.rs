//! One contract for every AWS operation that the code calls, kept by two back ends: the local stack's services, in this
//! process, and moto's, which others write and compare with AWS. The local stack was written by who wrote the code; where
//! it errs, its tests would err alike.
//!
//! The contract is made through the adapters where they have it, so it is also theirs: what they take an answer for is
//! what both back ends mean by it. `coverage` finds the operations in the code, and each must have been answered here.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on ends here, and it starts another process"
)]

mod backend;
mod coverage;
mod differences;
mod dynamodb;
mod gateway;
mod kinesis;
mod moto;
mod queries;
mod recorder;
mod redrive;
mod s3;
mod secrets;
mod sqs;
mod uploads;

use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use futures_util::FutureExt as _;

use backend::Backend;

/// One part of the contract: a back end keeps it, or it panics.
type Part = fn(Arc<Backend>) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! contract {
    ($($area:ident::$part:ident,)*) => {
        &[$((concat!(stringify!($area), "::", stringify!($part)), |backend| Box::pin($area::$part(backend)))),*]
    };
}

const CONTRACT: &[(&str, Part)] = contract![
    dynamodb::conditional_writes,
    dynamodb::counters_and_sets,
    dynamodb::transactions,
    dynamodb::batches_that_are_left_unprocessed,
    dynamodb::limits,
    dynamodb::times_to_live,
    queries::partitions,
    queries::large_pages,
    queries::indexes,
    queries::searches,
    kinesis::order_within_a_call,
    kinesis::iterators,
    sqs::visibility,
    sqs::delays,
    sqs::groups_and_duplicates,
    sqs::dead_letters,
    sqs::refusals,
    s3::objects,
    s3::ranges,
    s3::listings_and_removals,
    s3::presigned_addresses,
    s3::lifecycles,
    uploads::parts,
    uploads::given_up,
    gateway::connections,
    redrive::batches_of_frames,
    redrive::batches_of_items,
    secrets::settings,
];

/// Far more than any part takes, on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(600);

/// Tries all of it, so that one part that is broken hides no other.
async fn keeps_the_contract(backend: Backend) {
    let backend = Arc::new(backend);
    let mut broken = Vec::new();
    for (name, part) in CONTRACT {
        // A panic is told by the harness; one that waits for ever would hide it.
        let part = AssertUnwindSafe(part(backend.clone())).catch_unwind();
        match tokio::time::timeout(LONGEST, part).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => broken.push(name.to_string()),
            Err(_) => broken.push(format!("{name} within {LONGEST:?}")),
        }
    }
    let known = differences::known(backend.name);
    assert!(broken.is_empty(), "{:?} does not keep {broken:?}; known of it is {known:#?}", backend.name);
    let answered = backend.recorder.answered();
    let called = coverage::called();
    let is_there =
        |operation: &str| operation != "get_secret_value" || backend.as_aws(differences::Difference::Secrets);
    let missing: Vec<_> =
        called.iter().filter(|(operation, _)| !answered.contains(*operation) && is_there(operation)).collect();
    assert!(missing.is_empty(), "the code calls what no part of the contract does: {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_services_keep_the_contract() {
    keeps_the_contract(Backend::local().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moto_keeps_the_contract() {
    keeps_the_contract(Backend::moto().await).await;
}
