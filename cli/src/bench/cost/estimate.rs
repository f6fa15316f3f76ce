//! What an hour of recorded audio costs on AWS, the transcription service left out, from what was measured here.
//!
//! Prices are those of `prices.json`. What a function needs of a processor is taken to need as much of
//! Lambda's: one of 1,769 MB has one. The local stack's own work (its database, its store, its gateway) is in what was
//! measured, and on AWS it is in the services' prices: so Lambda's part is counted rather too high.

use serde::Serialize;

use super::prices::Prices;

/// Memory in GB that comes with one processor.
const GB_OF_A_PROCESSOR: f64 = 1_769.0 / 1_024.0;
/// Bytes that the recordings function reads of the store at once.
const READ_BYTES: f64 = (1 << 20) as f64;
/// Writes for a segment: itself and the call's revision, as well as progress and its revision where it shows something.
const WRITES_OF_A_SEGMENT: f64 = 4.0;
/// Writes for a part: of the recording's item and the call's revision, several times.
const WRITES_OF_A_PART: f64 = 12.0;
/// Requests for a message: sent, received, deleted.
const REQUESTS_OF_A_MESSAGE: f64 = 3.0;
/// Segments that a batch of a stream brings to a function, of two that read it.
const SEGMENTS_OF_A_BATCH: f64 = 5.0;

/// What was measured, an hour of audio.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Seconds of a processor.
    pub cpu_s: f64,
    /// Size of the recordings.
    pub bytes: f64,
    /// Requests that they were uploaded in.
    pub uploads: f64,
    /// Parts that they were worked on in.
    pub parts: f64,
    /// Segments that came of them.
    pub segments: f64,
}

/// US dollars an hour of audio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub lambda: f64,
    pub s3: f64,
    pub sqs: f64,
    pub dynamodb: f64,
    pub all: f64,
    pub prices_dated: String,
}

/// What it costs.
pub(crate) fn cost(of: &Measured, prices: &Prices) -> Cost {
    let invocations = of.parts + 2.0 * of.segments / SEGMENTS_OF_A_BATCH + 4.0 * of.uploads;
    let lambda = of.cpu_s * GB_OF_A_PROCESSOR * prices.lambda_gb_s + invocations * prices.lambda_request;
    // A part looks for its borders, too: two blocks more.
    let s3 = of.uploads * prices.s3_write + (of.bytes / READ_BYTES + 2.0 * of.parts) * prices.s3_read;
    let sqs = (of.parts + of.uploads) * REQUESTS_OF_A_MESSAGE * prices.sqs_request;
    let dynamodb = (of.segments * WRITES_OF_A_SEGMENT + of.parts * WRITES_OF_A_PART) * prices.dynamodb_write;
    Cost { lambda, s3, sqs, dynamodb, all: lambda + s3 + sqs + dynamodb, prices_dated: prices.dated.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_price() {
        let nothing = Measured { cpu_s: 0.0, bytes: 0.0, uploads: 0.0, parts: 0.0, segments: 0.0 };
        let check = |of: Measured, expected: [f64; 4]| {
            let Cost { lambda, s3, sqs, dynamodb, all, .. } = cost(&of, &Prices::known().unwrap());
            for (found, expected) in [lambda, s3, sqs, dynamodb].into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{of:?}: {found} and not {expected}");
            }
            assert!((all - expected.iter().sum::<f64>()).abs() < 1e-9);
        };
        check(nothing, [0.0; 4]);
        check(Measured { cpu_s: 100.0, ..nothing }, [0.002_303_396_9, 0.0, 0.0, 0.0]);
        check(Measured { bytes: 1_048_576_000.0, ..nothing }, [0.0, 0.000_4, 0.0, 0.0]);
        check(Measured { segments: 1_000.0, ..nothing }, [0.000_08, 0.0, 0.0, 0.002_5]);
    }
}
