//! Progress of a call: the one way to change it, together with the cards that follow from it.

use callboard_domain::{CallId, OrgId, coaching::Progress, playbook::Playbook};

use super::{Calls, overtaken};
use crate::{ServiceError, table::Written};

/// How often a write under a version is tried against other writers before it is given up.
const TRIES: usize = 10;

impl Calls {
    /// Changes a call's progress, whoever else does meanwhile, and writes the cards that change by it. `change` says
    /// whether it changed anything, and may be called several times. Returns the progress as it is then,
    /// with its cards stored.
    pub async fn change_progress(
        &self,
        (org, call): (&OrgId, &CallId),
        playbook: &Playbook,
        change: impl Fn(&mut Progress) -> bool,
    ) -> Result<Progress, ServiceError> {
        for _ in 0..TRIES {
            let known = self.progress(org, call).await?;
            let (version, mut after) = known.map_or((0, Progress::default()), |item| (item.version, item.progress));
            if !change(&mut after) && version > 0 {
                // Whoever changed it so may not have come to its cards yet.
                self.put_cards((org, call), &after, playbook, version, true).await?;
                return Ok(after);
            }
            // Cards first: should this end here, the next try finds the progress unchanged and writes both. What is there
            // decides, and not what was: another writer may have left a card that follows from less than both know.
            self.put_cards((org, call), &after, playbook, version + 1, false).await?;
            if self.put_progress(org, call, &after, playbook, version).await? == Written::Yes {
                // Another writer may have been at the same version with its cards, before it lost.
                self.put_cards((org, call), &after, playbook, version + 1, true).await?;
                return Ok(after);
            }
        }
        Err(overtaken("PutItem"))
    }

    /// Writes the cards of a progress that are not stored so.
    async fn put_cards(
        &self,
        (org, call): (&OrgId, &CallId),
        progress: &Progress,
        playbook: &Playbook,
        version: u64,
        settled: bool,
    ) -> Result<(), ServiceError> {
        let cards = progress.cards(playbook);
        let stored = if cards.is_empty() { Vec::new() } else { self.cards(org, call).await? };
        for card in cards.iter().filter(|card| !stored.iter().any(|item| item.card == **card)) {
            self.put_card(org, call, card, version, settled).await?;
        }
        Ok(())
    }
}
