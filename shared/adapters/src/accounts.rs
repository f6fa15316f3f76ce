//! The `accounts` table: people, how they get in, keys, playbooks, and what was learned from feedback.

use callboard_domain::{
    OrgId, PlaybookId,
    playbook::{self, Playbook},
};
use callboard_wire::items::{PlaybookItem, SHARED_PLAYBOOKS_PK, playbooks_pk, sk};

use crate::{ServiceError, table::Table};

mod feedback;
mod invitations;
mod keys;
mod limits;
mod people;
mod playbooks;
mod sessions;

pub use keys::NOTE_MS;
pub use people::{Changed, Joined};
pub use playbooks::EARLIER_VERSIONS;

/// The table.
#[derive(Debug, Clone)]
pub struct Accounts(Table);

impl Accounts {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Whether there is a playbook of this id for an organization.
    pub async fn has_playbook(&self, org: &OrgId, id: &PlaybookId) -> Result<bool, ServiceError> {
        Ok(self.stored_playbook(org, id).await?.is_some() || playbook::is_shipped(id.as_str()))
    }

    /// An organization's playbook: its own, else the one that every organization has, else the one that is shipped.
    pub async fn playbook(&self, org: &OrgId, id: &PlaybookId) -> Result<Option<Playbook>, ServiceError> {
        Ok(self.stored_playbook(org, id).await?.or_else(|| playbook::shipped(id.as_str())))
    }

    async fn stored_playbook(&self, org: &OrgId, id: &PlaybookId) -> Result<Option<Playbook>, ServiceError> {
        let item = match self.own_playbook(org, id).await? {
            Some(item) => Some(item),
            None => self.shared_playbook(id).await?,
        };
        Ok(item.map(|item| item.playbook))
    }

    /// The playbook of this id that an organization wrote itself.
    pub async fn own_playbook(&self, org: &OrgId, id: &PlaybookId) -> Result<Option<PlaybookItem>, ServiceError> {
        self.0.get(&playbooks_pk(org), &sk::playbook(id.as_str())).await
    }

    /// The playbook of this id that every organization has.
    pub async fn shared_playbook(&self, id: &PlaybookId) -> Result<Option<PlaybookItem>, ServiceError> {
        self.0.get(SHARED_PLAYBOOKS_PK, &sk::playbook(id.as_str())).await
    }

    /// Stores a playbook that every organization has, with the text that it was read from.
    pub async fn put_shared_playbook(&self, playbook: &Playbook, text: &str) -> Result<(), ServiceError> {
        let item = PlaybookItem {
            pk: SHARED_PLAYBOOKS_PK.into(),
            sk: sk::playbook(playbook.id.as_str()),
            playbook: playbook.clone(),
            text: text.to_owned(),
        };
        self.0.put(&item).await
    }
}
