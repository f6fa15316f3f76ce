//! The stack in this process, in memory, with keys of two organizations: for tests that look inside, or need many.

use std::{collections::BTreeMap, path::PathBuf};

use callboard_adapters::{accounts::Accounts, table::Table};
use callboard_domain::{OrgId, permissions::Role, playbook};
use callboard_local::{
    registry,
    stack::{Stack, StackError, StackOptions},
};
use callboard_runtime::Clock;
use callboard_wire::items::KeyItem;

use crate::{
    project,
    rest::Rest,
    socket::{Refused, Socket, capture, pairs},
};

/// Secret, organization, principal, role, revoked.
type Key = (&'static str, &'static str, &'static str, Role, bool);

/// The keys that a fresh stack has. A secret says whose it is.
const KEYS: [Key; 8] = [
    ("acme-admin", "acme", "ada", Role::Admin, false),
    ("acme-supervisor", "acme", "sue", Role::Supervisor, false),
    ("acme-agent", "acme", "al", Role::Agent, false),
    ("acme-colleague", "acme", "cole", Role::Agent, false),
    ("acme-capture", "acme", "desk-1", Role::Capture, false),
    ("acme-revoked", "acme", "desk-2", Role::Capture, true),
    ("other-admin", "other", "olga", Role::Admin, false),
    ("other-capture", "other", "desk-1", Role::Capture, false),
];

/// A stack that runs.
pub struct Local {
    /// The stack itself.
    pub stack: Stack,
    /// Its address.
    pub url: String,
}

/// Options of a stack in front of a transcription service, as the template has it.
pub fn options(speech: &str) -> StackOptions {
    options_of(project().join("template.yaml"), speech)
}

/// The same of another template.
pub fn options_of(template: PathBuf, speech: &str) -> StackOptions {
    StackOptions {
        overrides: BTreeMap::from([("SpeechUrl".to_owned(), speech.to_owned())]),
        registry: registry::functions(&Clock::system()),
        ..StackOptions::new(template)
    }
}

impl Local {
    /// Starts one as the template has it.
    pub async fn start(speech: &str) -> Self {
        Self::start_with(options(speech)).await.unwrap()
    }

    /// Starts one of one's own.
    ///
    /// # Errors
    /// It did not start.
    pub async fn start_with(options: StackOptions) -> Result<Self, StackError> {
        let stack = Box::pin(Stack::start(options)).await?;
        let table = &stack.template().functions["AuthorizerFunction"].environment["ACCOUNTS_TABLE"];
        let accounts = Accounts::new(Table::new(aws_sdk_dynamodb::Client::new(&stack.sdk_config()), table));
        for (secret, org, principal, role, revoked) in KEYS {
            let own = KeyItem::new(&callboard_authorizer::hash(secret), &OrgId::parse(org).unwrap(), principal, role);
            // Tests ask as often as they like; those of the limit have keys of their own.
            let key = KeyItem { revoked, requests_per_minute: Some(0), ..own };
            accounts.put_key(&key, principal, 0).await.unwrap();
        }
        for (_, yaml) in playbook::SHIPPED {
            accounts.put_shared_playbook(&playbook::parse_yaml(yaml).unwrap(), yaml).await.unwrap();
        }
        let url = format!("http://{}", stack.address());
        Ok(Self { stack, url })
    }

    /// Its REST interface, as the holder of a token sees it.
    pub fn rest(&self, token: &str) -> Rest {
        Rest::new(&self.url, token)
    }

    /// A socket of the holder of a token.
    pub async fn socket(&self, token: &str) -> Socket {
        Socket::open(&self.url, &[], Some(token)).await.unwrap()
    }

    /// A capture of a stereo call by acme's desk; it watches its call.
    pub async fn capture(&self, call: &str) -> Socket {
        let mut socket = self.try_capture(&capture(call), "acme-capture").await.unwrap();
        socket.watch(serde_json::json!({"call": call})).await;
        socket
    }

    /// A capture with parameters of one's own.
    ///
    /// # Errors
    /// The gateway refused it.
    pub async fn try_capture(&self, query: &[(&'static str, String)], token: &str) -> Result<Socket, Refused> {
        Socket::open(&self.url, &pairs(query), Some(token)).await
    }
}
