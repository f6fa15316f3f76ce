//! Notes of a call that has ended, in place of the rules'.

use callboard_domain::{
    advice::Prompt,
    coaching::{Said, from_model, notes_request, notes_schema, notes_style},
    model::Usage,
};

use crate::{Failure, Job, said};

/// Notes are at most so long, in tokens.
const MOST_OUTPUT_TOKENS: u32 = 4_000;

/// Writes the notes of a call, which replace those that the rules made from as many segments.
pub(crate) async fn write(job: &Job<'_>, basis: u64) -> Result<(), Failure> {
    let context = job.context;
    let rules = context.rules.of(job.org(), &job.request.playbook, context.clock.now_ms()).await?;
    let segments = context.calls.segments(job.org(), job.call()).await?;
    let heard: Vec<Said<'_>> = segments.iter().filter(|segment| segment.is_final).map(said).collect();
    // A text that came since brings notes of its own.
    if heard.len() as u64 > basis {
        return Ok(job.note_stale().await?);
    }
    if heard.iter().all(|said| said.text.is_empty()) {
        return Ok(());
    }
    let progress = context.calls.progress(job.org(), job.call()).await?.map(|item| item.progress).unwrap_or_default();
    let (system, user) = notes_request(rules.playbook(), &heard, notes_style(&heard), &progress);
    let prompt = Prompt { name: "notes", system, user, schema: notes_schema(), most_output_tokens: MOST_OUTPUT_TOKENS };
    let Some(answer) = job.ask(&prompt, false).await? else { return Ok(()) };
    match from_model(rules.playbook(), &progress, &heard, &answer) {
        Ok(notes) => {
            context.calls.put_model_notes(job.org(), job.call(), &notes, basis).await?;
        }
        Err(error) => {
            tracing::warn!(call.id = %job.call(), %error, "the model's notes are not usable: the rules' stand");
            job.count(Usage::default(), &["faults", "fault_schema"]).await?;
        }
    }
    Ok(())
}
