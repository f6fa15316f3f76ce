//! Kept audio of a call: where the pieces of it can be loaded. The audio itself goes from the bucket to the page, so that
//! a player can ask for any range of it.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use callboard_adapters::audio::Validity;
use callboard_domain::Channel;
use callboard_wire::{
    items::CallItem,
    kept::{KeptPiece, LONGEST_PIECE_MS, kept_prefix},
    rest::{AudioPiece, CallAudio},
};
use serde::Deserialize;

use crate::{
    Context,
    caller::Caller,
    calls::readable,
    problem::{Refused, refused},
};

/// Pieces that are told at once, at most: over eight hours.
const MOST_PIECES: usize = 500;

#[derive(Deserialize)]
pub(crate) struct AudioQuery {
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    channel: Option<String>,
}

/// `GET /v1/calls/{id}/audio`.
pub(crate) async fn pieces(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<AudioQuery>, QueryRejection>,
) -> Result<Json<CallAudio>, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let wrong = |detail: &str| refused(StatusCode::BAD_REQUEST, detail);
    let Query(query) = query.map_err(|_| wrong("from_ms and to_ms must be whole milliseconds of media time"))?;
    let (from_ms, to_ms) = (query.from_ms.unwrap_or(0), query.to_ms.unwrap_or(u64::MAX));
    if from_ms >= to_ms {
        return Err(wrong("from_ms must be below to_ms"));
    }
    let channel_index = query.channel.map(|name| index_of(&call, &name)).transpose()?;

    let mut kept = kept_between(&call, (from_ms, to_ms), &context).await?;
    if kept.is_empty() {
        let detail = format!("no audio of call {id} is kept there: it may be made still, or was not wanted");
        return Err(refused(StatusCode::NOT_FOUND, detail));
    }
    let next_ms = kept.get(MOST_PIECES).map(|(_, piece)| piece.from_ms);
    kept.truncate(MOST_PIECES);
    let validity = Validity { from_ms: context.clock.now_ms(), seconds: context.playback_s };
    let mut pieces = Vec::with_capacity(kept.len());
    for (key, piece) in kept {
        pieces.push(AudioPiece {
            url: context.audio.presign_get(&key, validity).await?,
            offset_ms: from_ms.saturating_sub(piece.from_ms),
            from_ms: piece.from_ms,
            to_ms: piece.to_ms,
            expires_at_ms: validity.until_ms(),
        });
    }
    Ok(Json(CallAudio { call: call.call.to_string(), channels: call.channels, channel_index, pieces, next_ms }))
}

/// The pieces of a stretch in order, with their keys; one more than are told, where there are more.
async fn kept_between(
    call: &CallItem,
    (from_ms, to_ms): (u64, u64),
    context: &Context,
) -> Result<Vec<(String, KeptPiece)>, Refused> {
    let prefix = kept_prefix(&call.org, &call.call);
    // Whatever begins before this one ends before the stretch begins.
    let first = format!("{prefix}{:010}", from_ms.saturating_sub(LONGEST_PIECE_MS));
    let keys = context.audio.list(&prefix, Some(&first), Some(MOST_PIECES + 2)).await?;
    let pieces = keys.into_iter().filter_map(|key| KeptPiece::parse(&key).map(|piece| (key, piece)));
    Ok(pieces.filter(|(_, piece)| piece.overlaps(from_ms, to_ms)).collect())
}

/// Where a channel stands in the audio, in which channels are interleaved.
fn index_of(call: &CallItem, name: &str) -> Result<usize, Refused> {
    let wanted = Channel::parse(name);
    let index = wanted.and_then(|wanted| call.channels.iter().position(|channel| *channel == wanted));
    index.ok_or_else(|| {
        let names: Vec<&str> = call.channels.iter().map(|channel| channel.as_str()).collect();
        refused(StatusCode::BAD_REQUEST, format!("channel must be one of this call's: {}", names.join(" or ")))
    })
}
