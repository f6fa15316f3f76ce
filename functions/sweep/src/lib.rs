//! The sweep: calls whose client vanished are ended, by a record in their own stream like everything else.

use callboard_adapters::{ServiceError, frames::FrameStream, live::Live, table::Table};
use callboard_runtime::{Clock, SettingError, Start};
use callboard_wire::record::{Event, Header, Record};
use serde::{Deserialize, Serialize};

/// A call that was told to end and is open so much later is stuck: nobody works on its stream.
const STUCK_MS: i64 = 600_000;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// The open calls.
    pub live: Live,
    /// Where the word goes.
    pub frames: FrameStream,
    /// How long a call may be silent on the wire, in milliseconds.
    pub grace_ms: i64,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `LIVE_TABLE`, `FRAME_STREAM` and `SWEEP_GRACE_SECONDS` (60 by default, at least 10).
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let name = "SWEEP_GRACE_SECONDS";
        let grace_s: i64 = start.settings.parsed(name, 60)?;
        if grace_s < 10 {
            return Err(SettingError::malformed(name, "use at least 10 seconds"));
        }
        Ok(Self {
            live: Live::new(Table::new(client, start.settings.required("LIVE_TABLE")?)),
            frames: FrameStream::new(
                aws_sdk_kinesis::Client::new(&start.sdk),
                start.settings.required("FRAME_STREAM")?,
            ),
            grace_ms: grace_s * 1_000,
            clock: start.clock.clone(),
        })
    }
}

/// The schedule's event; nothing of it is read.
#[derive(Debug, Deserialize)]
pub struct Tick {}

/// What a sweep did.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Calls that were open.
    pub open: usize,
    /// Calls that were told to end.
    pub ended: usize,
}

/// Sweeps once.
///
/// # Errors
/// A table or the stream failed; what was not swept is swept the next time.
pub async fn handle(_: Tick, context: &Context) -> Result<Swept, ServiceError> {
    let now_ms = context.clock.now_ms();
    let open = context.live.open_calls().await?;
    let (mut ended, mut stuck) = (0, 0_usize);
    for call in &open {
        if now_ms - call.heard_ms < context.grace_ms {
            continue;
        }
        if now_ms - call.heard_ms > context.grace_ms + STUCK_MS {
            stuck += 1;
            let header = &call.header;
            tracing::warn!(org.id = %header.org, call.id = %header.call, "a call is open though it was told to end");
        }
        // The note may be some seconds behind; the session knows better, and keeps a call that was heard since.
        let event = Event::Swept { silent_since_ms: now_ms - context.grace_ms };
        let header = Header { connection: None, received_ms: now_ms, trace: None, event, ..call.header.clone() };
        context.frames.append(&Record { header, payload: Vec::new() }).await?;
        ended += 1;
    }
    tracing::info!(calls.open = open.len(), calls.ended = ended, calls.stuck = stuck, "swept");
    Ok(Swept { open: open.len(), ended })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_is_a_tick() {
        serde_json::from_str::<Tick>(include_str!("../../../events/sweep.json")).unwrap();
    }
}
