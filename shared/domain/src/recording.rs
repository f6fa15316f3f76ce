//! A recorded call on its way to its text: what was asked for, the parts it is worked on in, and how far it is.
//!
//! All of it depends on which parts did what, not on the order in which that is told, nor on how often: parts are worked
//! on by several workers at once, and any of them may be told of twice.

use serde::{Deserialize, Serialize};

use crate::call::Channel;

mod submission;

pub use submission::Submission;

/// Most bytes of a recording: what S3 takes in 10,000 parts of a size that is worth a request, and 300 hours of 16 kHz WAV
/// in one channel.
pub const MOST_BYTES: u64 = 40_000_000_000;
/// Most characters of a prompt.
pub const MOST_PROMPT: usize = 2_000;
/// Most characters of a file's name.
pub const MOST_NAME: usize = 255;

/// What is asked for when a recording is handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Wish {
    /// The file's name, for people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MOST_NAME)))]
    pub file_name: String,
    /// Its length in bytes, where it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MOST_BYTES)))]
    pub bytes: Option<u64>,
    /// The language as a tag (`en`, `pt-BR`), instead of the playbook's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")))]
    pub language: Option<String>,
    /// The transcription service's model, instead of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^[!-~]{1,128}$")))]
    pub model: Option<String>,
    /// What the transcription service is told of the recording beforehand: names, the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = MOST_PROMPT)))]
    pub prompt: Option<String>,
    /// Who speaks on which channel; by default the agent, and where there are two, the customer on the second. One that is
    /// named for two that there are stands for both, mixed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 2), extend("uniqueItems" = true)))]
    pub channels: Vec<Channel>,
}

/// What is wrong with a wish, in words for the person who has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No name, or a long one.
    #[error("file_name must have 1 to {MOST_NAME} characters")]
    Name,
    /// No bytes, or too many.
    #[error("bytes must be from 1 to {MOST_BYTES}: split a longer recording")]
    Bytes,
    /// No tag.
    #[error("language \"{0}\" is no language tag: use one such as en or pt-BR")]
    Language(String),
    /// No name of a model.
    #[error("model must have 1 to 128 characters, none of them a space")]
    Model,
    /// A long one.
    #[error("prompt may have at most {MOST_PROMPT} characters")]
    Prompt,
    /// Twice the same, or more than there are.
    #[error("channels must be one or two different ones of agent and customer")]
    Channels,
}

impl Wish {
    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<(), WishError> {
        let brief = |text: &str| text.chars().take(32).collect::<String>();
        if !(1..=MOST_NAME).contains(&self.file_name.chars().count()) {
            return Err(WishError::Name);
        }
        if self.bytes.is_some_and(|bytes| !(1..=MOST_BYTES).contains(&bytes)) {
            return Err(WishError::Bytes);
        }
        if let Some(language) = self.language.as_deref().filter(|language| !is_tag(language)) {
            return Err(WishError::Language(brief(language)));
        }
        let is_model = |model: &str| (1..=128).contains(&model.len()) && model.chars().all(|it| it.is_ascii_graphic());
        if self.model.as_deref().is_some_and(|model| !is_model(model)) {
            return Err(WishError::Model);
        }
        if self.prompt.as_deref().is_some_and(|prompt| prompt.chars().count() > MOST_PROMPT) {
            return Err(WishError::Prompt);
        }
        match self.channels.as_slice() {
            [] | [_] => Ok(()),
            [one, other] if one != other => Ok(()),
            _ => Err(WishError::Channels),
        }
    }

    /// Who speaks on the channels of a recording that has so many; what is wrong where they do not fit.
    pub fn channels_of(&self, count: usize) -> Result<Vec<Channel>, String> {
        match (self.channels.as_slice(), count) {
            ([], 1) => Ok(vec![Channel::Agent]),
            ([], _) => Ok(vec![Channel::Agent, Channel::Customer]),
            (named @ [_, _], 1) => {
                Err(format!("{} channels were named, and the recording has one: name that one", named.len()))
            }
            (named, _) => Ok(named.to_vec()),
        }
    }
}

fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let language = parts.next().unwrap_or_default();
    (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic()) && parts.all(is_part)
}

/// Where a recording stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RecordingState {
    /// Its audio is expected.
    #[default]
    Awaited,
    /// Its audio is there.
    Uploaded,
    /// It was looked at, and its parts wait for workers.
    Queued,
    /// Parts of it are worked on.
    Transcribing,
    /// All of it was worked on. Parts may be missing: see [`Recording::missing`].
    Done,
    /// Nothing came of it.
    Failed,
}

/// What a recording is, as its bytes tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sound {
    /// The container's name, for people.
    pub container: String,
    /// The codec's name, for people.
    pub codec: String,
    /// Samples a second and channel, in Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// A stretch that has no text though something may have been said there. Media time in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missing {
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
    /// Why, in words for a person.
    pub reason: String,
}

/// A part: some sections of the recording, worked on as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Index of its first section.
    pub from: u32,
    /// Index behind its last section.
    pub to: u32,
    /// How much of it was worked on, in thousandths.
    #[serde(default)]
    pub thousandths: u16,
    /// Nothing more will be done with it.
    #[serde(default)]
    pub settled: bool,
    /// What of it has no text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// A recorded call on its way to its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// What was asked for.
    pub wish: Wish,
    /// Where it stands.
    pub state: RecordingState,
    /// What it is, once it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<Sound>,
    /// Its parts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// What a service that works on all of it at once knows it by, where one does.
    #[serde(default, skip_serializing_if = "Submission::is_none")]
    pub submission: Submission,
    /// When the first of its parts was begun: wall clock, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at_ms: Option<i64>,
    /// Why nothing came of it, in words for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Recording {
    /// One whose audio is expected.
    pub fn new(wish: Wish) -> Self {
        Self { wish, ..Self::default() }
    }

    /// Its audio is there. Says whether that is new.
    pub fn uploaded(&mut self) -> bool {
        let new = self.state == RecordingState::Awaited;
        if new {
            self.state = RecordingState::Uploaded;
        }
        new
    }

    /// It was looked at: what it is, and how many sections each of its parts has at most. Who looks a second time finds the
    /// parts as they were first made, since some of them may be worked on already. Says whether that is new.
    pub fn plan(&mut self, sound: Sound, sections: u32, part_sections: u32) -> bool {
        if !matches!(self.state, RecordingState::Awaited | RecordingState::Uploaded) {
            return false;
        }
        let step = part_sections.max(1);
        let starts = (0..sections).step_by(step as usize);
        self.parts =
            starts.map(|from| Part { from, to: sections.min(from.saturating_add(step)), ..Part::default() }).collect();
        self.sound = Some(sound);
        self.state = RecordingState::Queued;
        true
    }

    /// A worker is so far with a part, in thousandths: what was reached once is not taken back. Says whether that is new.
    pub fn advance(&mut self, part: usize, thousandths: u16, now_ms: i64) -> bool {
        let Some(part) = self.parts.get_mut(part).filter(|part| !part.settled) else { return false };
        let further = thousandths.min(1_000) > part.thousandths;
        part.thousandths = part.thousandths.max(thousandths.min(1_000));
        let begins = self.state == RecordingState::Queued;
        if begins {
            self.state = RecordingState::Transcribing;
            self.begun_at_ms = Some(now_ms);
        }
        further || begins
    }

    /// All was done with a part that will be. Says whether that is new.
    pub fn settle(&mut self, part: usize, missing: Vec<Missing>) -> bool {
        let open = matches!(self.state, RecordingState::Queued | RecordingState::Transcribing);
        let Some(part) = self.parts.get_mut(part).filter(|part| open && !part.settled) else { return false };
        *part = Part { settled: true, thousandths: 1_000, missing, ..*part };
        true
    }

    /// Whether all was done with all parts that will be.
    pub fn is_settled(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| part.settled)
    }

    /// All parts are settled: it is done, or failed where none of it has text. Says whether that is new.
    pub fn conclude(&mut self) -> bool {
        if !self.is_settled() || self.is_over() {
            return false;
        }
        let missing = self.missing();
        let whole = self.sound.as_ref().map_or(0, |sound| sound.duration_ms);
        let covered = missing.first().filter(|it| missing.len() == 1 && it.from_ms == 0 && it.to_ms >= whole);
        match covered {
            Some(all) if whole > 0 => {
                self.reason = Some(all.reason.clone());
                self.state = RecordingState::Failed;
            }
            _ => self.state = RecordingState::Done,
        }
        true
    }

    /// Nothing comes of it. Says whether that is new.
    pub fn fail(&mut self, reason: impl Into<String>) -> bool {
        if self.is_over() {
            return false;
        }
        self.state = RecordingState::Failed;
        self.reason = Some(reason.into());
        true
    }

    /// Whether it is done or failed.
    pub fn is_over(&self) -> bool {
        matches!(self.state, RecordingState::Done | RecordingState::Failed)
    }

    /// What has no text, in order; stretches that touch and have one reason are one.
    pub fn missing(&self) -> Vec<Missing> {
        let mut all: Vec<Missing> = self.parts.iter().flat_map(|part| part.missing.iter().cloned()).collect();
        all.sort_by_key(|it| (it.from_ms, it.to_ms));
        let mut joined: Vec<Missing> = Vec::new();
        for next in all {
            match joined.last_mut() {
                Some(last) if last.to_ms >= next.from_ms && last.reason == next.reason => {
                    last.to_ms = last.to_ms.max(next.to_ms);
                }
                _ => joined.push(next),
            }
        }
        joined
    }

    /// How much of it was worked on, in percent. 100 is kept for one that is over.
    pub fn percent(&self) -> u8 {
        if self.state == RecordingState::Done {
            return 100;
        }
        let sections: u64 = self.parts.iter().map(|part| u64::from(part.to - part.from)).sum();
        let worked = self.parts.iter().map(|part| u64::from(part.to - part.from) * u64::from(part.thousandths));
        let percent = worked.sum::<u64>() / (10 * sections.max(1));
        u8::try_from(percent.min(99)).unwrap_or(99)
    }

    /// As people see it, now.
    pub fn view(&self, now_ms: i64) -> RecordingView {
        let percent = self.percent();
        let left = f64::from(100 - percent) / f64::from(percent.max(1));
        let expected = |begun_ms: i64| now_ms.saturating_add((now_ms.saturating_sub(begun_ms) as f64 * left) as i64);
        let working = self.state == RecordingState::Transcribing && percent > 0;
        RecordingView {
            state: self.state,
            file_name: self.wish.file_name.clone(),
            bytes: self.wish.bytes,
            language: self.wish.language.clone(),
            model: self.wish.model.clone(),
            sound: self.sound.clone(),
            percent,
            expected_end_ms: self.begun_at_ms.filter(|_| working).map(expected),
            parts: self.parts.len(),
            parts_done: self.parts.iter().filter(|part| part.settled).count(),
            missing: self.missing(),
            reason: self.reason.clone(),
        }
    }
}

