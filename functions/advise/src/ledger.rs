//! Asking a model within the budget, and counting: tokens, answers, faults, and what was dropped.
//!
//! Counters stand under the call (`ADVICE`) and under the organization's day. They are looked at before a question and
//! raised after its answer: what is asked at the same time may pass a budget together, by as many answers. Of a call's
//! budget a part is left for its notes.

use callboard_adapters::ServiceError;
use callboard_domain::{
    advice::{Advice, Prompt},
    model::{ModelError, ModelRequest, Usage},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::Job;

/// What of a call's budget may be used before it ends.
const DURING_CALL_PERCENT: u64 = 85;
/// A token is about so many characters, where a service did not say what it counted.
const CHARS_A_TOKEN: u64 = 4;

impl Job<'_> {
    /// Asks the model; nothing where the budget is used up or the model failed, which is counted. A model that is asked
    /// during a call has until the patience for that is over.
    pub(crate) async fn ask(&self, prompt: &Prompt, during_call: bool) -> Result<Option<Value>, ServiceError> {
        if let Some(whose) = self.spent(during_call).await? {
            tracing::info!(call.id = %self.call(), budget = whose, "the model's budget is used up");
            self.count(Usage::default(), &["over_budget"]).await?;
            return Ok(None);
        }
        let request = ModelRequest {
            system: &prompt.system,
            user: &prompt.user,
            name: prompt.name,
            schema: &prompt.schema,
            most_output_tokens: prompt.most_output_tokens,
        };
        let answer = self.model.answer(request);
        let answered = if during_call {
            match timeout(self.context.budget.patience, answer).await {
                Ok(answered) => answered,
                Err(_) => Err(ModelError::TimedOut.into()),
            }
        } else {
            answer.await
        };
        let call = self.call();
        match answered {
            Ok(answer) => {
                let cost_usd = self.cost_usd(answer.usage);
                tracing::info!(
                    call.id = %call, model.question = prompt.name, model.cost_usd = cost_usd, "the model answered"
                );
                self.count(answer.usage, &["answers"]).await?;
                Ok(Some(answer.value))
            }
            Err(failure) => {
                let kind = failure.error.kind();
                let usage = if kind == "timed_out" { estimate(prompt) } else { failure.usage };
                let cost_usd = self.cost_usd(usage);
                tracing::warn!(
                    call.id = %call, model.question = prompt.name, model.fault = kind, model.faults = 1_u64,
                    model.cost_usd = cost_usd, error = %failure.error,
                    "the model gave no answer: what the rules found stands"
                );
                self.count(usage, &["faults", &format!("fault_{kind}")]).await?;
                Ok(None)
            }
        }
    }

    /// Counts what of an answer was dropped. One of which nothing is left because of its form is a fault.
    pub(crate) async fn note_dropped(&self, advice: &Advice) -> Result<(), ServiceError> {
        for (reason, times) in &advice.dropped {
            tracing::info!(call.id = %self.call(), reason = reason.as_str(), times, "a claim of the model was dropped");
            let name = format!("dropped_{}", reason.as_str());
            let names: Vec<&str> = std::iter::repeat_n(name.as_str(), *times as usize).collect();
            self.count(Usage::default(), &names).await?;
        }
        if advice.dropped.contains_key(&callboard_domain::advice::Dropped::Schema) {
            tracing::warn!(call.id = %self.call(), model.faults = 1_u64, "nothing of the model's answer can be used");
            self.count(Usage::default(), &["faults", "fault_schema"]).await?;
        }
        Ok(())
    }

    /// Counts an answer that came when the talk had moved on.
    pub(crate) async fn note_stale(&self) -> Result<(), ServiceError> {
        self.count(Usage::default(), &["stale"]).await
    }

    /// Whose budget is used up, if one is.
    async fn spent(&self, during_call: bool) -> Result<Option<&'static str>, ServiceError> {
        let budget = self.context.budget;
        let call = self.context.calls.model_use(self.org(), self.call()).await?;
        let share = if during_call { budget.call_tokens / 100 * DURING_CALL_PERCENT } else { budget.call_tokens };
        if call.tokens() >= share {
            return Ok(Some("call"));
        }
        let day = self.context.orgs.model_use(self.org(), self.day()).await?;
        Ok((day.tokens() >= budget.org_tokens).then_some("organization"))
    }

    pub(crate) async fn count(&self, usage: Usage, names: &[&str]) -> Result<(), ServiceError> {
        let mut counts: Vec<(&str, u64)> = Vec::new();
        for name in names {
            match counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name, 1)),
            }
        }
        counts.extend([("input_tokens", usage.input_tokens), ("output_tokens", usage.output_tokens)]);
        counts.retain(|(_, count)| *count > 0);
        if counts.is_empty() {
            return Ok(());
        }
        self.context.calls.count_model_use(self.org(), self.call(), &counts).await?;
        self.context.orgs.count_model_use(self.org(), self.day(), &counts).await
    }

    /// In US dollars, where prices are known.
    fn cost_usd(&self, usage: Usage) -> Option<f64> {
        let (input, output) = self.context.budget.usd?;
        Some((usage.input_tokens as f64 * input + usage.output_tokens as f64 * output) / 1e6)
    }

    /// Days since the Unix epoch.
    fn day(&self) -> i64 {
        self.context.clock.now_ms().div_euclid(86_400_000)
    }
}

/// What a question is charged with whose answer never came.
fn estimate(prompt: &Prompt) -> Usage {
    let chars = prompt.system.len() + prompt.user.len() + prompt.schema.to_string().len();
    Usage { input_tokens: chars as u64 / CHARS_A_TOKEN, output_tokens: prompt.most_output_tokens.into() }
}
