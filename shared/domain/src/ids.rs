//! Identifiers, each a newtype that is valid by construction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} \"{given}\" is not valid: {rule}")]
pub struct InvalidId {
    what: &'static str,
    given: String,
    rule: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $pattern:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = $pattern)))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts a text that follows the rule of this identifier.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                let given: String = text.chars().take(64).collect();
                Err(InvalidId { what: $what, given, rule: $rule })
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

identifier!(
    /// A call: a ULID in its canonical upper-case spelling, chosen by the capture client.
    CallId,
    "call",
    "a call id is a ULID: 26 characters of Crockford's base 32, upper case",
    "^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
    |text| ulid::Ulid::from_string(text).is_ok_and(|id| id.to_string() == text)
);

identifier!(
    /// An organization: what every key begins with and every check compares.
    OrgId,
    "organization",
    "1 to 64 of a-z, 0-9, - and _",
    "^[a-z0-9_-]{1,64}$",
    slug
);

identifier!(
    /// A playbook, unique within its organization.
    PlaybookId,
    "playbook",
    "1 to 64 of a-z, 0-9, - and _",
    "^[a-z0-9_-]{1,64}$",
    slug
);

fn slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_ids_are_canonical_ulids() {
        assert!(CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").is_ok());
        for wrong in
            ["", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FA", "CALL#1", "81ARZ3NDEKTSV4RRFFQ69G5FAVX"]
        {
            assert!(CallId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn slugs_cannot_carry_key_separators() {
        assert!(OrgId::parse("acme-1").is_ok());
        for wrong in ["", "a#b", "A", "a b", &"a".repeat(65)] {
            assert!(OrgId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
