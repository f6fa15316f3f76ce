//! Which stack a command talks to: its address, its token, and requests to its REST interface.

use std::time::Duration;

use anyhow::Context;
use callboard_wire::rest::CallSnapshot;
use reqwest::{StatusCode, Url};
use serde::Serialize;

use crate::{failure::Unusable, local_state};

/// The options that name a stack.
#[derive(clap::Args)]
pub(crate) struct StackArgs {
    /// Address of the stack
    #[arg(long, env = "CALLBOARD_URL", default_value = "http://127.0.0.1:8787")]
    url: String,
    /// Token to show it; for a stack on this machine it is found by itself
    #[arg(long, env = "CALLBOARD_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A stack, and how to reach it. No `Debug`: the token must not get into a log.
#[derive(Clone)]
pub(crate) struct Stack {
    base: Url,
    token: Option<String>,
    /// Whether the token was looked up, and not named.
    token_found: bool,
    client: reqwest::Client,
}

impl StackArgs {
    /// Those that name an address and a token.
    pub(crate) fn with_token(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: Some(token.to_owned()) }
    }

    /// Checks the address and looks the token up.
    ///
    /// # Errors
    /// Says what is wrong with the address.
    pub(crate) fn resolve(self) -> anyhow::Result<Stack> {
        let wrong = |problem: &str| {
            Unusable(format!(
                "\"{}\" (--url or CALLBOARD_URL) is not the address of a stack: {problem}, as in http://127.0.0.1:8787",
                self.url
            ))
        };
        let base = Url::parse(&self.url).map_err(|_| wrong("write it with http:// or https://"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong("write it with http:// or https://").into());
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(wrong("leave out names, passwords and queries").into());
        }
        let named = self.token.filter(|token| !token.is_empty());
        let token_found = named.is_none();
        let token = named.or_else(|| local_state::read(base.as_str()));
        let local = local_state::is_loopback(&base);
        if token.is_some() && base.scheme() == "http" && !local {
            tracing::warn!("the token goes over the network unencrypted: use https");
        }
        let mut client =
            reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(20));
        if local {
            client = client.no_proxy();
        }
        Ok(Stack { base, token, token_found, client: client.build().context("setting up HTTP")? })
    }
}

impl Stack {
    /// The address, as people write it.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether it runs on this machine.
    pub(crate) fn is_local(&self) -> bool {
        local_state::is_loopback(&self.base)
    }

    /// The token to show, if one is known.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Looks the token up again: a local stack that was started anew may have another.
    pub(crate) fn look_token_up_again(&mut self) {
        if self.token_found {
            self.token = local_state::read(self.base.as_str()).or_else(|| self.token.take());
        }
    }

    /// Address of the socket.
    pub(crate) fn socket_address(&self, parameters: &[(&str, String)]) -> String {
        let mut address = self.base.clone();
        address.set_path(&format!("{}/ws", self.base.path().trim_end_matches('/')));
        if !parameters.is_empty() {
            address.query_pairs_mut().extend_pairs(parameters);
        }
        // http becomes ws, and https wss.
        address.as_str().replacen("http", "ws", 1)
    }

    /// Asks for a path with the token shown.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let mut request = self.client.get(format!("{}{path}", self.address()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await
    }

    /// Sends a JSON body to a path with the token shown.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> reqwest::Result<reqwest::Response> {
        let mut request = self.client.post(format!("{}{path}", self.address())).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await
    }

    /// The call as it stands; none while the stack does not know it yet.
    ///
    /// # Errors
    /// When no answer comes, or one that is not to be understood.
    pub(crate) async fn snapshot(&self, call: &str) -> anyhow::Result<Option<CallSnapshot>> {
        let response = self.get(&format!("/v1/calls/{call}")).await.context("loading the call")?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = response.error_for_status().context("loading the call")?;
        Ok(Some(response.json().await.context("reading the call")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(url: &str) -> anyhow::Result<Stack> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        StackArgs { url: url.into(), token: Some("secret".into()) }.resolve()
    }

    #[test]
    fn the_socket_stands_beside_the_rest_interface() {
        for (url, expected) in [
            ("http://127.0.0.1:8787", "ws://127.0.0.1:8787/ws"),
            ("http://127.0.0.1:8787/", "ws://127.0.0.1:8787/ws"),
            ("https://callboard.example/eu/", "wss://callboard.example/eu/ws"),
        ] {
            assert_eq!(stack(url).unwrap().socket_address(&[]), expected);
        }
        let address = stack("http://localhost:1").unwrap().socket_address(&[("channels", "agent,customer".into())]);
        assert_eq!(address, "ws://localhost:1/ws?channels=agent%2Ccustomer");
        assert!(!address.contains("secret"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["8787", "localhost:8787", "ftp://x", "http://", "http://me:pass@host", "http://host/?token=x"] {
            let error = stack(url).err().unwrap_or_else(|| panic!("{url} was accepted"));
            assert!(error.downcast_ref::<Unusable>().is_some(), "{error}");
        }
    }
}
