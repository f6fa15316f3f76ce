//! What an organization learned about the answers to an objection.

use callboard_domain::{CallId, OrgId, PlaybookId, feedback::VerdictChange};
use callboard_wire::items::{FeedbackItem, feedback_pk, sk};

use super::Accounts;
use crate::{
    ServiceError,
    table::{Query, Written, number},
};

/// How often a change is tried against others.
const TRIES: usize = 8;

impl Accounts {
    /// Counts a verdict on a card of an objection, and keeps the card's words. One that did not change is not counted.
    pub async fn note_feedback(
        &self,
        org: &OrgId,
        playbook: &PlaybookId,
        objection: &str,
        change: &VerdictChange,
    ) -> Result<(), ServiceError> {
        if change.before == change.now {
            return Ok(());
        }
        let (pk, sort_key) = (feedback_pk(org), sk::feedback(playbook.as_str(), objection));
        let mut tried: Option<FeedbackItem> = None;
        for _ in 0..TRIES {
            let known: Option<FeedbackItem> = self.0.get(&pk, &sort_key).await?;
            // It took place, and its answer was lost on the way.
            if tried.is_some() && known == tried {
                return Ok(());
            }
            let (over, mut experience) = known.map(|known| (known.version, known.experience)).unwrap_or_default();
            experience.learn(change);
            let item = FeedbackItem {
                pk: pk.clone(),
                sk: sort_key.clone(),
                playbook: playbook.clone(),
                objection: objection.to_owned(),
                version: over + 1,
                experience,
            };
            let written = if over == 0 {
                self.0.put_new(&item).await?
            } else {
                self.0.put_when(&item, "#version = :over", [(":over", number(over))]).await?
            };
            if written == Written::Yes {
                return Ok(());
            }
            tried = Some(item);
        }
        Err(overtaken())
    }

    /// Forgets what was learned from a call.
    pub async fn forget_call(&self, org: &OrgId, playbook: &PlaybookId, call: &CallId) -> Result<(), ServiceError> {
        for _ in 0..TRIES {
            let mut raced = false;
            for mut item in self.feedback(org, playbook).await? {
                if item.experience.forget(call) {
                    let over = [(":over", number(item.version))];
                    item.version += 1;
                    raced |= self.0.put_when(&item, "#version = :over", over).await? == Written::No;
                }
            }
            if !raced {
                return Ok(());
            }
        }
        Err(overtaken())
    }

    /// What an organization learned about the objections of a playbook, by objection.
    pub async fn feedback(&self, org: &OrgId, playbook: &PlaybookId) -> Result<Vec<FeedbackItem>, ServiceError> {
        let (pk, prefix) = (feedback_pk(org), sk::feedbacks(playbook.as_str()));
        Ok(self.0.query(&Query { pk: &pk, prefix: Some(&prefix), ..Query::default() }).await?.items)
    }
}

fn overtaken() -> ServiceError {
    let reason = format!("other writers were first {TRIES} times");
    ServiceError::Unavailable { service: "dynamodb", operation: "PutItem", reason }
}
