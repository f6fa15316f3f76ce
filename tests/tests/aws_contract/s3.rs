//! Objects: written, read whole and by range, listed, removed, and reached by presigned addresses.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};
use callboard_adapters::audio::{AudioStore, Validity};
use futures_util::future::join_all;

use crate::{
    backend::{Shared, now_ms},
    differences::Difference,
    dynamodb::is_refused,
};

/// What S3 lists, and removes, at once.
const AT_ONCE: usize = 1_000;

pub(crate) async fn objects(backend: Shared) {
    let store = backend.store();
    let key = "objects/acme/a b+c/ü.wav";
    assert_eq!((store.get(key).await, store.length(key).await), (Ok(None), Ok(None)));
    for bytes in [vec![1, 2, 3], vec![0; 3_000_000], Vec::new()] {
        assert_eq!(store.put(key, bytes.clone()).await, Ok(()));
        assert_eq!(store.length(key).await, Ok(Some(bytes.len() as u64)));
        assert_eq!(store.get(key).await, Ok(Some(bytes)));
    }
    for _ in 0..2 {
        assert_eq!(store.delete(key).await, Ok(()));
        assert_eq!(store.get(key).await, Ok(None));
    }
    let absent = AudioStore::new(backend.s3(), "no-bucket");
    let sent = absent.put(key, vec![1]).await;
    assert_eq!(is_refused(&sent, "NoSuchBucket"), backend.as_aws(Difference::AbsentBuckets), "{sent:?}");
}

pub(crate) async fn ranges(backend: Shared) {
    let store = backend.store();
    store.put("ranges/1", b"0123456789".to_vec()).await.unwrap();
    for (from, most, expected) in
        [(0, 4, "0123"), (8, 100, "89"), (9, 1, "9"), (3, 0, ""), (10, 5, ""), (100, 1 << 40, "")]
    {
        let read = store.get_range("ranges/1", from, most).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), expected, "{most} from {from}");
    }
    assert_eq!(store.get_range("ranges/2", 0, 4).await, Ok(None));
    store.put("ranges/empty", Vec::new()).await.unwrap();
    assert_eq!(store.get_range("ranges/empty", 0, 4).await, Ok(Some(Vec::new())));
}

async fn fill(store: &AudioStore, prefix: &str, count: usize) -> Vec<String> {
    let keys: Vec<String> = (0..count).map(|number| format!("{prefix}{number:05}")).collect();
    for some in keys.chunks(50) {
        let stored = join_all(some.iter().map(|key| store.put(key, vec![1]))).await;
        assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    }
    keys
}

pub(crate) async fn listings_and_removals(backend: Shared) {
    let store = backend.store();
    let keys = fill(&store, "listings/many/", AT_ONCE + 5).await;
    store.put("listings/other", vec![1]).await.unwrap();
    let list =
        async |after: Option<&str>, most: Option<usize>| store.list("listings/many/", after, most).await.unwrap();
    assert_eq!(list(None, None).await, keys);
    assert_eq!(list(None, Some(7)).await, keys[..7]);
    assert_eq!(list(Some(&keys[6]), Some(3)).await, keys[7..10]);
    assert_eq!(list(Some("listings/many/00007x"), None).await, keys[8..]);
    assert_eq!(list(keys.last().map(String::as_str), None).await, [""; 0]);
    assert_eq!(store.list("listings/none/", None, None).await, Ok(Vec::new()));

    assert_eq!(store.delete_all("listings/many/").await, Ok(AT_ONCE + 5));
    assert_eq!(store.delete_all("listings/many/").await, Ok(0));
    assert_eq!(store.list("listings/", None, None).await, Ok(vec!["listings/other".to_owned()]));
}

/// Good now, for a minute.
pub(crate) fn now() -> Validity {
    Validity { from_ms: now_ms(), seconds: 60 }
}

pub(crate) async fn presigned_addresses(backend: Shared) {
    let store = backend.store();
    let key = "presigned/a b.wav";
    let address = store.presign_put(key, now()).await.unwrap();
    assert_eq!(backend.follow("PUT", &address, None, b"0123456789".to_vec()).await.0, 200);
    assert_eq!(store.get(key).await, Ok(Some(b"0123456789".to_vec())));
    store.put_as(key, "text/plain", b"0".to_vec()).await.unwrap();
    store.put_kept(key, "audio/wav", b"9876543210".to_vec()).await.unwrap();
    let address = store.presign_get(key, now()).await.unwrap();
    let whole = backend.follow("GET", &address, None, Vec::new()).await;
    assert_eq!(whole, (200, b"9876543210".to_vec(), "audio/wav".to_owned()));
    let part = backend.follow("GET", &address, Some("bytes=2-4"), Vec::new()).await;
    assert_eq!(part, (206, b"765".to_vec(), "audio/wav".to_owned()));
    let absent = store.presign_get("presigned/none", now()).await.unwrap();
    assert_eq!(backend.follow("GET", &absent, None, Vec::new()).await.0, 404);

    // It is for this object, to load it, and for a while.
    store.put("presigned/other", vec![1]).await.unwrap();
    let past = Validity { from_ms: now_ms() - 120_000, seconds: 60 };
    let over = store.presign_get(key, past).await.unwrap();
    let other = address.replace("a%20b.wav", "other");
    assert_ne!(other, address);
    for (method, address) in [("GET", &other), ("GET", &over), ("PUT", &address), ("DELETE", &address)] {
        let (status, ..) = backend.follow(method, address, None, Vec::new()).await;
        assert_eq!(status == 403, backend.as_aws(Difference::Signatures), "{method} {address}: {status}");
    }
}

/// By which rules objects are removed stands in the template, and no operation of the code asks for it; that the rules are
/// ones that S3 takes, and that young objects stay, can be seen here.
pub(crate) async fn lifecycles(backend: Shared) {
    let store = backend.store();
    for expiration in &backend.template.expirations {
        assert!(backend.template.buckets.contains(&expiration.bucket), "{expiration:?}");
        if expiration.bucket == "audiobucket" {
            store.put(&format!("{}young", expiration.prefix), vec![1]).await.unwrap();
        }
    }
    let rules = backend.template.expirations.iter().filter(|rule| rule.bucket == "audiobucket").map(|rule| {
        let days = LifecycleExpiration::builder().days(i32::try_from(rule.days).unwrap()).build();
        let filter = LifecycleRuleFilter::builder().prefix(&rule.prefix).build();
        let built = LifecycleRule::builder().id(&rule.prefix).status(ExpirationStatus::Enabled);
        built.expiration(days).filter(filter).build().unwrap()
    });
    let rules: Vec<LifecycleRule> = rules.collect();
    assert!(!rules.is_empty());
    if backend.as_aws(Difference::BucketSettings) {
        let client = backend.s3();
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules.clone())).build().unwrap();
        let put =
            client.put_bucket_lifecycle_configuration().bucket("audiobucket").lifecycle_configuration(configuration);
        put.send().await.unwrap();
        let stored = client.get_bucket_lifecycle_configuration().bucket("audiobucket").send().await.unwrap();
        assert_eq!(stored.rules().len(), rules.len());
    }
    backend.expire();
    for expiration in backend.template.expirations.iter().filter(|rule| rule.bucket == "audiobucket") {
        assert_eq!(store.get(&format!("{}young", expiration.prefix)).await, Ok(Some(vec![1])), "{expiration:?}");
    }
}
