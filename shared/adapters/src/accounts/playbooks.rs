//! Playbooks that an organization writes itself, each with its latest versions, and the list of all that it can use.

use std::{collections::BTreeMap, sync::LazyLock};

use callboard_domain::{
    OrgId, PlaybookId,
    playbook::{self, Playbook},
};
use callboard_wire::{
    items::{PlaybookItem, SHARED_PLAYBOOKS_PK, playbooks_pk, sk},
    rest::{Origin, PlaybookSummary},
};
use serde::Deserialize;

use super::Accounts;
use crate::{
    ServiceError,
    table::{Query, Written, number},
};

/// How many versions before the one that holds are kept.
pub const EARLIER_VERSIONS: u32 = 20;
/// A write over a playbook, or a deletion, takes the place of the version that it was decided upon only.
const OVER: &str = "#playbook.#version = :over";

/// The attributes of [`Listed`]: texts are long and not needed there.
const HEAD: &[&str] = &["sk", "playbook.id", "playbook.name", "playbook.version", "playbook.language"];

/// What a list tells of a stored playbook.
#[derive(Deserialize)]
struct Listed {
    playbook: Head,
}

#[derive(Deserialize)]
struct Head {
    id: PlaybookId,
    name: String,
    version: u32,
    language: String,
}

fn summary(head: Head, origin: Origin) -> PlaybookSummary {
    let Head { id, name, version, language } = head;
    PlaybookSummary { id: id.to_string(), name, version, language, origin }
}

/// Reading them takes a while, and they do not change while the program runs.
static SHIPPED: LazyLock<Vec<PlaybookSummary>> = LazyLock::new(|| {
    let playbooks = playbook::SHIPPED.iter().filter_map(|(_, text)| playbook::parse_yaml(text).ok());
    let head = |Playbook { id, name, version, language, .. }| Head { id, name, version, language };
    playbooks.map(|playbook| summary(head(playbook), Origin::Shipped)).collect()
});

impl Accounts {
    /// All playbooks that an organization can use, by id.
    pub async fn playbooks(&self, org: &OrgId) -> Result<Vec<PlaybookSummary>, ServiceError> {
        let mut all: BTreeMap<String, PlaybookSummary> =
            SHIPPED.iter().map(|shipped| (shipped.id.clone(), shipped.clone())).collect();
        for (pk, origin) in [(SHARED_PLAYBOOKS_PK.to_owned(), Origin::Shared), (playbooks_pk(org), Origin::Own)] {
            let query = Query { pk: &pk, prefix: Some(sk::PLAYBOOK), fields: HEAD, ..Query::default() };
            for item in self.0.query::<Listed>(&query).await?.items {
                let summary = summary(item.playbook, origin);
                all.insert(summary.id.clone(), summary);
            }
        }
        Ok(all.into_values().collect())
    }

    /// Stores an organization's playbook: a new one, or one over another that was read before. `No` says that somebody
    /// else was first. What is replaced is kept as an earlier version.
    pub async fn put_playbook(
        &self,
        org: &OrgId,
        playbook: &Playbook,
        text: &str,
        over: Option<&PlaybookItem>,
    ) -> Result<Written, ServiceError> {
        let item = PlaybookItem {
            pk: playbooks_pk(org),
            sk: sk::playbook(playbook.id.as_str()),
            playbook: playbook.clone(),
            text: text.to_owned(),
        };
        let written = match over {
            None => self.0.put_new(&item).await?,
            Some(known) => {
                self.keep(org, known).await?;
                self.0.put_when(&item, OVER, [(":over", number(known.playbook.version))]).await?
            }
        };
        if written == Written::No {
            // Perhaps it took place, and its answer was lost on the way.
            let stands = self.own_playbook(org, &playbook.id).await?;
            return Ok(if stands == Some(item) { Written::Yes } else { Written::No });
        }
        self.forget(org, &playbook.id, playbook.version).await?;
        Ok(Written::Yes)
    }

    /// Deletes an organization's playbook that was read before; `No` says that it was changed meanwhile.
    pub async fn delete_playbook(&self, org: &OrgId, known: &PlaybookItem) -> Result<Written, ServiceError> {
        self.keep(org, known).await?;
        let version = [(":over", number(known.playbook.version))];
        if self.0.delete_when(&known.pk, &known.sk, OVER, version).await? == Written::Yes {
            return Ok(Written::Yes);
        }
        let stands = self.own_playbook(org, &known.playbook.id).await?;
        Ok(if stands.is_none() { Written::Yes } else { Written::No })
    }

    /// An earlier version of an organization's playbook.
    pub async fn earlier_playbook(
        &self,
        org: &OrgId,
        id: &PlaybookId,
        version: u32,
    ) -> Result<Option<PlaybookItem>, ServiceError> {
        self.0.get(&playbooks_pk(org), &sk::earlier_playbook(id.as_str(), version)).await
    }

    /// The highest version that an organization's playbook of this id had before the one that holds, or before it was
    /// deleted: no other text may have the same, so that a finding can be traced to the text it was made with.
    pub async fn latest_earlier_version(&self, org: &OrgId, id: &PlaybookId) -> Result<Option<u32>, ServiceError> {
        let (pk, prefix) = (playbooks_pk(org), sk::earlier_playbooks(id.as_str()));
        let newest = Query { descending: true, limit: Some(1), ..Query::default() };
        let query = Query { pk: &pk, prefix: Some(&prefix), fields: HEAD, ..newest };
        let found = self.0.query::<Listed>(&query).await?.items.pop();
        Ok(found.map(|item| item.playbook.version))
    }

    async fn keep(&self, org: &OrgId, known: &PlaybookItem) -> Result<(), ServiceError> {
        let Playbook { id, version, .. } = &known.playbook;
        let kept =
            PlaybookItem { pk: playbooks_pk(org), sk: sk::earlier_playbook(id.as_str(), *version), ..known.clone() };
        self.0.put(&kept).await
    }

    /// Deletes the versions that are too old now that this one holds.
    async fn forget(&self, org: &OrgId, id: &PlaybookId, version: u32) -> Result<(), ServiceError> {
        let Some(newest) = version.checked_sub(EARLIER_VERSIONS + 1) else { return Ok(()) };
        let (pk, prefix) = (playbooks_pk(org), sk::earlier_playbooks(id.as_str()));
        let query = Query { pk: &pk, prefix: Some(&prefix), fields: HEAD, ..Query::default() };
        let kept = self.0.query::<Listed>(&query).await?.items;
        for old in kept.iter().map(|item| item.playbook.version).filter(|old| *old <= newest) {
            let sort_key = sk::earlier_playbook(id.as_str(), old);
            self.0.delete_when(&pk, &sort_key, "attribute_exists(pk)", []).await?;
        }
        Ok(())
    }
}
