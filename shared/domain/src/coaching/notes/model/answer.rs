//! From a model's answer to notes: upon those of the rules, with the claims that stand.

use serde_json::Value;

use super::{
    super::{
        MOST_ACTIONS, MOST_AGREEMENTS, MOST_OPEN_QUESTIONS, MOST_PAIN_POINTS, SUMMARY_CHARS,
        cues::Cues,
        in_order,
        items::{Action, Diary, Entity, NoteItem, OpenQuestion, Owner},
        last, notes, once, quality, scorecard,
        shorten::one_line,
        types::{Met, Notes, NotesSource, NotesStyle, Outcome, RaisedObjection},
    },
    NotesError,
    claims::Claims,
};
use crate::{
    call::Channel,
    coaching::{Progress, Said},
    playbook::Playbook,
};

/// The most entities, and the most entries of each list of a diary.
const MOST_ENTITIES: usize = 40;
const MOST_ENTRIES: usize = 16;
const TITLE_CHARS: usize = 120;

/// Notes from a model's answer to [`super::notes_request`]: what times and rules tell, with the model's summary and those
/// of its claims whose quotes occur in what was said. The others are left out and counted in the notes' quality; where
/// none of a kind stands, what the rules found of it stays. `said` may come in any order and hold doubles.
pub fn from_model(
    playbook: &Playbook,
    progress: &Progress,
    said: &[Said<'_>],
    answer: &Value,
) -> Result<Notes, NotesError> {
    let spoken = in_order(said);
    if spoken.is_empty() {
        return Err(NotesError::NothingSaid);
    }
    let lists = Lists::read(answer)?;
    let mut notes = notes(playbook, progress, &spoken);
    let mut claims = Claims::new(&spoken);
    notes.source = NotesSource::Model;
    notes.summary = claims.within(&lists.summary, SUMMARY_CHARS);

    let agreements = lists.agreements.iter().filter_map(|it| claims.item(it, false)).collect();
    take(&mut notes.agreements, lists.agreements, last(once(agreements, |it| &it.text), MOST_AGREEMENTS));
    let actions = lists.actions.iter().filter_map(|it| action(&mut claims, it)).collect();
    take(&mut notes.actions, lists.actions, last(once(actions, |it: &Action| &it.text), MOST_ACTIONS));
    let mut pain_points =
        once(lists.pain_points.iter().filter_map(|it| claims.item(it, false)).collect(), |it| &it.text);
    pain_points.truncate(MOST_PAIN_POINTS);
    take(&mut notes.pain_points, lists.pain_points, pain_points);
    let questions = lists.open_questions.iter().filter_map(|it| question(&mut claims, it)).collect();
    let questions = last(once(questions, |it: &OpenQuestion| &it.text), MOST_OPEN_QUESTIONS);
    take(&mut notes.open_questions, lists.open_questions, questions);
    take(&mut notes.entities, lists.entities, entities(&mut claims, lists.entities));
    for claim in lists.objections {
        meet(&mut claims, &mut notes.objections, claim, &spoken);
    }
    if notes.style == NotesStyle::Monologue && lists.diary.is_object() {
        notes.diary = Some(diary(&mut claims, lists.diary, notes.diary.take().unwrap_or_default())?);
    }

    notes.scorecard = scorecard::scorecard(&notes, knows_steps(playbook, &notes));
    notes.quality = quality(&notes, &spoken);
    claims.judge(&mut notes.quality);
    Ok(notes)
}

/// The parts of an answer.
struct Lists<'v> {
    summary: String,
    agreements: &'v [Value],
    actions: &'v [Value],
    entities: &'v [Value],
    pain_points: &'v [Value],
    open_questions: &'v [Value],
    objections: &'v [Value],
    diary: &'v Value,
}

