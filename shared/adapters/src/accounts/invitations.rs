//! Invitations, each found by the hash of its secret, and listed among its organization's people.

use callboard_domain::OrgId;
use callboard_wire::items::{InvitationItem, InvitationLookupItem, invitation_pk, people_pk, sk};

use super::Accounts;
use crate::{
    ServiceError,
    table::{Committed, Query, Step, Written},
};

impl Accounts {
    /// Stores a new invitation.
    pub async fn invite(&self, invitation: &InvitationItem) -> Result<(), ServiceError> {
        let steps = vec![Step::put_new(invitation)?, Step::put_new(&invitation.lookup())?];
        self.0.transact(steps).await.map(|_| ())
    }

    /// The invitation with a secret of this hash, if it can still be taken.
    pub async fn invitation(&self, secret_hash: &str, now_ms: i64) -> Result<Option<InvitationItem>, ServiceError> {
        let found: Option<InvitationLookupItem> = self.0.get(&invitation_pk(secret_hash), sk::SELF).await?;
        let Some(found) = found else { return Ok(None) };
        let item: Option<InvitationItem> = self.0.get(&people_pk(&found.org), &sk::invitation(&found.id)).await?;
        Ok(item.filter(|item| item.expires_at_ms > now_ms))
    }

    /// The invitations of an organization that can still be taken, in the order of their ids: the oldest first.
    pub async fn invitations(&self, org: &OrgId, now_ms: i64) -> Result<Vec<InvitationItem>, ServiceError> {
        let pk = people_pk(org);
        let query = Query { pk: &pk, prefix: Some(sk::INVITATION), ..Query::default() };
        let items: Vec<InvitationItem> = self.0.query(&query).await?.items;
        Ok(items.into_iter().filter(|item| item.expires_at_ms > now_ms).collect())
    }

    /// Takes an invitation back; `No` if there is none of this id.
    pub async fn uninvite(&self, org: &OrgId, id: &str) -> Result<Written, ServiceError> {
        let item: Option<InvitationItem> = self.0.get(&people_pk(org), &sk::invitation(id)).await?;
        let Some(item) = item else { return Ok(Written::No) };
        let lookup = item.lookup();
        let steps = vec![Step::delete(&item.pk, &item.sk), Step::delete(&lookup.pk, &lookup.sk)];
        let committed = self.0.transact(steps).await?;
        Ok(if committed == Committed::Yes { Written::Yes } else { Written::No })
    }
}
