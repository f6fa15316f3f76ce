//! How far a listener of all calls got: the id of its events. One number does not tell, since each call counts its own.

use std::{collections::BTreeMap, fmt};

use callboard_domain::CallId;

/// More calls than are ever followed at once.
const MOST_CALLS: usize = 256;

/// How far a listener got. As text: `<time>` and then `,<call>:<revision>` for each call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Calls that began from here on and are not named are not known, in milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    /// The revision up to which each call is known.
    pub(crate) calls: BTreeMap<CallId, u64>,
}

impl Cursor {
    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let at_ms = parts.next()?.parse().ok()?;
        let call = |part: &str| {
            let (call, revision) = part.split_once(':')?;
            Some((CallId::parse(call).ok()?, revision.parse().ok()?))
        };
        let calls: BTreeMap<_, _> = parts.map(call).collect::<Option<_>>()?;
        (calls.len() <= MOST_CALLS).then_some(Self { at_ms, calls })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at_ms)?;
        self.calls.iter().try_for_each(|(call, revision)| write!(f, ",{call}:{revision}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        for text in
            ["5", "5,01ARZ3NDEKTSV4RRFFQ69G5FAV:17", "-1,01ARZ3NDEKTSV4RRFFQ69G5FAV:0,01BRZ3NDEKTSV4RRFFQ69G5FAV:2"]
        {
            assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "x", "5,", "5,01ARZ3NDEKTSV4RRFFQ69G5FAV", "5,1:2", "5,01ARZ3NDEKTSV4RRFFQ69G5FAV:-1", "5 "] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
        let many: String = (0..300).map(|n| format!(",01ARZ3NDEKTSV4RRFFQ69G{n:04}:1")).collect();
        assert_eq!(Cursor::parse(&format!("5{many}")), None);
    }
}
