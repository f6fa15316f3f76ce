//! A voice note as a diary entry: what it is about, what was done, what is to be done, and how the speaker feels.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use super::{
    ITEM_CHARS,
    cues::Cues,
    items::{Action, Diary, Entity, EntityKind, Link, NoteItem},
    promises::stripped,
    reading::{Utterance, Word},
    sentiment::Tally,
    shorten::{cut, excerpt},
};

/// A topic is named so often, in so many letters; and so many of them are told, each with so many places.
const TOPIC_MENTIONS: usize = 2;
const TOPIC_LETTERS: usize = 4;
const TOPICS: usize = 6;
const TOPIC_LINKS: usize = 5;

/// Topics in a title, and the characters of one that is made of the first sentence.
const TITLE_TOPICS: usize = 3;
const TITLE_CHARS: usize = 80;

/// The most entries of what was done and what is to be done.
const ENTRIES: usize = 16;

/// Words between who did it and the deed.
const REACH: usize = 3;

/// A score beyond this is a mood.
const MOOD: i8 = 15;

/// The diary entry of a monologue.
pub(super) fn diary(
    utterances: &[Utterance<'_>],
    actions: &[Action],
    entities: &[Entity],
    cues: Option<&Cues>,
) -> Diary {
    let topics = cues.map(|cues| topics(utterances, cues)).unwrap_or_default();
    let mut done: Vec<NoteItem> =
        cues.map(|cues| utterances.iter().flat_map(|it| done(it, cues)).collect()).unwrap_or_default();
    done.truncate(ENTRIES);
    let todo = actions.iter().take(ENTRIES).map(|action| NoteItem {
        text: action.text.clone(),
        due: action.due.clone(),
        links: action.links.clone(),
        quote: action.quote.clone(),
    });
    Diary {
        title: title(utterances, &topics, entities),
        todo: todo.collect(),
        mood: cues.and_then(|cues| mood(utterances, cues)),
        topics,
        done,
    }
}

fn title(utterances: &[Utterance<'_>], topics: &[NoteItem], entities: &[Entity]) -> String {
    let date = entities.iter().find(|it| it.kind == EntityKind::Date).map(|it| it.text.as_str());
    let about: Vec<&str> = topics.iter().take(TITLE_TOPICS).map(|it| it.text.as_str()).collect();
    match (date, about.is_empty()) {
        (Some(date), false) => format!("{date}: {}", about.join(", ")),
        (None, false) => about.join(", "),
        (_, true) => {
            let first = utterances.first();
            let opening = first.and_then(|it| Some(it.slice(it.sentences.first()?))).unwrap_or_default();
            cut(opening, TITLE_CHARS).to_owned()
        }
    }
}

/// A word that may be a topic, and where it was said.
struct Mention<'u> {
    text: &'u str,
    quote: &'u str,
    links: Vec<Link>,
    count: usize,
    first: usize,
}

fn topics(utterances: &[Utterance<'_>], cues: &Cues) -> Vec<NoteItem> {
    let mut mentions: HashMap<&str, Mention<'_>> = HashMap::new();
    let mut number = 0;
    for utterance in utterances {
        let link = Link::to(&utterance.said);
        for sentence in &utterance.sentences {
            for at in sentence.clone().filter(|at| may_be_topic(&utterance.words[*at], cues)) {
                number += 1;
                let text = &utterance.said.text[utterance.words[at].bytes.clone()];
                // One and many are one topic.
                let key = utterance.words[at].text.trim_end_matches('s');
                let mention = match mentions.entry(key) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let quote = excerpt(utterance, sentence, &(at..at + 1));
                        new.insert(Mention { text, quote, links: vec![], count: 0, first: number })
                    }
                };
                mention.count += 1;
                if mention.links.len() < TOPIC_LINKS && !mention.links.contains(&link) {
                    mention.links.push(link);
                }
            }
        }
    }
    let mut topics: Vec<Mention<'_>> = mentions.into_values().filter(|it| it.count >= TOPIC_MENTIONS).collect();
    topics.sort_by_key(|it| (usize::MAX - it.count, it.first));
    let item = |it: Mention<'_>| NoteItem {
        text: cut(it.text, ITEM_CHARS).to_owned(),
        due: None,
        links: it.links,
        quote: it.quote.to_owned(),
    };
    topics.into_iter().take(TOPICS).map(item).collect()
}

