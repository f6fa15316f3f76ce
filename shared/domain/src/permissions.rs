//! Roles and what they may do: the one place that decides it.

use serde::{Deserialize, Serialize};

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Speaks on calls: sees their own.
    Agent,
    /// Follows the organization's calls.
    Supervisor,
    /// Supervisor who also manages people, invitations, keys and playbooks.
    Admin,
    /// A device or script that may only send audio.
    Capture,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send audio of a call, end it.
    CaptureCall,
    /// Hand in a recording; go on with one that `owner` handed in.
    UploadRecording,
    /// Remove a call with all that belongs to it.
    DeleteCall,
    /// Read or watch one call that `owner` captured.
    ReadCall,
    /// List or watch all calls of the organization.
    ReadAllCalls,
    /// Say what one thinks of a card of a call that `owner` captured.
    GiveFeedback,
    /// Read and check playbooks.
    ReadPlaybooks,
    /// Run the rules of a playbook over what was said; a call's words must be readable besides.
    TryPlaybooks,
    /// Create, replace and delete playbooks of the organization.
    ManagePlaybooks,
    /// Read the organization's settings.
    ReadSettings,
    /// Change the organization's settings.
    ManageSettings,
    /// Read who one is.
    ReadMe,
    /// Change one's own password; only people have one.
    ChangePassword,
    /// Read who is in the organization.
    ReadTeam,
    /// Change, disable and remove people of the organization.
    ManageUsers,
    /// Read, write and take back invitations.
    ManageInvitations,
    /// Read, make and take back keys.
    ManageKeys,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Supervisor, Self::Admin, Self::Capture];

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether a person can have it.
    pub fn is_for_people(self) -> bool {
        self != Self::Capture
    }

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
        match action {
            Action::CaptureCall | Action::UploadRecording => true,
            // A capture connection may watch the call it captures, and nothing else.
            Action::ReadCall => own || self.follows_all(),
            Action::GiveFeedback => self.follows_all() || (own && self == Self::Agent),
            Action::ReadPlaybooks | Action::TryPlaybooks | Action::ReadMe | Action::ChangePassword => {
                self.is_for_people()
            }
            Action::ReadAllCalls | Action::ReadSettings | Action::ReadTeam => self.follows_all(),
            Action::DeleteCall
            | Action::ManagePlaybooks
            | Action::ManageSettings
            | Action::ManageUsers
            | Action::ManageInvitations
            | Action::ManageKeys => self == Self::Admin,
        }
    }

    fn follows_all(self) -> bool {
        matches!(self, Self::Supervisor | Self::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each role: whether it may, and whether it may where the call is its own.
    #[track_caller]
    fn check(action: Action, agent: [bool; 2], supervisor: [bool; 2], admin: [bool; 2], capture: [bool; 2]) {
        for (role, expected) in Role::ALL.into_iter().zip([agent, supervisor, admin, capture]) {
            assert_eq!([false, true].map(|own| role.may(action, own)), expected, "{} {action:?}", role.as_str());
        }
    }

    #[test]
    fn every_role_may_what_it_is_for() {
        const YES: [bool; 2] = [true, true];
        const OWN: [bool; 2] = [false, true];
        const NO: [bool; 2] = [false, false];
        // agent, supervisor, admin, capture
        check(Action::CaptureCall, YES, YES, YES, YES);
        check(Action::UploadRecording, YES, YES, YES, YES);
        check(Action::DeleteCall, NO, NO, YES, NO);
        check(Action::ReadCall, OWN, YES, YES, OWN);
        check(Action::ReadAllCalls, NO, YES, YES, NO);
        check(Action::GiveFeedback, OWN, YES, YES, NO);
        check(Action::ReadPlaybooks, YES, YES, YES, NO);
        check(Action::TryPlaybooks, YES, YES, YES, NO);
        check(Action::ManagePlaybooks, NO, NO, YES, NO);
        check(Action::ReadSettings, NO, YES, YES, NO);
        check(Action::ManageSettings, NO, NO, YES, NO);
        check(Action::ReadMe, YES, YES, YES, NO);
        check(Action::ChangePassword, YES, YES, YES, NO);
        check(Action::ReadTeam, NO, YES, YES, NO);
        check(Action::ManageUsers, NO, NO, YES, NO);
        check(Action::ManageInvitations, NO, NO, YES, NO);
        check(Action::ManageKeys, NO, NO, YES, NO);
    }
}
