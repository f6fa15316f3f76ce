//! Cursors: where a list of calls goes on. Opaque to clients, and of one organization.
//!
//! They are no secret and prove nothing: all that a cursor decides is where in an organization's own list a page begins.
//! What is checked keeps a wrong one from giving a wrong page.

use callboard_domain::{CallId, OrgId};
use sha2::{Digest, Sha256};

/// Bytes that tell whether a cursor is whole and of this organization.
const CHECK_BYTES: usize = 8;

/// The cursor of a position.
pub(crate) fn write(org: &OrgId, position: &str) -> String {
    hex::encode(check_bytes(org, position)) + &hex::encode(position)
}

/// The position of a cursor; none if it is not whole, or of another organization.
pub(crate) fn read(org: &OrgId, cursor: &str) -> Option<String> {
    let bytes = hex::decode(cursor).ok()?;
    let (check, position) = bytes.split_at_checked(CHECK_BYTES)?;
    let position = std::str::from_utf8(position).ok()?;
    let (start, call) = position.split_once('#')?;
    let is_position = start.bytes().all(|byte| byte.is_ascii_digit()) && CallId::parse(call).is_ok();
    (is_position && check == check_bytes(org, position)).then(|| position.to_owned())
}

fn check_bytes(org: &OrgId, position: &str) -> [u8; CHECK_BYTES] {
    let hash = Sha256::digest(format!("cursor of calls\0{org}\0{position}"));
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_its_organization_and_whole() {
        let (acme, other) = (OrgId::parse("acme").unwrap(), OrgId::parse("other").unwrap());
        let position = "001772982300000#01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let cursor = write(&acme, position);
        assert_eq!(read(&acme, &cursor).as_deref(), Some(position));
        assert_eq!(read(&other, &cursor), None);
        for wrong in ["", "00", "é", position, &cursor[1..], &cursor[..cursor.len() - 2], &write(&acme, "0#x")] {
            assert_eq!(read(&acme, wrong), None, "{wrong}");
        }
    }
}
