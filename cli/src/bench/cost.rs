//! What an hour of recorded audio costs on AWS, the transcription service left out, from what was measured here.
//!
//! List prices of us-east-1, on demand, in US dollars. What a function needs of a processor is taken to need as much of
//! Lambda's: one of 1,769 MB has one. The local stack's own work (its database, its store, its gateway) is in what was
//! measured, and on AWS it is in the services' prices: so Lambda's part is counted rather too high.

use serde::Serialize;

/// When the prices were read.
pub(crate) const PRICES_DATED: &str = "2025-07";

/// A GB-second of Lambda, arm64.
const LAMBDA_GB_S: f64 = 0.000_013_333_4;
/// An invocation of Lambda.
const LAMBDA_REQUEST: f64 = 0.20 / 1e6;
/// A write of S3: PUT, or a part of an upload.
const S3_WRITE: f64 = 0.005 / 1e3;
/// A read of S3.
const S3_READ: f64 = 0.000_4 / 1e3;
/// A request of SQS.
const SQS_REQUEST: f64 = 0.40 / 1e6;
/// A write unit of DynamoDB: up to 1 KB.
const DYNAMODB_WRITE: f64 = 0.625 / 1e6;

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
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub lambda: f64,
    pub s3: f64,
    pub sqs: f64,
    pub dynamodb: f64,
    pub all: f64,
    pub prices_dated: &'static str,
}

/// What it costs.
pub(crate) fn cost(of: &Measured) -> Cost {
    let invocations = of.parts + 2.0 * of.segments / SEGMENTS_OF_A_BATCH + 4.0 * of.uploads;
    let lambda = of.cpu_s * GB_OF_A_PROCESSOR * LAMBDA_GB_S + invocations * LAMBDA_REQUEST;
    // A part looks for its borders, too: two blocks more.
    let s3 = of.uploads * S3_WRITE + (of.bytes / READ_BYTES + 2.0 * of.parts) * S3_READ;
    let sqs = (of.parts + of.uploads) * REQUESTS_OF_A_MESSAGE * SQS_REQUEST;
    let dynamodb = (of.segments * WRITES_OF_A_SEGMENT + of.parts * WRITES_OF_A_PART) * DYNAMODB_WRITE;
    Cost { lambda, s3, sqs, dynamodb, all: lambda + s3 + sqs + dynamodb, prices_dated: PRICES_DATED }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_price() {
        let nothing = Measured { cpu_s: 0.0, bytes: 0.0, uploads: 0.0, parts: 0.0, segments: 0.0 };
        let check = |of: Measured, expected: [f64; 4]| {
            let Cost { lambda, s3, sqs, dynamodb, all, .. } = cost(&of);
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
