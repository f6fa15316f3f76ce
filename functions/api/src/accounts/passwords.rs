//! Passwords are kept as argon2id hashes, with the parameters that OWASP recommends: 19 MiB, two passes, one lane.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::SaltString,
};
use axum::http::StatusCode;
use callboard_domain::accounts::Password;
use callboard_wire::items::UserItem;

use super::random;
use crate::problem::{Refused, refused};

/// Memory, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// A hash of no password, for who does not exist: to verify against it takes as long as against any other.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FsbGJvYXJkIG5vYm9keQ$Y4KzzIgUErd7/K7tAmABwA2eMCXmbCD25+kvB5hRRio";

/// The hash of a password, with all that is needed to verify it.
pub(super) async fn hash(password: Password) -> Result<String, Refused> {
    let salt = random::<16>()?;
    let hashed = tokio::task::spawn_blocking(move || {
        let salt = SaltString::encode_b64(&salt).ok()?;
        Some(argon2()?.hash_password(password.expose().as_bytes(), &salt).ok()?.to_string())
    });
    let failed = || refused(StatusCode::SERVICE_UNAVAILABLE, "the password cannot be kept just now: try again");
    hashed.await.ok().flatten().ok_or_else(failed)
}

/// Who logs in, if it is somebody who may and this is their password. As much is done whoever it is.
pub(super) async fn admitted(found: Option<UserItem>, password: Password) -> Option<UserItem> {
    let judged = tokio::task::spawn_blocking(move || judge(found, |hash| verify(hash, &password)));
    judged.await.ok().flatten()
}

fn judge(found: Option<UserItem>, mut verify: impl FnMut(&str) -> bool) -> Option<UserItem> {
    let is_right = verify(found.as_ref().map_or(NOBODY, |user| &user.password));
    found.filter(|user| is_right && !user.disabled)
}

fn verify(hash: &str, password: &Password) -> bool {
    let (Ok(hash), Some(argon2)) = (PasswordHash::new(hash), argon2()) else { return false };
    argon2.verify_password(password.expose().as_bytes(), &hash).is_ok()
}

fn argon2() -> Option<Argon2<'static>> {
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, 1, None).ok()?))
}

#[cfg(test)]
mod tests {
    use callboard_domain::{OrgId, permissions::Role};

    use super::*;

    fn user(disabled: bool) -> UserItem {
        UserItem {
            pk: String::new(),
            sk: String::new(),
            org: OrgId::parse("acme").unwrap(),
            id: "usr_1".into(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            role: Role::Agent,
            disabled,
            password: "theirs".into(),
            standing: Default::default(),
            created_at_ms: 0,
            last_login_ms: None,
            version: 1,
        }
    }

    #[test]
    fn one_hash_is_verified_whoever_it_is() {
        for (found, right, hash, admitted) in [
            (Some(user(false)), true, "theirs", true),
            (Some(user(false)), false, "theirs", false),
            (Some(user(true)), true, "theirs", false),
            (None, true, NOBODY, false),
            (None, false, NOBODY, false),
        ] {
            let mut verified = Vec::new();
            let judged = judge(found, |hash| {
                verified.push(hash.to_owned());
                right
            });
            assert_eq!((verified, judged.is_some()), (vec![hash.to_owned()], admitted), "{hash} {right}");
        }
    }

    #[tokio::test]
    async fn a_password_is_verified_by_its_hash_and_nobodys_by_none() {
        let typed = |text: &str| Password::typed(text).unwrap();
        let hash = hash(typed("correct horse")).await.unwrap();
        assert!(verify(&hash, &typed("correct horse")) && !verify(&hash, &typed("wrong horse")));
        assert!(!verify("", &typed("")) && !verify(NOBODY, &typed("")));
        // The same work for both.
        let (theirs, nobodys) = (PasswordHash::new(&hash).unwrap(), PasswordHash::new(NOBODY).unwrap());
        assert_eq!((theirs.algorithm, theirs.version), (nobodys.algorithm, nobodys.version));
        assert_eq!(theirs.params, nobodys.params);
        let lengths = |hash: &PasswordHash<'_>| (hash.salt.unwrap().len(), hash.hash.unwrap().len());
        assert_eq!(lengths(&theirs), lengths(&nobodys));
    }
}
