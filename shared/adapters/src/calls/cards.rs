//! Cards of a call. More than one writes to the item of a card, so each sets its own attributes and leaves the others'
//! alone.

use aws_sdk_dynamodb::types::AttributeValue;
use callboard_domain::{
    CallId, OrgId,
    advice::Wording,
    coaching::Card,
    feedback::{Verdict, VerdictChange, verdict_of, with_verdict},
};
use callboard_wire::items::{CardItem, CardWording, call_pk, sk};

use super::{Calls, NEWER, TRIES, overtaken};
use crate::{
    ServiceError,
    table::{Written, number, text, value},
};

/// How many earlier suggestions are kept of a card.
const MOST_EARLIER: usize = 5;

impl Calls {
    /// A call's cards.
    pub async fn cards(&self, org: &OrgId, call: &CallId) -> Result<Vec<CardItem>, ServiceError> {
        self.under(org, call, sk::CARD).await
    }

    /// Stores a card as it follows from a version of the call's progress, unless a later one's is there, or one of the
    /// same version that is not known to be the one that counts: `settled` says that this one is. What else is known of it,
    /// such as its feedback, stays.
    pub async fn put_card(
        &self,
        org: &OrgId,
        call: &CallId,
        card: &Card,
        version: u64,
        settled: bool,
    ) -> Result<Written, ServiceError> {
        let values = [
            ("org", text(org.as_str())),
            ("call", text(call.as_str())),
            ("card", value(card)?),
            ("version", number(version)),
        ];
        let below = if settled { "<=" } else { "<" };
        let condition =
            format!("attribute_not_exists(#card) OR attribute_not_exists(#version) OR #version {below} :version");
        self.change_card((org, call, &card.id), &values, &condition, &[]).await
    }

    /// Stores a model's words for the card of a pushback; `No` says that the card is of another one by now.
    pub async fn put_wording(
        &self,
        org: &OrgId,
        call: &CallId,
        id: &str,
        start_ms: u64,
        words: &Wording,
    ) -> Result<Written, ServiceError> {
        let Some(known) = self.card(org, call, id).await? else { return Ok(Written::No) };
        let mut earlier = known.suggested();
        earlier.retain(|text| *text != words.say);
        earlier.drain(..earlier.len().saturating_sub(MOST_EARLIER));
        let (say, follow_up) = (words.say.clone(), words.follow_up.clone());
        let wording = CardWording { start_ms, say, follow_up, earlier };
        let values = [("wording", value(&wording)?)];
        let start = [(":start", number(start_ms))];
        self.change_card((org, call, id), &values, "#card.#evidence.#start_ms = :start", &start).await
    }

    /// Sets attributes of a card under a new revision, if a condition holds.
    async fn change_card(
        &self,
        (org, call, id): (&OrgId, &CallId, &str),
        values: &[(&'static str, AttributeValue)],
        condition: &str,
        compared: &[(&'static str, AttributeValue)],
    ) -> Result<Written, ServiceError> {
        let (pk, sort_key) = (call_pk(org, call), sk::card(id));
        let condition = format!("({condition}) AND {NEWER}");
        for _ in 0..TRIES {
            let revision = self.next_revision(org, call).await?;
            let values = values.iter().cloned().chain([("revision", number(revision))]);
            let written = self.0.put_attributes(&pk, &sort_key, values, &condition, compared.iter().cloned()).await?;
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
