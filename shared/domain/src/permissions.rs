//! Roles and what they may do: the one place that decides it.

use serde::{Deserialize, Serialize};

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Speaks on calls: sees their own.
    Agent,
    /// Follows the organization's calls.
    Supervisor,
    /// Supervisor who also manages users, keys and playbooks.
    Admin,
    /// A device or script that may only send audio.
    Capture,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send audio of a call, end it.
    CaptureCall,
    /// Read or watch one call that `owner` captured.
    ReadCall,
    /// List or watch all calls of the organization.
    ReadAllCalls,
}

impl Role {
    /// The role's name in tokens, keys and contexts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
            Self::Capture => "capture",
        }
    }

    /// Whether a principal of this role may do this. `own` says that the call was captured by the same principal.
    /// The organization is compared before and apart from this: no role reaches into another organization.
    pub fn may(self, action: Action, own: bool) -> bool {
        match (self, action) {
            (Self::Capture, Action::CaptureCall) => true,
            // A capture connection may watch the call it captures, and nothing else.
            (Self::Capture, Action::ReadCall) => own,
            (Self::Capture, Action::ReadAllCalls) => false,
            (Self::Agent, Action::CaptureCall) => true,
            (Self::Agent, Action::ReadCall) => own,
            (Self::Agent, Action::ReadAllCalls) => false,
            (Self::Supervisor | Self::Admin, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capture_sends_and_sees_only_its_own_call() {
        assert!(Role::Capture.may(Action::CaptureCall, false));
        assert!(Role::Capture.may(Action::ReadCall, true));
        assert!(!Role::Capture.may(Action::ReadCall, false));
        assert!(!Role::Capture.may(Action::ReadAllCalls, false));
    }

    #[test]
    fn agents_see_their_own_calls_and_supervisors_all() {
        assert!(!Role::Agent.may(Action::ReadCall, false));
        assert!(Role::Agent.may(Action::ReadCall, true));
        assert!(Role::Supervisor.may(Action::ReadCall, false));
        assert!(Role::Admin.may(Action::ReadAllCalls, false));
    }
}
