//! What is counted so that nobody guesses or asks without end: failed logins, and requests of a minute.

use callboard_domain::{
    OrgId,
    accounts::{Attempts, FORGET_MS},
};
use callboard_wire::items::{AttemptsItem, lockout_pk, rate_pk, sk};

use super::Accounts;
use crate::{
    ServiceError,
    table::{Written, number},
};

/// How often a try is counted against others that run at once; then it has to wait like any other.
const TRIES: usize = 4;
/// What is waited for then, in milliseconds.
const OVERTAKEN_MS: i64 = 1_000;
/// How long a minute's count is kept, in seconds.
const KEEP_COUNT_S: i64 = 600;

impl Accounts {
    /// Counts a try to log in as failed, before it is known how it ends; or tells how long to wait, in milliseconds.
    pub async fn try_login(&self, email: &str, now_ms: i64) -> Result<Result<(), i64>, ServiceError> {
        let pk = lockout_pk(email);
        for _ in 0..TRIES {
            let known: Option<AttemptsItem> = self.0.get(&pk, sk::SELF).await?;
            let attempts = known.as_ref().map(|item| item.attempts).unwrap_or_default();
            let wait_ms = attempts.wait_ms(now_ms);
            if wait_ms > 0 {
                return Ok(Err(wait_ms));
            }
            let item = AttemptsItem {
                pk: pk.clone(),
                sk: sk::SELF.into(),
                attempts: attempts.tried(now_ms),
                expires_at: (now_ms + FORGET_MS) / 1_000 + 1,
            };
            let written = match known {
                None => self.0.put_new(&item).await?,
                Some(_) => self.put_attempts(&item, attempts).await?,
            };
            if written == Written::Yes {
                return Ok(Ok(()));
            }
        }
        Ok(Err(OVERTAKEN_MS))
    }

    async fn put_attempts(&self, item: &AttemptsItem, over: Attempts) -> Result<Written, ServiceError> {
        let condition = "#attempts.#failures = :failures AND #attempts.#last_ms = :last_ms";
        let values = [(":failures", number(over.failures)), (":last_ms", number(over.last_ms))];
        self.0.put_when(item, condition, values).await
    }

    /// Forgets all failed logins of an address: one succeeded.
    pub async fn forget_attempts(&self, email: &str) -> Result<(), ServiceError> {
        self.0.delete(&lockout_pk(email), sk::SELF).await
    }

    /// Counts a request of a principal; gives how many it made in this minute, counted from the Unix epoch.
    pub async fn count_request(&self, org: &OrgId, principal: &str, minute: i64) -> Result<u64, ServiceError> {
        self.0.count(&rate_pk(org, principal), &sk::minute(minute), minute * 60 + KEEP_COUNT_S).await
    }
}
