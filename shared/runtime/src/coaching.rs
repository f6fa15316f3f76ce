//! What the functions share that coach a call: playbooks made ready for matching.

use std::sync::Arc;

use callboard_adapters::{ServiceError, accounts::Accounts};
use callboard_domain::{OrgId, PlaybookId, coaching::Rules};

use crate::Cache;

/// How long compiled rules are kept before the playbook is read again.
const RULES_MS: i64 = 60_000;

/// The rules of every playbook that was asked for lately.
#[derive(Debug)]
pub struct RuleBook {
    accounts: Accounts,
    known: Cache<(OrgId, PlaybookId), Arc<Rules>>,
}

/// Why a call was not coached.
#[derive(Debug, thiserror::Error)]
pub enum CoachingError {
    /// A table failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The call names a playbook that is nowhere.
    #[error("there is no playbook {0}")]
    NoPlaybook(PlaybookId),
}

impl RuleBook {
    /// Of the playbooks in this table.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, known: Cache::new(RULES_MS) }
    }

    /// The rules of a playbook.
    pub async fn of(&self, org: &OrgId, playbook: &PlaybookId, now_ms: i64) -> Result<Arc<Rules>, CoachingError> {
        let load = async {
            let found = self.accounts.playbook(org, playbook).await?;
            let found = found.ok_or_else(|| CoachingError::NoPlaybook(playbook.clone()))?;
            Ok(Arc::new(Rules::compile(found)))
        };
        self.known.get((org.clone(), playbook.clone()), now_ms, load).await
    }
}
