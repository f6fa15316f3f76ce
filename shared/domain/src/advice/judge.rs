//! What of a model's answer may be shown: every claim is held against the transcript and the playbook, one by one.
//!
//! A caller can talk a model into anything. What it says then is dropped here: words that speak to the model prove
//! nothing, a quote has to do with what it is to show, and comes from the side that must say it.

use std::{collections::BTreeSet, ops::Range};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Advice, Dropped, Guard, MOST_CHARS, MOST_QUESTION_CHARS, NextQuestion, Question, Situation, Wording,
    words::{Stems, likeness, numbers, words},
};
use crate::{
    call::Channel,
    coaching::{Evidence, Finding, FindingKind, LandmarkState, Source, find_quote},
    playbook::{Landmark, Objection},
};

/// From this likeness on, words were suggested before.
const SAME: f64 = 0.8;
/// No utterance shows more landmarks than this.
const MOST_OF_ONE: usize = 2;
/// Pushback that the rules missed: no more of it than this in one answer.
const MOST_OBJECTIONS: usize = 2;

/// What people say to a machine, and never to one another: all words of a row, in one utterance.
const TO_A_MACHINE: &[&[&str]] = &[
    &["ignore", "instructions"],
    &["ignore", "instruction"],
    &["ignore", "previous"],
    &["ignore", "prompt"],
    &["disregard", "instructions"],
    &["disregard", "previous"],
    &["forget", "instructions"],
    &["override", "instructions"],
    &["system", "prompt"],
    &["your", "prompt"],
    &["language", "model"],
    &["you", "are", "an", "ai"],
    &["you", "are", "an", "assistant"],
    &["mark", "everything"],
    &["mark", "all"],
    &["mark", "every"],
    &["everything", "as", "done"],
    &["all", "landmarks"],
    &["json"],
];

#[derive(Deserialize)]
struct PushbackAnswer {
    card: Option<CardClaim>,
}

#[derive(Deserialize)]
struct CardClaim {
    quote: String,
    say: String,
    follow_up: String,
}

#[derive(Deserialize)]
struct TalkAnswer {
    landmarks: Vec<Value>,
    objections: Vec<Value>,
    next_question: Option<Value>,
}

#[derive(Deserialize)]
struct LandmarkClaim {
    id: String,
    state: String,
    quote: String,
}

#[derive(Deserialize)]
struct ObjectionClaim {
    id: String,
    quote: String,
    say: String,
    follow_up: String,
}

/// What of an answer may be shown. An answer of another form than was asked for gives nothing, and is counted.
pub fn judge(situation: &Situation<'_>, question: Question<'_>, answer: &Value) -> Advice {
    let mut judge = Judge::new(situation);
    match question {
        Question::Pushback(objection) => judge.pushback(objection, answer),
        Question::Talk => judge.talk(answer),
    }
    judge.advice
}

struct Judge<'a> {
    situation: &'a Situation<'a>,
    guard: Guard,
    stems: Stems,
    /// Numbers that may be said.
    known: BTreeSet<String>,
    advice: Advice,
}

impl<'a> Judge<'a> {
    fn new(situation: &'a Situation<'a>) -> Self {
        let playbook = situation.playbook;
        let mut known = BTreeSet::new();
        for objection in &playbook.objections {
            let texts = [&objection.answer, &objection.follow_up].into_iter().chain(&objection.facts);
            texts.for_each(|text| known.extend(numbers(text)));
        }
        playbook.terms.iter().for_each(|text| known.extend(numbers(text)));
        situation.said.iter().for_each(|said| known.extend(numbers(said.text)));
        Self {
            situation,
            guard: Guard::of(playbook),
            stems: Stems::of(&playbook.language),
            known,
            advice: Advice::default(),
        }
    }

    fn drop(&mut self, reason: Dropped) {
        *self.advice.dropped.entry(reason).or_default() += 1;
    }

    fn pushback(&mut self, objection: &Objection, answer: &Value) {
        let Ok(answer) = PushbackAnswer::deserialize(answer) else { return self.drop(Dropped::Schema) };
        let Some(card) = answer.card else { return };
        let judged = self
            .evidence(&card.quote, Some(Channel::Customer))
            .and_then(|_| self.wording(objection, &card.say, &card.follow_up));
        match judged {
            Ok(wording) => {
                self.advice.wordings.insert(objection.id.clone(), wording);
            }
            Err(reason) => self.drop(reason),
        }
    }

    fn talk(&mut self, answer: &Value) {
        let Ok(answer) = TalkAnswer::deserialize(answer) else { return self.drop(Dropped::Schema) };
        let mut shown: Vec<(u64, Channel)> = Vec::new();
        for claim in &answer.landmarks {
            let judged = self.landmark(claim);
            match judged {
                Ok(finding) => {
                    let at = (finding.evidence.start_ms, finding.evidence.channel);
                    if shown.iter().filter(|other| **other == at).count() >= MOST_OF_ONE {
                        self.drop(Dropped::Unrelated);
                        continue;
                    }
                    shown.push(at);
                    self.advice.findings.push(finding);
                }
                Err(reason) => self.drop(reason),
            }
        }
        for claim in answer.objections.iter().take(MOST_OBJECTIONS) {
            if let Err(reason) = self.objection(claim) {
                self.drop(reason);
            }
        }
        if let Some(claim) = &answer.next_question {
            match self.next_question(claim) {
                Ok(next) => self.advice.next = Some(next),
                Err(reason) => self.drop(reason),
            }
        }
    }