fn may_be_topic(word: &Word, cues: &Cues) -> bool {
    let others = [&cues.plain, &cues.fillers, &cues.past, &cues.units, &cues.spans, &cues.months, &cues.titles];
    let told_apart = word.text.chars().count() >= TOPIC_LETTERS
        && word.text.chars().all(char::is_alphabetic)
        && !word.text.ends_with(cues.past_ending);
    let feels = cues.sentiment.contains_key(word.text.as_str());
    let acts = cues.deeds.at(std::slice::from_ref(word), 0) > 0;
    told_apart && !feels && !acts && !others.into_iter().any(|words| word.is_in(words))
}

/// What the speaker says to have done.
fn done(utterance: &Utterance<'_>, cues: &Cues) -> Vec<NoteItem> {
    let mut done = Vec::new();
    for sentence in &utterance.sentences {
        for clause in utterance.clauses(sentence, cues) {
            let clause = stripped(&utterance.words, clause, cues);
            let Some(cue) = past_deed(&utterance.words, sentence, &clause, cues) else { continue };
            let quote = excerpt(utterance, &clause, &cue).to_owned();
            done.push(NoteItem { text: quote.clone(), due: None, links: vec![Link::to(&utterance.said)], quote });
        }
    }
    done
}

fn past_deed(words: &[Word], sentence: &Range<usize>, clause: &Range<usize>, cues: &Cues) -> Option<Range<usize>> {
    let is_past = |word: &Word| {
        let regular = word.text.ends_with(cues.past_ending) && word.text.len() > 4;
        word.is_in(&cues.past) || regular && !word.is_in(&cues.past_exceptions)
    };
    // "Finished the report": without who did it, at the beginning of a sentence only.
    if clause.start == sentence.start && is_past(&words[clause.start]) {
        return Some(clause.start..clause.start + 1);
    }
    clause.clone().filter(|at| words[*at].is_in(&cues.doers)).find_map(|at| {
        let to = clause.end.min(at + 1 + REACH);
        let between =
            |word: &&Word| word.is_in(&cues.between) || word.is_in(&cues.softeners) || word.is_in(&cues.auxiliaries);
        let deed = at + 1 + words[at + 1..to].iter().take_while(between).count();
        (deed < to && is_past(&words[deed])).then_some(at..deed + 1)
    })
}

/// How the speaker feels, shown by the clause that says it most plainly.
fn mood(utterances: &[Utterance<'_>], cues: &Cues) -> Option<NoteItem> {
    let mut all = Tally::default();
    let mut plainest: Option<((bool, i32), &Utterance<'_>, Range<usize>)> = None;
    for utterance in utterances {
        all.add(&utterance.words, cues);
        for sentence in &utterance.sentences {
            for clause in utterance.clauses(sentence, cues) {
                let mut here = Tally::default();
                here.add(&utterance.words[clause.clone()], cues);
                let feels = cues.feelings.find(&utterance.words, &clause).is_some();
                let rank = (feels && here.weight() != 0, here.weight().abs());
                if rank > plainest.as_ref().map_or((false, 0), |(rank, ..)| *rank) {
                    plainest = Some((rank, utterance, stripped(&utterance.words, clause, cues)));
                }
            }
        }
    }
    let (_, utterance, clause) = plainest?;
    let text = match all.score() {
        score if score >= MOOD => "good",
        score if score <= -MOOD => "low",
        _ => "mixed",
    };
    let quote = excerpt(utterance, &clause, &clause).to_owned();
    Some(NoteItem { text: text.to_owned(), due: None, links: vec![Link::to(&utterance.said)], quote })
}
