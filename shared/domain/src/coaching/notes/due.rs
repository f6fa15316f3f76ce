//! Dates and times as people say them: "by Friday", "tomorrow at ten", "within two weeks", "on the 5th of June".
//!
//! Finds where they stand; does not reckon which day they mean, since notes know no calendar.

use std::ops::Range;

use super::{cues::Cues, reading::Word};

/// A date within an utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Date {
    /// Its words, with what leads to it: "by next Monday at ten".
    pub(super) words: Range<usize>,
    /// Where the day itself begins: at "next".
    pub(super) day: usize,
    /// Whether it names a day, rather than an hour of the running one.
    pub(super) names_a_day: bool,
}

/// The first date in a range of words.
pub(super) fn first(words: &[Word], range: &Range<usize>, cues: Option<&Cues>) -> Option<Date> {
    next(words, range, cues)
}

/// All dates in a range of words, none overlapping another.
pub(super) fn all(words: &[Word], range: &Range<usize>, cues: Option<&Cues>) -> Vec<Date> {
    let mut dates = Vec::new();
    let mut from = range.start;
    while let Some(date) = next(words, &(from..range.end), cues) {
        from = date.words.end;
        dates.push(date);
    }
    dates
}

fn next(words: &[Word], range: &Range<usize>, cues: Option<&Cues>) -> Option<Date> {
    let within = Within { words: &words[..range.end], cues };
    range.clone().find_map(|at| {
        let length = within.day(at);
        // "This month's bill" is no date.
        let length = if length > 0 && within.words[at + length - 1].is_whole() { length } else { 0 };
        let names_a_day = length > 0 && !within.is_passing(at..at + length);
        let length = if length > 0 { length } else { within.time(at) };
        if length == 0 {
            return None;
        }
        let end = within.with_time(at + length);
        Some(Date { words: within.with_lead(range.start, at)..end, day: at, names_a_day })
    })
}

/// Words up to the end of a range.
struct Within<'w> {
    words: &'w [Word],
    cues: Option<&'w Cues>,
}

