//! The `accounts` table: keys and playbooks.

use callboard_domain::{OrgId, PlaybookId, playbook::Playbook};
use callboard_wire::items::{KeyItem, PlaybookItem, SHARED_PLAYBOOKS_PK, key_pk, playbooks_pk, sk};

use crate::{ServiceError, table::Table};

/// The table.
#[derive(Debug, Clone)]
pub struct Accounts(Table);

impl Accounts {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// The key with this hash of its secret.
    pub async fn key(&self, secret_hash: &str) -> Result<Option<KeyItem>, ServiceError> {
        self.0.get(&key_pk(secret_hash), sk::SELF).await
    }

    /// Stores a key.
    pub async fn put_key(&self, key: &KeyItem) -> Result<(), ServiceError> {
        self.0.put(key).await
    }

    /// An organization's playbook: its own, else the one that every organization has.
    pub async fn playbook(&self, org: &OrgId, id: &PlaybookId) -> Result<Option<Playbook>, ServiceError> {
        let sort = sk::playbook(id.as_str());
        let own: Option<PlaybookItem> = self.0.get(&playbooks_pk(org), &sort).await?;
        let item = match own {
            Some(item) => Some(item),
            None => self.0.get(SHARED_PLAYBOOKS_PK, &sort).await?,
        };
        Ok(item.map(|item: PlaybookItem| item.playbook))
    }

    /// Stores a playbook that every organization has.
    pub async fn put_shared_playbook(&self, playbook: &Playbook) -> Result<(), ServiceError> {
        let item = PlaybookItem {
            pk: SHARED_PLAYBOOKS_PK.into(),
            sk: sk::playbook(playbook.id.as_str()),
            playbook: playbook.clone(),
        };
        self.0.put(&item).await
    }
}
