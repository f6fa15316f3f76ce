//! The `sockets` table: who is connected and who watches what.

use callboard_domain::OrgId;
use callboard_wire::items::{ConnectionItem, WatchItem, connection_pk, principal_pk, sk};

use crate::{
    ServiceError,
    table::{Query, Table, Written},
};

/// The table.
#[derive(Debug, Clone)]
pub struct Connections(Table);

impl Connections {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Remembers a connection, and that it is its principal's.
    pub async fn open(&self, item: &ConnectionItem) -> Result<(), ServiceError> {
        self.0.put(item).await?;
        let own = WatchItem {
            pk: principal_pk(&item.org, &item.principal),
            sk: sk::watch(&item.connection),
            connection: item.connection.clone(),
            expires_at: item.expires_at,
        };
        self.0.put(&own).await
    }

    /// The connections of a principal.
    pub async fn of_principal(&self, org: &OrgId, principal: &str) -> Result<Vec<String>, ServiceError> {
        self.watchers(&principal_pk(org, principal)).await
    }

    /// Adds a watch. The connection notes it first, so that a disconnect finds it; `No` says that the connection
    /// has gone meanwhile.
    pub async fn watch(&self, connection: &str, target: &str, expires_at: i64) -> Result<Written, ServiceError> {
        if self.0.change_set(&connection_pk(connection), sk::SELF, "watches", target, true).await? == Written::No {
            return Ok(Written::No);
        }
        let item = WatchItem {
            pk: target.to_owned(),
            sk: sk::watch(connection),
            connection: connection.to_owned(),
            expires_at,
        };
        self.0.put(&item).await?;
        Ok(Written::Yes)
    }

    /// Takes a watch back.
    pub async fn unwatch(&self, connection: &str, target: &str) -> Result<(), ServiceError> {
        self.0.delete(target, &sk::watch(connection)).await?;
        self.0.change_set(&connection_pk(connection), sk::SELF, "watches", target, false).await?;
        Ok(())
    }

    /// Who watches a target.
    pub async fn watchers(&self, target: &str) -> Result<Vec<String>, ServiceError> {
        let page =
            self.0.query::<WatchItem>(&Query { pk: target, prefix: Some(sk::WATCH), ..Query::default() }).await?;
        Ok(page.items.into_iter().map(|item| item.connection).collect())
    }

    /// Forgets a connection and all that it watched.
    pub async fn close(&self, connection: &str) -> Result<(), ServiceError> {
        let pk = connection_pk(connection);
        let item: Option<ConnectionItem> = self.0.get(&pk, sk::SELF).await?;
        if let Some(item) = item {
            let own = principal_pk(&item.org, &item.principal);
            for target in item.watches.iter().chain([&own]) {
                self.0.delete(target, &sk::watch(connection)).await?;
            }
        }
        self.0.delete(&pk, sk::SELF).await
    }
}
