//! S3: files on disk behind the S3 protocol, presigned URLs and multipart uploads included.

use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, header::HOST};
use percent_encoding::percent_decode_str;
use s3s::{
    Body, S3 as _, S3Request, S3Result,
    auth::SimpleAuth,
    dto::{DeleteObjectInput, PutObjectInput, StreamingBlob},
    host::{S3Host, VirtualHost},
    service::{S3Service, S3ServiceBuilder},
    validation::NameValidation,
};

use super::{
    AwsError,
    connector::{ACCESS_KEY, SECRET_KEY},
    create_dir,
    reply::{Response, respond},
    s3_files::Files,
};
use crate::template::{Expiration, Template};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The buckets.
#[derive(Clone)]
pub struct S3 {
    service: S3Service,
    files: Arc<Files>,
    root: PathBuf,
    expirations: Arc<[Expiration]>,
}

impl S3 {
    /// Serves a directory, with a directory in it for each bucket.
    pub(crate) fn open(root: &Path, template: &Template) -> Result<S3, AwsError> {
        create_dir(root)?;
        for bucket in &template.buckets {
            create_dir(&root.join(bucket))?;
        }
        let open = || Files::new(root).map_err(|error| AwsError::S3(format!("{error:?}")));
        let mut service = S3ServiceBuilder::new(open()?);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        service.set_host(Hosts);
        service.set_validation(LogicalIds);
        Ok(S3 {
            service: service.build(),
            files: Arc::new(open()?),
            root: root.to_owned(),
            expirations: template.expirations.clone().into(),
        })
    }

    /// Writes an object, whole.
    pub async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), AwsError> {
        if escapes(key) {
            return Err(AwsError::S3(format!("the key {key} leaves its bucket")));
        }
        let input = PutObjectInput {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            content_length: i64::try_from(body.len()).ok(),
            body: Some(StreamingBlob::from(Body::from(body))),
            ..PutObjectInput::default()
        };
        let request = request(input, http::Method::PUT);
        // Where it is called, as the other engines work: a simulation must not see how fast a file is written.
        match futures_executor::block_on(tokio::task::unconstrained(self.files.put_object(request))) {
            Ok(_) => Ok(()),
            Err(error) => Err(AwsError::S3(error.to_string())),
        }
    }

    /// Removes the objects that are older than their bucket keeps them. What counts is when their files were written.
    pub(crate) fn expire(&self) -> Result<(), AwsError> {
        for Expiration { bucket, prefix, days } in self.expirations.iter() {
            let mut keys = Vec::new();
            let age = DAY * u32::try_from(*days).unwrap_or(u32::MAX);
            let folder = self.root.join(bucket);
            match collect_older(&folder, "", prefix, age, &mut keys) {
                // What is not there any more was removed meanwhile; what is behind it is found the next time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(AwsError::Io { path: folder.display().to_string(), source }),
                Ok(()) => {}
            }
            for key in keys {
                let input = DeleteObjectInput { bucket: bucket.clone(), key, ..DeleteObjectInput::default() };
                let request = request(input, http::Method::DELETE);
                let deleted = futures_executor::block_on(tokio::task::unconstrained(self.files.delete_object(request)));
                deleted.map_err(|error| AwsError::S3(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, mut request: http::Request<Body>) -> Response {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        if escapes(path.trim_start_matches('/')) {
            return refuse("InvalidArgument", "a key must not have .. as a part");
        }
        // A client that speaks HTTP over no wire has no reason to send the header that its signature covers.
        if !request.headers().contains_key(HOST)
            && let Some(authority) = request.uri().authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            request.headers_mut().insert(HOST, host);
        }
        match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = ?error, "S3 failed");
                refuse("InternalError", "the request could not be served")
            }
        }
    }
}

fn request<T>(input: T, method: http::Method) -> S3Request<T> {
    S3Request {
        input,
        method,
        uri: http::Uri::default(),
        headers: http::HeaderMap::default(),
        extensions: http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

/// Collects the keys of files that are as old, of those that begin with a prefix. `below` is the key of the folder.
fn collect_older(folder: &Path, below: &str, prefix: &str, age: Duration, keys: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let key = format!("{below}{}", entry.file_name().to_string_lossy());
        let about = entry.metadata()?;
        if about.is_dir() {
            let below = format!("{key}/");
            if below.starts_with(prefix) || prefix.starts_with(&below) {
                collect_older(&entry.path(), &below, prefix, age, keys)?;
            }
        } else if key.starts_with(prefix) && about.modified()?.elapsed().is_ok_and(|passed| passed >= age) {
            keys.push(key);
        }
    }
    Ok(())
}

/// Whether a key would lead out of its bucket's directory.
fn escapes(key: &str) -> bool {
    Path::new(key).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
}

fn refuse(code: &str, message: &str) -> Response {
    let status = if code == "InternalError" { 500 } else { 400 };
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let mut response = respond(status, body);
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(http::header::CONTENT_TYPE, xml);
    response
}

/// `bucket.s3.<region>.amazonaws.com` and `bucket.localhost` name a bucket; with any other host it is in the path.
struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.split(':').next().unwrap_or(host);
        let bucket = match name.split_once(".s3.") {
            Some((bucket, rest)) if rest.ends_with("amazonaws.com") => Some(bucket),
            _ => name.strip_suffix(".localhost"),
        };
        Ok(match bucket {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

/// Locally a bucket is named by its logical id, which has capitals.
struct LogicalIds;

impl NameValidation for LogicalIds {
    fn validate_bucket_name(&self, name: &str) -> bool {
        name.len() >= 3
            && name.len() <= 255
            && name.chars().all(|character| character.is_ascii_alphanumeric() || ".-_".contains(character))
            && !name.starts_with('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_are_removed_when_they_are_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let expiration =
            |bucket: &str, prefix: &str| Expiration { bucket: bucket.into(), prefix: prefix.into(), days: 3 };
        let template = Template {
            buckets: vec!["one".into(), "other".into(), "third".into()],
            expirations: vec![expiration("one", "frames/"), expiration("other", ""), expiration("gone", "")],
            ..Template::default()
        };
        let s3 = S3::open(folder.path(), &template).unwrap();
        let all = [
            ("one/frames/acme/old", 3, false),
            ("one/frames/acme/new", 2, true),
            ("one/audio/acme/old", 9, true),
            ("one/framesets", 9, true),
            ("other/old", 3, false),
            ("third/old", 9, true),
        ];
        for (path, days, _) in all {
            let (bucket, key) = path.split_once('/').unwrap();
            s3.put(bucket, key, Bytes::from_static(b"x")).await.unwrap();
            let file = std::fs::File::options().write(true).open(folder.path().join(path)).unwrap();
            let written = file.metadata().unwrap().modified().unwrap() - DAY * days;
            file.set_modified(written).unwrap();
        }
        s3.expire().unwrap();
        for (path, _, stays) in all {
            assert_eq!(folder.path().join(path).exists(), stays, "{path}");
        }
    }

    #[test]
    fn keys_stay_in_their_bucket() {
        for key in ["..", "../a", "a/../b", "/etc/passwd"] {
            assert!(escapes(key), "{key}");
        }
        for key in ["a", "a/b", "a..b", "aws/lambda/x"] {
            assert!(!escapes(key), "{key}");
        }
    }
}
