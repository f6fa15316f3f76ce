//! Where a back end is known not to do as AWS does, and why. A part of the contract that comes upon a difference says so by
//! its name, and fails as soon as there is none any more.

use crate::backend::Name;

/// What is done otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    /// AWS removes items whose time to live is over, within days.
    Expiry,
    /// AWS takes an address only as it was signed, and while it is good.
    Signatures,
    /// API Gateway answers 410 of a connection that is not there.
    GoneConnections,
    /// API Gateway takes messages of 128 KiB at most.
    MessageSize,
    /// S3 takes a bucket's lifecycle rules by an operation, and tells them.
    BucketSettings,
    /// A receive that is to wait does so where there is nothing to receive.
    LongPolling,
    /// A FIFO queue knows what it was sent for five minutes, also what was received and deleted meanwhile.
    Duplicates,
    /// S3 says of an upload that is done or given up that there is none.
    AbsentUploads,
    /// S3 says so, too, to whoever completes one that was given up.
    GivenUpUploads,
    /// An upload whose completion S3 refuses is still there.
    RefusedCompletions,
    /// S3 says of a bucket that is not there that there is none.
    AbsentBuckets,
    /// The list of an upload's parts is a `ListPartsResult`.
    ListedParts,
    /// Secrets Manager keeps secrets.
    Secrets,
}

/// Each with its reason.
const KNOWN: &[(Name, Difference, &str)] = &[
    (Name::Local, Difference::RefusedCompletions, "it forgets the upload before it looks at the parts"),
    (Name::Moto, Difference::GivenUpUploads, "its server fails over it instead of answering"),
    (Name::Moto, Difference::Expiry, "it stores which attribute it is, and has nothing that would remove items"),
    (Name::Moto, Difference::Signatures, "it looks at no signature and at no time, so that any credentials do"),
    (Name::Moto, Difference::GoneConnections, "it has no sockets: any connection that is asked for is there"),
    (Name::Moto, Difference::MessageSize, "it has no sockets: a message of any size goes nowhere"),
    (Name::Moto, Difference::Duplicates, "it looks for the same among the messages that are still there"),
    (
        Name::Moto,
        Difference::ListedParts,
        "it writes ListPartsResponse, which the SDK does not take; it is renamed on its way",
    ),
    (Name::Local, Difference::AbsentUploads, "it lists no parts, and refuses the rest as if the upload were another's"),
    (Name::Local, Difference::AbsentBuckets, "it makes the folder of a bucket with the first object"),
    (Name::Local, Difference::BucketSettings, "it removes objects by the template's rules, and takes no others"),
    (Name::Local, Difference::Secrets, "it has no such service: its functions are given what secrets hold"),
    (
        Name::Local,
        Difference::LongPolling,
        "it answers at once: its event sources wait by themselves, without a receive",
    ),
];

/// All that is known of a back end.
pub(crate) fn known(name: Name) -> Vec<(Difference, &'static str)> {
    KNOWN.iter().filter(|(who, ..)| *who == name).map(|(_, what, why)| (*what, *why)).collect()
}

/// Whether a back end does this as AWS does.
pub(crate) fn none(name: Name, difference: Difference) -> bool {
    !KNOWN.iter().any(|(who, what, _)| (*who, *what) == (name, difference))
}
