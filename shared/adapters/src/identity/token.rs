//! Access tokens of this deployment: JSON Web Tokens, signed with Ed25519.
//!
//! No algorithm but that one is taken, whatever a token says of itself. The time is handed in.

use callboard_domain::{accounts::ACCESS_TOKEN_S, permissions::Role};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous::insecure_decode, decode, encode,
};
use serde::{Deserialize, Serialize};

use super::signatures;

/// Whom access tokens are for.
pub const AUDIENCE: &str = "callboard";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Whose it is.
    pub sub: String,
    /// Their organization.
    pub org: String,
    /// What they could do when it was made.
    pub role: Role,
    /// The session that it belongs to.
    pub sid: String,
    /// When it was made, in seconds since the Unix epoch.
    pub iat: i64,
    /// When it is over, in seconds since the Unix epoch.
    pub exp: i64,
}

impl Claims {
    /// Of a session of somebody, made now.
    pub fn new(issuer: &str, (org, user, role): (&str, &str, Role), session: &str, now_ms: i64) -> Self {
        let iat = now_ms / 1_000;
        Self {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_owned(),
            org: org.to_owned(),
            role,
            sid: session.to_owned(),
            iat,
            exp: iat + ACCESS_TOKEN_S,
        }
    }
}

/// Signs claims with a private key in PKCS#8, named by its id. None for what is no such key.
pub fn sign(claims: &Claims, kid: &str, private: &[u8]) -> Option<String> {
    signatures::install();
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, &EncodingKey::from_ed_der(private)).ok()
}

/// The claims of a token that was signed by this public key (in base64url), for this deployment, and is not over.
pub(super) fn verify(token: &str, public: &str, issuer: &str, now_ms: i64) -> Option<Claims> {
    signatures::install();
    let key = DecodingKey::from_ed_components(public).ok()?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    // It would look at the system's clock.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key, &validation).ok()?.claims;
    (claims.exp > now_ms.div_euclid(1_000)).then_some(claims)
}

/// Who a token says that it is from, unproved; none of what is no token.
pub(super) fn issuer(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        #[serde(default)]
        iss: String,
    }
    if text.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return None;
    }
    // What looks like a token and cannot be read is nobody's, and no key either.
    Some(insecure_decode::<Issuer>(text).map(|token| token.claims.iss).unwrap_or_default())
}

/// The key that a token says it is signed by, unproved.
pub(super) fn key_id(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::{
        rand::SystemRandom,
        signature::{Ed25519KeyPair, KeyPair as _},
    };
    use serde_json::{Value, json};

    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn pair() -> (Vec<u8>, String) {
        let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
        let public = Ed25519KeyPair::from_pkcs8(&private).unwrap().public_key().as_ref().to_vec();
        (private, URL_SAFE_NO_PAD.encode(public))
    }

    fn claims() -> Claims {
        Claims::new("callboard", ("acme", "usr_1", Role::Agent), "s", NOW_MS)
    }

    #[test]
    fn a_token_is_good_for_whom_and_as_long_as_it_says() {
        let (private, public) = pair();
        let token = sign(&claims(), "k", &private).unwrap();
        assert_eq!((issuer(&token).as_deref(), key_id(&token).as_deref()), (Some("callboard"), Some("k")));
        let lives_ms = ACCESS_TOKEN_S * 1_000;
        for (public, issuer, now_ms, good) in [
            (&public, "callboard", NOW_MS, true),
            (&public, "callboard", NOW_MS + lives_ms - 1, true),
            (&public, "callboard", NOW_MS + lives_ms, false),
            (&public, "another", NOW_MS, false),
            (&pair().1, "callboard", NOW_MS, false),
        ] {
            assert_eq!(verify(&token, public, issuer, now_ms).is_some(), good, "{issuer} {now_ms}");
        }
        let other = Claims { aud: "another".into(), ..claims() };
        assert_eq!(verify(&sign(&other, "k", &private).unwrap(), &public, "callboard", NOW_MS), None);
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let (private, public) = pair();
        let token = sign(&claims(), "k", &private).unwrap();
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut admin = serde_json::to_value(claims()).unwrap();
        admin["role"] = json!("admin");
        let no_expiry = json!({"iss": "callboard", "aud": "callboard", "sub": "usr_1"});
        let none = encode(&json!({"alg": "none", "kid": "k"}));
        let hmac = encode(&json!({"alg": "HS256", "kid": "k"}));
        for wrong in [
            format!("{header}.{}.{signature}", encode(&admin)),
            format!("{header}.{}.{signature}", encode(&no_expiry)),
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{signature}"),
            format!("{hmac}.{payload}.{signature}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}.{}", &signature[1..]),
            "a.b.c".to_owned(),
            "..".to_owned(),
        ] {
            assert_eq!(verify(&wrong, &public, "callboard", NOW_MS), None, "{wrong}");
            assert!(issuer(&wrong).is_some(), "it is not taken for a key: {wrong}");
        }
        assert_eq!(issuer("cbk_0123"), None);
    }
}
