//! Sealing what must be kept for a while and must not be read: AES-256-GCM under a key of the settings.
//!
//! The nonce is made from the key and the text, so that the same text gives the same bytes: two environments that did
//! the same work store the same. That tells whoever sees two sealed texts of one name whether they are equal, and
//! nothing more.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};

/// A key, or none: then nothing can be kept.
pub struct Seal(Option<Keys>);

struct Keys {
    text: LessSafeKey,
    nonce: hmac::Key,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.0.is_some() { "Seal(***)" } else { "Seal(none)" })
    }
}

impl Seal {
    /// With a secret of any length; better a random one.
    pub fn new(secret: Option<&str>) -> Self {
        Self(secret.and_then(|secret| {
            let key = |of: &str| digest(&SHA256, format!("callboard {of} {secret}").as_bytes());
            let text = UnboundKey::new(&AES_256_GCM, key("text").as_ref()).ok()?;
            let nonce = hmac::Key::new(hmac::HMAC_SHA256, key("nonce").as_ref());
            Some(Keys { text: LessSafeKey::new(text), nonce })
        }))
    }

    /// Whether anything can be kept.
    pub fn keeps(&self) -> bool {
        self.0.is_some()
    }

    /// Seals a text for a place of this name, in base64; nothing without a key.
    pub fn seal(&self, name: &str, text: &[u8]) -> Option<String> {
        let keys = self.0.as_ref()?;
        let mut context = hmac::Context::with_key(&keys.nonce);
        context.update(&(name.len() as u64).to_le_bytes());
        context.update(name.as_bytes());
        context.update(text);
        let nonce: [u8; NONCE_LEN] = context.sign().as_ref().get(..NONCE_LEN)?.try_into().ok()?;
        let mut sealed = text.to_vec();
        let aad = Aad::from(name.as_bytes());
        keys.text.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some(STANDARD_NO_PAD.encode([&nonce, sealed.as_slice()].concat()))
    }

    /// The text that was sealed for a place of this name; nothing under another key or name.
    pub fn open(&self, name: &str, sealed: &str) -> Option<Vec<u8>> {
        let keys = self.0.as_ref()?;
        let bytes = STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = keys.text.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_its_key_and_name_alone() {
        let seal = Seal::new(Some("a"));
        let sealed = seal.seal("acme#1", b"four one one one").unwrap();
        assert_eq!(seal.open("acme#1", &sealed).as_deref(), Some(&b"four one one one"[..]));
        assert_eq!(seal.seal("acme#1", b"four one one one"), Some(sealed.clone()));
        assert!(!STANDARD_NO_PAD.decode(&sealed).unwrap().windows(4).any(|part| part == b"four"));
        assert_eq!(seal.open("acme#2", &sealed), None);
        assert_eq!(Seal::new(Some("b")).open("acme#1", &sealed), None);
        assert_eq!(Seal::new(None).open("acme#1", &sealed), None);
        assert_eq!(seal.open("acme#1", "not base64!"), None);
        assert_eq!(seal.open("acme#1", ""), None);
    }

    #[test]
    fn without_a_key_nothing_is_kept() {
        assert_eq!(Seal::new(None).seal("acme#1", b"four"), None);
        assert_eq!(format!("{:?} {:?}", Seal::new(None), Seal::new(Some("secret"))), "Seal(none) Seal(***)");
    }
}
