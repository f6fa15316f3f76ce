//! Notes after the call, in the plain version that rules alone can write.
//!
//! They depend on the set of segments: order and doubles change nothing. A language model's notes come later and
//! from elsewhere.

use serde::{Deserialize, Serialize};

use super::{Evidence, Progress, Said};
use crate::{
    call::Channel,
    playbook::{Playbook, Severity},
};

/// What remains of a call when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The playbook that the call was held against.
    pub playbook: String,
    /// The version of that playbook.
    pub playbook_version: u32,
    /// The call in one paragraph.
    pub summary: String,
    /// Share of the required landmarks that were reached.
    pub percent: u8,
    /// Landmarks that were reached, in the playbook's order.
    pub reached: Vec<ReachedLandmark>,
    /// Landmarks that were not, in the playbook's order.
    pub missed: Vec<MissedLandmark>,
    /// Objections in the order in which they were raised.
    pub objections: Vec<RaisedObjection>,
    /// Who talked how much.
    pub talk: Talk,
    /// The longest stretch in which one side talked and the other did not.
    pub longest_monologue: Option<Monologue>,
}

/// A landmark that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedLandmark {
    /// The landmark of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// What was said that reached it.
    pub evidence: Evidence,
}

/// A landmark that was not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedLandmark {
    /// The landmark of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// Whether it counts towards the percentage.
    pub required: bool,
    /// Why it matters.
    pub why: String,
}

/// An objection that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedObjection {
    /// The objection of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// How much it endangered the call.
    pub severity: Severity,
    /// What the customer said first of it.
    pub evidence: Evidence,
}

/// Who talked how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// Speech of the agent, in milliseconds.
    pub agent_ms: u64,
    /// Speech of the customer, in milliseconds.
    pub customer_ms: u64,
    /// The agent's share of all speech in percent; none where nobody spoke.
    pub agent_percent: Option<u8>,
}

/// A stretch in which one side talked and the other did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monologue {
    /// Who talked.
    pub channel: Channel,
    /// Where it begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// Writes the notes of a call. `segments` may come in any order and hold doubles.
pub fn notes(playbook: &Playbook, progress: &Progress, segments: &[Said<'_>]) -> Notes {
    let mut spoken: Vec<Said<'_>> = segments.iter().copied().filter(|said| !said.text.trim().is_empty()).collect();
    spoken.sort_by_key(|said| (said.start_ms, said.channel, said.end_ms, said.text));
    spoken.dedup();
    let mut notes = Notes {
        playbook: playbook.id.to_string(),
        playbook_version: playbook.version,
        summary: String::new(),
        percent: progress.view(playbook).percent,
        reached: reached(playbook, progress),
        missed: missed(playbook, progress),
        objections: raised(playbook, progress),
        talk: talk(&spoken),
        longest_monologue: longest_monologue(&spoken),
    };
    notes.summary = summary(playbook, &notes, &spoken);
    notes
}

fn reached(playbook: &Playbook, progress: &Progress) -> Vec<ReachedLandmark> {
    let reached = |it: &crate::playbook::Landmark| {
        let evidence = progress.landmarks.get(&it.id)?.clone();
        Some(ReachedLandmark { id: it.id.clone(), label: it.label.clone(), evidence })
    };
    playbook.landmarks.iter().filter_map(reached).collect()
}

fn missed(playbook: &Playbook, progress: &Progress) -> Vec<MissedLandmark> {
    let open = playbook.landmarks.iter().filter(|it| !progress.landmarks.contains_key(&it.id));
    open.map(|it| MissedLandmark {
        id: it.id.clone(),
        label: it.label.clone(),
        required: it.required,
        why: it.why.clone(),
    })
    .collect()
}

fn raised(playbook: &Playbook, progress: &Progress) -> Vec<RaisedObjection> {
    let card = |card: super::Card| RaisedObjection {
        id: card.objection,
        label: card.label,
        severity: card.severity,
        evidence: card.evidence,
    };
    progress.cards(playbook).into_iter().map(card).collect()
}

/// Speech per channel; where segments of a channel overlap, the time counts once.
fn talk(spoken: &[Said<'_>]) -> Talk {
    let speech_ms = |channel: Channel| {
        let mut covered_to = 0;
        let mut sum = 0;
        for said in spoken.iter().filter(|said| said.channel == channel) {
            sum += said.end_ms.saturating_sub(said.start_ms.max(covered_to));
            covered_to = covered_to.max(said.end_ms);
        }
        sum
    };
    let (agent_ms, customer_ms) = (speech_ms(Channel::Agent), speech_ms(Channel::Customer));
    let share = (agent_ms * 100).checked_div(agent_ms + customer_ms);
    Talk { agent_ms, customer_ms, agent_percent: share.and_then(|share| u8::try_from(share).ok()) }
}

fn longest_monologue(spoken: &[Said<'_>]) -> Option<Monologue> {
    let mut stretches: Vec<Monologue> = Vec::new();
    for said in spoken {
        match stretches.last_mut() {
            Some(last) if last.channel == said.channel => last.end_ms = last.end_ms.max(said.end_ms),
            _ => stretches.push(Monologue { channel: said.channel, start_ms: said.start_ms, end_ms: said.end_ms }),
        }
    }
    let length_ms = |it: &Monologue| it.end_ms.saturating_sub(it.start_ms);
    // The earliest of the longest: `max_by_key` alone would give the latest.
    stretches.into_iter().rev().max_by_key(length_ms)
}

fn summary(playbook: &Playbook, notes: &Notes, spoken: &[Said<'_>]) -> String {
    let Some(end_ms) = spoken.iter().map(|said| said.end_ms).max() else {
        return format!("{}: nothing was said.", playbook.name);
    };
    let start_ms = spoken.iter().map(|said| said.start_ms).min().unwrap_or(0);
    let seconds = end_ms.saturating_sub(start_ms).div_ceil(1000);
    let mut text = format!("{}, {}:{:02} of talk", playbook.name, seconds / 60, seconds % 60);
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
    text
}
