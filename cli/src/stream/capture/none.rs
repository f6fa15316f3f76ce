//! Where no sound server is known: no devices. It says so instead of listening.

use tokio::sync::mpsc::UnboundedSender;

use super::{Brought, Device, DeviceError, Wanted};

/// A device that is listened to: there is none.
pub(super) struct Listening;

fn unknown() -> DeviceError {
    DeviceError("devices are listened to on Linux only: start the call on the page, with its microphone".to_owned())
}

/// No devices.
pub(super) async fn list() -> Result<Vec<Device>, DeviceError> {
    Err(unknown())
}

/// Listens to nothing.
pub(super) async fn listen(
    _wanted: &Wanted,
    _side: usize,
    _sample_rate: u32,
    _samples: UnboundedSender<Brought>,
) -> Result<(Device, Listening), DeviceError> {
    Err(unknown())
}