impl<'v> Lists<'v> {
    fn read(answer: &'v Value) -> Result<Self, NotesError> {
        let list = |field| list(answer, field);
        let summary = one_line(answer["summary"].as_str().unwrap_or_default());
        if summary.is_empty() {
            return Err(NotesError::Field { field: "summary", wanted: "a text that is not empty" });
        }
        Ok(Self {
            summary,
            agreements: list("agreements")?,
            actions: list("actions")?,
            entities: list("entities")?,
            pain_points: list("pain_points")?,
            open_questions: list("open_questions")?,
            objections: list("objections")?,
            diary: &answer["diary"],
        })
    }
}

fn list<'v>(value: &'v Value, field: &'static str) -> Result<&'v [Value], NotesError> {
    value[field].as_array().map(Vec::as_slice).ok_or(NotesError::Field { field, wanted: "a list" })
}

/// Puts the model's items in the place of the rules', unless there were some and none stands.
fn take<T>(known: &mut Vec<T>, claimed: &[Value], standing: Vec<T>) {
    if claimed.is_empty() || !standing.is_empty() {
        *known = standing;
    }
}

/// A model finds next steps in any language; the rules only where they know the cues.
fn knows_steps(playbook: &Playbook, notes: &Notes) -> bool {
    Cues::of(&playbook.language).is_some() || !notes.agreements.is_empty() || !notes.actions.is_empty()
}

fn action(claims: &mut Claims<'_>, claim: &Value) -> Option<Action> {
    let Ok(owner) = serde_json::from_value::<Owner>(claim["owner"].clone()) else {
        claims.malformed();
        return None;
    };
    let NoteItem { text, due, links, quote } = claims.item(claim, false)?;
    Some(Action { owner, text, due, links, quote })
}

fn question(claims: &mut Claims<'_>, claim: &Value) -> Option<OpenQuestion> {
    let NoteItem { text, links, quote, .. } = claims.item(claim, false)?;
    let asked_by = links.first()?.channel;
    Some(OpenQuestion { text, asked_by, links, quote })
}

fn entities(claims: &mut Claims<'_>, list: &[Value]) -> Vec<Entity> {
    let found: Vec<Entity> = list.iter().filter_map(|it| claims.entity(it)).collect();
    let mut entities = once(found, |it| &it.text);
    entities.truncate(MOST_ENTITIES);
    entities.sort_by_key(|it| it.links.first().map(|link| (link.start_ms, link.channel)));
    entities
}

/// Takes over how an objection was met. An answer is the agent's, and not before the objection.
fn meet(claims: &mut Claims<'_>, objections: &mut [RaisedObjection], claim: &Value, spoken: &[Said<'_>]) {
    let outcome = serde_json::from_value::<Outcome>(claim["outcome"].clone()).ok();
    let objection = objections.iter_mut().find(|it| claim["id"].as_str() == Some(&it.id));
    let (Some(outcome), Some(objection)) = (outcome, objection) else {
        claims.malformed();
        return;
    };
    if outcome == Outcome::Unanswered {
        objection.met = Some(Met { quote: String::new(), links: vec![], outcome });
        return;
    }
    let Some(shown) = claims.shown(claim["quote"].as_str(), Some(Channel::Agent)) else { return };
    if spoken[shown.at].start_ms < objection.evidence.start_ms {
        claims.misplaced();
        return;
    }
    objection.met = Some(Met { quote: shown.quote, links: shown.links, outcome });
}

/// The diary of a voice note. Lists of which nothing stands stay those of the rules.
fn diary(claims: &mut Claims<'_>, claim: &Value, mut known: Diary) -> Result<Diary, NotesError> {
    let title = one_line(claim["title"].as_str().unwrap_or_default());
    if !title.is_empty() {
        known.title = claims.within(&title, TITLE_CHARS);
    }
    for (field, entries) in [("topics", &mut known.topics), ("done", &mut known.done), ("todo", &mut known.todo)] {
        let claimed = list(claim, field)?;
        let mut standing = once(claimed.iter().filter_map(|it| claims.item(it, true)).collect(), |it| &it.text);
        standing.truncate(MOST_ENTRIES);
        take(entries, claimed, standing);
    }
    if claim["mood"].is_object() {
        known.mood = claims.item(&claim["mood"], true).or(known.mood);
    }
    Ok(known)
}