    fn landmark(&self, claim: &Value) -> Result<Finding, Dropped> {
        let claim = LandmarkClaim::deserialize(claim).map_err(|_| Dropped::Schema)?;
        let kind = match claim.state.as_str() {
            "done" => FindingKind::Landmark,
            "started" => FindingKind::LandmarkStarted,
            _ => return Err(Dropped::Schema),
        };
        let landmark = self.open_landmark(&claim.id).ok_or(Dropped::Unknown)?;
        let evidence = self.evidence(&claim.quote, landmark.channel)?;
        let about = [&landmark.label, &landmark.why, &landmark.question].into_iter().chain(&landmark.signals);
        let about: BTreeSet<String> = about.flat_map(|text| self.stems.content(text)).collect();
        if self.stems.content(&evidence.quote).is_disjoint(&about) {
            return Err(Dropped::Unrelated);
        }
        Ok(Finding { kind, id: claim.id, evidence })
    }

    fn open_landmark(&self, id: &str) -> Option<&'a Landmark> {
        let landmark = self.situation.playbook.landmarks.iter().find(|landmark| landmark.id == id)?;
        let view = self.situation.progress.view(self.situation.playbook);
        let done = view.landmarks.iter().any(|it| it.id == id && it.state == LandmarkState::Done);
        (!done).then_some(landmark)
    }

    fn objection(&mut self, claim: &Value) -> Result<(), Dropped> {
        let claim = ObjectionClaim::deserialize(claim).map_err(|_| Dropped::Schema)?;
        let playbook = self.situation.playbook;
        let objection = playbook.objections.iter().find(|it| it.id == claim.id).ok_or(Dropped::Unknown)?;
        if self.situation.progress.objections.contains_key(&claim.id) {
            return Err(Dropped::Unknown);
        }
        let evidence = self.evidence(&claim.quote, Some(Channel::Customer))?;
        self.advice.findings.push(Finding { kind: FindingKind::Objection, id: claim.id.clone(), evidence });
        // Without good words of its own, the playbook's answer is shown.
        let wording = self.wording(objection, &claim.say, &claim.follow_up)?;
        self.advice.wordings.insert(claim.id, wording);
        Ok(())
    }

    fn next_question(&self, claim: &Value) -> Result<NextQuestion, Dropped> {
        let next = NextQuestion::deserialize(claim).map_err(|_| Dropped::Schema)?;
        let landmark = self.open_landmark(&next.landmark).ok_or(Dropped::Unknown)?;
        self.sayable(&next.question, &landmark.question, MOST_QUESTION_CHARS)?;
        Ok(NextQuestion { question: next.question.trim().to_owned(), ..next })
    }

    fn wording(&self, objection: &Objection, say: &str, follow_up: &str) -> Result<Wording, Dropped> {
        self.sayable(say, &objection.answer, MOST_CHARS)?;
        // A question that may not be asked is left out; what to say stands without it.
        let follow_up = follow_up.trim();
        let asks = !follow_up.is_empty() && self.sayable(follow_up, "", MOST_QUESTION_CHARS).is_ok();
        let follow_up = if asks { follow_up.to_owned() } else { String::new() };
        Ok(Wording { say: say.trim().to_owned(), follow_up })
    }

    /// Whether people may be told to say this; `shown` is what stands there now.
    fn sayable(&self, text: &str, shown: &str, most_chars: usize) -> Result<(), Dropped> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Dropped::Schema);
        }
        if text.chars().count() > most_chars {
            return Err(Dropped::TooLong);
        }
        if self.guard.breaks(text) {
            return Err(Dropped::Guardrail);
        }
        if !numbers(text).is_subset(&self.known) {
            return Err(Dropped::Number);
        }
        let stems = self.stems.content(text);
        let before = self.situation.suggested.iter().map(String::as_str).chain([shown]);
        let repeats = before.filter(|it| !it.is_empty()).any(|it| likeness(&stems, &self.stems.content(it)) >= SAME);
        if repeats { Err(Dropped::Repeated) } else { Ok(()) }
    }

    /// Where a quote stands in the transcript.
    fn evidence(&self, quote: &str, channel: Option<Channel>) -> Result<Evidence, Dropped> {
        let (at, range): (usize, Range<usize>) =
            find_quote(self.situation.said, quote, channel).ok_or(Dropped::NoQuote)?;
        let said = &self.situation.said[at];
        if speaks_to_a_machine(said.text) {
            return Err(Dropped::Instruction);
        }
        Ok(Evidence {
            quote: said.text.get(range).unwrap_or(said.text).to_owned(),
            channel: said.channel,
            start_ms: said.start_ms,
            end_ms: said.end_ms,
            source: Source::Model,
        })
    }
}

fn speaks_to_a_machine(text: &str) -> bool {
    let said: BTreeSet<String> = words(text).collect();
    TO_A_MACHINE.iter().any(|row| row.iter().all(|word| said.contains(*word)))
}
