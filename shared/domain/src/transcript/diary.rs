//! Notes as one page of Markdown, for programs that show a call's outcome as text and know none of its structure.
//!
//! Owns what the page looks like. What stands in notes is decided in `coaching`.

use super::pages::escaped;
use crate::{
    call::Channel,
    coaching::{Action, NoteItem, Notes, OpenQuestion, Owner},
};

/// The heading of a call of two, which has no title of its own.
const CALL_TITLE: &str = "Call notes";

/// Notes as Markdown: a heading, the summary, and a list for each kind of thing that there is. A voice note has its own
/// heading, topics, what was done and the mood.
pub fn diary_note(notes: &Notes) -> String {
    let diary = notes.diary.as_ref();
    let title = diary.map_or("", |diary| diary.title.trim());
    let mut page = format!("# {}\n", escaped(if title.is_empty() { CALL_TITLE } else { title }));
    if !notes.summary.trim().is_empty() {
        page += &format!("\n{}\n", escaped(&notes.summary));
    }
    section(&mut page, "Topics", diary.iter().flat_map(|diary| &diary.topics).map(item));
    section(&mut page, "Done", diary.iter().flat_map(|diary| &diary.done).map(item));
    section(&mut page, "Agreed", notes.agreements.iter().map(item));
    match diary {
        Some(diary) => section(&mut page, "To do", diary.todo.iter().map(item)),
        None => section(&mut page, "To do", notes.actions.iter().map(action)),
    }
    section(&mut page, "What troubles the customer", notes.pain_points.iter().map(item));
    section(&mut page, "Open questions", notes.open_questions.iter().map(question));
    section(&mut page, "Mood", diary.iter().filter_map(|diary| diary.mood.as_ref()).map(mood));
    page
}

fn section(page: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.map(|line| format!("- {line}\n")).collect();
    if !lines.is_empty() {
        *page += &format!("\n## {heading}\n\n{lines}");
    }
}

fn item(item: &NoteItem) -> String {
    with_due(&item.text, item.due.as_deref())
}

fn action(action: &Action) -> String {
    let text = with_due(&action.text, action.due.as_deref());
    match action.owner {
        Owner::Agent => format!("Agent: {text}"),
        Owner::Customer => format!("Customer: {text}"),
        Owner::Unknown => text,
    }
}

fn question(question: &OpenQuestion) -> String {
    let asked_by = match question.asked_by {
        Channel::Agent => "Agent",
        Channel::Customer => "Customer",
    };
    format!("{asked_by}: {}", escaped(&question.text))
}

fn mood(mood: &NoteItem) -> String {
    format!("{}: “{}”", escaped(&mood.text), escaped(&mood.quote))
}

fn with_due(text: &str, due: Option<&str>) -> String {
    match due {
        Some(due) => format!("{} ({})", escaped(text), escaped(due)),
        None => escaped(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        coaching::{Diary, Link, Progress, notes},
        playbook,
    };

    fn empty() -> Notes {
        let (_, yaml) = playbook::SHIPPED[0];
        let playbook = playbook::parse_yaml(yaml).unwrap();
        Notes { summary: String::new(), ..notes(&playbook, &Progress::default(), &[]) }
    }

    fn noted(text: &str, due: Option<&str>) -> NoteItem {
        let links = vec![Link { channel: Channel::Agent, start_ms: 0 }];
        NoteItem { text: text.to_owned(), due: due.map(str::to_owned), links, quote: format!("so {text}") }
    }

    #[track_caller]
    fn check(notes: &Notes, expected: &str) {
        assert_eq!(diary_note(notes), expected);
    }

    #[test]
    fn a_call_of_two_tells_what_was_agreed_and_what_is_to_be_done() {
        let action = |owner, text: &str| {
            let NoteItem { text, due, links, quote } = noted(text, Some("Friday"));
            Action { owner, text, due, links, quote }
        };
        let asked = |text: &str| {
            let NoteItem { text, links, quote, .. } = noted(text, None);
            OpenQuestion { text, asked_by: Channel::Customer, links, quote }
        };
        let notes = Notes {
            summary: "They *agreed*.".to_owned(),
            agreements: vec![noted("meet again", None)],
            actions: vec![action(Owner::Agent, "send it"), action(Owner::Unknown, "call back")],
            pain_points: vec![noted("too slow", None)],
            open_questions: vec![asked("How much?")],
            ..empty()
        };
        let expected = "# Call notes\n\nThey \\*agreed\\*.\n\n## Agreed\n\n- meet again\n\n## To do\n\n\
                        - Agent: send it (Friday)\n- call back (Friday)\n\n## What troubles the customer\n\n\
                        - too slow\n\n## Open questions\n\n- Customer: How much?\n";
        check(&notes, expected);
    }

    #[test]
    fn a_voice_note_is_a_diary_entry() {
        let diary = Diary {
            title: "Monday: roof".to_owned(),
            topics: vec![noted("roof", None)],
            done: vec![noted("I called Ann", None)],
            todo: vec![noted("write the offer", Some("tomorrow"))],
            mood: Some(noted("good", None)),
        };
        let expected = "# Monday: roof\n\n## Topics\n\n- roof\n\n## Done\n\n- I called Ann\n\n## To do\n\n\
                        - write the offer (tomorrow)\n\n## Mood\n\n- good: “so good”\n";
        check(&Notes { diary: Some(diary), ..empty() }, expected);
    }

    #[test]
    fn what_there_is_nothing_of_has_no_heading() {
        check(&empty(), "# Call notes\n");
        check(&Notes { diary: Some(Diary::default()), ..empty() }, "# Call notes\n");
    }
}
