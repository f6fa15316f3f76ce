//! Records of a live call, told to a replay of it as they were told to its session. Pure.

use callboard_audio::{Frame, Replay};
use callboard_wire::record::{Event, Header, Record};

/// See the module.
pub(crate) struct Hearing {
    /// What the call sounds like.
    pub(crate) replay: Replay,
    /// Latest sign of life: wall clock, milliseconds since the Unix epoch.
    heard_ms: i64,
    /// The client left and cannot come back: whatever follows was overtaken by its disconnect.
    left: bool,
    /// What may have ended the call, as it was told: an end that comes again is none.
    ends: Vec<Header>,
}

impl Hearing {
    /// A call of which nothing was told.
    pub(crate) fn new(replay: Replay) -> Self {
        Self { replay, heard_ms: 0, left: false, ends: Vec::new() }
    }

    /// Tells the next record. A record may come again.
    pub(crate) fn tell(&mut self, record: Record) {
        let Record { header, payload } = record;
        if header.may_end() {
            if self.ends.contains(&header) {
                return;
            }
            self.ends.push(header.clone());
        }
        if header.closes(self.heard_ms).is_some() {
            self.left |= header.event == Event::Disconnected;
            return self.replay.close();
        }
        let key = header.frame_key();
        if key.is_some() && header.format != self.replay.format() {
            return;
        }
        if header.is_sign_of_life() {
            self.heard_ms = self.heard_ms.max(header.received_ms);
        }
        match (key, header.event) {
            (Some(key), _) => self.replay.hear(Frame { key, received_ms: header.received_ms, payload }),
            (None, Event::Stop { seq }) => self.replay.stop(seq),
            (None, Event::Gone { from, to }) => self.replay.gone(from, to),
            (None, _) => {}
        }
    }

    /// A batch of records was told.
    pub(crate) fn settle(&mut self) {
        if self.left && !self.replay.is_over() {
            self.replay.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use callboard_audio::{Encoding, Format};
    use callboard_domain::{CallId, Channel, OrgId, PlaybookId};

    use super::*;

    const FORMAT: Format = Format { encoding: Encoding::PcmS16le, sample_rate: 8_000, channels: 1 };

    /// A record of so many milliseconds; an end has none.
    fn record(received_ms: i64, event: Event, length_ms: usize) -> Record {
        let header = Header {
            org: OrgId::parse("acme").unwrap(),
            call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            connection: Some("c1".into()),
            principal: "key-1".into(),
            playbook: PlaybookId::parse("sales").unwrap(),
            channels: vec![Channel::Agent],
            format: FORMAT,
            received_ms,
            resumable: !matches!(event, Event::Unnumbered { .. } | Event::Disconnected),
            trace: None,
            event,
        };
        Record { header, payload: vec![1; 16 * length_ms] }
    }

    fn frame(seq: u32) -> Record {
        record(i64::from(seq) * 80, Event::Audio { seq }, 80)
    }

    fn unnumbered(received_ms: i64) -> Record {
        record(received_ms, Event::Unnumbered { message: format!("m{received_ms}") }, 80)
    }

    /// Tells batches one after the other; what is expected is how long the call is then, and whether it is over.
    #[track_caller]
    fn check(batches: &[&[Record]], expected_ms: u64, is_over: bool) {
        let mut hearing = Hearing::new(Replay::new(FORMAT, []).unwrap());
        for batch in batches {
            batch.iter().for_each(|record| hearing.tell(record.clone()));
            hearing.settle();
        }
        assert_eq!((hearing.replay.duration_ms(), hearing.replay.is_over()), (expected_ms, is_over));
    }

    #[test]
    fn a_call_ends_when_all_up_to_its_stop_is_there() {
        let stop = |seq| record(900, Event::Stop { seq }, 0);
        check(&[&[frame(0), frame(1), stop(1)]], 160, true);
        check(&[&[frame(0), stop(2)], &[frame(2)]], 80, false);
        check(&[&[frame(0), stop(2)], &[frame(2)], &[frame(1)]], 240, true);
        check(&[&[frame(0), frame(2), record(0, Event::Gone { from: 1, to: 1 }, 0), stop(2)]], 240, true);
    }

    #[test]
    fn an_end_that_comes_again_ends_nothing() {
        let batch = [frame(0), record(90, Event::Stop { seq: 0 }, 0), frame(1)];
        check(&[&batch], 160, false);
        check(&[&batch, &batch, &[frame(2)]], 240, false);
        check(&[&batch, &batch, &[frame(2), record(900, Event::Stop { seq: 2 }, 0)]], 240, true);
    }

    #[test]
    fn a_call_that_was_heard_of_since_is_not_swept() {
        let swept = |silent_since_ms| record(90_000, Event::Swept { silent_since_ms }, 0);
        check(&[&[frame(0), frame(2), swept(160)]], 240, true);
        check(&[&[frame(0), frame(2), swept(159)]], 80, false);
        check(&[&[frame(0), frame(2), record(500, Event::Connected, 0), swept(160)]], 80, false);
        check(&[&[swept(160)]], 0, true);
    }

    #[test]
    fn what_a_disconnect_overtook_is_heard_all_the_same() {
        let left = record(500, Event::Disconnected, 0);
        check(&[&[unnumbered(80), left.clone()], &[unnumbered(240), unnumbered(160)]], 240, true);
        let resumable = Record { header: Header { resumable: true, ..left.header }, payload: Vec::new() };
        check(&[&[frame(0), resumable]], 80, false);
    }

    #[test]
    fn frames_of_another_format_are_not_heard() {
        let mut other = frame(1);
        other.header.format.sample_rate = 16_000;
        check(&[&[frame(0), other]], 80, false);
    }
}
