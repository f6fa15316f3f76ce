//! What people think of a card, and what an organization learns from it about the answers to an objection.
//!
//! Owns how verdicts replace each other and what is counted. Does not know who may give one (that is `permissions`) and
//! stores nothing.

use serde::{Deserialize, Serialize};

use crate::{ids::CallId, playbook::CARD_CHARS};

/// Most verdicts that are kept on one card: the oldest gives way.
pub const CARD_VERDICTS: usize = 50;
/// Most wordings that are kept of each kind: the oldest gives way.
pub const WORDINGS: usize = 5;
/// Most verdicts that one wording is remembered by: the oldest gives way.
const SOURCES: usize = 20;

/// What a person thinks of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was said.
    Used,
    /// It does not fit and is folded away.
    Dismissed,
    /// It helped.
    Helpful,
    /// It did not.
    NotHelpful,
}

impl Verdict {
    /// All of them, as they are spelled.
    pub const NAMES: &str = "used, dismissed, helpful or not_helpful";

    /// The verdict that is spelled like this.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "used" => Some(Self::Used),
            "dismissed" => Some(Self::Dismissed),
            "helpful" => Some(Self::Helpful),
            "not_helpful" => Some(Self::NotHelpful),
            _ => None,
        }
    }

    /// Whether it speaks for the card.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Used | Self::Helpful)
    }
}

/// One person's verdict on one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Feedback {
    /// Who gave it.
    pub principal: String,
    /// What they think.
    pub verdict: Verdict,
    /// Wall clock, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A card's verdicts after this person gave theirs, or took it back: a later one takes the place of an earlier.
pub fn with_verdict(known: &[Feedback], principal: &str, verdict: Option<Verdict>, at_ms: i64) -> Vec<Feedback> {
    let others = known.iter().filter(|feedback| feedback.principal != principal).cloned();
    let given = verdict.map(|verdict| Feedback { principal: principal.to_owned(), verdict, at_ms });
    let mut all: Vec<Feedback> = others.chain(given).collect();
    all.drain(..all.len().saturating_sub(CARD_VERDICTS));
    all
}

/// The verdict of one person among those on a card.
pub fn verdict_of(known: &[Feedback], principal: &str) -> Option<Verdict> {
    known.iter().find(|feedback| feedback.principal == principal).map(|feedback| feedback.verdict)
}

/// What became of one person's verdict on one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictChange {
    /// Names the person and the card, so that a verdict that is taken back is known again.
    pub source: String,
    /// The verdict that was there.
    pub before: Option<Verdict>,
    /// The verdict that is there now.
    pub now: Option<Verdict>,
    /// What the card said.
    pub wording: String,
}

/// What an organization learned about the answers to one objection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experience {
    /// How often each verdict stands.
    #[serde(default)]
    pub counts: VerdictCounts,
    /// What was said and helped: the latest last.
    #[serde(default)]
    pub good: Vec<Wording>,
    /// What did not help or was dismissed: the latest last.
    #[serde(default)]
    pub poor: Vec<Wording>,
}

/// How often each verdict stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCounts {
    /// See [`Verdict::Used`].
    #[serde(default)]
    pub used: u64,
    /// See [`Verdict::Dismissed`].
    #[serde(default)]
    pub dismissed: u64,
    /// See [`Verdict::Helpful`].
    #[serde(default)]
    pub helpful: u64,
    /// See [`Verdict::NotHelpful`].
    #[serde(default)]
    pub not_helpful: u64,
}

/// What a card said that somebody gave a verdict on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// At most [`CARD_CHARS`] characters.
    pub text: String,
    /// Whose verdicts it stands by, the latest last: without any it goes. See [`VerdictChange::source`].
    pub sources: Vec<String>,
}

impl Experience {
    /// Forgets what was said in a call; says whether there was something. How often a verdict stood stays counted: that
    /// tells of no call.
    pub fn forget(&mut self, call: &CallId) -> bool {
        let of_call = format!("{call}#");
        let mut forgot = false;
        for wordings in [&mut self.good, &mut self.poor] {
            for wording in wordings.iter_mut() {
                let before = wording.sources.len();
                wording.sources.retain(|source| !source.starts_with(&of_call));
                forgot |= wording.sources.len() < before;
            }
            wordings.retain(|wording| !wording.sources.is_empty());
        }
        forgot
    }

