//! People of a stack in this process: how they get in, and a clock that can be put ahead.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use callboard_local::{registry, stack::StackOptions};
use callboard_runtime::Clock;
use serde_json::{Value, json};

use crate::{
    rest::{Answer, Rest},
    stack::Local,
};

/// The password of everybody here.
pub const PASSWORD: &str = "correct horse battery";

/// A clock that runs with the system's, ahead of it.
#[derive(Clone, Default)]
pub struct Ahead(Arc<AtomicI64>);

impl Ahead {
    /// Puts it ahead by so much more, in milliseconds.
    pub fn by(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// What it shows, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        Clock::system().now_ms() + self.0.load(Ordering::SeqCst)
    }

    /// The same stack with functions that go by this clock.
    pub fn of(&self, options: StackOptions) -> StackOptions {
        let clock = self.clone();
        StackOptions { registry: registry::functions(&Clock::from_fn(move || clock.now_ms())), ..options }
    }
}

/// Somebody who got in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who they are, as they are told.
    pub me: Value,
    /// Their access token.
    pub access: String,
    /// Their refresh token.
    pub refresh: String,
    url: String,
}

impl Person {
    /// Of the session that an answer holds.
    pub fn of(local: &Local, answer: &Answer) -> Self {
        let session = answer.json();
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        Self { me: session["me"].clone(), access, refresh, url: local.url.clone() }
    }

    /// The REST interface as they see it.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.url, &self.access)
    }

    /// Their id.
    pub fn id(&self) -> &str {
        self.me["principal"].as_str().unwrap()
    }
}

impl Local {
    /// A request to a door, which needs no token.
    pub async fn door(&self, path: &str, body: &Value) -> Answer {
        self.rest("none").send("POST", path, body).await
    }

    /// Tries to log in.
    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.door("/v1/auth/login", &json!({"email": email, "password": password})).await
    }

    /// Tries to refresh.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.door("/v1/auth/refresh", &json!({"refresh_token": token})).await
    }

    /// The first person.
    pub async fn first_person(&self, email: &str) -> Person {
        let account = json!({"email": email, "password": PASSWORD, "name": "Ada", "organization": "Example"});
        Person::of(self, &self.door("/v1/auth/register", &account).await.expect(201))
    }

    /// Somebody whom an admin invited.
    pub async fn invited(&self, by: &Rest, role: &str, email: &str) -> Person {
        let invitation = by.send("POST", "/v1/invitations", &json!({"role": role})).await.expect(201).json();
        let account = json!({"email": email, "password": PASSWORD, "name": "Al", "invitation": invitation["secret"]});
        Person::of(self, &self.door("/v1/auth/register", &account).await.expect(201))
    }
}
