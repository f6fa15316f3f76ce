//! Whether a checkpoint's parts fit together. A session goes on from what passes without a check of its own, so nothing
//! passes that breaks its arithmetic or makes it take more memory than the checkpoint has bytes.

use super::{Head, Stored, timeline::MAX_LOST_MS};
use crate::format::Format;

/// More media time than any call has, in samples: nine months.
const MOST_SAMPLES: u64 = 1 << 40;

pub(super) fn check(head: &Head, frames: &[Stored]) -> Result<(), String> {
    let timeline = &head.timeline;
    let format = timeline.format.validate().map_err(|e| e.to_string())?;
    if head.restarts.len() != usize::from(format.channels) {
        return Err("its reset points are not one a channel".into());
    }
    if !(head.kept_from..=MOST_SAMPLES).contains(&timeline.heard) || timeline.nominal > u64::from(u32::MAX) {
        return Err("it heard more than a call can have".into());
    }
    let (released, waiting): (Vec<&Stored>, Vec<&Stored>) = frames.iter().partition(|frame| frame.released);
    if !released.iter().all(|frame| has_its_samples(frame, format)) {
        return Err("a frame has not the samples that it should".into());
    }
    let kept = released.iter().try_fold(head.kept_from, |at, frame| at.checked_add(frame.samples));
    if kept != Some(timeline.heard) {
        return Err("its frames do not reach from the first that is kept to the last that was heard".into());
    }
    let kept = head.kept_from..=timeline.heard;
    let is_kept = |step: &u64| step.checked_mul(format.grid_samples()).is_some_and(|at| kept.contains(&at));
    if !head.restarts.iter().all(is_kept) {
        return Err("a reset point lies outside the frames".into());
    }
    if !timeline.sequencer.is_sound(waiting.iter().filter_map(|frame| frame.key.as_ref())) {
        return Err("its sequence is none".into());
    }
    Ok(())
}

/// A frame has those of its bytes; what stands for silence has as many as are ever lost at once.
fn has_its_samples(frame: &Stored, format: Format) -> bool {
    match frame.length {
        0 => frame.samples <= MAX_LOST_MS * u64::from(format.sample_rate) / 1_000,
        _ => frame.samples == format.samples(&frame.payload),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Checkpoint, Encoding, Format, Frame, FrameKey, Poll, Session};

    /// A stored session: a frame, a gap, and two frames that wait.
    fn stored() -> String {
        let mut session = Session::new(Format { encoding: Encoding::PcmS16le, sample_rate: 8_000, channels: 1 });
        for seq in [0, 2, 3] {
            session.hear(Frame { key: FrameKey::Numbered(seq), received_ms: 1_000, payload: vec![b'.'; 320] });
        }
        session.stop(7);
        assert_eq!(session.poll(), Poll::NeedMore);
        String::from_utf8(session.checkpoint().encode()[4..].to_vec()).unwrap()
    }

    fn decode(text: &str) -> Result<Checkpoint, String> {
        let header = text.rfind(']').unwrap() + 1;
        let bytes = [&(header as u32).to_le_bytes(), text.as_bytes()].concat();
        Checkpoint::decode(&bytes).map_err(|e| e.to_string())
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let stored = stored();
        assert!(decode(&stored).is_ok());
        for (part, instead, words) in [
            (r#""sample_rate":8000"#, r#""sample_rate":0"#, "sample_rate 0 is not supported"),
            (r#""restarts":[0]"#, r#""restarts":[0,0]"#, "reset points are not one a channel"),
            (r#""restarts":[0]"#, r#""restarts":[18446744073709551615]"#, "reset point lies outside"),
            (r#""heard":160"#, r#""heard":18446744073709551615"#, "more than a call can have"),
            (r#""heard":160"#, r#""heard":161"#, "do not reach"),
            (r#""kept_from":0"#, r#""kept_from":161"#, "more than a call can have"),
            (r#""nominal":160"#, r#""nominal":18446744073709551615"#, "more than a call can have"),
            (r#""samples":160"#, r#""samples":161"#, "not the samples"),
            (
                r#""samples":160,"released":true,"length":320"#,
                r#""samples":9999999,"released":true,"length":0"#,
                "not the samples",
            ),
            (r#""last":7"#, r#""last":4294967295"#, "sequence is none"),
            (r#"{"Numbered":2}"#, r#"{"Numbered":0}"#, "sequence is none"),
            (r#"{"Numbered":2}"#, r#"{"Numbered":3002}"#, "sequence is none"),
            (r#""length":320"#, r#""length":318"#, "not the samples"),
        ] {
            assert!(stored.contains(part), "{part} is not in {stored}");
            let error = decode(&stored.replacen(part, instead, 1)).unwrap_err();
            assert!(error.contains(words), "{instead}: {error}");
        }
    }
}
