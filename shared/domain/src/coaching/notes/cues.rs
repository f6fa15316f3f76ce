//! What notes need to know of a language: the words that show an agreement, a promise, a date, a name, a feeling.
//!
//! Another language needs a table like [`super::english`] and a line in [`Cues::of`]. Without one, its notes hold what
//! needs no words: talk, interruptions, landmarks, objections and whether they were answered, the scorecard, amounts and
//! dates in figures, the playbook's names, and questions that end in a question mark.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{english, reading::Phrases};

/// Single words.
pub(super) type Words = HashSet<&'static str>;

/// The words of a language, in lower case and with contractions spelled out.
#[derive(Debug)]
pub(super) struct Cues {
    /// Words that carry nothing: an utterance of these alone answers no question.
    pub(super) fillers: Words,
    /// Words that turn what follows around.
    pub(super) negations: Words,
    /// Words that make what follows a mere case.
    pub(super) conditions: Words,
    /// Words that take back what was said before them.
    pub(super) turns: Words,
    /// Words that join clauses.
    pub(super) joins: Words,
    /// Words that a new clause begins with: those who act, and how they are asked to.
    pub(super) openers: Words,
    /// How people promise: what comes before the deed.
    pub(super) promises: Phrases,
    /// How others are said to do something.
    pub(super) third_parties: Phrases,
    /// Words that make those others the speaker's own.
    pub(super) ours: Words,
    /// How the other side is asked for something: what comes before the deed.
    pub(super) demands: Phrases,
    /// Words that may stand between these and the deed.
    pub(super) between: Words,
    /// Words that may stand within these.
    pub(super) softeners: Words,
    /// Deeds that are worth noting when promised.
    pub(super) deeds: Phrases,
    /// Deeds that sound like it and are done with at once.
    pub(super) idle: Phrases,
    /// Deeds that are worth noting when asked for; the others are done with in the call itself.
    pub(super) asked_deeds: Phrases,
    /// What agrees by itself.
    pub(super) agreeing: Phrases,
    /// What agrees to something that was said: with a date, or upon a proposal.
    pub(super) assenting: Phrases,
    /// What agrees where it opens the reply to a proposal.
    pub(super) yes: Phrases,
    /// What, behind a date, agrees to it.
    pub(super) suits: Phrases,
    /// How something is proposed to the other side.
    pub(super) proposals: Phrases,
    /// How something is proposed that needs a date to be a proposal.
    pub(super) dated_proposals: Phrases,
    /// What a customer says whom an answer contented.
    pub(super) content: Phrases,
    /// What troubles people.
    pub(super) pains: Phrases,
    /// How a question begins that needs a word to follow.
    pub(super) question_words: Words,
    /// What follows such a word in a question, besides [`Cues::auxiliaries`].
    pub(super) question_followers: Words,
    /// How a question begins that needs one of [`Cues::question_subjects`] to follow.
    pub(super) auxiliaries: Words,
    /// Who is asked about.
    pub(super) question_subjects: Words,
    /// Questions that want no answer.
    pub(super) courtesies: Phrases,
    /// Words that a statement ends with whose speaker only wants a nod.
    pub(super) tags: Words,
    /// Replies that put an answer off.
    pub(super) put_off: Phrases,
    /// Words for numbers.
    pub(super) numbers: Words,
    /// Words that are numbers only before one of [`Cues::magnitudes`].
    pub(super) weak_numbers: Words,
    /// Numbers that an ordinal may follow: "twenty fifth".
    pub(super) tens: Words,
    /// Words for numbers that nobody can count: "a few".
    pub(super) vague_numbers: Words,
    /// Words before a noun that belong to no name and no date.
    pub(super) articles: Words,
    /// Words that a number word may stand before within the same number.
    pub(super) magnitudes: Words,
    /// Words that may follow those within a number.
    pub(super) number_joins: Words,
    /// Words for money and percentages.
    pub(super) units: Words,
    /// The days of the week, and those counted from today.
    pub(super) days: Words,
    /// The months.
    pub(super) months: Words,
    /// Numbers that name the day of a month, in words.
    pub(super) ordinals: Words,
    /// Whole dates that are no single word.
    pub(super) relative: Phrases,
    /// Stretches of time that a number or "next" may stand before.
    pub(super) spans: Words,
    /// Words that, before a span or a day, make it a date.
    pub(super) nearness: Words,
    /// Words that lead to a number of spans, such as "within".
    pub(super) within: Words,
    /// Words that lead to a date and belong to it.
    pub(super) due_leads: Words,
    /// Parts of a day.
    pub(super) day_parts: Words,
    /// What follows the hour.
    pub(super) clock: Words,
    /// What stands before the hour.
    pub(super) clock_leads: Words,
    /// Dates that only tell when something is due, and are none worth naming.
    pub(super) passing: Words,
    /// Titles before a name.
    pub(super) titles: Words,
    /// What comes before the speaker's or somebody's name, however it is written.
    pub(super) names: Phrases,
    /// What comes before a name where capitals show it, or where [`Cues::after_name`] follows.
    pub(super) likely_names: Phrases,
    /// How somebody introduces themselves; a name with [`Cues::after_name`] behind it follows.
    pub(super) introductions: Phrases,
    /// What follows a name when somebody introduces themselves.
    pub(super) after_name: Words,
    /// What comes before an organization when somebody introduces themselves.
    pub(super) organizations: Phrases,
    /// What comes between a name and its organization.
    pub(super) from: Words,
    /// What an organization's name ends with.
    pub(super) suffixes: Words,
    /// Words that are no names and no topics.
    pub(super) plain: Words,
    /// Who did it, before a deed of the past.
    pub(super) doers: Words,
    /// Deeds of the past.
    pub(super) past: Words,
    /// The ending that deeds of the past have.
    pub(super) past_ending: &'static str,
    /// Words with that ending that are no deeds.
    pub(super) past_exceptions: Words,
    /// How a speaker says what they feel.
    pub(super) feelings: Phrases,
    /// Words with a feeling, and which one: from −3 to 3.
    pub(super) sentiment: HashMap<&'static str, i8>,
    /// Phrases whose words would have a feeling, and have none together.
    pub(super) unfeeling: Phrases,
}

static ENGLISH: LazyLock<Cues> = LazyLock::new(english::cues);

impl Cues {
    /// The cues of the language of this tag, where there is a table of it.
    pub(super) fn of(language: &str) -> Option<&'static Self> {
        match language.split(['-', '_']).next() {
            Some("en") => Some(&ENGLISH),
            _ => None,
        }
    }
}