impl Within<'_> {
    fn is(&self, at: usize, of: impl Fn(&Cues, &Word) -> bool) -> bool {
        self.cues.zip(self.words.get(at)).is_some_and(|(cues, word)| of(cues, word))
    }

    /// How many words the day has that is named here, 0 where none is.
    fn day(&self, at: usize) -> usize {
        let word = &self.words[at];
        if is_whole_date(&word.text) || (is_short_date(&word.text) && self.is_led(at)) {
            return 1;
        }
        let Some(cues) = self.cues else { return 0 };
        let whole = cues.relative.at(self.words, at);
        if whole > 0 {
            return whole;
        }
        if word.is_in(&cues.days) {
            return 1;
        }
        let spans = |cues: &Cues, word: &Word| {
            word.is_in(&cues.spans) || word.is_in(&cues.days) || word.is_in(&cues.day_parts) || word.is_in(&cues.months)
        };
        if word.is_in(&cues.nearness) && self.is(at + 1, spans) {
            return 2;
        }
        if word.is_in(&cues.within) {
            let number = self.number(at + 1);
            if number > 0 && self.is(at + 1 + number, |cues, word| word.is_in(&cues.spans)) {
                return number + 2;
            }
        }
        self.month(at).max(self.day_of_month(at))
    }

    /// "June 5th", "June twenty fifth", or "in June".
    fn month(&self, at: usize) -> usize {
        if !self.is(at, |cues, word| word.is_in(&cues.months)) {
            return 0;
        }
        let day = self.ordinal(at + 1).max(self.number(at + 1).min(2));
        if day > 0 {
            return 1 + day;
        }
        let named = at > 0 && (self.is_led(at) || self.is(at - 1, |cues, word| word.is_in(&cues.within)));
        usize::from(named)
    }

    /// "the 5th", led to by a word such as "on", or "the fifth of June".
    fn day_of_month(&self, at: usize) -> usize {
        let article = usize::from(self.is(at, |cues, word| word.is_in(&cues.articles)));
        let ordinal = self.ordinal(at + article);
        if ordinal == 0 {
            return 0;
        }
        let end = at + article + ordinal;
        let of_month = self.is(end, |cues, word| word.is_in(&cues.from))
            && self.is(end + 1, |cues, word| word.is_in(&cues.months));
        if of_month {
            return article + ordinal + 2;
        }
        let in_figures = self.words[at + article].text.starts_with(|c: char| c.is_ascii_digit());
        let led = article > 0 && self.is_led(at) && (in_figures || ordinal > 1);
        if led { article + ordinal } else { 0 }
    }

    fn ordinal(&self, at: usize) -> usize {
        let one = |at: usize| self.is(at, |cues, word| word.is_in(&cues.ordinals) || is_ordinal(&word.text));
        if one(at) {
            return 1;
        }
        let tens = self.is(at, |cues, word| word.is_in(&cues.tens));
        if tens && one(at + 1) { 2 } else { 0 }
    }

    /// How many words of a number stand here.
    fn number(&self, at: usize) -> usize {
        let is_number = |word: &&Word| {
            let in_words = |cues: &Cues| word.is_in(&cues.numbers) || word.is_in(&cues.vague_numbers);
            is_figure(&word.text) || self.cues.is_some_and(in_words)
        };
        self.words.get(at..).unwrap_or_default().iter().take(4).take_while(is_number).count()
    }

    /// "at ten o'clock", "at 3:30".
    fn time(&self, at: usize) -> usize {
        if !self.is(at, |cues, word| word.is_in(&cues.clock_leads)) {
            return 0;
        }
        let hour = self.number(at + 1).min(2);
        let colon = self.words.get(at + 1).is_some_and(|word| is_figure(&word.text) && word.text.contains(':'));
        let clock = hour > 0 && self.is(at + 1 + hour, |cues, word| word.is_in(&cues.clock));
        if clock {
            2 + hour
        } else if colon {
            2
        } else {
            0
        }
    }

    /// Where the date ends that reaches to here: with the time of day that follows.
    fn with_time(&self, from: usize) -> usize {
        let mut end = from;
        let day_part = |cues: &Cues, word: &Word| word.is_in(&cues.day_parts);
        if self.is(end, day_part) {
            end += 1;
        } else if self.is(end, |cues, word| word.is_in(&cues.within) || word.is_in(&cues.clock_leads)) {
            let article = usize::from(self.is(end + 1, |cues, word| word.is_in(&cues.articles)));
            if self.is(end + 1 + article, day_part) {
                end += 2 + article;
            }
        }
        if self.is(end, |cues, word| word.is_in(&cues.clock_leads)) {
            let hour = self.number(end + 1).min(2);
            if hour > 0 {
                end += 1 + hour;
                while self.is(end, |cues, word| word.is_in(&cues.clock)) {
                    end += 1;
                }
            }
        }
        end
    }

    /// Where the date begins that stands here: with the words that lead to it.
    fn with_lead(&self, from: usize, at: usize) -> usize {
        let mut start = at;
        while start > from && start + 4 > at && self.is(start - 1, |cues, word| word.is_in(&cues.due_leads)) {
            start -= 1;
        }
        start
    }

    fn is_led(&self, at: usize) -> bool {
        at > 0 && self.is(at - 1, |cues, word| word.is_in(&cues.due_leads))
    }

    fn is_passing(&self, range: Range<usize>) -> bool {
        let Some(cues) = self.cues else { return false };
        let weighty = |word: &Word| word.is_in(&cues.days) || word.is_in(&cues.spans) || word.is_in(&cues.months);
        let words = &self.words[range];
        words.iter().any(|word| word.is_in(&cues.passing))
            || (words.len() > 1 && words[1].is_in(&cues.day_parts) && !weighty(&words[1]))
    }
}

fn is_figure(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == ':')
}

/// "5th", "21st".
fn is_ordinal(text: &str) -> bool {
    let figures = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &text[figures.len()..];
    is_day(figures) && matches!(ending, "st" | "nd" | "rd" | "th")
}

/// "6/12/2026", "12.6.2026".
fn is_whole_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '.']).collect();
    matches!(parts[..], [day, month, year] if is_day(day) && is_day(month) && matches!(year.len(), 2 | 4))
}

/// "6/12".
fn is_short_date(text: &str) -> bool {
    text.split_once('/').is_some_and(|(day, month)| is_day(day) && is_day(month))
}

fn is_day(text: &str) -> bool {
    text.len() <= 2 && text.parse().is_ok_and(|day: u8| (1..=31).contains(&day))
}
