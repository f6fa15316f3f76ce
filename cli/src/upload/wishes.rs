//! What is asked for of recordings: options that all commands which send some have.

use callboard_domain::{
    CallId, Channel, PlaybookId,
    recording::{MOST_NAME, Wish},
};
use callboard_wire::rest::NewRecording;

use super::identity::Identity;
use crate::failure::Unusable;

/// The options.
#[derive(clap::Args, Debug, Clone, Default)]
pub(crate) struct WishArgs {
    /// Playbook that the calls are held against; sales if left out
    #[arg(long, value_name = "ID", value_parser = |text: &str| PlaybookId::parse(text))]
    playbook: Option<PlaybookId>,
    /// Language that is spoken, as in en or pt-BR; the playbook's if left out
    #[arg(long)]
    language: Option<String>,
    /// Model of the transcription service; the configured one if left out
    #[arg(long)]
    model: Option<String>,
    /// What the transcription service is told beforehand: names, the subject
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Who speaks on each channel, as in agent,customer; one that is named for two stands for both, mixed
    #[arg(long, value_delimiter = ',', value_parser = channel)]
    channels: Vec<Channel>,
}

fn channel(text: &str) -> Result<Channel, String> {
    Channel::parse(text.trim()).ok_or_else(|| "name agent, customer, or both as in agent,customer".to_owned())
}

impl WishArgs {
    /// Checks all that can be told without a file.
    ///
    /// # Errors
    /// Says which is wrong, and what to do.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        self.wish("call.wav".into(), None).check().map_err(|error| Unusable(error.to_string()))
    }

    /// What is asked for of one recording, under a name for people.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn new_recording(&self, file: &Identity, name: &str, call: &CallId) -> Result<NewRecording, String> {
        // Long names are cut in front: their end tells what they are.
        let name: String = name.chars().skip(name.chars().count().saturating_sub(MOST_NAME)).collect();
        let wish = self.wish(name, Some(file.bytes));
        wish.check().map_err(|error| error.to_string())?;
        let playbook = self.playbook.as_ref().map(ToString::to_string);
        Ok(NewRecording { call: Some(call.to_string()), playbook, started_at_ms: None, wish })
    }

    fn wish(&self, file_name: String, bytes: Option<u64>) -> Wish {
        Wish {
            file_name,
            bytes,
            language: self.language.clone(),
            model: self.model.clone(),
            prompt: self.prompt.clone(),
            channels: self.channels.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        wishes: WishArgs,
    }

    #[test]
    fn what_cannot_be_meant_is_told_before_anything_is_sent() {
        let check = |options: &[&str], expected: &str| {
            let told = match Options::try_parse_from([&["x"], options].concat()) {
                Ok(Options { wishes }) => wishes.check().err().map(|error| error.0).unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(if expected.is_empty() { told.is_empty() } else { told.contains(expected) }, "{options:?}: {told}");
        };
        check(&[], "");
        check(&["--channels", "agent,customer", "--language", "pt-BR", "--model", "whisper-1"], "");
        check(&["--channels", "customer, agent"], "");
        check(&["--channels", "left,right"], "name agent, customer, or both");
        check(&["--channels", "agent,agent"], "different");
        check(&["--language", "english please"], "no language tag");
        check(&["--model", "my model"], "model must have");
        check(&["--playbook", "a b"], "--playbook");
    }
}
