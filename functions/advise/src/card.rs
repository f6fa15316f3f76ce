//! Better words for the card of an objection, in place of the playbook's.

use callboard_domain::{
    advice::{Question, Situation, ask, judge},
    coaching::{Progress, Rules, Said},
};

use crate::{Failure, Job, said};

/// Words the card of an objection that was raised in the utterance that begins there.
pub(crate) async fn word(job: &Job<'_>, objection: &str, start_ms: u64) -> Result<(), Failure> {
    let context = job.context;
    let rules = context.rules.of(job.org(), &job.request.playbook, context.clock.now_ms()).await?;
    let Some(asked) = rules.playbook().objections.iter().find(|it| it.id == objection) else { return Ok(()) };
    let Some(progress) = wanted(job, &rules, objection, start_ms).await? else { return Ok(job.note_stale().await?) };
    let heard = job.heard().await?;
    let heard: Vec<Said<'_>> = heard.iter().map(said).collect();
    let (suggested, lessons) = (job.suggested().await?, job.lessons().await?);
    let situation = Situation {
        playbook: rules.playbook(),
        progress: &progress,
        said: &heard,
        suggested: &suggested,
        lessons: &lessons,
    };
    let question = Question::Pushback(asked);
    let Some(answer) = job.ask(&ask(&situation, question), true).await? else { return Ok(()) };
    let advice = judge(&situation, question, &answer);
    job.note_dropped(&advice).await?;
    let Some(wording) = advice.wordings.get(objection) else { return Ok(()) };
    if wanted(job, &rules, objection, start_ms).await?.is_none() {
        return Ok(job.note_stale().await?);
    }
    context.calls.put_wording(job.org(), job.call(), objection, start_ms, wording).await?;
    Ok(())
}

/// The call's progress, if this pushback is what people wait for: it is the latest of its kind, and nobody has met it or put it
/// away.
async fn wanted(job: &Job<'_>, rules: &Rules, objection: &str, start_ms: u64) -> Result<Option<Progress>, Failure> {
    let progress = job.context.calls.progress(job.org(), job.call()).await?.map(|item| item.progress);
    Ok(progress.filter(|progress| {
        let card = progress.card(rules.playbook(), objection);
        card.is_some_and(|card| card.status.is_open() && card.evidence.start_ms == start_ms)
    }))
}
