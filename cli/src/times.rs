//! Times as people read them, in their own time zone. Where the zone is not known, they are in UTC; the offset says so.

use jiff::{Timestamp, tz::TimeZone};

/// This machine's time zone, by `TZ` or the system's setting.
pub(crate) fn here() -> TimeZone {
    TimeZone::system()
}

/// A time of day with its date and offset, as in `2026-03-09 16:05 +01:00`. Takes milliseconds since the Unix epoch.
pub(crate) fn moment(ms: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(timestamp) => timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string(),
        Err(_) => format!("{ms} ms after 1970"),
    }
}

/// A length, as in `0:52` or `1:02:03`.
pub(crate) fn length(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn moments_are_in_the_zone_of_the_reader() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for (ms, zone, expected) in [
            (0, &TimeZone::UTC, "1970-01-01 00:00 +00:00"),
            (1_772_982_300_999, &TimeZone::fixed(Offset::constant(-5)), "2026-03-08 10:05 -05:00"),
            (1_772_982_300_999, &zone, "2026-03-08 16:05 +01:00"),
            (1_783_350_300_000, &zone, "2026-07-06 17:05 +02:00"),
            (i64::MAX, &zone, "9223372036854775807 ms after 1970"),
        ] {
            assert_eq!(moment(ms, zone), expected);
        }
    }

    #[test]
    fn lengths_have_hours_where_they_must() {
        assert_eq!(
            [0, 52_999, 600_000, 3_723_000, 360_000_000].map(length),
            ["0:00", "0:52", "10:00", "1:02:03", "100:00:00"]
        );
    }
}
