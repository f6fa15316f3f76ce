//! The one file of a form, as older clients send it: `multipart/form-data` with a field `file`.
//!
//! Other fields are passed over: those clients send some that mean nothing here.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use callboard_domain::recording::MOST_NAME;

use crate::problem::{Refused, refused};

/// Most bytes of a file that is sent within a request: what is left of Lambda's 6 MB when the body is written as base64.
pub(crate) const MOST_FILE: usize = 4_500_000;
/// Most bytes of the whole body. Lambda lets none through that is longer.
pub(crate) const MOST_BODY: usize = 6 * 1024 * 1024;
/// The name of a file that was sent without one.
const NAMELESS: &str = "recording";

/// The file that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SentFile {
    /// Its name without folders, of 1 to [`MOST_NAME`] characters.
    pub(crate) name: String,
    /// Its bytes, at least one and at most [`MOST_FILE`].
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for SentFile {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let mut form = Multipart::from_request(request, state).await.map_err(|_| {
            bad("the body is no form: send it as multipart/form-data with the recording in the field \"file\", as in \
                 curl -F file=@call.wav")
        })?;
        let mut sent: Option<Self> = None;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            if field.name() != Some("file") {
                continue;
            }
            if sent.is_some() {
                return Err(bad(
                    "the form has more than one field \"file\": send each recording in a request of its own",
                ));
            }
            sent = Some(read(field).await?);
        }
        sent.ok_or_else(|| {
            bad("the form has no field \"file\": send the recording there, as in curl -F file=@call.wav")
        })
    }
}

async fn read(field: Field<'_>) -> Result<SentFile, Refused> {
    let name = name(field.file_name().unwrap_or_default());
    let bytes = field.bytes().await.map_err(broken)?;
    if bytes.is_empty() {
        return Err(bad("the file is empty: send a recording with sound in it"));
    }
    if bytes.len() > MOST_FILE {
        return Err(too_large());
    }
    Ok(SentFile { name, bytes })
}

/// A name without the folders that some clients send with it, and without what no line can show.
fn name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|letter| !letter.is_control()).take(MOST_NAME).collect();
    if shown.trim().is_empty() { NAMELESS.to_owned() } else { shown }
}

fn bad(detail: &str) -> Refused {
    refused(StatusCode::BAD_REQUEST, detail)
}

fn broken(error: MultipartError) -> Refused {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    bad("the form breaks off or is not well-formed: send it again as multipart/form-data")
}

fn too_large() -> Refused {
    let detail = format!(
        "a file sent this way may have at most {MOST_FILE} bytes: hand a larger one in with POST /v1/recordings, which \
         answers where to upload it, or with `callboard upload`"
    );
    refused(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::DefaultBodyLimit, http::header};
    use callboard_wire::rest::Problem;

    use super::*;

    const FORM: &str = "multipart/form-data; boundary=x";

    fn part(head: &str, body: &[u8]) -> Vec<u8> {
        [b"--x\r\ncontent-disposition: form-data; ", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat()
    }

    fn form(parts: &[Vec<u8>]) -> Vec<u8> {
        [parts.concat(), b"--x--\r\n".to_vec()].concat()
    }

    async fn sent(kind: &str, body: Vec<u8>) -> Result<SentFile, Problem> {
        let mut request = Request::new(Body::from(body));
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        DefaultBodyLimit::max(MOST_BODY).apply(&mut request);
        SentFile::from_request(request, &()).await.map_err(|refused| match refused {
            Refused::Because(problem) => *problem,
            Refused::Failed(error) => panic!("{error}"),
        })
    }

    #[tokio::test]
    async fn one_file_is_taken_with_its_name() {
        for (head, expected) in [
            (r#"name="file"; filename="call.wav""#, "call.wav"),
            (r#"name="file"; filename="C:\calls\call 1.mp3""#, "call 1.mp3"),
            (r#"name="file"; filename="a/b/c.ogg""#, "c.ogg"),
            (r#"name="file"; filename="""#, NAMELESS),
            (r#"name="file""#, NAMELESS),
        ] {
            let body = form(&[part(r#"name="language""#, b"en"), part(head, b"RIFF\r\n\0")]);
            let found = sent(FORM, body).await.unwrap();
            assert_eq!((found.name.as_str(), found.bytes.as_ref()), (expected, &b"RIFF\r\n\0"[..]), "{head}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_taken_is_told() {
        let file = |bytes: &[u8]| part(r#"name="file"; filename="a.wav""#, bytes);
        let cut = || form(&[file(b"abc")])[..60].to_vec();
        for (kind, body, status, told) in [
            ("application/json", b"{}".to_vec(), 400, "no form"),
            ("multipart/form-data", form(&[file(b"a")]), 400, "no form"),
            (FORM, form(&[part(r#"name="audio"; filename="a.wav""#, b"a")]), 400, "no field \"file\""),
            (FORM, form(&[]), 400, "no field \"file\""),
            (FORM, form(&[file(b"")]), 400, "empty"),
            (FORM, form(&[file(b"a"), file(b"b")]), 400, "more than one"),
            (FORM, cut(), 400, "breaks off"),
            (FORM, form(&[file(&vec![0; MOST_FILE + 1])]), 413, "POST /v1/recordings"),
            (FORM, form(&[file(&vec![0; MOST_BODY])]), 413, "POST /v1/recordings"),
        ] {
            let problem = sent(kind, body).await.unwrap_err();
            assert_eq!(problem.status, status, "{problem:?}");
            assert!(problem.detail.contains(told), "{problem:?}");
        }
        assert_eq!(sent(FORM, form(&[file(&vec![0; MOST_FILE])])).await.unwrap().bytes.len(), MOST_FILE);
    }
}