/// A recording as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordingView {
    /// Where it stands.
    pub state: RecordingState,
    /// The file's name.
    pub file_name: String,
    /// Its length in bytes, where it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The language that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is, once it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<Sound>,
    /// How much of it was worked on, in percent.
    pub percent: u8,
    /// When it is expected to be done: wall clock, milliseconds since the Unix epoch. Only while it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end_ms: Option<i64>,
    /// How many parts it is worked on in.
    pub parts: usize,
    /// With how many of them all was done.
    pub parts_done: usize,
    /// What has no text, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Why nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish { file_name: "call.wav".to_owned(), ..Wish::default() }
    }

    fn planned(sections: u32, part_sections: u32) -> Recording {
        let mut recording = Recording::new(wish());
        let sound = Sound { duration_ms: u64::from(sections) * 300_000, channels: 1, ..Sound::default() };
        assert!(recording.uploaded());
        assert!(recording.plan(sound, sections, part_sections));
        recording
    }

    fn missing(from_ms: u64, to_ms: u64, reason: &str) -> Missing {
        Missing { from_ms, to_ms, reason: reason.to_owned() }
    }

    #[test]
    fn wishes_that_cannot_be_meant_are_named() {
        let long = |count: usize| "x".repeat(count);
        for (wish, error) in [
            (Wish { file_name: String::new(), ..wish() }, WishError::Name),
            (Wish { file_name: long(256), ..wish() }, WishError::Name),
            (Wish { bytes: Some(0), ..wish() }, WishError::Bytes),
            (Wish { bytes: Some(MOST_BYTES + 1), ..wish() }, WishError::Bytes),
            (Wish { language: Some("e".into()), ..wish() }, WishError::Language("e".into())),
            (Wish { language: Some("en US".into()), ..wish() }, WishError::Language("en US".into())),
            (Wish { model: Some("a b".into()), ..wish() }, WishError::Model),
            (Wish { prompt: Some(long(2_001)), ..wish() }, WishError::Prompt),
            (Wish { channels: vec![Channel::Agent, Channel::Agent], ..wish() }, WishError::Channels),
        ] {
            assert_eq!(wish.check(), Err(error));
        }
        for language in ["en", "pt-BR", "zh-Hant-TW"] {
            assert_eq!(
                Wish { language: Some(language.into()), bytes: Some(1), ..wish() }.check(),
                Ok(()),
                "{language}"
            );
        }
    }

    #[test]
    fn channels_fit_the_recording() {
        use Channel::{Agent, Customer};
        let of = |channels: &[Channel], count| Wish { channels: channels.to_vec(), ..wish() }.channels_of(count);
        assert_eq!(of(&[], 1), Ok(vec![Agent]));
        assert_eq!(of(&[], 2), Ok(vec![Agent, Customer]));
        assert_eq!(of(&[Customer, Agent], 2), Ok(vec![Customer, Agent]));
        assert_eq!(of(&[Customer], 2), Ok(vec![Customer]), "mixed");
        assert!(of(&[Customer, Agent], 1).unwrap_err().contains("has one"));
    }

    #[test]
    fn parts_are_told_of_in_any_order_and_twice() {
        let mut recording = planned(5, 2);
        let sections: Vec<_> = recording.parts.iter().map(|part| (part.from, part.to)).collect();
        assert_eq!(sections, [(0, 2), (2, 4), (4, 5)]);
        assert!(!recording.plan(Sound::default(), 9, 1), "the first plan stands");
        assert!(recording.advance(1, 500, 1_000));
        assert!(!recording.advance(1, 400, 1_500), "a second worker is behind");
        assert_eq!((recording.state, recording.percent()), (RecordingState::Transcribing, 20));
        assert_eq!(recording.view(3_000).expected_end_ms, Some(3_000 + 2_000 * 4));
        assert!(recording.settle(2, Vec::new()));
        assert!(recording.settle(0, vec![missing(10, 20, "refused")]));
        assert!(!recording.settle(0, Vec::new()), "what was told first stands");
        assert!(!recording.conclude());
        assert!(recording.settle(1, Vec::new()));
        assert_eq!(recording.percent(), 99);
        assert!(recording.conclude() && !recording.conclude() && !recording.fail("late"));
        let view = recording.view(9_000);
        assert_eq!((view.state, view.percent, view.expected_end_ms), (RecordingState::Done, 100, None));
        assert_eq!(view.missing, [missing(10, 20, "refused")]);
        assert!(!recording.advance(1, 1_000, 9_000));
    }

    #[test]
    fn what_has_no_text_at_all_failed() {
        let mut recording = planned(2, 1);
        assert!(recording.settle(1, vec![missing(300_100, 600_000, "away")]));
        assert!(recording.settle(0, vec![missing(0, 300_100, "away")]));
        assert!(recording.conclude());
        assert_eq!((recording.state, recording.reason.as_deref()), (RecordingState::Failed, Some("away")));
        assert_eq!(recording.missing(), [missing(0, 600_000, "away")]);
        let mut refused = Recording::new(wish());
        assert!(refused.fail("no audio") && !refused.uploaded() && !refused.plan(Sound::default(), 1, 1));
    }
}
