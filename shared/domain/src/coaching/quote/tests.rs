//! Quotes from outside: a call and a quote in, the place out.

use super::*;

fn said(channel: Channel, start_s: u64, text: &str) -> Said<'_> {
    Said { channel, start_ms: start_s * 1000, end_ms: start_s * 1000 + 2000, text }
}

/// Not in the order of time.
fn call() -> Vec<Said<'static>> {
    use Channel::{Agent, Customer};
    vec![
        said(Agent, 10, "I’ll send the follow-up on Friday, as I said: “no later”."),
        said(Customer, 13, "yes"),
        said(Customer, 16, "so the price is 1,250.50 dollars and i don't like it"),
        said(Agent, 20, "My card is [card number], thank you."),
        said(Agent, 24, "We will"),
        said(Customer, 25, "mhm"),
        said(Agent, 27, "call you back tomorrow."),
        said(Agent, 60, "Goodbye then."),
        said(Customer, 62, "はい、お願いします。"),
        said(Agent, 1, "I will send it to you. I will send it today."),
        said(Customer, 70, "my card is [card number] and thank you"),
    ]
}

#[track_caller]
fn check(quote: &str, channel: Option<Channel>, expected: Option<(usize, &str)>) {
    let call = call();
    let found = find_quote(&call, quote, channel);
    let found = found.map(|(at, bytes)| (at, &call[at].text[bytes]));
    assert_eq!(found, expected, "{quote:?} of {channel:?}");
}

#[test]
fn punctuation_case_spacing_and_apostrophes_count_for_nothing() {
    check("i'll send the follow up", None, Some((0, "I’ll send the follow-up")));
    check("ILL SEND THE FOLLOW UP ON FRIDAY", None, Some((0, "I’ll send the follow-up on Friday")));
    check("“as I said – no   later”", None, Some((0, "as I said: “no later")));
    check("The price is $1250.50 dollars!", None, Some((2, "the price is 1,250.50 dollars")));
    check("I dont like it", None, Some((2, "i don't like it")));
    check("はいお願い", None, Some((8, "はい、お願い")));
}

#[test]
fn words_count_all_of_them_and_in_order() {
    check("I'll send the follow-up on Monday", None, None);
    check("send follow-up on Friday", None, None);
    check("end the follow", None, None);
    check("the price is 1250.5", None, None);
    check("the pri", None, None);
    check("", None, None);
    check("…!", None, None);
}

#[test]
fn a_short_quote_must_be_a_whole_utterance() {
    check("Yes.", None, Some((1, "yes")));
    check("price is", None, None);
    check("Goodbye, then", None, Some((7, "Goodbye then")));
    check("We will", None, Some((4, "We will")));
}

#[test]
fn a_quote_runs_on_into_the_next_utterance_of_its_side_only() {
    check("we will call you back", None, Some((4, "We will")));
    check("thank you we will call you", None, None);
    check("call you back tomorrow goodbye then", None, None);
    check("yes so the price is", None, Some((1, "yes")));
}

#[test]
fn the_earliest_place_counts_and_the_side_where_one_is_named() {
    check("I will send it", None, Some((9, "I will send it")));
    check("will send it today", None, Some((9, "will send it today")));
    check("my card is card number", None, Some((3, "My card is [card number")));
    check("my card is card number", Some(Channel::Customer), Some((10, "my card is [card number")));
    check("so the price is", Some(Channel::Agent), None);
}

#[test]
fn names_need_no_three_words() {
    let call = call();
    let quotes = Quotes::new(&call);
    for (name, expected) in [("friday", Some(0)), ("$1,250.50", Some(2)), ("Monday", None), ("", None), ("fri", None)] {
        assert_eq!(quotes.find_name(name).map(|(at, _)| at), expected, "{name}");
    }
}

#[test]
fn words_stand_in_a_text_as_a_whole() {
    for (text, words, expected) in [
        ("by Friday, at ten", "by friday", true),
        ("by Friday, at ten", "day at ten", false),
        ("by Friday", "by Friday at ten", false),
        ("by Friday", "", false),
    ] {
        assert_eq!(contains_words(text, words), expected, "{words:?} in {text:?}");
    }
}

#[test]
fn many_repetitions_do_not_slow_it_down() {
    let long = "no no no no no no no no ".repeat(20_000);
    let call = [said(Channel::Agent, 0, &long), said(Channel::Agent, 3, "yes")];
    assert_eq!(find_quote(&call, "no no yes", None).map(|(at, _)| at), Some(0), "it runs on");
    assert_eq!(find_quote(&call, "no", None), None);
}
