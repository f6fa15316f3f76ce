//! Devices of PulseAudio, and of PipeWire, which speaks its protocol: microphones, and what each output plays. The server
//! brings samples to the rate that is asked for.

use std::{ffi::CString, time::Instant};

use pulseaudio::{
    Client, ClientError, RecordStream,
    protocol::{
        ChannelMap, ChannelVolume, RecordStreamParams, SampleFormat, SampleSpec, SourceInfo,
        stream::{BufferAttr, StreamFlags},
    },
};
use tokio::sync::mpsc::UnboundedSender;

use super::{Brought, Device, DeviceError, Wanted};

/// A device that is listened to, until this is dropped.
pub(super) struct Listening {
    _client: Client,
    _stream: RecordStream,
}

fn failed(error: ClientError) -> DeviceError {
    DeviceError(match error {
        ClientError::ServerUnavailable | ClientError::Io(_) => {
            "no sound server answers: is PipeWire or PulseAudio running for this user? `pactl info` tells".to_owned()
        }
        other => format!("the sound server says: {other}"),
    })
}

fn connect() -> Result<Client, DeviceError> {
    Client::from_env(c"callboard").map_err(failed)
}

fn text(name: &CString) -> String {
    name.to_string_lossy().into_owned()
}

fn device(source: &SourceInfo) -> Device {
    let name = text(&source.name);
    Device {
        description: source.description.as_ref().map_or_else(|| name.clone(), text),
        name,
        plays: source.monitor_of_sink_index.is_some(),
        muted: source.muted,
    }
}

/// All devices.
pub(super) async fn list() -> Result<Vec<Device>, DeviceError> {
    let sources = connect()?.list_sources().await.map_err(failed)?;
    Ok(sources.iter().map(device).collect())
}

/// Listens to a device: samples of one channel at `sample_rate` are sent with the number of its side.
pub(super) async fn listen(
    wanted: &Wanted,
    side: usize,
    sample_rate: u32,
    samples: UnboundedSender<Brought>,
) -> Result<(Device, Listening), DeviceError> {
    let client = connect()?;
    let sources = client.list_sources().await.map_err(failed)?;
    let server = client.server_info().await.map_err(failed)?;
    let default = match wanted {
        Wanted::Microphone(_) => server.default_source_name.as_ref().map(text),
        Wanted::Speaker(_) => server.default_sink_name.as_ref().map(|sink| format!("{}.monitor", text(sink))),
    };
    let devices: Vec<Device> = sources.iter().map(device).collect();
    let chosen = wanted.choose(&devices, default.as_deref())?;
    let source = &sources[chosen];
    // 40 ms at once.
    let fragment_size = sample_rate / 25 * 2;
    let params = RecordStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::S16Le, channels: 1, sample_rate },
        channel_map: ChannelMap::mono(),
        source_index: Some(source.index),
        buffer_attr: BufferAttr { fragment_size, ..BufferAttr::default() },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        cvolume: Some(ChannelVolume::norm(1)),
        ..RecordStreamParams::default()
    };
    let mut torn: Vec<u8> = Vec::new();
    let sink = move |bytes: &[u8]| {
        torn.extend_from_slice(bytes);
        let (whole, _) = torn.as_chunks::<2>();
        let taken = whole.len() * 2;
        let row = whole.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        torn.drain(..taken);
        // Who listened may have left.
        let _ = samples.send(Brought { side, samples: row, at: Instant::now() });
    };
    let stream = client.create_record_stream(params, sink).await.map_err(failed)?;
    Ok((devices[chosen].clone(), Listening { _client: client, _stream: stream }))
}
