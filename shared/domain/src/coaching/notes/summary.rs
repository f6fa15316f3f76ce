//! The call in one paragraph, put together from what the rules found.

use super::{
    SUMMARY_CHARS,
    items::{Diary, NoteItem},
    shorten::shortened,
    types::Notes,
};
use crate::{coaching::Said, playbook::Playbook};

/// How many agreements and entries of a diary a summary tells.
const TOLD: usize = 3;

/// The paragraph, at most [`SUMMARY_CHARS`] characters. `spoken` is what was said, `notes` all but the summary.
pub(super) fn summary(playbook: &Playbook, notes: &Notes, spoken: &[Said<'_>]) -> String {
    let Some(end_ms) = spoken.iter().map(|said| said.end_ms).max() else {
        return format!("{}: nothing was said.", playbook.name);
    };
    let start_ms = spoken.iter().map(|said| said.start_ms).min().unwrap_or(0);
    let seconds = end_ms.saturating_sub(start_ms).div_ceil(1000);
    let length = format!("{}:{:02}", seconds / 60, seconds % 60);
    let text = match &notes.diary {
        Some(diary) => of_diary(diary, &length),
        None => of_call(playbook, notes, &length),
    };
    shortened(&text, SUMMARY_CHARS)
}

fn of_call(playbook: &Playbook, notes: &Notes, length: &str) -> String {
    let mut text = format!("{}, {length} of talk", playbook.name);
    if let Some(share) = notes.talk.agent_percent {
        text += &format!(", the agent speaking {share} % of it");
    }
    text += &format!(". {} of {} landmarks reached", notes.reached.len(), playbook.landmarks.len());
    let missed: Vec<&str> = notes.missed.iter().map(|it| it.label.as_str()).collect();
    if missed.is_empty() {
        text += ".";
    } else {
        text += &format!("; still open: {}.", missed.join(", "));
    }
    let raised: Vec<String> =
        notes.objections.iter().map(|it| format!("{} (\"{}\")", it.label, it.evidence.quote)).collect();
    if raised.is_empty() {
        text += " The customer raised no objection.";
    } else {
        text += &format!(" The customer objected: {}.", raised.join("; "));
    }
    text + &listed("Agreed", &notes.agreements)
}

fn of_diary(diary: &Diary, length: &str) -> String {
    let about: Vec<&str> = diary.topics.iter().map(|it| it.text.as_str()).collect();
    let about = if about.is_empty() { diary.title.clone() } else { about.join(", ") };
    let mut text = format!("Voice note, {length}, about: {}.", about.trim_end_matches('.'));
    text += &listed("Done", &diary.done);
    text += &listed("To do", &diary.todo);
    if let Some(mood) = &diary.mood {
        text += &format!(" Mood: {} (\"{}\").", mood.text, mood.quote);
    }
    text
}

fn listed(heading: &str, items: &[NoteItem]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut texts: Vec<String> = items.iter().take(TOLD).map(|it| format!("\"{}\"", it.text)).collect();
    if items.len() > TOLD {
        texts.push(format!("{} more", items.len() - TOLD));
    }
    format!(" {heading}: {}.", texts.join("; "))
}
