//! What the talk shows beyond the rules: landmarks that were reached in other words, pushback that was missed, and what
//! to ask next.

use callboard_domain::{
    CallStatus,
    advice::{Question, Situation, TALK_MS, ask, judge},
    coaching::{FindingKind, Progress, Said, Suggestion},
};

use crate::{Failure, Job, said};

/// Listens to the last minutes of a call, as somebody wished who had heard it to this point. Where it went on for longer
/// than the next wish takes, or is over, that wish is another's or nobody's.
pub(crate) async fn listen(job: &Job<'_>, wished_ms: u64) -> Result<(), Failure> {
    let context = job.context;
    let rules = context.rules.of(job.org(), &job.request.playbook, context.clock.now_ms()).await?;
    let progress = context.calls.progress(job.org(), job.call()).await?;
    let progress = progress.map(|item| item.progress).unwrap_or_default();
    let heard = job.heard().await?;
    let heard: Vec<Said<'_>> = heard.iter().map(said).collect();
    let heard_ms = heard.iter().map(|said| said.end_ms).max().unwrap_or_default();
    let over = context.calls.call(job.org(), job.call()).await?.is_none_or(|it| it.status == CallStatus::Ended);
    if over || heard_ms / TALK_MS > wished_ms / TALK_MS + 1 {
        return Ok(job.note_stale().await?);
    }
    let (suggested, lessons) = (job.suggested().await?, job.lessons().await?);
    let situation = Situation {
        playbook: rules.playbook(),
        progress: &progress,
        said: &heard,
        suggested: &suggested,
        lessons: &lessons,
    };
    let Some(answer) = job.ask(&ask(&situation, Question::Talk), true).await? else { return Ok(()) };
    let advice = judge(&situation, Question::Talk, &answer);
    job.note_dropped(&advice).await?;
    let suggestion = advice.next.as_ref().map(|next| Suggestion {
        heard_ms,
        landmark: next.landmark.clone(),
        question: next.question.clone(),
    });
    let change = |progress: &mut Progress| {
        let found = progress.add_all(&advice.findings);
        suggestion.clone().is_some_and(|suggestion| progress.suggest(suggestion)) || found
    };
    context.calls.change_progress((job.org(), job.call()), rules.playbook(), change).await?;
    for finding in advice.findings.iter().filter(|finding| finding.kind == FindingKind::Objection) {
        if let Some(wording) = advice.wordings.get(&finding.id) {
            let start_ms = finding.evidence.start_ms;
            context.calls.put_wording(job.org(), job.call(), &finding.id, start_ms, wording).await?;
        }
    }
    Ok(())
}
