//! Recordings of six minutes and more, made of the demonstration call and of the samples in `tests/data`.

/// A recording.
pub(crate) struct Recording {
    /// What it is.
    pub(crate) name: &'static str,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

/// One of each way to write a recording that can be made longer without an encoder.
pub(crate) fn recordings() -> Vec<Recording> {
    let recording = |name, bytes| Recording { name, bytes };
    vec![
        recording("WAV, 16 kHz, stereo", wav(16_000, 2, 370)),
        recording("WAV, 44.1 kHz, mono", wav(44_100, 1, 370)),
        recording("WAV, 11.025 kHz, mono", wav(11_025, 1, 370)),
        recording("mu-law, 8 kHz, stereo", mulaw_wav(&call(8_000, 2, 370))),
        recording("bare MP3, 8 kHz, mono", data("mp3_bare_left.mp3").repeat(74)),
        recording("AAC, 48 kHz, stereo", data("aac_both.aac").repeat(74)),
        recording("Ogg Opus, mono", repeated_ogg(&data("opus_left.ogg"), 74)),
    ]
}

/// Whether a recording of that name ends where its bytes do.
pub(crate) fn states_no_length(name: &str) -> bool {
    ["bare MP3", "AAC"].iter().any(|kind| name.starts_with(kind))
}

/// The call again and again, as a WAV file.
pub(crate) fn wav(rate: u32, channels: u16, seconds: usize) -> Vec<u8> {
    pcm_wav(rate, channels, &call(rate, channels, seconds))
}

/// A WAV file of these samples, interleaved.
pub(crate) fn pcm_wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    wav_file(1, rate, channels, 2, &data)
}

fn mulaw_wav(samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().map(|sample| mulaw(*sample)).collect();
    wav_file(7, 8_000, 2, 1, &data)
}

fn wav_file(tag: u16, rate: u32, channels: u16, sample_bytes: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * sample_bytes;
    let mut file = b"RIFF".to_vec();
    file.extend((38 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x12\0\0\0");
    file.extend([tag, channels].iter().flat_map(|number| number.to_le_bytes()));
    file.extend([rate, rate * u32::from(align)].iter().flat_map(|number| number.to_le_bytes()));
    file.extend([align, 8 * sample_bytes, 0].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

fn mulaw(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let exponent = (magnitude >> 7).ilog2();
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !((u8::from(sample < 0) << 7) | (exponent as u8) << 4 | mantissa as u8)
}

/// The demonstration call, a vector a channel, at 16 kHz.
fn demo() -> [Vec<i16>; 2] {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboard/demo/demo_call.wav");
    let samples: Vec<i16> = hound::WavReader::open(path).unwrap().samples().map(Result::unwrap).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect())
}

/// The demonstration call again and again, interleaved, of a channel the left one. Now and then a second is left out, so
/// that borders fall on places of every kind.
fn call(rate: u32, channels: u16, seconds: usize) -> Vec<i16> {
    let demo = demo();
    let at = |channel: usize, index: usize| {
        let position = index as f64 * 16_000.0 / f64::from(rate);
        let (whole, share) = (position as usize, position.fract());
        let round = whole / 480_000;
        let sample = |index: usize| f64::from(demo[channel][(index + round * 16_000) % demo[channel].len()]);
        (sample(whole) * (1.0 - share) + sample(whole + 1) * share) as i16
    };
    let frames = 0..seconds * rate as usize;
    frames
        .flat_map(|index| (0..usize::from(channels)).map(move |channel| (channel, index)))
        .map(|(c, i)| at(c, i))
        .collect()
}

/// Speech at 16 kHz whose pauses were left out.
pub(crate) fn unbroken_speech(seconds: usize) -> Vec<i16> {
    let [left, _] = demo();
    let loud = |step: &&[i16]| step.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() > 640.0 * 1e5;
    let speech: Vec<i16> = left.chunks_exact(640).filter(loud).flatten().copied().collect();
    speech.iter().cycle().take(seconds * 16_000).copied().collect()
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The pages of sound of an Ogg stream again and again. The last page is left out: it may end within a packet's samples.
fn repeated_ogg(file: &[u8], times: u64) -> Vec<u8> {
    let pages = pages(file);
    let sound: Vec<&[u8]> = pages.iter().copied().filter(|page| granule(page) > 0).collect();
    let sound = &sound[..sound.len() - 1];
    let round = granule(sound[sound.len() - 1]);
    let headers = pages.iter().filter(|page| granule(page) == 0).map(|page| (0, *page));
    let rounds = (0..times).flat_map(|time| sound.iter().map(move |page| (granule(page) + time * round, *page)));
    let end = round * times;
    let mut repeated = Vec::new();
    for (number, (granule, page)) in headers.chain(rounds).enumerate() {
        let mut page = page.to_vec();
        // The last page of a stream says so.
        page[5] = if granule == end { page[5] | 4 } else { page[5] };
        page[6..14].copy_from_slice(&granule.to_le_bytes());
        page[18..22].copy_from_slice(&(number as u32).to_le_bytes());
        page[22..26].fill(0);
        let sum = checksum(&page);
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        repeated.extend(page);
    }
    repeated
}

fn pages(mut file: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    while file.len() > 27 {
        let segments = usize::from(file[26]);
        let body: usize = file[27..27 + segments].iter().map(|length| usize::from(*length)).sum();
        let (page, rest) = file.split_at(27 + segments + body);
        pages.push(page);
        file = rest;
    }
    pages
}

fn granule(page: &[u8]) -> u64 {
    u64::from_le_bytes(page[6..14].try_into().unwrap())
}

fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(*byte) << 24), |sum, _| (sum << 1) ^ (0x04c1_1db7 * (sum >> 31)))
    })
}
