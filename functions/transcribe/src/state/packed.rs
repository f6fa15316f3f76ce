//! How a version's parts stand in bytes: small, since a table counts each started KiB of them.
//!
//! `MARK`; the length of what is deflated, as a little-endian u32; that; and the frames' bytes where there are many of them.
//! Deflated are the length of the part beside the session, as a little-endian u32, that part, the length of the session's
//! header, that header, and the frames' bytes where there are few: packets of Opus, between which are the lengths of what was
//! left out. It is deflated as if [`KNOWN`] stood before it, so that names which every version has cost next to nothing.

use miniz_oxide::{
    DataFormat,
    deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output},
    inflate::decompress_to_vec_with_limit,
};

use super::StateError;

/// What a stored call begins with; in the first edition a length stood there that none can have.
const MARK: &[u8] = b"\xff\xff\xff\xff\x03";
/// The second edition, of which less was deflated, and nothing was known.
const MARK_2: &[u8] = b"\xff\xff\xff\xff\x02";
/// What a version is like. It belongs to the edition: with another one, what is stored cannot be read.
const KNOWN: &[u8] = br#"{"Sequence":{"channel":{"Arrived":{"masked":{"pending":"shown":{"end_ms":"text":""}],[],"sealed":"
{"header":{"org":"local","call":"01","connection":"=","principal":"local","playbook":"sales","channels":["agent","customer"],
"format":{"encoding":"mulaw","sample_rate":8000,"channels":1},"format":{"encoding":"pcm_s16le","sample_rate":16000,"channels"
:1},"format":{"encoding":"opus","sample_rate":16000,"channels":2},"received_ms":179,"resumable":true,"kind":"audio","seq":1}
"kind":"connected"},"context":["I","You","We",". And that","? Is it the","."],"status":"live","end":null,"told":true,
"heard_ms":179,"noted_ms":179,"acked":[1,179],"asked_ms":0,"asked_from":0,"asks":0,"ask_counted_ms":0,"left":false,
"connection":"="}[{"format":{"encoding":"opus","sample_rate":16000,"channels":2},"sequencer":{"next":1,"recent":[],
"latest_ms":179,"last":null,"gone":[],"closing":false},"heard":0,"nominal":16000,"latest_ms":179,"lost_frames":0,
"damaged_packets":0,"ended":false,"restarts":[1,1],"kept_from":1,"anchor_ms":179},[[{"Numbered":1},179,16000,true,1,1],
[{"Numbered":2},179,16000,true,2,2]]]"#;
/// How hard is tried to make it small, of 10.
const EFFORT: u8 = 6;
/// Frames of so many bytes are few: more are samples, in which deflating finds nothing.
const FEW: usize = 8 << 10;
/// More than all but the frames of any call is, in bytes.
const MOST_REST: usize = 4 << 20;

/// The parts of a version as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The part beside the session, as JSON.
    pub extra: Vec<u8>,
    /// The session's header.
    pub header: Vec<u8>,
    /// The bytes of the frames that this version holds.
    pub payload: Vec<u8>,
}

impl Stored {
    /// None for what the first edition stored.
    ///
    /// # Errors
    /// The bytes are cut off or damaged.
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, StateError> {
        if let Some(bytes) = bytes.strip_prefix(MARK_2) {
            let (rest, payload) = split(bytes)?;
            let rest = decompress_to_vec_with_limit(rest, MOST_REST).map_err(|_| StateError::CutOff)?;
            let (extra, header) = split(&rest)?;
            return Ok(Some(Self { extra: extra.to_vec(), header: header.to_vec(), payload: payload.to_vec() }));
        }
        let Some(bytes) = bytes.strip_prefix(MARK) else { return Ok(None) };
        let (deflated, many) = split(bytes)?;
        let inflated = inflate(deflated).ok_or(StateError::CutOff)?;
        let (extra, rest) = split(&inflated)?;
        let (header, few) = split(rest)?;
        Ok(Some(Self { extra: extra.to_vec(), header: header.to_vec(), payload: [few, many].concat() }))
    }

    /// As bytes: see the module.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (few, many): (&[u8], &[u8]) =
            if self.payload.len() <= FEW { (&self.payload, &[]) } else { (&[], &self.payload) };
        let length = |part: &[u8]| (part.len() as u32).to_le_bytes();
        let deflated =
            deflate(&[&length(&self.extra), &*self.extra, &length(&self.header), &*self.header, few].concat());
        [MARK, &length(&deflated), &*deflated, many].concat()
    }
}

/// Deflated, as if [`KNOWN`] stood before it.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::new();
    let mut engine = CompressorOxide::default();
    engine.set_format_and_level(DataFormat::Raw, EFFORT);
    compress_to_output(&mut engine, KNOWN, TDEFLFlush::Sync, |_| true);
    compress_to_output(&mut engine, bytes, TDEFLFlush::Finish, |piece| {
        deflated.extend_from_slice(piece);
        true
    });
    deflated
}

/// What [`deflate`] was given; none of what is damaged.
pub(super) fn inflate(deflated: &[u8]) -> Option<Vec<u8>> {
    // A block that is stored as it is (RFC 1951, 3.2.4), and not the last one.
    let length = u16::try_from(KNOWN.len()).ok()?;
    let primed = [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), KNOWN, deflated].concat();
    let mut inflated = decompress_to_vec_with_limit(&primed, KNOWN.len() + MOST_REST).ok()?;
    (inflated.len() >= KNOWN.len()).then(|| inflated.split_off(KNOWN.len()))
}

/// What a length, a little-endian u32, stands before, and what is behind that.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), StateError> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(StateError::CutOff)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(StateError::CutOff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_frames_and_many_come_back_as_they_were() {
        let extra = br#"{"header":{"org":"acme","call":"01ARZ3NDEKTSV4RRFFQ69G5FAV","principal":"desk 7","playbook":"sales",
            "channels":["customer","agent"]},"context":[],"status":"live","told":false,"left":true,"asked_ms":1700000000000}"#
            .to_vec();
        for count in [0, 1, FEW, FEW + 1] {
            let payload: Vec<u8> = (0..count).map(|at| ((at * at) >> 3) as u8).collect();
            let stored = Stored { extra: extra.clone(), header: b"[]".to_vec(), payload };
            let bytes = stored.to_bytes();
            assert_eq!(Stored::of(&bytes), Ok(Some(stored)), "{count}");
            if count == 0 {
                let alone = miniz_oxide::deflate::compress_to_vec(&extra, EFFORT).len();
                assert!(bytes.len() + 30 < alone, "{} bytes, {alone} of one of which nothing is known", bytes.len());
            }
            for cut in [MARK.len(), MARK.len() + 4, bytes.len() / 2] {
                if cut < bytes.len() && (count <= FEW || cut < MARK.len() + 5) {
                    assert_eq!(Stored::of(&bytes[..cut]), Err(StateError::CutOff), "{count}, {cut}");
                }
            }
        }
    }
}
