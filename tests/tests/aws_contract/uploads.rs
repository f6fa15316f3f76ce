//! Uploads in parts: put by presigned addresses, looked at, put together or given up.

use crate::{backend::Shared, differences::Difference, dynamodb::is_refused, s3::now};

/// S3's least for any part but the last.
const PART: usize = 5 * 1024 * 1024;

async fn put_part(backend: &Shared, key: &str, upload: &str, number: u32, body: Vec<u8>) {
    let address = backend.store().presign_part(key, upload, number, now()).await.unwrap();
    assert_eq!(backend.follow("PUT", &address, None, body).await.0, 200, "part {number}");
}

pub(crate) async fn parts(backend: Shared) {
    let store = backend.store();
    let key = "uploads/a b/source";
    let upload = store.begin_upload(key).await.unwrap();
    assert_eq!(store.uploaded_parts(key, &upload).await, Ok(Some(Vec::new())));
    // In any order, and one of them twice.
    for (number, body) in [(2, vec![2; 10]), (1, vec![9; PART]), (1, vec![1; PART])] {
        put_part(&backend, key, &upload, number, body).await;
    }
    let parts = store.uploaded_parts(key, &upload).await.unwrap().unwrap();
    let told: Vec<(u32, u64)> = parts.iter().map(|part| (part.number, part.bytes)).collect();
    assert_eq!(told, [(1, PART as u64), (2, 10)]);
    assert_eq!(store.get(key).await, Ok(None));

    assert_eq!(store.complete_upload(key, &upload, &parts).await, Ok(true));
    let whole = store.get(key).await.unwrap().unwrap();
    assert_eq!(
        (whole.len(), &whole[..2], &whole[PART - 1..]),
        (PART + 10, &[1, 1][..], &[&[1][..], &[2; 10]].concat()[..])
    );
    // There is no such upload any more.
    let absent = store.uploaded_parts(key, &upload).await;
    assert_eq!(absent == Ok(None), backend.as_aws(Difference::AbsentUploads), "{absent:?}");
    // S3 may answer a second time as it did the first; the object is the same.
    let again = store.complete_upload(key, &upload, &parts).await;
    assert_eq!(again.is_ok(), backend.as_aws(Difference::AbsentUploads), "{again:?}");
    let given_up = store.abort_upload(key, &upload).await;
    assert_eq!(given_up.is_ok(), backend.as_aws(Difference::AbsentUploads), "{given_up:?}");
    assert_eq!(store.length(key).await, Ok(Some((PART + 10) as u64)));
}

pub(crate) async fn given_up(backend: Shared) {
    let store = backend.store();
    let key = "uploads/given up";
    let (one, other) = (store.begin_upload(key).await.unwrap(), store.begin_upload(key).await.unwrap());
    assert_ne!(one, other);
    for upload in [&one, &other] {
        put_part(&backend, key, upload, 1, vec![7; 10]).await;
    }
    let parts = store.uploaded_parts(key, &one).await.unwrap().unwrap();
    assert_eq!(store.abort_upload(key, &one).await, Ok(()));
    for _ in 0..2 {
        let absent = store.uploaded_parts(key, &one).await;
        assert_eq!(absent == Ok(None), backend.as_aws(Difference::AbsentUploads), "{absent:?}");
        let again = store.abort_upload(key, &one).await;
        assert_eq!(again.is_ok(), backend.as_aws(Difference::AbsentUploads), "{again:?}");
    }
    let completed = store.complete_upload(key, &one, &parts).await;
    let as_aws = backend.as_aws(Difference::AbsentUploads) && backend.as_aws(Difference::GivenUpUploads);
    assert_eq!(completed == Ok(false), as_aws, "{completed:?}");
    // A part that was never put.
    let mut wrong = parts;
    wrong[0].number = 2;
    let completed = store.complete_upload(key, &other, &wrong).await;
    assert!(is_refused(&completed, "Invalid"), "{completed:?}");
    assert_eq!(store.get(key).await, Ok(None));
    let given_up = store.abort_upload(key, &other).await;
    assert_eq!(given_up.is_ok(), backend.as_aws(Difference::RefusedCompletions), "{given_up:?}");
}
