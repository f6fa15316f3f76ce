//! What the `accounts` table holds of an organization as a whole: its settings, and what it used of language models.

use callboard_domain::{OrgId, settings::OrgSettings};
use callboard_wire::items::{ModelUse, OrgSettingsItem, RETENTIONS_PK, RetentionItem, settings_pk, sk, usage_pk};

use crate::{
    ServiceError,
    table::{Query, Table},
};

/// The table.
#[derive(Debug, Clone)]
pub struct Orgs(Table);

impl Orgs {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// The settings of an organization.
    pub async fn settings(&self, org: &OrgId) -> Result<OrgSettings, ServiceError> {
        let item: Option<OrgSettingsItem> = self.0.get(&settings_pk(org), sk::SELF).await?;
        Ok(item.map(|item| item.settings).unwrap_or_default())
    }

    /// Stores the settings of an organization.
    pub async fn put_settings(&self, org: &OrgId, settings: &OrgSettings) -> Result<(), ServiceError> {
        // Whoever keeps calls for a while only is in the list of those at every moment: settings are what counts.
        if settings.retention_days.is_some() {
            self.0.put(&RetentionItem { pk: RETENTIONS_PK.into(), sk: org.clone() }).await?;
        }
        self.0.put(&OrgSettingsItem { pk: settings_pk(org), sk: sk::SELF.into(), settings: *settings }).await?;
        if settings.retention_days.is_none() {
            self.0.delete(RETENTIONS_PK, org.as_str()).await?;
        }
        Ok(())
    }

    /// The organizations that keep calls for a while only; perhaps some more.
    pub async fn with_retention(&self) -> Result<Vec<OrgId>, ServiceError> {
        let items: Vec<RetentionItem> = self.0.query(&Query { pk: RETENTIONS_PK, ..Query::default() }).await?.items;
        Ok(items.into_iter().map(|item| item.sk).collect())
    }

    /// What an organization used of language models on a day, counted from the Unix epoch.
    pub async fn model_use(&self, org: &OrgId, day: i64) -> Result<ModelUse, ServiceError> {
        Ok(self.0.get(&usage_pk(org), &sk::day(day)).await?.unwrap_or_default())
    }

    /// Counts what an organization used of language models on a day.
    pub async fn count_model_use(&self, org: &OrgId, day: i64, counts: &[(&str, u64)]) -> Result<(), ServiceError> {
        self.0.add_all(&usage_pk(org), &sk::day(day), counts).await
    }
}
