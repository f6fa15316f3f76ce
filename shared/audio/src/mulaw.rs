//! mu-law, as telephones write it: a sample a byte (ITU-T G.711).

/// What is added before the logarithm is taken, in steps of 16 bit.
const BIAS: i32 = 132;
/// The loudest sample that has a code.
const LOUDEST: i32 = 32_635;

/// The sample that a byte stands for.
pub fn decode(byte: u8) -> i16 {
    let code = !byte;
    let magnitude = (((i32::from(code & 15) << 3) + BIAS) << ((code >> 4) & 7)) - BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// The byte for a sample.
pub fn encode(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(LOUDEST) + BIAS;
    let exponent = 24 - magnitude.leading_zeros();
    let mantissa = (magnitude >> (exponent + 3)) & 15;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes and their samples from G.711's table, in 16 bit.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (byte, sample) in [
            (0xff, 0),
            (0x7f, 0),
            (0xfe, 8),
            (0x7e, -8),
            (0xf0, 120),
            (0xef, 132),
            (0x80, 32_124),
            (0x00, -32_124),
            (0x8f, 16_764),
        ] {
            assert_eq!(decode(byte), sample, "{byte:#x}");
        }
    }

    #[test]
    fn every_code_survives_and_every_sample_comes_close() {
        for byte in 0..=255 {
            assert_eq!(decode(encode(decode(byte))), decode(byte), "{byte:#x}");
        }
        for sample in i16::MIN..=i16::MAX {
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            // Half a step, which grows with the sample; the loudest ones have no code.
            let most = (i32::from(sample).abs() + BIAS) / 32 + 4;
            assert!(error <= most, "{sample} is {error} off");
        }
    }
}
