//! Advice of a language model: messages of a FIFO queue in, better words for cards, what the rules missed, and notes out.
//!
//! The rules' work stands before a message comes here, and whatever a model does cannot take it away: its fault is
//! counted and the message is done with, since an answer that comes late helps nobody. Only what our own tables fail to
//! take is tried again.

mod card;
mod ledger;
mod notes;
mod talk;

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use callboard_adapters::{ServiceError, accounts::Accounts, calls::Calls, orgs::Orgs, table::Table};
use callboard_domain::{CallId, OrgId, advice::Lesson, coaching::Said, feedback::Wording, model::LanguageModel};
use callboard_runtime::{
    Clock, SettingError, Start,
    coaching::{CoachingError, RuleBook},
    model,
    watch::{call_span, note_queue_age},
};
use callboard_wire::{
    advice::{AdviceError, AdviceRequest, Wanted},
    items::{FeedbackItem, SegmentItem},
};
use tracing::Instrument as _;

/// How many utterances a model is shown at most.
const LAST_SEGMENTS: usize = 40;

/// What the function needs.
pub struct Context {
    /// Playbooks and feedback.
    pub accounts: Accounts,
    /// What organizations used.
    pub orgs: Orgs,
    /// Calls.
    pub calls: Calls,
    /// The model; without one every message is done with at once.
    pub model: Option<Arc<dyn LanguageModel>>,
    /// What may be spent.
    pub budget: Budget,
    /// The time of day.
    pub clock: Clock,
    rules: RuleBook,
}

/// What may be spent, and how long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Tokens of one call, in and out.
    pub call_tokens: u64,
    /// Tokens of an organization in a day (UTC), in and out.
    pub org_tokens: u64,
    /// What comes later than this is no help in a call that goes on.
    pub patience: Duration,
    /// What a million tokens cost in US dollars, in and out, where that is known.
    pub usd: Option<(f64, f64)>,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `MODEL_PROVIDER`, `MODEL_URL`, `MODEL_NAME`, `MODEL_API_KEY`,
    /// `MODEL_TIMEOUT_MS` (60,000 by default: notes take long), `MODEL_PATIENCE_MS` (8,000 by default),
    /// `MODEL_CALL_TOKENS` (500,000 by default), `MODEL_ORG_TOKENS` a day (20,000,000 by default), and what a million
    /// tokens cost, `MODEL_INPUT_USD` and `MODEL_OUTPUT_USD`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let settings = &start.settings;
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), settings.required(name)?));
        let accounts = Accounts::new(table("ACCOUNTS_TABLE")?);
        Ok(Self {
            orgs: Orgs::new(table("ACCOUNTS_TABLE")?),
            rules: RuleBook::new(accounts.clone()),
            accounts,
            calls: Calls::new(table("CALLS_TABLE")?),
            model: model::connect(start)?,
            budget: Budget {
                call_tokens: settings.parsed("MODEL_CALL_TOKENS", 500_000)?,
                org_tokens: settings.parsed("MODEL_ORG_TOKENS", 20_000_000)?,
                patience: Duration::from_millis(settings.parsed("MODEL_PATIENCE_MS", 8_000)?),
                usd: match (settings.parsed("MODEL_INPUT_USD", 0.0)?, settings.parsed("MODEL_OUTPUT_USD", 0.0)?) {
                    (0.0, 0.0) => None,
                    prices => Some(prices),
                },
            },
            clock: start.clock.clone(),
        })
    }
}

/// Why a message comes again.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Coaching(#[from] CoachingError),
    #[error(transparent)]
    Message(#[from] AdviceError),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Coaching(error.into())
    }
}

/// Takes a batch of messages, in their order. From the first that could not be worked on, all come again: the order
/// within a group must hold. What comes again late finds that the talk has moved on, and is done with.
///
/// # Errors
/// None: failures are reported message by message.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, ServiceError> {
    let mut response = SqsBatchResponse::default();
    for message in &event.records {
        if response.batch_item_failures.is_empty() {
            let Err(error) = Box::pin(work(message, context)).await else { continue };
            let id = message.message_id.as_deref().unwrap_or_default();
            tracing::error!(%error, message.id = id, "advice not given");
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.clone().unwrap_or_default();
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

async fn work(message: &SqsMessage, context: &Context) -> Result<(), Failure> {
    note_queue_age(message.attributes.get("SentTimestamp"), context.clock.now_ms());
    let request = AdviceRequest::parse(message.body.as_deref().unwrap_or_default())?;
    let span = call_span(&request.org, &request.call, request.trace.as_deref());
    Box::pin(advise(&request, context)).instrument(span).await
}

async fn advise(request: &AdviceRequest, context: &Context) -> Result<(), Failure> {
    let Some(model) = &context.model else { return Ok(()) };
    if context.calls.is_deleted(&request.org, &request.call).await? {
        return Ok(());
    }
    let job = Job { request, model: model.as_ref(), context };
    match &request.wanted {
        Wanted::Card { objection, start_ms } => card::word(&job, objection, *start_ms).await,
        Wanted::Talk { end_ms } => talk::listen(&job, *end_ms).await,
        Wanted::Notes { basis } => notes::write(&job, *basis).await,
    }
}

/// A message, and what to work on it with.
struct Job<'a> {
    request: &'a AdviceRequest,
    model: &'a dyn LanguageModel,
    context: &'a Context,
}

impl Job<'_> {
    fn org(&self) -> &OrgId {
        &self.request.org
    }

    fn call(&self) -> &CallId {
        &self.request.call
    }

    /// The last of what was said, by start.
    async fn heard(&self) -> Result<Vec<SegmentItem>, ServiceError> {
        let segments = self.context.calls.last_segments(self.org(), self.call(), LAST_SEGMENTS).await?;
        Ok(segments.into_iter().filter(|segment| segment.is_final && !segment.text.is_empty()).collect())
    }

    /// What was suggested before in this call.
    async fn suggested(&self) -> Result<Vec<String>, ServiceError> {
        let cards = self.context.calls.cards(self.org(), self.call()).await?;
        Ok(cards.into_iter().flat_map(|item| item.suggested()).collect())
    }

    async fn lessons(&self) -> Result<Vec<Lesson>, ServiceError> {
        let feedback = self.context.accounts.feedback(self.org(), &self.request.playbook).await?;
        let texts = |wordings: Vec<Wording>| wordings.into_iter().rev().map(|wording| wording.text).collect();
        let lesson = |FeedbackItem { objection, experience, .. }: FeedbackItem| Lesson {
            objection,
            worked: texts(experience.good),
            failed: texts(experience.poor),
        };
        Ok(feedback.into_iter().map(lesson).collect())
    }
}

fn said(segment: &SegmentItem) -> Said<'_> {
    Said { channel: segment.channel, start_ms: segment.start_ms, end_ms: segment.end_ms, text: &segment.text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_wants_a_card() {
        let event: SqsEvent = serde_json::from_str(include_str!("../../../events/advise.json")).unwrap();
        let request = AdviceRequest::parse(event.records[0].body.as_deref().unwrap()).unwrap();
        assert_eq!(request.wanted, Wanted::Card { objection: "too_expensive".into(), start_ms: 14_640 });
    }
}
