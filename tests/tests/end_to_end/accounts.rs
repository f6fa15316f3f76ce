//! People and keys: how they get in, what ends that, and how often they may ask.

use callboard_local::stack::StackOptions;
use callboard_tests::{
    new_call,
    people::{Ahead, PASSWORD, Person},
    socket::{Socket, capture, pairs},
    speech::Speech,
    stack::{Local, options},
};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const AL: &str = "al@example.com";

async fn local_with(clock: &Ahead, overrides: &[(&str, &str)]) -> (Speech, Local) {
    let speech = Speech::start();
    let mut options: StackOptions = clock.of(options(&speech.url));
    options.overrides.extend(overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let local = Local::start_with(options).await.unwrap();
    (speech, local)
}

async fn local() -> (Speech, Local) {
    local_with(&Ahead::default(), &[]).await
}

/// The statuses of a person's access token and refresh token; asking uses the latter up.
async fn alive(local: &Local, person: &Person) -> (u16, u16) {
    (person.rest().get("/v1/me").await.0, local.refresh(&person.refresh).await.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_person_founds_an_organization_and_the_others_are_invited() {
    let (_speech, local) = local().await;
    let told = json!({"registration": "first_user", "passwords": true, "oidc": null});
    assert_eq!(local.rest("none").get("/v1/auth").await, (200, told));
    let account = json!({"email": ADA, "password": PASSWORD, "name": "Ada", "organization": "Example"});
    for (name, value, status, says) in [
        ("organization", Value::Null, 422, "organization must have"),
        ("password", json!("ninechars"), 422, "9 characters"),
        ("password", json!(ADA), 422, "is the e-mail address"),
        ("email", json!("ada"), 422, "no e-mail address"),
        ("name", json!(" "), 422, "name must have"),
        ("nickname", json!("x"), 400, "nickname"),
        ("invitation", json!("cbi_none"), 403, "not known"),
    ] {
        let mut wrong = account.clone();
        wrong[name] = value;
        let answer = local.door("/v1/auth/register", &wrong).await.expect(status);
        assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{name}: {}", answer.text);
    }
    let untyped = local.rest("none").ask("POST", "/v1/auth/register", &[], &account.to_string()).await;
    assert_eq!(untyped.status, 415, "what a page of another site can send: {}", untyped.text);

    let ada = local.first_person("  Ada@Example.COM ").await;
    let expected = json!({"organization": "Example", "role": "admin", "kind": "user", "email": ADA, "name": "Ada"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&ada.me[name], value, "{}", ada.me);
    }
    assert_eq!(ada.rest().get("/v1/me").await, (200, ada.me.clone()));
    assert_eq!(local.rest("none").get("/v1/auth").await.1["registration"], "invitation");
    local
        .door("/v1/auth/register", &json!({"email": AL, "password": PASSWORD, "name": "Al", "organization": "X"}))
        .await
        .expect(403);

    let wish = json!({"role": "agent", "email": AL, "expires_in_days": 2});
    let invitation = ada.rest().send("POST", "/v1/invitations", &wish).await.expect(201).json();
    let shown = local.door("/v1/auth/invitation", &json!({"invitation": invitation["secret"]})).await.expect(200);
    let expires_at_ms = &invitation["expires_at_ms"];
    let info = json!({"organization": "Example", "role": "agent", "email": AL, "expires_at_ms": expires_at_ms});
    assert_eq!(shown.json(), info);
    local.door("/v1/auth/invitation", &json!({"invitation": "cbi_none"})).await.expect(404);
    let listed = ada.rest().get("/v1/invitations").await.1["invitations"].clone();
    assert_eq!(listed[0]["id"], invitation["id"]);
    assert_eq!(listed[0].get("secret"), None, "told once");
    let mut account =
        json!({"email": "eve@example.com", "password": PASSWORD, "name": "Al", "invitation": invitation["secret"]});
    local.door("/v1/auth/register", &account).await.expect(403);
    account["email"] = json!(AL);
    let al = Person::of(&local, &local.door("/v1/auth/register", &account).await.expect(201));
    assert_eq!((&al.me["role"], &al.me["org"]), (&json!("agent"), &ada.me["org"]));
    account["email"] = json!("third@example.com");
    local.door("/v1/auth/register", &account).await.expect(403);

    // An address has one account, and what was taken back is not taken.
    let (invite, rest) = (json!({"role": "supervisor"}), ada.rest());
    let another = rest.send("POST", "/v1/invitations", &invite).await.expect(201).json();
    account["email"] = json!("AL@example.com");
    account["invitation"] = another["secret"].clone();
    local.door("/v1/auth/register", &account).await.expect(409);
    rest.ask("DELETE", &format!("/v1/invitations/{}", another["id"].as_str().unwrap()), &[], "").await.expect(204);
    account["email"] = json!("third@example.com");
    local.door("/v1/auth/register", &account).await.expect(403);
    rest.send("POST", "/v1/invitations", &json!({"role": "capture"})).await.expect(422);

    let users = rest.get("/v1/users").await.1["users"].clone();
    let emails: Vec<&str> = users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(emails, [ADA, AL]);
    assert!(!users.to_string().contains("argon2"), "{users}");
    al.rest().ask("GET", "/v1/users", &[], "").await.expect(403);
    let stranger = local.rest("other-admin");
    assert_eq!(stranger.get("/v1/users").await, (200, json!({"users": []})));
    stranger.send("PATCH", &format!("/v1/users/{}", al.id()), &json!({"disabled": true})).await.expect(404);
    stranger.ask("DELETE", &format!("/v1/users/{}", al.id()), &[], "").await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_ends_when_it_says() {
    let clock = Ahead::default();
    let (_speech, local) = local_with(&clock, &[]).await;
    let admin = local.rest("acme-admin");
    let invitation = admin.send("POST", "/v1/invitations", &json!({"role": "agent"})).await.expect(201).json();
    let shown = json!({"invitation": invitation["secret"]});
    let told = local.door("/v1/auth/invitation", &shown).await.expect(200).json();
    assert_eq!(told["organization"], "acme", "one without a name is called by its id");
    clock.by(7 * 86_400_000);
    local.door("/v1/auth/invitation", &shown).await.expect(404);
    assert_eq!(admin.get("/v1/invitations").await.1, json!({"invitations": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_gives_the_next_session_once() {
    let clock = Ahead::default();
    let (_speech, local) = local_with(&clock, &[]).await;
    local.first_person(ADA).await;
    let first = Person::of(&local, &local.login(ADA, PASSWORD).await.expect(200));
    let other = Person::of(&local, &local.login(ADA, PASSWORD).await.expect(200));
    let second = Person::of(&local, &local.refresh(&first.refresh).await.expect(200));
    assert_ne!(second.refresh, first.refresh);
    // Another tab raced: it gets the very same successor, as long as nobody used that.
    let raced = Person::of(&local, &local.refresh(&first.refresh).await.expect(200));
    assert_eq!(raced.refresh, second.refresh);
    let third = Person::of(&local, &local.refresh(&second.refresh).await.expect(200));
    assert_eq!(third.rest().get("/v1/me").await.0, 200);
    // Now the first was copied by somebody: the session is over for all who have a token of it.
    local.refresh(&first.refresh).await.expect(401);
    assert_eq!(alive(&local, &third).await, (401, 401));
    assert_eq!(second.rest().get("/v1/me").await.0, 401);
    assert_eq!(alive(&local, &other).await, (200, 200), "another session is another");

    // The grace is short.
    let begun = Person::of(&local, &local.login(ADA, PASSWORD).await.expect(200));
    local.refresh(&begun.refresh).await.expect(200);
    clock.by(11_000);
    local.refresh(&begun.refresh).await.expect(401);
    for wrong in ["", "cbr_", "cbr_abc", "none"] {
        local.refresh(wrong).await.expect(401);
    }
    // A session that nobody goes on with ends.
    let left = Person::of(&local, &local.login(ADA, PASSWORD).await.expect(200));
    clock.by(31 * 86_400_000);
    local.refresh(&left.refresh).await.expect(401);

    let last = Person::of(&local, &local.login(ADA, PASSWORD).await.expect(200));
    local.door("/v1/auth/logout", &json!({"refresh_token": last.refresh})).await.expect(204);
    assert_eq!(alive(&local, &last).await, (401, 401));
    local.door("/v1/auth/logout", &json!({"refresh_token": last.refresh})).await.expect(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_keeps_its_refresh_token_where_no_script_reads_it() {
    let (_speech, local) = local().await;
    local.first_person(ADA).await;
    let login = json!({"email": ADA, "password": PASSWORD, "refresh": "cookie"});
    let answer = local.door("/v1/auth/login", &login).await.expect(200);
    assert_eq!(answer.json().get("refresh_token"), None);
    let set = answer.header("set-cookie").to_owned();
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/v1/auth; HttpOnly; SameSite=Strict; Max-Age=2592000", "on this machine without TLS");
    let doors = local.rest("none");
    let ask = async |path: &str, cookie: &str, header: &[(&str, &str)]| {
        doors.ask("POST", path, &[&[("cookie", cookie)], header].concat(), "").await
    };
    ask("/v1/auth/refresh", cookie, &[]).await.expect(403);
    ask("/v1/auth/logout", cookie, &[]).await.expect(403);
    let own = [("x-callboard", "1")];
    let gone_on = ask("/v1/auth/refresh", cookie, &own).await.expect(200);
    assert_eq!(gone_on.json().get("refresh_token"), None);
    let next = gone_on.header("set-cookie").split_once("; ").unwrap().0.to_owned();
    assert_ne!(next, cookie);
    let left = ask("/v1/auth/logout", &next, &own).await.expect(204);
    assert!(left.header("set-cookie").starts_with("callboard_refresh=; "), "{left:?}");
    assert!(left.header("set-cookie").contains("Max-Age=0"), "{left:?}");
    let over = ask("/v1/auth/refresh", &next, &own).await.expect(401);
    assert!(over.header("set-cookie").contains("Max-Age=0"), "{over:?}");
    doors.ask("POST", "/v1/auth/refresh", &own, "").await.expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fails_to_log_in_waits_longer_each_time() {
    let clock = Ahead::default();
    let (_speech, local) = local_with(&clock, &[]).await;
    local.first_person(ADA).await;
    // Known or not, it is the same.
    for email in [ADA, "nobody@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(local.login(email, "wrong horse battery").await.expect(401).text);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        for wait_s in [1, 2, 4, 8] {
            let answer = local.login(email, PASSWORD).await.expect(429);
            let told: i64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=wait_s).contains(&told), "{email}: {told} s of {wait_s} s");
            clock.by(wait_s * 1_000);
            local.login(email, "wrong horse battery").await.expect(401);
        }
        clock.by(17_000);
    }
    local.login(ADA, PASSWORD).await.expect(200);
    for _ in 0..4 {
        local.login(ADA, "wrong horse battery").await.expect(401);
    }
    local.login(ADA, PASSWORD).await.expect(200);
    local.login("no address", PASSWORD).await.expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_kept_out_is_out_at_once() {
    let (_speech, local) = local().await;
    let ada = local.first_person(ADA).await;
    let al = local.invited(&ada.rest(), "supervisor", AL).await;
    let path = format!("/v1/users/{}", al.id());
    for change in [json!({"disabled": true}), json!({"role": "agent"})] {
        let person = Person::of(&local, &local.login(AL, PASSWORD).await.expect(200));
        let mut socket = local.socket(&person.access).await;
        socket.ping().await;
        ada.rest().send("PATCH", &path, &json!({"name": "Alan"})).await.expect(200);
        socket.ping().await;
        assert_eq!(person.rest().get("/v1/me").await.0, 200, "a name ends nothing");
        let changed = ada.rest().send("PATCH", &path, &change).await.expect(200).json();
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{changed}");
        }
        assert!(socket.close_code().await.is_some(), "its sockets are closed");
        assert_eq!(alive(&local, &person).await, (401, 401), "{change}");
        let refused = Socket::open(&local.url, &[], Some(&person.access)).await.expect_err("no new one");
        assert_eq!(refused.status, 401);
        let status = if changed["disabled"] == true { 401 } else { 200 };
        assert_eq!(local.login(AL, PASSWORD).await.status, status, "{change}");
        ada.rest().send("PATCH", &path, &json!({"disabled": false})).await.expect(200);
    }
    let person = Person::of(&local, &local.login(AL, PASSWORD).await.expect(200));
    assert_eq!(person.me["role"], "agent");
    ada.rest().ask("DELETE", &path, &[], "").await.expect(204);
    assert_eq!(alive(&local, &person).await, (401, 401));
    local.login(AL, PASSWORD).await.expect(401);
    ada.rest().ask("DELETE", &path, &[], "").await.expect(404);

    // The last active admin stays, whoever else there is.
    let other = local.invited(&ada.rest(), "admin", "other@example.com").await;
    let own = format!("/v1/users/{}", ada.id());
    other.rest().send("PATCH", &format!("/v1/users/{}", other.id()), &json!({"role": "agent"})).await.expect(200);
    for change in [json!({"role": "supervisor"}), json!({"disabled": true})] {
        ada.rest().send("PATCH", &own, &change).await.expect(409);
    }
    ada.rest().ask("DELETE", &own, &[], "").await.expect(409);
    assert_eq!(ada.rest().get("/v1/users").await.0, 200, "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_admins_who_demote_each_other_one_stays() {
    let (_speech, local) = local().await;
    let ada = local.first_person(ADA).await;
    let al = local.invited(&ada.rest(), "admin", AL).await;
    let demote = async |by: &Person, whom: &Person| {
        let path = format!("/v1/users/{}", whom.id());
        by.rest().send("PATCH", &path, &json!({"role": "agent"})).await.status
    };
    let (one, two) = tokio::join!(demote(&ada, &al), demote(&al, &ada));
    let done = [one, two].iter().filter(|status| **status == 200).count();
    assert_eq!(done, 1, "{one} {two}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_the_other_sessions() {
    let (_speech, local) = local().await;
    local.first_person(ADA).await;
    let (mine, other) = (local.login(ADA, PASSWORD).await, local.login(ADA, PASSWORD).await);
    let (mine, other) = (Person::of(&local, &mine), Person::of(&local, &other));
    let change = async |current: &str, new: &str| {
        mine.rest().send("PUT", "/v1/me/password", &json!({"current": current, "new": new})).await
    };
    change("wrong horse battery", "staple the battery").await.expect(403);
    change(PASSWORD, "short").await.expect(422);
    change(PASSWORD, "staple the battery").await.expect(204);
    assert_eq!(alive(&local, &other).await, (401, 401));
    assert_eq!(alive(&local, &mine).await, (200, 200));
    local.login(ADA, PASSWORD).await.expect(401);
    local.login(ADA, "staple the battery").await.expect(200);
    let body = json!({"current": PASSWORD, "new": "staple the battery"});
    local.rest("acme-admin").send("PUT", "/v1/me/password", &body).await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_told_once_and_taken_back_at_once() {
    let (_speech, local) = local().await;
    let admin = local.rest("acme-admin");
    let made = admin.send("POST", "/v1/keys", &json!({"name": "Desk 7", "role": "capture"})).await.expect(201).json();
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    assert!(secret.starts_with("cbk_"), "{made}");
    let call = new_call();
    let mut socket = local.try_capture(&capture(&call), &secret).await.unwrap();
    socket.ping().await;
    let mut by_url = Socket::open(&local.url, &[("capture_key", &secret)], None).await.unwrap();
    by_url.ping().await;
    assert_eq!(local.rest(&secret).get("/v1/calls").await.0, 403, "it may only send audio");
    let snapshot = admin.snapshot(&call).await;
    assert_eq!(snapshot["call"]["principal"], id.as_str());
    let listed = admin.get("/v1/keys").await.1;
    let own = async || {
        let keys = admin.get("/v1/keys").await.1["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["id"] == id.as_str()).unwrap()
    };
    assert!(!listed.to_string().contains(&secret), "{listed}");
    assert!(own().await["last_used_ms"].as_i64().unwrap() >= made["created_at_ms"].as_i64().unwrap());

    let stranger = local.rest("other-admin");
    stranger.ask("DELETE", &format!("/v1/keys/{id}"), &[], "").await.expect(404);
    assert!(!stranger.get("/v1/keys").await.1.to_string().contains(&id));
    admin.ask("DELETE", &format!("/v1/keys/{id}"), &[], "").await.expect(204);
    assert!(socket.close_code().await.is_some() && by_url.close_code().await.is_some());
    let query = capture(&call);
    for (query, token) in [(&pairs(&query)[..], Some(secret.as_str())), (&[("capture_key", secret.as_str())], None)] {
        let refused = Socket::open(&local.url, query, token).await.expect_err("it was taken back");
        assert_eq!(refused.status, 401);
    }
    assert_eq!(own().await["revoked"], true);
    admin.ask("DELETE", &format!("/v1/keys/{id}"), &[], "").await.expect(204);

    let script = json!({"name": "Wallboard", "role": "supervisor"});
    let script = admin.send("POST", "/v1/keys", &script).await.expect(201).json();
    let me = local.rest(script["secret"].as_str().unwrap()).get("/v1/me").await.1;
    let expected =
        json!({"principal": script["id"], "org": "acme", "role": "supervisor", "kind": "key", "name": "Wallboard"});
    assert_eq!(me, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_the_minute_and_the_principal() {
    let clock = Ahead::default();
    // To the middle of a minute, so that none ends meanwhile.
    clock.by(90_000 - clock.now_ms().rem_euclid(60_000));
    let (_speech, local) = local_with(&clock, &[("RateLimitPerMinute", "5")]).await;
    let ada = local.first_person(ADA).await;
    for left in (0..5).rev() {
        let answer = ada.rest().ask("GET", "/v1/me", &[], "").await.expect(200);
        assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), ("5", &*left.to_string()));
        let reset_s: i64 = answer.header("ratelimit-reset").parse().unwrap();
        assert!((1..=30).contains(&reset_s), "{reset_s}");
    }
    let refused = ada.rest().ask("GET", "/v1/me", &[], "").await.expect(429);
    assert_eq!(
        (refused.header("content-type"), refused.header("ratelimit-remaining")),
        ("application/problem+json", "0")
    );
    assert_eq!(refused.header("retry-after"), refused.header("ratelimit-reset"));
    assert_eq!(refused.json()["status"], 429);
    // Another principal has a minute of its own, and this one another minute.
    assert_eq!(local.rest("acme-admin").get("/v1/me").await.0, 200);
    clock.by(60_000);
    assert_eq!(ada.rest().ask("GET", "/v1/me", &[], "").await.expect(200).header("ratelimit-remaining"), "4");
    assert_eq!(local.rest("acme-admin").ask("GET", "/v1/me", &[], "").await.header("ratelimit-limit"), "", "no limit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_hosts_may_ask_where_they_are_named() {
    let origins = [("AllowedOrigins", "https://one.example, https://two.example")];
    for (overrides, named) in [(&origins[..], true), (&[], false)] {
        let (_speech, local) = local_with(&Ahead::default(), overrides).await;
        let rest = local.rest("acme-admin");
        for (origin, known) in
            [("https://one.example", named), ("https://two.example", named), ("https://evil.example", false)]
        {
            let asked = [("origin", origin), ("access-control-request-method", "PATCH")];
            let preflight = rest.ask("OPTIONS", "/v1/users/x", &asked, "").await.expect(204);
            let answer = rest.ask("GET", "/v1/me", &asked[..1], "").await.expect(200);
            let expected = if known { origin } else { "" };
            for answer in [&preflight, &answer] {
                assert_eq!(answer.header("access-control-allow-origin"), expected, "{origin}");
                assert_eq!(answer.header("access-control-allow-credentials"), "", "no cookie");
            }
            assert_eq!(preflight.header("access-control-allow-headers").contains("authorization"), known, "{origin}");
        }
    }
}
