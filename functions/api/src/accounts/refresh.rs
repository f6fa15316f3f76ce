//! Refresh tokens: how one is made, read, and made from the one before it.
//!
//! A token holds what finds its session, the same in all of a session's tokens, and a secret of its own. Of both, only
//! hashes are stored. The next secret is made from the present one and a random salt that is stored: so the very same one
//! can be made again for whoever shows the present one, and by nobody who only has the table.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use callboard_wire::credentials::Secret;
use ring::hmac;
use sha2::{Digest, Sha256};

use super::random;
use crate::problem::Refused;

/// What refresh tokens begin with.
const KIND: &str = "cbr_";
/// Bytes that find the session.
const HANDLE: usize = 16;
/// Bytes of the secret.
const SECRET: usize = 32;

/// A refresh token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    handle: [u8; HANDLE],
    secret: [u8; SECRET],
}

impl std::fmt::Debug for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("***")
    }
}

impl Token {
    /// The first of a session.
    pub(super) fn first() -> Result<Self, Refused> {
        Ok(Self { handle: random()?, secret: random()? })
    }

    /// The one that is written like this; none if none is.
    pub(super) fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(KIND)?).ok()?;
        let (handle, secret) = bytes.split_first_chunk::<HANDLE>()?;
        Some(Self { handle: *handle, secret: secret.try_into().ok()? })
    }

    /// As it is handed out.
    pub(super) fn write(&self) -> Secret {
        Secret::new(format!("{KIND}{}", URL_SAFE_NO_PAD.encode([&self.handle[..], &self.secret].concat())))
    }

    /// Its session's id.
    pub(super) fn session(&self) -> String {
        hex::encode(&Sha256::digest(self.handle)[..16])
    }

    /// By which it is compared.
    pub(super) fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.secret))
    }

    /// The one after it.
    pub(super) fn next(&self, salt: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let mut secret = [0; SECRET];
        secret.copy_from_slice(hmac::sign(&key, format!("callboard refresh {salt}").as_bytes()).as_ref());
        Self { handle: self.handle, secret }
    }
}

/// What a token's successor is made from besides the token.
pub(super) fn new_salt() -> Result<String, Refused> {
    Ok(hex::encode(random::<16>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_followed_by_one_of_its_session() {
        let first = Token::first().unwrap();
        assert_eq!(Token::read(first.write().expose()), Some(first.clone()));
        let next = first.next("salt");
        assert_eq!(next, first.next("salt"), "the very same one");
        assert_eq!(next.session(), first.session());
        assert_ne!(next.hash(), first.hash());
        assert_ne!(next, first.next("other"));
        for wrong in ["", "cbr_", "cbr_abc", "cbk_abc", "x"] {
            assert_eq!(Token::read(wrong), None, "{wrong}");
        }
        let written = first.write();
        assert_eq!(Token::read(&format!("{}AA", written.expose())), None, "longer");
        assert!(!format!("{first:?}").contains(&hex::encode(first.secret)));
    }
}
