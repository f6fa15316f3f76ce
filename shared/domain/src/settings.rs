//! What an organization decides for all of its calls.

use serde::{Deserialize, Serialize};

/// Longest that calls are kept before they are removed, in days: ten years.
pub const MOST_RETENTION_DAYS: u16 = 3_650;

/// The settings of an organization. What is not set is as a new organization has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrgSettings {
    /// What becomes of card numbers and the like.
    #[serde(default)]
    pub redaction: RedactionPolicy,
    /// How many days after their start calls are removed, with all that belongs to them; none keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MOST_RETENTION_DAYS)))]
    pub retention_days: Option<u16>,
    /// The file that was uploaded stays beside the kept audio that was made from it, which doubles what is stored. It never
    /// stays where audio is to be silenced.
    #[serde(default)]
    pub keep_source: bool,
    /// Calls that are over are written out for tables elsewhere.
    #[serde(default = "yes")]
    pub export: bool,
}

fn yes() -> bool {
    true
}

impl Default for OrgSettings {
    fn default() -> Self {
        Self { redaction: RedactionPolicy::default(), retention_days: None, keep_source: false, export: true }
    }
}

/// What is wrong with settings, in words for the person who has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Calls cannot be kept for so long, or for no time at all.
    #[error("retention_days must be from 1 to {MOST_RETENTION_DAYS}, and not {0}; leave it out to keep calls")]
    Retention(u16),
}

impl OrgSettings {
    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        match self.retention_days {
            Some(days) if !(1..=MOST_RETENTION_DAYS).contains(&days) => Err(SettingsError::Retention(days)),
            _ => Ok(()),
        }
    }

    /// Whether an uploaded file stays once it was worked on.
    pub fn keeps_source(&self) -> bool {
        self.keep_source && self.redaction != RedactionPolicy::MaskAndDropAudio
    }
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
    /// They are masked in the text, and audio that is kept is silenced over them.
    MaskAndDropAudio,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_a_new_organization_has_it() {
        assert_eq!(serde_json::from_str::<OrgSettings>("{}").unwrap(), OrgSettings::default());
        let written = serde_json::to_string(&OrgSettings::default()).unwrap();
        assert_eq!(serde_json::from_str::<OrgSettings>(&written).unwrap(), OrgSettings::default());
        assert!(serde_json::from_str::<OrgSettings>(r#"{"retention":1}"#).is_err());
    }

    #[test]
    fn calls_are_kept_for_a_day_at_least_and_ten_years_at_most() {
        for (days, expected) in
            [(None, true), (Some(0), false), (Some(1), true), (Some(3_650), true), (Some(3_651), false)]
        {
            let settings = OrgSettings { retention_days: days, ..OrgSettings::default() };
            assert_eq!(settings.check().is_ok(), expected, "{days:?}");
        }
    }

    #[test]
    fn a_source_never_stays_where_audio_is_silenced() {
        for (keep_source, redaction, expected) in [
            (false, RedactionPolicy::Off, false),
            (true, RedactionPolicy::Mask, true),
            (true, RedactionPolicy::MaskAndDropAudio, false),
        ] {
            let settings = OrgSettings { keep_source, redaction, ..OrgSettings::default() };
            assert_eq!(settings.keeps_source(), expected, "{redaction:?}");
        }
    }
}
