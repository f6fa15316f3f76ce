//! What the times alone tell: who talked how much, how long at a stretch, into whose words; and of what kind the talk is.

use super::types::{Interruptions, Monologue, NotesStyle, Talk};
use crate::{call::Channel, coaching::Said};

/// Talking at once counts from here on; less is how people take turns.
const OVERLAP_MS: u64 = 300;

/// In a monologue the other side says at most so many words, and at most this share of them: one in so many.
const OTHER_WORDS: usize = 12;
const OTHER_SHARE: usize = 20;

/// A call of two, or one person's voice note. `segments` may come in any order.
pub fn notes_style(segments: &[Said<'_>]) -> NotesStyle {
    let words = |channel: Channel| {
        let own = segments.iter().filter(|said| said.channel == channel);
        own.map(|said| said.text.split_whitespace().count()).sum::<usize>()
    };
    let (agent, customer) = (words(Channel::Agent), words(Channel::Customer));
    let (most, least) = (agent.max(customer), agent.min(customer));
    let alone = most > 0 && least <= OTHER_WORDS && least * OTHER_SHARE <= most;
    if alone { NotesStyle::Monologue } else { NotesStyle::Call }
}

/// Speech per channel; where segments of a channel overlap, the time counts once.
pub(super) fn talk(spoken: &[Said<'_>]) -> Talk {
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

pub(super) fn longest_monologue(spoken: &[Said<'_>]) -> Option<Monologue> {
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

/// Who began while the other was talking. `spoken` is in the order of time. Two who begin at once interrupt nobody.
pub(super) fn interruptions(spoken: &[Said<'_>]) -> Interruptions {
    let mut count = Interruptions::default();
    // Until when each side talks, of what began earlier than the current moment; and what begins right now.
    let mut until = [0_u64; 2];
    let mut beginning: Vec<&Said<'_>> = Vec::new();
    let side = |channel: Channel| usize::from(channel == Channel::Customer);
    for said in spoken {
        if beginning.first().is_some_and(|first| first.start_ms < said.start_ms) {
            for it in beginning.drain(..) {
                until[side(it.channel)] = until[side(it.channel)].max(it.end_ms);
            }
        }
        beginning.push(said);
        let own = until[side(said.channel)] > said.start_ms;
        let overlap_ms = until[1 - side(said.channel)].min(said.end_ms).saturating_sub(said.start_ms);
        if overlap_ms < OVERLAP_MS || own {
            continue;
        }
        match said.channel {
            Channel::Agent => count.agent += 1,
            Channel::Customer => count.customer += 1,
        }
    }
    count
}
