//! What a language model costs for a call of half an hour, counted in tokens of a real tokenizer (o200k).
//!
//! The call is put together from the lines of the quality sets: half an hour at 150 words a minute, the sides taking
//! turns, pushback every three minutes. Questions are asked as the functions ask them: about each pushback, about the
//! talk once per [`TALK_MS`], and for the notes at the end. Answers are counted as ones of usual length.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints what it measured")]

use callboard_domain::{
    Channel,
    advice::{Prompt, Question, Situation, TALK_MS, ask},
    coaching::{FindingKind, NotesStyle, Progress, Rules, Said, notes_request, notes_schema},
    playbook,
};
use serde_json::Value;
use tiktoken_rs::{CoreBPE, o200k_base};

/// A model in the middle of the price list, US dollars a million tokens (a small model of the leading three vendors,
/// list prices quoted in October 2026): input, output.
const PRICE: (f64, f64) = (1.0, 5.0);
/// The call's length.
const CALL_MS: u64 = 30 * 60_000;
/// What a word takes at 150 words a minute.
const WORD_MS: u64 = 400;
/// Pushback comes this often.
const PUSHBACK_MS: u64 = 180_000;
/// How many utterances a model is shown, as in the function.
const LAST: usize = 40;

/// Answers of usual length, in tokens: a full card, a landmark with a question, whole notes.
const CARD_TOKENS: usize = 130;
const TALK_TOKENS: usize = 90;
const NOTES_TOKENS: usize = 1_300;

#[derive(Default)]
struct Count {
    questions: usize,
    input: usize,
    output: usize,
}

impl Count {
    fn add(&mut self, tokenizer: &CoreBPE, prompt: &Prompt, output: usize) {
        let texts = [prompt.system.as_str(), prompt.user.as_str(), &prompt.schema.to_string()];
        self.questions += 1;
        self.input += texts.iter().map(|text| tokenizer.encode_ordinary(text).len()).sum::<usize>();
        self.output += output;
    }

    fn usd(&self) -> f64 {
        (self.input as f64 * PRICE.0 + self.output as f64 * PRICE.1) / 1e6
    }
}

fn lines(text: &str, objecting: bool) -> Vec<String> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.filter(|line| line["objections"].as_array().is_some_and(|all| all.is_empty() != objecting));
    lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

/// Who says what when.
fn call() -> Vec<(Channel, u64, u64, String)> {
    let talk = lines(include_str!("../tests/data/neutral.jsonl"), false);
    let pushback = lines(include_str!("../tests/data/objections.jsonl"), true);
    let (mut talk, mut pushback) = (talk.into_iter().cycle(), pushback.into_iter().step_by(7).cycle());
    let (mut said, mut at_ms, mut pushed_ms) = (Vec::new(), 0, 0);
    let mut channel = Channel::Agent;
    while at_ms < CALL_MS {
        let pushes = channel == Channel::Customer && at_ms >= pushed_ms + PUSHBACK_MS;
        let text = if pushes { pushback.next() } else { talk.next() }.unwrap();
        if pushes {
            pushed_ms = at_ms;
        }
        let end_ms = at_ms + text.split_whitespace().count() as u64 * WORD_MS;
        said.push((channel, at_ms, end_ms, text));
        at_ms = end_ms;
        channel = if channel == Channel::Agent { Channel::Customer } else { Channel::Agent };
    }
    said
}

fn main() {
    let tokenizer = o200k_base().unwrap();
    let call = call();
    let said: Vec<Said<'_>> = call
        .iter()
        .map(|(channel, start_ms, end_ms, text)| Said { channel: *channel, start_ms: *start_ms, end_ms: *end_ms, text })
        .collect();
    println!("{:12} {:>9} {:>9} {:>8} {:>8}", "playbook", "questions", "input", "output", "USD");
    for id in ["sales", "tax_relief"] {
        let rules = Rules::compile(playbook::shipped(id).unwrap());
        let mut progress = Progress::default();
        let (mut count, mut suggested, mut asked) = (Count::default(), Vec::new(), None);
        for at in 0..said.len() {
            let findings = rules.read(&said[at]);
            findings.iter().for_each(|finding| {
                progress.add(finding);
            });
            let heard = &said[(at + 1).saturating_sub(LAST)..=at];
            let playbook = rules.playbook();
            let raised = findings.iter().filter(|finding| finding.kind == FindingKind::Objection);
            for objection in raised.filter_map(|it| playbook.objections.iter().find(|one| one.id == it.id)) {
                let situation =
                    Situation { playbook, progress: &progress, said: heard, suggested: &suggested, lessons: &[] };
                count.add(&tokenizer, &ask(&situation, Question::Pushback(objection)), CARD_TOKENS);
                suggested.push(objection.answer.clone());
            }
            let now = said[at].end_ms / TALK_MS;
            if asked != Some(now) {
                asked = Some(now);
                let situation =
                    Situation { playbook, progress: &progress, said: heard, suggested: &suggested, lessons: &[] };
                count.add(&tokenizer, &ask(&situation, Question::Talk), TALK_TOKENS);
            }
        }
        let (system, user) = notes_request(rules.playbook(), &said, NotesStyle::Call, &progress);
        let notes = Prompt { name: "notes", system, user, schema: notes_schema(), most_output_tokens: 0 };
        count.add(&tokenizer, &notes, NOTES_TOKENS);
        println!("{id:12} {:9} {:9} {:8} {:8.4}", count.questions, count.input, count.output, count.usd());
    }
}
