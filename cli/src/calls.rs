//! `callboard calls`: which calls there are, newest first.

use std::io::{self, Write};

use anyhow::Context as _;
use callboard_domain::CallStatus;
use callboard_wire::messages::CallMessage;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    reading::{Pages, ask, not_understood},
    stack::{Stack, StackArgs},
    times,
};

/// How many calls are asked at once for how far they got.
const ASKED_AT_ONCE: usize = 4;

/// Show which calls there are, newest first
///
/// How much of a playbook's required landmarks a call has reached is asked call by call.
#[derive(clap::Args)]
pub(crate) struct CallsArgs {
    #[command(flatten)]
    stack: StackArgs,
    /// Most calls to show
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    filters: Filters,
    /// Print one call a line, as the REST interface tells it, with `percent` where it is known
    #[arg(long)]
    json: bool,
}

/// Which calls are shown: those that fit all that is said.
#[derive(clap::Args)]
struct Filters {
    /// Started then or later, as in 2026-03-08T15:05:00Z or 2026-03-08T16:05:00+01:00
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Started before that
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Where they stand
    #[arg(long, value_parser = CallStatus::ALL.map(CallStatus::as_str))]
    status: Option<String>,
    /// Who captured them
    #[arg(long, value_name = "PRINCIPAL")]
    agent: Option<String>,
    /// What they are held against
    #[arg(long, value_name = "ID")]
    playbook: Option<String>,
    /// An objection that was raised in them, by its id in the playbook
    #[arg(long, value_name = "ID")]
    objection: Option<String>,
}

impl Filters {
    /// As the interface names them.
    fn given(self) -> Vec<(&'static str, String)> {
        let Self { from, to, status, agent, playbook, objection } = self;
        let all = [
            ("from", from),
            ("to", to),
            ("status", status),
            ("agent", agent),
            ("playbook", playbook),
            ("objection", objection),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A call, and how far it got.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    call: CallMessage,
    /// Share of the required landmarks that are reached, once any is, or the call has notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
}

/// Shows them page by page.
///
/// # Errors
/// Says why the stack tells none.
pub(crate) async fn run(args: CallsArgs) -> anyhow::Result<()> {
    let stack = args.stack.resolve()?;
    let (limit, zone) = (args.limit as usize, times::here());
    let filters = args.filters.given();
    let is_filtered = !filters.is_empty();
    let (mut pages, mut shown) = (Pages::of(&stack, filters), 0);
    while shown < limit {
        let Some(calls) = pages.next(limit - shown).await? else { break };
        let listed: Vec<Listed> = stream::iter(calls)
            .map(async |call| anyhow::Ok(Listed { percent: percent(&stack, &call.call).await?, call }))
            .buffered(ASKED_AT_ONCE)
            .try_collect()
            .await?;
        let text = if args.json { json(&listed)? } else { table(&listed, shown == 0, &zone) };
        shown += listed.len();
        if !printed(&text)? {
            return Ok(());
        }
    }
    if shown == 0 && is_filtered {
        eprintln!("callboard: no call fits: leave a filter out");
    } else if shown == 0 {
        eprintln!("callboard: there are no calls yet: `callboard stream FILE` makes one");
    }
    Ok(())
}

/// Writes to standard output; false says that nobody reads it any more, which is as well.
pub(crate) fn printed(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("writing to standard output"),
    }
}

/// How much of the call's required landmarks is reached, in percent; none where nothing is known of it.
async fn percent(stack: &Stack, call: &str) -> anyhow::Result<Option<u8>> {
    #[derive(Deserialize)]
    struct Snapshot {
        progress: Option<Percent>,
        notes: Option<Percent>,
    }
    #[derive(Deserialize)]
    struct Percent {
        percent: u8,
    }
    let Some(body) = ask(stack, &format!("/v1/calls/{call}")).await? else { return Ok(None) };
    let snapshot: Snapshot = serde_json::from_str(&body).map_err(not_understood)?;
    Ok(snapshot.progress.or(snapshot.notes).map(|known| known.percent))
}

fn json(calls: &[Listed]) -> serde_json::Result<String> {
    let lines: Vec<String> = calls.iter().map(serde_json::to_string).collect::<serde_json::Result<_>>()?;
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn table(calls: &[Listed], head: bool, zone: &TimeZone) -> String {
    let line = |[call, started, length, status, done, playbook]: [&str; 6]| {
        format!("{call:<26}  {started:<23}  {length:>8}  {status:<6}  {done:>5}  {playbook}\n")
    };
    let mut text = String::new();
    if head && !calls.is_empty() {
        text += &line(["CALL", "STARTED", "LENGTH", "STATUS", "DONE", "PLAYBOOK"]);
    }
    for Listed { call, percent } in calls {
        let done = percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
        let (started, length) = (times::moment(call.started_at_ms, zone), times::length(call.duration_ms));
        text += &line([&call.call, &started, &length, call.status.as_str(), &done, &call.playbook]);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(call: &str, percent: Option<u8>) -> Listed {
        let call = json!({
            "call": call, "revision": 3, "status": "ended", "playbook": "tax_relief", "channels": ["agent"],
            "principal": "p", "started_at_ms": 1_772_982_300_000_i64, "duration_ms": 3_723_000,
        });
        Listed { call: serde_json::from_value(call).unwrap(), percent }
    }

    #[test]
    fn a_line_has_what_people_look_for() {
        let calls = [listed("01ARZ3NDEKTSV4RRFFQ69G5FAV", Some(67)), listed("01ARZ3NDEKTSV4RRFFQ69G5FAW", None)];
        let expected = "\
CALL                        STARTED                    LENGTH  STATUS   DONE  PLAYBOOK
01ARZ3NDEKTSV4RRFFQ69G5FAV  2026-03-08 15:05 +00:00   1:02:03  ended    67 %  tax_relief
01ARZ3NDEKTSV4RRFFQ69G5FAW  2026-03-08 15:05 +00:00   1:02:03  ended       -  tax_relief
";
        assert_eq!(table(&calls, true, &TimeZone::UTC), expected);
        assert_eq!(table(&calls[..1], false, &TimeZone::UTC).lines().count(), 1);
        assert_eq!(table(&[], true, &TimeZone::UTC), "");
    }

    #[test]
    fn a_line_of_json_is_the_interfaces_with_the_percentage() {
        let text = json(&[listed("a", Some(67)), listed("b", None)]).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (&lines[0]["call"], &lines[0]["percent"], &lines[0]["revision"]),
            (&json!("a"), &json!(67), &json!(3))
        );
        assert_eq!((lines.len(), lines[1].get("percent")), (2, None));
    }
}
