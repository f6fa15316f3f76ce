//! A field that not every model takes: sent until the service refuses it by name, and then no more by this process.
//!
//! Models that reason take no `temperature`, and there is no list of them that would stay right; some servers know the
//! limit of tokens by its older name only. A refusal comes before any work, so to learn it costs one round trip.

use std::sync::atomic::{AtomicBool, Ordering};

/// One such field.
pub(super) struct Field {
    name: &'static str,
    refused: AtomicBool,
}

impl Field {
    /// A field that is to be sent.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, refused: AtomicBool::new(false) }
    }

    /// Whether to send it.
    pub(super) fn is_taken(&self) -> bool {
        !self.refused.load(Ordering::Relaxed)
    }

    /// Learns from the refusal of a request with or without the field: true when the same request may go well without.
    pub(super) fn learn(&self, sent: bool, status: u16, mentions: impl Fn(&str) -> bool) -> bool {
        let refused = sent && matches!(status, 400 | 422) && mentions(self.name);
        if refused {
            tracing::info!(model.field = self.name, "the language model does not take this field");
            self.refused.store(true, Ordering::Relaxed);
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_names_the_field_counts() {
        fn check(sent: bool, status: u16, refusal: &str, learned: bool) {
            let field = Field::new("temperature");
            assert_eq!(field.learn(sent, status, |name| refusal.contains(name)), learned, "{status} {refusal}");
            assert_eq!(field.is_taken(), !learned);
        }
        check(true, 400, "`temperature` is deprecated for this model.", true);
        check(true, 422, "loc: body, temperature", true);
        check(true, 400, "no such model", false);
        check(true, 500, "temperature", false);
        check(false, 400, "temperature", false);
    }
}
