//! Keys: one function a key. Keys begin with the organization.

use callboard_domain::{CallId, OrgId};

/// Partition key of everything about one call, in `calls` and `live`.
pub fn call_pk(org: &OrgId, call: &CallId) -> String {
    format!("ORG#{org}#CALL#{call}")
}

/// Partition key of an organization's calls in the index `by_start`, and of its watchers.
pub fn calls_pk(org: &OrgId) -> String {
    format!("ORG#{org}#CALLS")
}

/// Partition key of an organization's playbooks.
pub fn playbooks_pk(org: &OrgId) -> String {
    format!("ORG#{org}#PLAYBOOKS")
}

/// Partition key of the playbooks that every organization has.
pub const SHARED_PLAYBOOKS_PK: &str = "PLAYBOOKS";

/// Partition key of an organization's settings.
pub fn settings_pk(org: &OrgId) -> String {
    format!("ORG#{org}#SETTINGS")
}

/// Partition key of the organizations that keep calls for a while only, one item each.
pub const RETENTIONS_PK: &str = "RETENTIONS";

/// Partition key, in the index `by_start`, of recordings whose audio is expected, of all organizations.
pub const AWAITED_PK: &str = "AWAITED";

/// Partition key of what an organization used, day by day.
pub fn usage_pk(org: &OrgId) -> String {
    format!("ORG#{org}#USAGE")
}

/// Partition key of what an organization learned from its feedback on cards.
pub fn feedback_pk(org: &OrgId) -> String {
    format!("ORG#{org}#FEEDBACK")
}

/// Partition key of a key or token, by the hash of its secret.
pub fn key_pk(secret_hash: &str) -> String {
    format!("KEY#{secret_hash}")
}

/// Partition key of an organization's people: itself, users, invitations and keys.
pub fn people_pk(org: &OrgId) -> String {
    format!("ORG#{org}#PEOPLE")
}

/// Partition key of when an organization's keys were last shown.
pub fn used_pk(org: &OrgId) -> String {
    format!("ORG#{org}#USED")
}

/// Partition key of how many requests a principal made, minute by minute.
pub fn rate_pk(org: &OrgId, principal: &str) -> String {
    format!("ORG#{org}#RATE#{principal}")
}

/// Partition key, in `sockets`, of a principal's connections.
pub fn principal_pk(org: &OrgId, principal: &str) -> String {
    format!("ORG#{org}#PRINCIPAL#{principal}")
}

/// Partition key of an e-mail address, as it is compared.
pub fn email_pk(email: &str) -> String {
    format!("EMAIL#{email}")
}

/// Partition key of an e-mail address's failed logins.
pub fn lockout_pk(email: &str) -> String {
    format!("LOCKOUT#{email}")
}

/// Partition key of an invitation, by the hash of its secret.
pub fn invitation_pk(secret_hash: &str) -> String {
    format!("INVITATION#{secret_hash}")
}

/// Partition key of a session.
pub fn session_pk(session: &str) -> String {
    format!("SESSION#{session}")
}

/// Partition key of the keys that sign access tokens.
pub const SIGNING_PK: &str = "SIGNING";

/// Partition key of what is known of this deployment as a whole.
pub const DEPLOYMENT_PK: &str = "DEPLOYMENT";

/// Partition key of a connection.
pub fn connection_pk(connection: &str) -> String {
    format!("CONN#{connection}")
}

/// Sort keys of the items under one call.
pub mod sk {
    use callboard_domain::Channel;

    /// The call itself.
    pub const CALL: &str = "CALL";
    /// The call's revision counter. Nobody is told of its changes.
    pub const REVISION: &str = "REVISION";
    /// The call's progress.
    pub const PROGRESS: &str = "PROGRESS";
    /// The notes after the call.
    pub const NOTES: &str = "NOTES";
    /// How far a recorded call is.
    pub const RECORDING: &str = "RECORDING";
    /// What a language model did for the call, counted. Nobody is told of its changes.
    pub const ADVICE: &str = "ADVICE";
    /// Prefix of segments.
    pub const SEGMENT: &str = "SEG#";
    /// Prefix of cards.
    pub const CARD: &str = "CARD#";
    /// Prefix of watches, under what is watched.
    pub const WATCH: &str = "WATCH#";
    /// The one item of a connection or key.
    pub const SELF: &str = "SELF";

    /// An organization, among its people.
    pub const ORG: &str = "ORG";
    /// Prefix of people.
    pub const USER: &str = "USER#";
    /// Prefix of invitations.
    pub const INVITATION: &str = "INVITATION#";
    /// Prefix of keys.
    pub const KEY: &str = "KEY#";

    /// A person.
    pub fn user(id: &str) -> String {
        format!("{USER}{id}")
    }

    /// An invitation.
    pub fn invitation(id: &str) -> String {
        format!("{INVITATION}{id}")
    }

    /// A key.
    pub fn key(id: &str) -> String {
        format!("{KEY}{id}")
    }

    /// A minute, counted from the Unix epoch.
    pub fn minute(minute: i64) -> String {
        format!("MINUTE#{minute:010}")
    }

    /// A period in which one key signs, counted from the Unix epoch.
    pub fn period(period: i64) -> String {
        format!("PERIOD#{period:08}")
    }

    /// A segment: sorted by start, then channel.
    pub fn segment(start_ms: u64, channel: Channel) -> String {
        format!("{SEGMENT}{start_ms:010}#{}", channel.as_str())
    }

    /// A card.
    pub fn card(id: &str) -> String {
        format!("{CARD}{id}")
    }

    /// A day, counted from the Unix epoch.
    pub fn day(day: i64) -> String {
        format!("DAY#{day:08}")
    }

    /// A connection that watches.
    pub fn watch(connection: &str) -> String {
        format!("{WATCH}{connection}")
    }

    /// Prefix of playbooks.
    pub const PLAYBOOK: &str = "PLAYBOOK#";

    /// A playbook.
    pub fn playbook(id: &str) -> String {
        format!("{PLAYBOOK}{id}")
    }

    /// Prefix of the earlier versions of one playbook: apart from the playbooks, so that a list reads none of them.
    pub fn earlier_playbooks(id: &str) -> String {
        format!("EARLIER#{id}#")
    }

    /// An earlier version of a playbook: sorted by version.
    pub fn earlier_playbook(id: &str, version: u32) -> String {
        format!("{}{version:010}", earlier_playbooks(id))
    }

    /// Prefix of what was learned about the objections of one playbook.
    pub fn feedbacks(playbook: &str) -> String {
        format!("{playbook}#")
    }

    /// What was learned about one objection.
    pub fn feedback(playbook: &str, objection: &str) -> String {
        format!("{}{objection}", feedbacks(playbook))
    }
}
