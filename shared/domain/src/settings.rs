//! What an organization decides for all of its calls.

use serde::{Deserialize, Serialize};

/// The settings of an organization. What is not set is as a new organization has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrgSettings {
    /// What becomes of card numbers and the like.
    #[serde(default)]
    pub redaction: RedactionPolicy,
}

/// What becomes of payment cards, social security and bank numbers, dates of birth, e-mail addresses and telephone
/// numbers that people say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RedactionPolicy {
    /// They stay in the text.
    Off,
    /// They are masked in the text.
    #[default]
    Mask,
    /// They are masked in the text, and audio that is kept is silenced over them. Today no audio is kept, but of utterances
    /// that wait for their text.
    MaskAndDropAudio,
}
