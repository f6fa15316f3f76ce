//! A call's words as files that people and players read: plain text, Markdown, SRT and WebVTT.
//!
//! Owns what a file looks like, where a line and a cue end, and when a cue is shown. Does not know calls, dates or
//! zones: what stands above the words is handed in as text. JSON is no matter of this module, since it is the call's
//! snapshot as it is.

mod cues;
mod diary;
mod pages;
mod pieces;
mod subtitles;
mod timing;

pub use diary::diary_note;
pub use pages::{Landmark, Opening, markdown, text};
pub use subtitles::{srt, vtt};

use crate::{
    call::Channel,
    segment::{Placeholder, Word},
};

/// One utterance, as far as a transcript needs it. They may be handed in in any order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utterance<'a> {
    /// Who spoke.
    pub channel: Channel,
    /// Where it begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// What was said; one in which nothing was is left out.
    pub text: &'a str,
    /// The words with their times, where they are known. They need not agree with the text: what cannot be found in it
    /// is passed over.
    pub words: &'a [Word],
    /// Why there is no text yet, where that is so: a note in brackets stands in its place.
    pub placeholder: Option<Placeholder>,
}

impl Utterance<'_> {
    /// What is to be read; none where that is nothing.
    fn readable(&self) -> Option<String> {
        if let Some(placeholder) = self.placeholder {
            return Some(format!("[{}]", placeholder.text().trim_matches(['(', ')'])));
        }
        let words: Vec<String> = pieces::words(self.text);
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// The name that people read.
fn speaker(channel: Channel) -> &'static str {
    match channel {
        Channel::Agent => "Agent",
        Channel::Customer => "Customer",
    }
}

/// By start, and the agent first where two begin together. What is equal stays in the order it came in.
fn ordered<'a, 'b>(utterances: &'b [Utterance<'a>]) -> Vec<&'b Utterance<'a>> {
    let mut ordered: Vec<_> = utterances.iter().collect();
    ordered.sort_by_key(|utterance| (utterance.start_ms, utterance.channel, utterance.end_ms));
    ordered
}
