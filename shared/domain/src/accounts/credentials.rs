//! E-mail addresses, passwords and names as people type them.

use std::fmt;

use super::composed;

/// Longest e-mail address, in bytes.
pub const EMAIL_BYTES: usize = 254;
/// Longest part before the `@`, in bytes.
const LOCAL_BYTES: usize = 64;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 10;
/// Longest password, in characters.
pub const PASSWORD_CHARS: usize = 256;
/// Longest name of a person, an organization or a key, in characters.
pub const NAME_CHARS: usize = 100;

/// Why something typed cannot be used, in words for the person who typed it. What was typed is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No e-mail address.
    #[error("email is no e-mail address: write it as in ada@example.com, with at most {EMAIL_BYTES} bytes")]
    Email,
    /// Too short.
    #[error("the password has {0} characters: use at least {PASSWORD_MIN_CHARS}")]
    PasswordShort(usize),
    /// Too long.
    #[error("the password has {0} characters: use at most {PASSWORD_CHARS}")]
    PasswordLong(usize),
    /// The e-mail address.
    #[error("the password is the e-mail address: use another")]
    PasswordIsEmail,
    /// The field has no text, too much of it, or control characters.
    #[error("{0} must have 1 to {NAME_CHARS} characters, none of them control characters")]
    Name(&'static str),
}

/// An e-mail address as it is compared: without spaces around it, in NFKC, in lower case. So two spellings that differ in
/// capitals only are one address, though a mail server could tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address. It is not proved to exist: one `@`, something before it, a domain with a dot behind it.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        // A long text is refused before work is done on it.
        if text.len() > 4 * EMAIL_BYTES {
            return Err(AccountError::Email);
        }
        let text = composed(text.trim()).to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(AccountError::Email)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c);
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let is_local = (1..=LOCAL_BYTES).contains(&local.len()) && local.chars().all(plain);
        let is_domain = domain.contains('.') && domain.split('.').all(is_label);
        if text.len() > EMAIL_BYTES || !is_local || !is_domain {
            return Err(AccountError::Email);
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A password in NFKC, so that the same keys give the same password on every machine. No log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password that somebody chooses.
    ///
    /// # Errors
    /// It is too short, too long, or the address itself.
    pub fn choose(text: &str, email: &Email) -> Result<Self, AccountError> {
        let password = Self::typed(text)?;
        let length = password.0.chars().count();
        if length < PASSWORD_MIN_CHARS {
            return Err(AccountError::PasswordShort(length));
        }
        if password.0.trim().to_lowercase() == email.as_str() {
            return Err(AccountError::PasswordIsEmail);
        }
        Ok(password)
    }

    /// A password that somebody shows; whether it is the right one is for others to say.
    ///
    /// # Errors
    /// It is longer than any password can be.
    pub fn typed(text: &str) -> Result<Self, AccountError> {
        let length = text.chars().count();
        if length > PASSWORD_CHARS {
            return Err(AccountError::PasswordLong(length));
        }
        Ok(Self(composed(text)))
    }

    /// The password itself, for the one place that hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// A name as it is shown: without spaces around it. `field` is what it is called in the complaint.
///
/// # Errors
/// It is empty, too long, or holds control characters.
pub fn name(field: &'static str, text: &str) -> Result<String, AccountError> {
    let text = text.trim();
    let fits = (1..=NAME_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(AccountError::Name(field)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_however_it_was_typed() {
        let long = format!("{}@example.com", "a".repeat(LOCAL_BYTES + 1));
        let longest = format!("a@{}.example", ["b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".").repeat(2));
        for (typed, expected) in [
            ("ada@example.com", Some("ada@example.com")),
            ("  Ada.Lovelace+Calls@Example.COM \n", Some("ada.lovelace+calls@example.com")),
            // Full-width letters and signs, as some keyboards give them.
            ("ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ", Some("ada@example.com")),
            ("jürgen@köln.example", Some("jürgen@köln.example")),
            ("ada", None),
            ("@example.com", None),
            ("ada@", None),
            ("ada@localhost", None),
            ("ada@@example.com", None),
            ("a b@example.com", None),
            ("ada@example..com", None),
            ("ada@-example.com", None),
            ("ada@exam ple.com", None),
            ("ada@example.com, eve@example.com", None),
            ("Ada <ada@example.com>", None),
            ("ada\0@example.com", None),
            ("", None),
            (&long, None),
            (&longest, None),
        ] {
            assert_eq!(Email::parse(typed).ok().as_ref().map(Email::as_str), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_password_is_long_enough_and_not_the_address() {
        let email = Email::parse("ada@example.com").unwrap();
        let (most, more) = ("x".repeat(PASSWORD_CHARS), "x".repeat(PASSWORD_CHARS + 1));
        for (typed, expected) in [
            ("correct horse", Ok(())),
            ("äöüäöüäöüä", Ok(())),
            (&most, Ok(())),
            (&more, Err(AccountError::PasswordLong(257))),
            ("ninechars", Err(AccountError::PasswordShort(9))),
            ("", Err(AccountError::PasswordShort(0))),
            ("Ada@Example.com", Err(AccountError::PasswordIsEmail)),
        ] {
            assert_eq!(Password::choose(typed, &email).map(|_| ()), expected, "{typed}");
        }
        // A composed and a decomposed ü are the same key.
        assert_eq!(Password::typed("gru\u{308}ndlich-und-lang"), Password::typed("gr\u{fc}ndlich-und-lang"));
        assert_eq!(format!("{:?}", Password::typed("secret").unwrap()), "***");
    }

    #[test]
    fn names_are_short_and_plain() {
        for (typed, expected) in [
            (" Ada ", Some("Ada")),
            ("Ada\nLovelace", None),
            ("  ", None),
            (&"x".repeat(NAME_CHARS), Some(&*"x".repeat(NAME_CHARS))),
            (&"x".repeat(NAME_CHARS + 1), None),
        ] {
            assert_eq!(name("name", typed).ok().as_deref(), expected, "{typed:?}");
        }
    }
}
