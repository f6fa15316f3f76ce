//! How a call went by its playbook: one number, and the parts that made it, each with its reason.

use serde::{Deserialize, Serialize};

use super::types::{Notes, NotesStyle, Outcome};

/// The agent's share of the speech that costs no points.
const BALANCED: std::ops::RangeInclusive<u8> = 35..=65;

/// How often an agent may talk into the customer's words: once in so many milliseconds.
const FREE_INTERRUPTION_MS: u64 = 300_000;

/// How a call went by its playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scorecard {
    /// From 0 to 100: the points of all parts as a share of what they could be.
    pub score: u8,
    /// What made it. None where nothing can be scored: a voice note, an empty call, notes from before there were scores.
    pub parts: Vec<ScorePart>,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScorePart {
    /// `landmarks`, `objections`, `next_step`, `balance` or `interruptions`.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// The points it got.
    pub points: u8,
    /// The most that it could get.
    pub of: u8,
    /// Why, in one sentence.
    pub why: String,
}

/// Scores notes whose other parts are filled. `knows_steps` says whether agreements and actions could be found at all.
pub(super) fn scorecard(notes: &Notes, knows_steps: bool) -> Scorecard {
    if notes.style == NotesStyle::Monologue || notes.talk.agent_percent.is_none() {
        return Scorecard::default();
    }
    let next_step = || knows_steps.then(|| next_step(notes));
    let parts = [landmarks(notes), objections(notes), next_step(), balance(notes), Some(interruptions(notes))];
    let parts: Vec<ScorePart> = parts.into_iter().flatten().collect();
    let sum = |of: fn(&ScorePart) -> u8| parts.iter().map(|part| u32::from(of(part))).sum::<u32>();
    let score = (sum(|part| part.points) * 100).checked_div(sum(|part| part.of)).unwrap_or(0);
    Scorecard { score: u8::try_from(score).unwrap_or(100), parts }
}

fn part(id: &str, label: &str, points: usize, of: u8, why: String) -> ScorePart {
    let points = u8::try_from(points).unwrap_or(of).min(of);
    ScorePart { id: id.to_owned(), label: label.to_owned(), points, of, why }
}

fn landmarks(notes: &Notes) -> Option<ScorePart> {
    let all = notes.reached.len() + notes.missed.len();
    let missed: Vec<&str> = notes.missed.iter().filter(|it| it.required).map(|it| it.label.as_str()).collect();
    let mut why = format!("{} of {all} landmarks reached", notes.reached.len());
    why += &if missed.is_empty() { ".".to_owned() } else { format!("; still required: {}.", missed.join(", ")) };
    (all > 0).then(|| part("landmarks", "Landmarks", usize::from(notes.percent) / 2, 50, why))
}

fn objections(notes: &Notes) -> Option<ScorePart> {
    let count = notes.objections.len();
    let outcomes = || notes.objections.iter().filter_map(|it| Some(it.met.as_ref()?.outcome));
    let count_of = |wanted: Outcome| outcomes().filter(|outcome| *outcome == wanted).count();
    let (resolved, answered) = (count_of(Outcome::Resolved), count_of(Outcome::Answered));
    let points = (20 * resolved + 15 * answered).checked_div(count)?;
    let why = format!("{resolved} resolved, {answered} answered, {} left, of {count}.", count - resolved - answered);
    Some(part("objections", "Objections", points, 20, why))
}

fn next_step(notes: &Notes) -> ScorePart {
    let dated = notes.agreements.iter().any(|it| it.due.is_some()) || notes.actions.iter().any(|it| it.due.is_some());
    let any = !notes.agreements.is_empty() || !notes.actions.is_empty();
    let (points, why) = match (dated, any) {
        (true, _) => (15, "There is a next step with a date."),
        (_, true) => (8, "There is a next step, but no date for it."),
        _ => (0, "No next step was agreed."),
    };
    part("next_step", "Next step", points, 15, why.to_owned())
}

fn balance(notes: &Notes) -> Option<ScorePart> {
    let share = notes.talk.agent_percent?;
    let off = BALANCED.start().saturating_sub(share).max(share.saturating_sub(*BALANCED.end()));
    let points =
        10 * (usize::from(*BALANCED.start()).saturating_sub(usize::from(off))) / usize::from(*BALANCED.start());
    Some(part("balance", "Balance", points, 10, format!("The agent spoke {share} % of the time.")))
}

fn interruptions(notes: &Notes) -> ScorePart {
    let spoken_ms = notes.talk.agent_ms + notes.talk.customer_ms;
    let free = 1 + usize::try_from(spoken_ms / FREE_INTERRUPTION_MS).unwrap_or(usize::MAX - 1);
    let count = usize::try_from(notes.interruptions.agent).unwrap_or(usize::MAX);
    let points = 5_usize.saturating_sub(count.saturating_sub(free));
    let times = if count == 1 { "time" } else { "times" };
    part("interruptions", "Interruptions", points, 5, format!("The agent interrupted {count} {times}."))
}
