//! Schedules: `rate(…)` in seconds.

use super::{
    Schedule,
    error::TemplateError,
    events::{Event, is_disabled},
    field::Field,
};

/// Reads a schedule; `expression` is the property that says when.
pub(super) fn schedule(
    id: String,
    function: &str,
    properties: &Field,
    expression: &str,
) -> Result<Event, TemplateError> {
    properties.only(&[
        expression,
        "Input",
        "Enabled",
        "State",
        "Name",
        "Description",
        "FlexibleTimeWindow",
        "RetryPolicy",
        "DeadLetterConfig",
    ])?;
    if is_disabled(properties)? {
        return Ok(Event::Disabled);
    }
    if let Some(state) = properties.get("State")
        && state.one_of(&["ENABLED", "DISABLED"])? == "DISABLED"
    {
        return Ok(Event::Disabled);
    }
    let field = properties.require(expression)?;
    let text = field.text()?;
    let every_s = rate(&text).ok_or_else(|| {
        field.error(format!("{text} is not supported by the local stack; supported is rate(<n> minutes|hours|days)"))
    })?;
    let input = properties.get("Input").map(|field| field.json()).transpose()?;
    Ok(Event::Schedule(Schedule { id, function: function.to_owned(), every_s, input }))
}

/// `rate(5 minutes)` in seconds.
fn rate(text: &str) -> Option<u64> {
    let (count, unit) = text.strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit_s = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit_s)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("rate(1 minute)", Some(60)),
            ("rate(5 minutes)", Some(300)),
            ("rate(2 hours)", Some(7200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(0 minutes)", None),
            ("rate(1 week)", None),
            ("cron(0 12 * * ? *)", None),
        ] {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
