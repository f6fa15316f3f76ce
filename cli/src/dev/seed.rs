//! What a fresh stack must know: the key of this machine's person, and the shipped playbooks.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::Context as _;
use callboard_adapters::{accounts::Accounts, table::Table};
use callboard_domain::{OrgId, permissions::Role, playbook};
use callboard_local::template::Template;
use callboard_wire::items::KeyItem;

/// The organization of everything on one machine.
pub(super) const ORG: &str = "local";

/// A secret of this data directory, made at the first start.
pub(super) fn secret(data: &Path, name: &str) -> anyhow::Result<String> {
    let path = data.join(name);
    let known = fs::read_to_string(&path).unwrap_or_default();
    if !known.trim().is_empty() {
        return Ok(known.trim().to_owned());
    }
    let secret = hex::encode(rand::random::<[u8; 24]>());
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(secret.as_bytes())?;
    Ok(secret)
}

/// Stores the key of the token, and the shipped playbooks as they are in this version.
pub(crate) async fn accounts(
    sdk: &aws_types::SdkConfig,
    template: &Template,
    token: &str,
    now_ms: i64,
) -> anyhow::Result<()> {
    let authorizer = template.functions.values().find(|function| function.handler == "authorizer");
    let table = authorizer.and_then(|function| function.environment.get("ACCOUNTS_TABLE"));
    let table = table.context("the template's authorizer has no ACCOUNTS_TABLE")?;
    let accounts = Accounts::new(Table::new(aws_sdk_dynamodb::Client::new(sdk), table));
    // The person of this machine waits for nobody, least of all for the machine.
    let own = KeyItem::new(&callboard_authorizer::hash(token), &OrgId::parse(ORG)?, "local", Role::Admin);
    let key = KeyItem { requests_per_minute: Some(0), ..own };
    accounts.put_key(&key, "This machine", now_ms).await?;
    for (file, yaml) in playbook::SHIPPED {
        let playbook = playbook::parse_yaml(yaml).map_err(|error| anyhow::anyhow!("{file}: {error}"))?;
        accounts.put_shared_playbook(&playbook, yaml).await?;
    }
    Ok(())
}
