//! How the command line fails: what is the person's to mend is told apart from what went wrong.

use std::{fmt, process::ExitCode};

/// What was handed in cannot be used: a file, an address, an option. The process ends with code 2.
#[derive(Debug)]
pub(crate) struct Unusable(pub String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// The exit code that an error stands for.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<Unusable>().is_some() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_cannot_be_used_keeps_its_code_through_context() {
        let unusable = Err::<(), _>(Unusable("x.wav is empty".into())).context("while streaming").unwrap_err();
        assert_eq!(exit_code(&unusable), ExitCode::from(2));
        assert_eq!(exit_code(&anyhow::anyhow!("the stack went away")), ExitCode::FAILURE);
    }
}
