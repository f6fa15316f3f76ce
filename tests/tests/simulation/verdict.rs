//! What must hold at the end of every run.

use std::collections::BTreeMap;

use callboard_tests::dashboard::{Dashboard, Heard};

use crate::{
    client::Outcome,
    script::{CHANNELS, Script},
    watcher::Known,
    world::World,
};

/// Words of a call: each once, in order, on its channel, and none missing but what the client could not bring.
pub(crate) fn words(world: &World, number: usize, outcome: &Outcome, dashboard: &Dashboard) -> Result<(), String> {
    let script = &world.scripts[number];
    let segments = dashboard.segments();
    let is_open = |value: &serde_json::Value| value["final"] == false && value["placeholder"].is_null();
    if let Some((name, _)) = dashboard.shown().into_iter().find(|(_, value)| is_open(value)) {
        return Err(format!("{name} is partial text, and stays"));
    }
    for (channel, name) in CHANNELS.iter().enumerate() {
        let heard: Vec<&str> = segments
            .iter()
            .filter(|segment: &&Heard| segment.channel == *name && !segment.text.starts_with('('))
            .flat_map(|segment| segment.text.split_whitespace())
            .collect();
        let spoken: Vec<(&str, bool)> = script
            .words
            .iter()
            .filter(|word| word.channel == channel)
            .map(|word| (word.text.as_str(), may_be_missing(world, number, outcome, script, word)))
            .collect();
        let mut rest = spoken.iter();
        for word in &heard {
            loop {
                match rest.next() {
                    Some((expected, _)) if expected == word => break,
                    Some((_, true)) => {}
                    Some((expected, false)) => {
                        return Err(format!("{name}: {word} where {expected} was expected, in {heard:?}"));
                    }
                    None => {
                        return Err(format!("{name}: {word} is doubled, out of order or on the wrong side: {heard:?}"));
                    }
                }
            }
        }
        if let Some((missing, _)) = rest.find(|(_, may_be_missing)| !may_be_missing) {
            return Err(format!("{name}: {missing} is missing in {heard:?}"));
        }
    }
    Ok(())
}

fn may_be_missing(
    world: &World,
    number: usize,
    outcome: &Outcome,
    script: &Script,
    word: &crate::script::Spoken,
) -> bool {
    let frame = script.frame_of(word);
    let plan = &world.plan.calls[number];
    // The sound around a word's middle decides whether it is speech: a hole right beside it may take it along.
    let around = (400 / script.frame_ms) as u32 + 1;
    let in_gap = outcome.excused.iter().any(|(from, to)| *from <= frame + around && frame <= to + around);
    let never_brought = outcome.vanished && frame + around > outcome.acknowledged;
    in_gap || never_brought || plan.refused_turn == Some(word.turn)
}

/// A dashboard shows what one that just loaded everything shows.
pub(crate) fn same(who: &str, call: &str, known: &Known, loaded: &Dashboard) -> Result<(), String> {
    let known = known.lock().unwrap();
    let shown = known.get(call).map(Dashboard::shown).unwrap_or_default();
    let expected = loaded.shown();
    let differs: BTreeMap<_, _> = expected
        .iter()
        .filter(|(name, value)| shown.get(*name) != Some(value))
        .map(|(name, value)| (name, (shown.get(name), value)))
        .collect();
    if differs.is_empty() && shown.len() == expected.len() {
        return Ok(());
    }
    Err(format!("{who} shows call {call} otherwise (it, the truth): {differs:#?}"))
}
