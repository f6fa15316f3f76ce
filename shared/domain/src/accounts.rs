//! Accounts: what a good address, password and name are, when a login must wait, and how a session goes on.
//!
//! Pure policy. Hashing, randomness and storage live elsewhere; times are handed in, in milliseconds since the Unix epoch.

use unicode_normalization::UnicodeNormalization as _;

mod credentials;
mod lockout;
mod session;

pub use credentials::{
    AccountError, EMAIL_BYTES, Email, NAME_CHARS, PASSWORD_CHARS, PASSWORD_MIN_CHARS, Password, name,
};
pub use lockout::{Attempts, FORGET_MS, FREE_FAILURES, LONGEST_WAIT_MS};
pub use session::{GRACE_MS, Presented, REFRESH_MS, Refresh, Standing};

/// Longest that an invitation can be taken, in days.
pub const INVITATION_DAYS: u16 = 90;

/// How long an access token is good, in seconds.
pub const ACCESS_TOKEN_S: i64 = 15 * 60;

/// How long a signing key signs, in milliseconds: thirty days.
pub const SIGNING_MS: i64 = 30 * 86_400_000;

/// The compatibility composition of Unicode (NFKC): the same text, however it was typed.
fn composed(text: &str) -> String {
    text.nfkc().collect()
}
