//! Tokens: which prove something, for how long, and those of another issuer.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use callboard_domain::accounts::SIGNING_MS;
use callboard_tests::{
    issuer::Issuer,
    new_call,
    people::{Ahead, PASSWORD, Person},
    socket::{Socket, capture},
    speech::Speech,
    stack::{Local, options},
};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

fn with_part(token: &str, at: usize, value: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[at] = URL_SAFE_NO_PAD.encode(value.to_string());
    parts.join(".")
}

async fn key_ids(local: &Local) -> Vec<String> {
    let (status, set) = local.rest("none").get("/.well-known/jwks.json").await;
    assert_eq!(status, 200, "{set}");
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        assert_eq!((&key["alg"], &key["crv"], key.get("d")), (&json!("EdDSA"), &json!("Ed25519"), None), "{key}");
        key["kid"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_proves_nothing_is_refused() {
    let (speech, clock) = (Speech::start(), Ahead::default());
    let local = Local::start_with(clock.of(options(&speech.url))).await.unwrap();
    let ada = local.first_person(ADA).await;
    let al = local.invited(&ada.rest(), "agent", "al@example.com").await;
    let (header, claims) = (part(&al.access, 0), part(&al.access, 1));
    assert_eq!(
        (&header["alg"], header["kid"].as_str()),
        (&json!("EdDSA"), key_ids(&local).await.first().map(|it| &**it))
    );
    for name in ["iss", "aud", "sub", "org", "role", "iat", "exp"] {
        assert!(claims.get(name).is_some(), "{name} in {claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);

    let changed = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        with_part(&al.access, 1, &changed)
    };
    let algorithm = |name: &str| with_part(&al.access, 0, &json!({"alg": name, "kid": header["kid"]}));
    let unsigned = |token: String| token.rsplit_once('.').unwrap().0.to_owned() + ".";
    for token in [
        changed("role", json!("admin")),
        changed("sub", json!(ada.id())),
        changed("org", json!("acme")),
        changed("aud", json!("another")),
        changed("iss", json!("https://issuer.example")),
        changed("exp", json!(i64::MAX)),
        algorithm("none"),
        unsigned(algorithm("none")),
        algorithm("HS256"),
        unsigned(al.access.clone()),
        with_part(&al.access, 0, &json!({"alg": "EdDSA", "kid": "unknown"})),
        with_part(&al.access, 1, &part(&ada.access, 1)),
        al.access.replacen('.', "..", 1),
        al.refresh.clone(),
    ] {
        assert_eq!(local.rest(&token).get("/v1/me").await.0, 401, "{token}");
        let refused = Socket::open(&local.url, &[], Some(&token)).await.expect_err(&token);
        assert_eq!(refused.status, 401, "{token}");
    }
    assert_eq!(ada.rest().get("/v1/me").await.0, 200);
    // Never in a URL, be it ever so good.
    let refused = Socket::open(&local.url, &[("capture_key", &ada.access)], None).await.expect_err("in a URL");
    assert_eq!(refused.status, 403);
    clock.by(900_000);
    assert_eq!(ada.rest().get("/v1/me").await.0, 401, "it is over");
    assert_eq!(local.refresh(&ada.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_sign_change_and_tokens_outlive_them() {
    let (speech, clock) = (Speech::start(), Ahead::default());
    // Five minutes before the key changes.
    clock.by(SIGNING_MS - clock.now_ms().rem_euclid(SIGNING_MS) - 300_000);
    let local = Local::start_with(clock.of(options(&speech.url))).await.unwrap();
    assert_eq!(key_ids(&local).await, [""; 0], "made when it is needed");
    let ada = local.first_person(ADA).await;
    clock.by(600_000);
    assert_eq!(ada.rest().get("/v1/me").await.0, 200, "signed by the key before");
    let later = Person::of(&local, &local.refresh(&ada.refresh).await.expect(200));
    assert_eq!(later.rest().get("/v1/me").await.0, 200);
    let (before, now) = (part(&ada.access, 0)["kid"].clone(), part(&later.access, 0)["kid"].clone());
    assert_ne!(before, now);
    assert_eq!(json!(key_ids(&local).await), json!([before, now]));
    clock.by(1_200_000);
    assert_eq!(json!(key_ids(&local).await), json!([now]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_issuers_people_get_in_by_their_claims() {
    let (speech, clock, issuer) = (Speech::start(), Ahead::default(), Issuer::start().await);
    let mut options = clock.of(options(&speech.url));
    for (name, value) in [("OidcIssuer", issuer.url.as_str()), ("OidcAudience", "us"), ("PasswordLogin", "false")] {
        options.overrides.insert(name.to_owned(), value.to_owned());
    }
    let local = Local::start_with(options).await.unwrap();
    let info = local.rest("none").get("/v1/auth").await.1;
    let oidc = json!({
        "issuer": issuer.url,
        "client_id": "us",
        "authorization_endpoint": format!("{}/authorize", issuer.url),
        "token_endpoint": format!("{}/token", issuer.url),
        "scope": "openid",
    });
    assert_eq!(info, json!({"registration": "first_user", "passwords": false, "oidc": oidc}));
    local.login(ADA, PASSWORD).await.expect(403);

    // As Cognito's access tokens are: no audience, but the client.
    let claims = json!({
        "iss": issuer.url, "client_id": "us", "sub": "a-1", "custom:org": "acme", "cognito:groups": ["staff", "agent"],
        "exp": clock.now_ms() / 1_000 + 40 * 86_400,
    });
    let but = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let status = async |key: &str, claims: &Value| local.rest(&issuer.token(key, claims)).get("/v1/me").await.0;
    let token = issuer.token("rsa", &claims);
    let me = local.rest(&token).get("/v1/me").await;
    assert_eq!(me, (200, json!({"principal": "oidc_a-1", "org": "acme", "role": "agent", "kind": "user"})));
    let call = new_call();
    local.try_capture(&capture(&call), &token).await.unwrap().ping().await;
    assert_eq!(local.rest(&token).calls().await[0]["principal"], "oidc_a-1");
    assert_eq!(status("rsa", &but("aud", json!("us"))).await, 200, "as its tokens of identity are");
    for (name, value) in [
        ("client_id", json!("them")),
        ("aud", json!("them")),
        ("iss", json!("https://issuer.example")),
        ("exp", json!(clock.now_ms() / 1_000 - 60)),
        ("exp", Value::Null),
        ("exp", json!("2100-01-01")),
        ("nbf", json!(clock.now_ms() / 1_000 + 3_600)),
        ("sub", Value::Null),
        ("custom:org", Value::Null),
        ("custom:org", json!("A#B")),
        ("cognito:groups", json!(["staff"])),
    ] {
        assert_eq!(status("rsa", &but(name, value.clone())).await, 401, "{name} {value}");
    }
    let header = json!({"alg": "ES256", "kid": "rsa"});
    assert_eq!(local.rest(&with_part(&token, 0, &header)).get("/v1/me").await.0, 401, "a key of another kind");
    local.rest(&token).send("PUT", "/v1/me/password", &json!({"current": "x", "new": PASSWORD})).await.expect(403);

    // Its keys change: an unknown one is looked for, once a minute at most.
    issuer.show(&["elliptic"]);
    assert_eq!(status("elliptic", &claims).await, 401, "its keys were read a moment ago");
    let reads = issuer.reads();
    clock.by(61_000);
    assert_eq!(status("elliptic", &claims).await, 200);
    assert_eq!(status("rsa", &claims).await, 401, "it was taken back");
    assert_eq!(issuer.reads(), reads + 1);

    // It fails: the keys that are known go on to count.
    issuer.fail();
    clock.by(2 * 3_600_000);
    assert_eq!((status("elliptic", &claims).await, status("rsa", &claims).await), (200, 401));
}
