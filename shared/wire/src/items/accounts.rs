//! Items of the `accounts` table: playbooks, settings, and what was learned from feedback.

use callboard_domain::{OrgId, PlaybookId, feedback::Experience, playbook::Playbook, settings::OrgSettings};
use serde::{Deserialize, Serialize};

/// An organization's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrgSettingsItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The settings.
    pub settings: OrgSettings,
}

/// An organization that keeps calls for a while only. How long, its settings say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionItem {
    /// Key.
    pub pk: String,
    /// Key: the organization.
    pub sk: OrgId,
}

/// A playbook in the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaybookItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The playbook, under the version that it has in the table.
    pub playbook: Playbook,
    /// The text it was read from, exactly as it was written. Older items have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What an organization learned about the answers to one objection of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedbackItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Playbook.
    pub playbook: PlaybookId,
    /// Objection of the playbook.
    pub objection: String,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// Verdicts and wordings.
    pub experience: Experience,
}