    /// Takes a change in. A verdict that was repeated changes nothing.
    pub fn learn(&mut self, change: &VerdictChange) {
        if change.before == change.now {
            return;
        }
        if let Some(before) = change.before {
            let count = self.counts.of(before);
            *count = count.saturating_sub(1);
        }
        for wordings in [&mut self.good, &mut self.poor] {
            wordings.iter_mut().for_each(|it| it.sources.retain(|source| *source != change.source));
            wordings.retain(|wording| !wording.sources.is_empty());
        }
        let Some(now) = change.now else { return };
        *self.counts.of(now) += 1;
        let wordings = if now.is_good() { &mut self.good } else { &mut self.poor };
        let text: String = change.wording.chars().take(CARD_CHARS).collect();
        let known = wordings.iter().position(|wording| wording.text == text);
        let mut sources = known.map(|at| wordings.remove(at).sources).unwrap_or_default();
        sources.push(change.source.clone());
        sources.drain(..sources.len().saturating_sub(SOURCES));
        wordings.push(Wording { text, sources });
        wordings.drain(..wordings.len().saturating_sub(WORDINGS));
    }
}

impl VerdictCounts {
    fn of(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Used => &mut self.used,
            Verdict::Dismissed => &mut self.dismissed,
            Verdict::Helpful => &mut self.helpful,
            Verdict::NotHelpful => &mut self.not_helpful,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(who: &str, before: Option<Verdict>, now: Option<Verdict>, wording: &str) -> VerdictChange {
        VerdictChange { source: who.into(), before, now, wording: wording.into() }
    }

    #[test]
    fn verdicts_are_spelled_as_they_are_stored() {
        for verdict in [Verdict::Used, Verdict::Dismissed, Verdict::Helpful, Verdict::NotHelpful] {
            let name = serde_json::to_value(verdict).unwrap();
            assert_eq!(Verdict::parse(name.as_str().unwrap()), Some(verdict));
            assert!(Verdict::NAMES.contains(name.as_str().unwrap()));
        }
        assert_eq!(Verdict::parse("Used"), None);
    }

    #[test]
    fn a_person_has_one_verdict_and_a_card_so_many() {
        let mut known = Vec::new();
        for at in 0..60 {
            known = with_verdict(&known, &format!("p{at}"), Some(Verdict::Used), at);
        }
        assert_eq!((known.len(), known[0].principal.as_str()), (CARD_VERDICTS, "p10"));
        known = with_verdict(&known, "p20", Some(Verdict::Dismissed), 99);
        assert_eq!((known.len(), verdict_of(&known, "p20")), (CARD_VERDICTS, Some(Verdict::Dismissed)));
        known = with_verdict(&known, "p20", None, 100);
        assert_eq!((known.len(), verdict_of(&known, "p20")), (CARD_VERDICTS - 1, None));
    }

    #[track_caller]
    fn check(changes: &[VerdictChange], counts: [u64; 4], good: &[&str], poor: &[&str]) {
        let mut learned = Experience::default();
        changes.iter().for_each(|change| learned.learn(change));
        let VerdictCounts { used, dismissed, helpful, not_helpful } = learned.counts;
        assert_eq!([used, dismissed, helpful, not_helpful], counts);
        for (wordings, expected) in [(&learned.good, good), (&learned.poor, poor)] {
            assert_eq!(wordings.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_is_counted_follows_what_stands() {
        use Verdict::{Dismissed, Helpful, NotHelpful, Used};
        check(&[change("a", None, Some(Used), "x")], [1, 0, 0, 0], &["x"], &[]);
        check(
            &[change("a", None, Some(Used), "x"), change("a", Some(Used), Some(Used), "x")],
            [1, 0, 0, 0],
            &["x"],
            &[],
        );
        let changed_mind = [change("a", None, Some(Helpful), "x"), change("a", Some(Helpful), Some(NotHelpful), "x")];
        check(&changed_mind, [0, 0, 0, 1], &[], &["x"]);
        check(&[change("a", None, Some(Dismissed), "x"), change("a", Some(Dismissed), None, "x")], [0; 4], &[], &[]);
        // Two people on one wording: it stands once, and as long as one of them stands by it.
        let mut two = vec![change("a", None, Some(Used), "x"), change("b", None, Some(Helpful), "x")];
        check(&two, [1, 0, 1, 0], &["x"], &[]);
        two.push(change("b", Some(Helpful), Some(NotHelpful), "x"));
        check(&two, [1, 0, 0, 1], &["x"], &["x"]);
        two.push(change("a", Some(Used), None, "x"));
        check(&two, [0, 0, 0, 1], &[], &["x"]);
        // What was lost once is not missed.
        check(&[change("a", Some(Used), None, "x")], [0; 4], &[], &[]);
        let many: Vec<_> = (0..7).map(|at| change(&at.to_string(), None, Some(Used), &at.to_string())).collect();
        check(&many, [7, 0, 0, 0], &["2", "3", "4", "5", "6"], &[]);
        let long = "x".repeat(400);
        check(&[change("a", None, Some(Used), &long)], [1, 0, 0, 0], &[&long[..CARD_CHARS]], &[]);
    }
}
