//! What `callboard dev` leaves behind so that the other commands find it: address and token of the stack on a port, and
//! where its AWS services answer.
//!
//! One file a port, readable by its owner only. It proves nothing: a stack that was killed leaves its file, and the
//! next one on the port writes its own.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The content of one file.
#[derive(Serialize, Deserialize)]
struct Stack {
    url: String,
    token: String,
    /// Older stacks tell none.
    #[serde(default)]
    aws: Option<String>,
}

/// Notes down that a stack answers on this port, its token, and the address of its AWS services.
///
/// # Errors
/// When the state directory cannot be made or written.
pub(crate) fn write(port: u16, url: &str, token: &str, aws: &str) -> io::Result<()> {
    let directory =
        directory().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME is set"))?;
    write_in(&directory, port, url, token, aws)
}

/// The token of the local stack at this address; none for an address that is not on this machine.
pub(crate) fn read(url: &str) -> Option<String> {
    read_in(&directory()?, url).map(|stack| stack.token)
}

/// Where the AWS services of the local stack at this address answer.
pub(crate) fn read_aws(url: &str) -> Option<String> {
    read_in(&directory()?, url)?.aws
}

/// The folder where it is kept which recordings went to which stack; none where this person keeps no state.
pub(crate) fn uploads() -> Option<PathBuf> {
    Some(directory()?.join("uploads"))
}

/// `$XDG_STATE_HOME/callboard`, else `~/.local/state/callboard`.
fn directory() -> Option<PathBuf> {
    // The XDG base directory rules: a relative path is invalid and ignored.
    let state_home = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let base = state_home.or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(base.join("callboard"))
}

#[allow(clippy::disallowed_methods, reason = "where this person keeps state is a fact of the machine, not a setting")]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn file(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!("dev-{port}.json"))
}

fn write_in(directory: &Path, port: u16, url: &str, token: &str, aws: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let target = file(directory, port);
    let fresh = directory.join(format!(".dev-{port}.{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let stack = Stack { url: url.to_owned(), token: token.to_owned(), aws: Some(aws.to_owned()) };
    let written = options.open(&fresh).and_then(|mut opened| {
        opened.write_all(&serde_json::to_vec(&stack)?)?;
        fs::rename(&fresh, &target)
    });
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn read_in(directory: &Path, url: &str) -> Option<Stack> {
    let url = Url::parse(url).ok()?;
    if !is_loopback(&url) {
        return None;
    }
    let text = fs::read(file(directory, url.port_or_known_default()?)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Whether the address is this machine's own, so that its token may be sent there.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_port_is_found_by_any_name_of_this_machine() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/callboard");
        write_in(&path, 8787, "http://127.0.0.1:8787", "old", "http://127.0.0.1:2").unwrap();
        write_in(&path, 8787, "http://127.0.0.1:8787", "secret", "http://127.0.0.1:3").unwrap();
        for (url, expected) in [
            ("http://127.0.0.1:8787", Some("secret")),
            ("http://localhost:8787/", Some("secret")),
            ("http://[::1]:8787", Some("secret")),
            ("http://127.0.0.1:8788", None),
            ("http://192.168.0.9:8787", None),
            ("https://callboard.example:8787", None),
            ("http://localhost.example:8787", None),
            ("8787", None),
        ] {
            let stack = read_in(&path, url);
            assert_eq!(stack.as_ref().map(|stack| stack.token.as_str()), expected, "{url}");
            assert_eq!(stack.and_then(|stack| stack.aws).as_deref(), expected.map(|_| "http://127.0.0.1:3"), "{url}");
        }
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["dev-8787.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        write_in(directory.path(), 1, "http://127.0.0.1:1", "secret", "http://127.0.0.1:2").unwrap();
        let mode = fs::metadata(file(directory.path(), 1)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_no_token() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(file(directory.path(), 1), "{\"url\":").unwrap();
        assert!(read_in(directory.path(), "http://127.0.0.1:1").is_none());
        fs::write(file(directory.path(), 1), r#"{"url":"http://127.0.0.1:1","token":"secret"}"#).unwrap();
        let older = read_in(directory.path(), "http://127.0.0.1:1").unwrap();
        assert_eq!((older.token.as_str(), older.aws), ("secret", None));
    }
}
