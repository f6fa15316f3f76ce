//! People: the first one, who joins by invitation, and what becomes of them. What must hold together is one transaction:
//! an e-mail address has one account, an invitation is taken once, and an organization keeps an active admin.

use callboard_domain::OrgId;
use callboard_wire::items::{
    DEPLOYMENT_PK, DeploymentItem, EmailItem, InvitationItem, OrgItem, UserItem, email_pk, people_pk, sk,
};

use super::Accounts;
use crate::{
    ServiceError,
    table::{Committed, Query, Step, number, text},
};

/// How often a change is tried against others.
const TRIES: usize = 8;

/// What became of an account that somebody wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// It is there.
    Yes,
    /// The e-mail address has one.
    EmailTaken,
    /// Somebody else was the first, or took the invitation, or it is no more.
    TooLate,
}

/// What became of a change to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The person, as they are now; of one who was removed, as they were.
    To(Box<UserItem>),
    /// There is nobody of this id.
    Absent,
    /// It would leave the organization without an active admin.
    LastAdmin,
}

impl Accounts {
    /// Whether anybody has an account in this deployment.
    pub async fn has_people(&self) -> Result<bool, ServiceError> {
        let item: Option<DeploymentItem> = self.0.get(DEPLOYMENT_PK, sk::SELF).await?;
        Ok(item.is_some())
    }

    /// The organization, as it stands among its people.
    pub async fn organization(&self, org: &OrgId) -> Result<Option<OrgItem>, ServiceError> {
        self.0.get(&people_pk(org), sk::ORG).await
    }

    /// A person of an organization.
    pub async fn user(&self, org: &OrgId, id: &str) -> Result<Option<UserItem>, ServiceError> {
        self.0.get(&people_pk(org), &sk::user(id)).await
    }

    /// Whose e-mail address this is. As much is read where it is nobody's, so that the time says nothing.
    pub async fn user_of_email(&self, email: &str) -> Result<Option<UserItem>, ServiceError> {
        let item: Option<EmailItem> = self.0.get(&email_pk(email), sk::SELF).await?;
        match item {
            Some(item) => self.user(&item.org, &item.user).await,
            None => self.0.get(DEPLOYMENT_PK, sk::USER).await,
        }
    }

    /// The people of an organization, in the order of their ids: the oldest first.
    pub async fn users(&self, org: &OrgId) -> Result<Vec<UserItem>, ServiceError> {
        let pk = people_pk(org);
        Ok(self.0.query(&Query { pk: &pk, prefix: Some(sk::USER), ..Query::default() }).await?.items)
    }

    /// Makes the first account of the deployment, and the name of its organization.
    pub async fn found(&self, user: &UserItem, organization: &str) -> Result<Joined, ServiceError> {
        let org = Step::update(&user.pk, sk::ORG, "SET #name = :name ADD #admins :one", "");
        let steps = vec![
            Step::put_new(&deployment())?,
            Step::put_new(&email_of(user))?,
            Step::put_new(user)?,
            org.value(":name", text(organization)).value(":one", number(1)),
        ];
        Ok(match self.0.transact(steps).await? {
            Committed::Yes => Joined::Yes,
            Committed::No(1) => Joined::EmailTaken,
            Committed::No(_) => Joined::TooLate,
        })
    }

    /// Makes the account of somebody who was invited; the invitation is taken by that.
    pub async fn join(&self, user: &UserItem, invitation: &InvitationItem) -> Result<Joined, ServiceError> {
        let lookup = invitation.lookup();
        let mut steps = vec![
            Step::delete(&invitation.pk, &invitation.sk),
            Step::delete(&lookup.pk, &lookup.sk),
            Step::put_new(&email_of(user))?,
            Step::put_new(user)?,
            Step::put(&deployment(), "")?,
        ];
        steps.extend(count_admins(user, i64::from(user.is_active_admin())));
        Ok(match self.0.transact(steps).await? {
            Committed::Yes => Joined::Yes,
            Committed::No(2) => Joined::EmailTaken,
            Committed::No(_) => Joined::TooLate,
        })
    }

    /// Changes a person. `change` is asked again where somebody else was first.
    pub async fn change_user(
        &self,
        org: &OrgId,
        id: &str,
        change: impl Fn(&mut UserItem),
    ) -> Result<Changed, ServiceError> {
        for _ in 0..TRIES {
            let Some(before) = self.user(org, id).await? else { return Ok(Changed::Absent) };
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(Changed::To(Box::new(after)));
            }
            after.version += 1;
            let write = Step::put(&after, "#version = :over")?.value(":over", number(before.version));
            let admins = i64::from(after.is_active_admin()) - i64::from(before.is_active_admin());
            let steps = [write].into_iter().chain(count_admins(&after, admins)).collect();
            match self.0.transact(steps).await? {
                Committed::Yes => return Ok(Changed::To(Box::new(after))),
                Committed::No(0) => {}
                Committed::No(_) => return Ok(Changed::LastAdmin),
            }
        }
        Err(overtaken())
    }

    /// Removes a person.
    pub async fn remove_user(&self, org: &OrgId, id: &str) -> Result<Changed, ServiceError> {
        for _ in 0..TRIES {
            let Some(user) = self.user(org, id).await? else { return Ok(Changed::Absent) };
            let remove = Step::delete(&user.pk, &user.sk).when("#version = :over");
            let mut steps =
                vec![remove.value(":over", number(user.version)), Step::delete(&email_pk(&user.email), sk::SELF)];
            steps.extend(count_admins(&user, -i64::from(user.is_active_admin())));
            match self.0.transact(steps).await? {
                Committed::Yes => return Ok(Changed::To(Box::new(user))),
                Committed::No(0 | 1) => {}
                Committed::No(_) => return Ok(Changed::LastAdmin),
            }
        }
        Err(overtaken())
    }

    /// Notes that somebody logged in.
    pub async fn note_login(&self, user: &UserItem, now_ms: i64) -> Result<(), ServiceError> {
        let values = [("last_login_ms", number(now_ms))];
        self.0.put_attributes(&user.pk, &user.sk, values, "attribute_exists(pk)", []).await.map(|_| ())
    }
}

fn deployment() -> DeploymentItem {
    DeploymentItem { pk: DEPLOYMENT_PK.into(), sk: sk::SELF.into() }
}

fn email_of(user: &UserItem) -> EmailItem {
    EmailItem { pk: email_pk(&user.email), sk: sk::SELF.into(), org: user.org.clone(), user: user.id.clone() }
}

/// Counts an organization's active admins up or down, and never down to none.
fn count_admins(user: &UserItem, by: i64) -> Option<Step> {
    let org = |condition: &str| Step::update(&user.pk, sk::ORG, "ADD #admins :by", condition);
    match by {
        0 => None,
        1.. => Some(org("").value(":by", number(by))),
        _ => Some(org("#admins > :least").value(":by", number(by)).value(":least", number(1))),
    }
}

fn overtaken() -> ServiceError {
    let reason = format!("other writers were first {TRIES} times");
    ServiceError::Unavailable { service: "dynamodb", operation: "TransactWriteItems", reason }
}
