//! Feedback on a card: kept with the card, from where dashboards are told, and counted for its organization.

use callboard_domain::{
    CallId, OrgId,
    coaching::{Card, Progress},
    feedback::Verdict,
};
use callboard_wire::items::CallItem;

use crate::{ServiceError, accounts::Accounts, calls::Calls};

/// A longer id is no card's: it would not fit a key.
const CARD_ID_BYTES: usize = 256;

/// One person's verdict on one card.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The card's id.
    pub card: &'a str,
    /// Who gives it.
    pub principal: &'a str,
    /// What they think; none takes back what they said.
    pub verdict: Option<Verdict>,
    /// Wall clock, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// Stores feedback on a card of a call; false if there is no such card. To give the same verdict again changes nothing.
/// The count follows the card: should it fail, the verdict stands uncounted.
pub async fn give(calls: &Calls, accounts: &Accounts, call: &CallItem, given: Given<'_>) -> Result<bool, ServiceError> {
    let (org, id): (&OrgId, &CallId) = (&call.org, &call.call);
    if given.card.is_empty() || given.card.len() > CARD_ID_BYTES {
        return Ok(false);
    }
    let put = calls.put_verdict((org, id, given.card), given.principal, given.verdict, given.now_ms).await?;
    let Some((card, change)) = put else { return Ok(false) };
    // A card that is dismissed makes room for others, until the customer says it again.
    let dismissed = Some(Verdict::Dismissed);
    if (given.verdict == dismissed || change.before == dismissed)
        && let Some(playbook) = accounts.playbook(org, &call.playbook).await?
    {
        let Card { objection, evidence, .. } = &card.card;
        let dismiss = |progress: &mut Progress| match given.verdict == dismissed {
            true => progress.dismiss(objection, evidence.start_ms),
            false => progress.restore(objection),
        };
        calls.change_progress((org, id), &playbook, dismiss).await?;
    }
    accounts.note_feedback(org, &call.playbook, &card.card.objection, &change).await?;
    Ok(true)
}
