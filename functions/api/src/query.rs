//! Parameters of a query: each at most once, and none that the resource does not know, so that a slip of the pen is told
//! and not passed over.

use axum::http::StatusCode;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::problem::{Refused, refused};

/// The parameters of a query that were given.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query of which these parameters are known.
    pub(crate) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Refused> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query.unwrap_or_default())
            .map_err(|error| wrong(format!("the query is not understood: {error}")))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            let brief: String = name.chars().take(40).collect();
            if !known.contains(&name.as_str()) {
                return Err(wrong(format!("there is no parameter \"{brief}\": known are {}", known.join(", "))));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(wrong(format!("{brief} is given more than once: give it once")));
            }
        }
        Ok(Self(pairs))
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Refused> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
        let range = if most == u32::MAX { format!("from {least} up") } else { format!("from {least} to {most}") };
        number.map(Some).ok_or_else(|| wrong(format!("{name} must be a whole number {range}")))
    }

    /// A point in time as RFC 3339 has it, in milliseconds since the Unix epoch: the first that is not before it.
    pub(crate) fn time_ms(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            wrong(format!("{name} must be a time such as 2026-03-08T15:05:00Z, or …+01:00, whose + is written %2B"))
        })?;
        let ms = time.unix_timestamp_nanos().div_euclid(1_000_000);
        let is_whole = time.unix_timestamp_nanos().rem_euclid(1_000_000) == 0;
        Ok(i64::try_from(if is_whole { ms } else { ms + 1 }).ok())
    }
}

fn wrong(detail: String) -> Refused {
    refused(StatusCode::BAD_REQUEST, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Parameters, String> {
        Parameters::read(Some(query), &["limit", "from"]).map_err(|refused| refused.detail())
    }

    #[track_caller]
    fn check<T: std::fmt::Debug + PartialEq>(found: Result<T, Refused>, expected: Result<T, &str>) {
        assert_eq!(found.map_err(|refused| refused.detail()), expected.map_err(str::to_owned));
    }

    #[test]
    fn slips_are_told() {
        for (query, told) in [
            ("limits=3", "there is no parameter \"limits\": known are limit, from"),
            ("limit=3&limit=4", "limit is given more than once: give it once"),
            ("%00=1", "there is no parameter \"\0\": known are limit, from"),
        ] {
            assert_eq!(read(query).unwrap_err(), told);
        }
        assert!(read("").unwrap().text("limit").is_none());
        assert_eq!(read("from=a%20b").unwrap().text("from"), Some("a b"));
    }

    #[test]
    fn numbers_are_in_their_range() {
        let number = |query: &str| read(query).unwrap().number("limit", 1, 200);
        check(number(""), Ok(None));
        check(number("limit=200"), Ok(Some(200)));
        for query in ["limit=", "limit=0", "limit=201", "limit=%2B1", "limit=1.0", "limit=99999999999"] {
            check(number(query), Err("limit must be a whole number from 1 to 200"));
        }
    }

    #[test]
    fn times_are_told_in_milliseconds() {
        let time = |text: &str| read(&format!("from={text}")).unwrap().time_ms("from");
        check(time("1970-01-01T00:00:01Z"), Ok(Some(1_000)));
        check(time("1970-01-01T02:00:00.0010%2B02:00"), Ok(Some(1)));
        check(time("1970-01-01T00:00:00.0001Z"), Ok(Some(1)));
        check(time("1969-12-31T23:59:59.9995Z"), Ok(Some(0)));
        check(time("0001-01-01T00:00:00Z"), Ok(Some(-62_135_596_800_000)));
        let told = "from must be a time such as 2026-03-08T15:05:00Z, or …+01:00, whose + is written %2B";
        for text in ["", "2026-03-08", "1772982300000", "2026-03-08T15:05:00", "2026-03-08T15:05:00+01:00"] {
            check(time(text), Err(told));
        }
    }
}
