//! What became of the calls that a watched folder's recordings are: told as they end.

use std::collections::BTreeMap;

use callboard_domain::CallId;
use tokio::sync::mpsc;

use crate::upload::{Heard, Report, Tickets, Waiting, tell_end};

/// Tells of each call that comes until nobody sends any more and all are over. Returns how many failed.
///
/// # Errors
/// When nobody reads what is told.
pub(super) async fn tell(
    tickets: Tickets,
    mut calls: mpsc::UnboundedReceiver<(CallId, String)>,
    report: &Report,
) -> anyhow::Result<usize> {
    let (mut waiting, mut names, mut failed) = (Waiting::new(tickets), BTreeMap::new(), 0);
    let mut problem = String::new();
    loop {
        if waiting.pending().is_empty() {
            let Some((call, name)) = calls.recv().await else { return Ok(failed) };
            names.insert(call.clone(), name);
            waiting.add(call);
        }
        while let Ok((call, name)) = calls.try_recv() {
            names.insert(call.clone(), name);
            waiting.add(call);
        }
        let mut over = Vec::new();
        let mut hear = |call: &CallId, heard| {
            if !matches!(heard, Heard::At(_)) {
                over.push((call.clone(), heard));
            }
        };
        match waiting.round(&mut hear).await {
            Ok(()) => problem.clear(),
            Err(failure) if failure.reason() != problem => {
                failure.reason().clone_into(&mut problem);
                report.notice(&problem);
            }
            Err(_) => {}
        }
        for (call, heard) in over {
            failed += usize::from(matches!(heard, Heard::Failed(_)));
            tell_end(report, &names.remove(&call).unwrap_or_default(), &call, &heard)?;
        }
        waiting.rest().await;
    }
}
