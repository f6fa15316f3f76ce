//! Cards of a call. More than one writes to the item of a card, so each sets its own attributes and leaves the others'
//! alone.

use callboard_domain::{
    CallId, OrgId,
    coaching::Card,
    feedback::{Verdict, VerdictChange, verdict_of, with_verdict},
};
use callboard_wire::items::{CardItem, call_pk, sk};

use super::{Calls, NEWER, TRIES, overtaken};
use crate::{
    ServiceError,
    table::{Written, number, text, value},
};

impl Calls {
    /// A call's cards.
    pub async fn cards(&self, org: &OrgId, call: &CallId) -> Result<Vec<CardItem>, ServiceError> {
        self.under(org, call, sk::CARD).await
    }

    /// Stores a card, unless one of the same id with evidence as early is there. What else is known of it, such as its
    /// feedback, stays.
    pub async fn put_card(&self, org: &OrgId, call: &CallId, card: &Card) -> Result<Written, ServiceError> {
        let (pk, sort_key) = (call_pk(org, call), sk::card(&card.id));
        let values = [("org", text(org.as_str())), ("call", text(call.as_str())), ("card", value(card)?)];
        let condition = format!("(attribute_not_exists(#card) OR #card.#evidence.#start_ms > :start) AND {NEWER}");
        for _ in 0..TRIES {
            let revision = self.next_revision(org, call).await?;
            let values = values.iter().cloned().chain([("revision", number(revision))]);
            let start = [(":start", number(card.evidence.start_ms))];
            let written = self.0.put_attributes(&pk, &sort_key, values, &condition, start).await?;
            if let Some(written) = self.settled(&pk, &sort_key, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("UpdateItem"))
    }

    /// A card.
    pub async fn card(&self, org: &OrgId, call: &CallId, id: &str) -> Result<Option<CardItem>, ServiceError> {
        self.0.get(&call_pk(org, call), &sk::card(id)).await
    }

    /// Sets what one person thinks of a card, or takes it back, and leaves all else of the card alone. What it was said
    /// of is part of the answer; none if there is no such card. A verdict that stands already is not written again.
    pub async fn put_verdict(
        &self,
        (org, call, id): (&OrgId, &CallId, &str),
        principal: &str,
        verdict: Option<Verdict>,
        now_ms: i64,
    ) -> Result<Option<(CardItem, VerdictChange)>, ServiceError> {
        let (pk, sort_key) = (call_pk(org, call), sk::card(id));
        for _ in 0..TRIES {
            let Some(known) = self.card(org, call, id).await? else { return Ok(None) };
            let change = VerdictChange {
                source: format!("{call}#{id}#{principal}"),
                before: verdict_of(&known.feedback, principal),
                now: verdict,
                wording: known.shown().card.say,
            };
            if change.before == change.now {
                return Ok(Some((known, change)));
            }
            let feedback = with_verdict(&known.feedback, principal, verdict, now_ms);
            // The counter stands above whatever the item has: only another writer between these two is in the way.
            let revision = self.next_revision(org, call).await?;
            let values = [("feedback", value(&feedback)?), ("revision", number(revision))];
            let seen = [(":seen", number(known.revision))];
            let written = self.0.put_attributes(&pk, &sort_key, values, "#revision = :seen", seen).await?;
            if self.settled(&pk, &sort_key, revision, written).await? == Some(Written::Yes) {
                return Ok(Some((known, change)));
            }
        }
        Err(overtaken("UpdateItem"))
    }
}
