//! Kept audio of a call: where the pieces of it can be loaded. The audio itself goes from the bucket to the page, so that
//! a player can ask for any range of it.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use callboard_adapters::audio::Validity;
use callboard_domain::Channel;
use callboard_wire::{
    items::CallItem,
    kept::{KeptPiece, LONGEST_PIECE_MS, kept_prefix},
    rest::{AudioPiece, CallAudio},
};

use crate::{
    Context,
    caller::Caller,
    calls::readable,
    path::Places,
    problem::{Refused, refused},
    query::Parameters,
};

/// Pieces that are told at once, at most: over eight hours.
const MOST_PIECES: usize = 500;

/// Parameters of the audio.
const PARAMETERS: [&str; 3] = ["from_ms", "to_ms", "channel"];

/// `GET /v1/calls/{id}/audio`.
pub(crate) async fn pieces(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<CallAudio>, Refused> {
    let given = Parameters::read(query.as_deref(), &PARAMETERS)?;
    let from_ms = given.number("from_ms", 0, u32::MAX)?.map_or(0, u64::from);
    let to_ms = given.number("to_ms", 0, u32::MAX)?.map_or(u64::MAX, u64::from);
    if from_ms >= to_ms {
        let detail = "from_ms is not before to_ms: there is no audio in between";
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let channel = given.text("channel").map(|name| Channel::parse(name).ok_or_else(wrong_channel)).transpose()?;
    let call = readable(&context, &caller, &id).await?;
    let channel_index = channel.map(|channel| index_of(&call, channel)).transpose()?;

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

fn wrong_channel() -> Refused {
    refused(StatusCode::BAD_REQUEST, "channel must be agent or customer")
}

/// Where a channel stands in the audio, in which channels are interleaved.
fn index_of(call: &CallItem, wanted: Channel) -> Result<usize, Refused> {
    let index = call.channels.iter().position(|channel| *channel == wanted);
    index.ok_or_else(|| {
        let names: Vec<&str> = call.channels.iter().map(|channel| channel.as_str()).collect();
        let detail = format!("channel must be one of this call's: {}", names.join(" or "));
        refused(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}
