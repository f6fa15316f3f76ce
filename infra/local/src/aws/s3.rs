//! S3: files on disk behind the S3 protocol, presigned URLs and multipart uploads included.

use std::path::{Component, Path};

use super::{
    AwsError,
    connector::{ACCESS_KEY, SECRET_KEY},
    create_dir,
    reply::{Response, respond},
    s3_files::Files,
};
use bytes::Bytes;
use http::{HeaderValue, header::HOST};
use percent_encoding::percent_decode_str;
use s3s::{
    Body, S3 as _, S3Request, S3Result,
    auth::SimpleAuth,
    dto::{PutObjectInput, StreamingBlob},
    host::{S3Host, VirtualHost},
    service::{S3Service, S3ServiceBuilder},
    validation::NameValidation,
};

/// The buckets.
#[derive(Clone)]
pub struct S3 {
    service: S3Service,
    files: std::sync::Arc<Files>,
}

impl S3 {
    /// Serves a directory, with a directory in it for each bucket.
    pub(crate) fn open(root: &Path, buckets: &[String]) -> Result<S3, AwsError> {
        create_dir(root)?;
        for bucket in buckets {
            create_dir(&root.join(bucket))?;
        }
        let open = || Files::new(root).map_err(|error| AwsError::S3(format!("{error:?}")));
        let mut service = S3ServiceBuilder::new(open()?);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        service.set_host(Hosts);
        service.set_validation(LogicalIds);
        Ok(S3 { service: service.build(), files: std::sync::Arc::new(open()?) })
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
        let request = S3Request {
            input,
            method: http::Method::PUT,
            uri: http::Uri::default(),
            headers: http::HeaderMap::default(),
            extensions: http::Extensions::default(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        // Where it is called, as the other engines work: a simulation must not see how fast a file is written.
        match futures_executor::block_on(tokio::task::unconstrained(self.files.put_object(request))) {
            Ok(_) => Ok(()),
            Err(error) => Err(AwsError::S3(error.to_string())),
        }
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
