//! The microphone, and what the machine itself plays, as the two sides of a call.
//!
//! `pulse` knows the sound server, `blend` puts two devices side by side, `level` hears whether anything is heard; here it
//! becomes frames.

mod blend;
mod level;
#[cfg(target_os = "linux")]
mod pulse;
#[cfg(not(target_os = "linux"))]
#[path = "none.rs"]
mod pulse;

use std::{
    collections::VecDeque,
    fmt::Write as _,
    time::{Duration, Instant},
};

use callboard_audio::{
    Format,
    encode::{Encoded, Encoder},
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use blend::{Blend, Presence};
use level::{Change, Level};

/// How often devices are looked after that bring nothing.
const TICK: Duration = Duration::from_millis(100);

/// Why a device cannot be listened to, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DeviceError(String);

/// A device, as the machine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    name: String,
    description: String,
    /// It is what an output plays, not a microphone.
    plays: bool,
    muted: bool,
}

/// A device that is asked for: by its name or a part of what it is called, or the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Something that one speaks into.
    Microphone(Option<String>),
    /// What is played.
    Speaker(Option<String>),
}

impl Wanted {
    fn plays(&self) -> bool {
        matches!(self, Self::Speaker(_))
    }

    /// What it is, for people.
    fn kind(&self) -> &'static str {
        if self.plays() { "speaker" } else { "microphone" }
    }

    /// The index of the device that is meant; `usual` is the name of the one that is taken where none is named.
    fn choose(&self, devices: &[Device], usual: Option<&str>) -> Result<usize, DeviceError> {
        let fits = |device: &Device| device.plays == self.plays();
        let (Self::Microphone(name) | Self::Speaker(name)) = self;
        let Some(name) = name else {
            let found = devices.iter().position(|device| fits(device) && Some(device.name.as_str()) == usual);
            return found.or_else(|| devices.iter().position(fits)).ok_or_else(|| {
                DeviceError(format!(
                    "there is no {}: connect one, and see `callboard stream --list-devices`",
                    self.kind()
                ))
            });
        };
        let wanted = name.to_lowercase();
        if let Some(exact) = devices.iter().position(|device| fits(device) && device.name == *name) {
            return Ok(exact);
        }
        let called = |device: &Device| {
            device.name.to_lowercase().contains(&wanted) || device.description.to_lowercase().contains(&wanted)
        };
        let found: Vec<usize> = (0..devices.len()).filter(|at| fits(&devices[*at]) && called(&devices[*at])).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(DeviceError(format!(
                "there is no {} called \"{name}\": `callboard stream --list-devices` shows those that there are",
                self.kind()
            ))),
            many => Err(DeviceError(format!(
                "{} are called \"{name}\": name one of {}",
                many.len(),
                many.iter().map(|at| devices[*at].name.as_str()).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}

/// All devices, as lines for people.
///
/// # Errors
/// There is no sound server.
pub(crate) async fn list() -> Result<String, DeviceError> {
    Ok(table(&pulse::list().await?))
}

fn table(devices: &[Device]) -> String {
    let mut lines = String::new();
    for (plays, option) in [(false, "--mic"), (true, "--speaker")] {
        for device in devices.iter().filter(|device| device.plays == plays) {
            let muted = if device.muted { " (muted)" } else { "" };
            let _ = writeln!(lines, "{option:10} {}  {}{muted}", device.name, device.description);
        }
    }
    if lines.is_empty() { "no devices\n".to_owned() } else { lines }
}

/// What a device brought.
struct Brought {
    side: usize,
    samples: Vec<i16>,
    /// When: it may be looked at much later, where a connection is mended meanwhile.
    at: Instant,
}

/// Devices that are listened to.
pub(crate) struct Capture {
    listening: Vec<pulse::Listening>,
    names: Vec<String>,
    samples: UnboundedReceiver<Brought>,
    began: Instant,
    blend: Blend,
    levels: Vec<Level>,
    encoder: Encoder,
    ready: VecDeque<Encoded>,
    notices: Vec<String>,
    is_cut: bool,
}

impl Capture {
    /// Begins to listen, to one device a channel.
    ///
    /// # Errors
    /// A device is not there, or nothing could be made of it.
    pub(crate) async fn open(wanted: &[Wanted], format: Format, frame_ms: u64) -> Result<Self, DeviceError> {
        let encoder = Encoder::new(format, frame_ms)
            .ok_or_else(|| DeviceError("this encoding is not made from a microphone".to_owned()))?;
        let (sender, samples) = mpsc::unbounded_channel();
        let (mut listening, mut names, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        for (side, wanted) in wanted.iter().enumerate() {
            let (device, stream) = pulse::listen(wanted, side, format.sample_rate, sender.clone()).await?;
            let muted = if device.muted { ", which is muted" } else { "" };
            notices.push(format!("listening to the {} {}{muted}", wanted.kind(), device.description));
            names.push(format!("the {} {}", wanted.kind(), device.description));
            listening.push(stream);
        }
        Ok(Self {
            listening,
            samples,
            began: Instant::now(),
            blend: Blend::new(format.sample_rate, wanted.len()),
            levels: wanted.iter().map(|_| Level::new(Duration::ZERO)).collect(),
            names,
            encoder,
            ready: VecDeque::new(),
            notices,
            is_cut: false,
        })
    }

    /// Waits for a frame, or for something to tell.
    pub(crate) async fn arrived(&mut self) {
        while self.ready.is_empty() && self.notices.is_empty() && !self.is_cut {
            // No side sends any more where the server left; silence goes on until somebody ends the call.
            match tokio::time::timeout(TICK, self.samples.recv()).await {
                Ok(Some(brought)) => self.take(&brought),
                Ok(None) => {
                    tokio::time::sleep(TICK).await;
                    self.pull(self.began.elapsed());
                }
                Err(_) => self.pull(self.began.elapsed()),
            }
        }
        if self.is_cut && self.ready.is_empty() {
            std::future::pending::<()>().await;
        }
    }

    fn take(&mut self, Brought { side, samples, at }: &Brought) {
        let (side, now) = (*side, at.saturating_duration_since(self.began));
        if let Some(change) = self.levels[side].push(samples, now) {
            let name = &self.names[side];
            self.notices.push(match change {
                Change::Muted => format!("{name} brings nothing at all: is it muted, or not connected?"),
                Change::Silent => format!("{name} has been silent for 5 s: is it the right one, and turned up?"),
                Change::Heard => format!("{name} is heard again"),
            });
        }
        let told = self.blend.push(side, samples, now);
        self.tell(told);
        self.pull(now);
    }

    fn pull(&mut self, now: Duration) {
        let (samples, told) = self.blend.pull(now);
        self.tell(told);
        self.encode(&samples);
    }

    fn tell(&mut self, told: impl IntoIterator<Item = Presence>) {
        for presence in told {
            self.notices.push(match presence {
                Presence::Gone(side) => format!("{} is gone; its side is silent until it is back", self.names[side]),
                Presence::Back(side) => format!("{} is back", self.names[side]),
            });
        }
    }

    fn encode(&mut self, samples: &[i16]) {
        self.encoder.push(samples);
        self.ready.extend(std::iter::from_fn(|| self.encoder.pop()));
    }

    /// The next frame, if one is complete.
    pub(crate) fn pop(&mut self) -> Option<Encoded> {
        self.ready.pop_front()
    }

    /// Whether a frame is complete.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Listens no longer: what was heard so far becomes frames.
    pub(crate) fn cut(&mut self) {
        if std::mem::replace(&mut self.is_cut, true) {
            return;
        }
        while let Ok(brought) = self.samples.try_recv() {
            self.take(&brought);
        }
        self.listening.clear();
        let rest = self.blend.finish();
        self.encode(&rest);
        self.encoder.finish();
        self.encode(&[]);
    }

    /// Whether it listens no longer.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What is to be told.
    pub(crate) fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// How loud each device is.
    pub(crate) fn levels(&self) -> Vec<String> {
        self.levels.iter().map(Level::bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices() -> Vec<Device> {
        let device = |name: &str, description: &str, plays| Device {
            name: name.into(),
            description: description.into(),
            plays,
            muted: name == "usb",
        };
        vec![
            device("hdmi.monitor", "Monitor of HDMI", true),
            device("usb", "Headset Microphone", false),
            device("pci", "Built-in Microphone", false),
            device("usb.monitor", "Monitor of Headset", true),
        ]
    }

    #[test]
    fn devices_are_found_by_name_or_what_they_are_called() {
        let check = |wanted: Wanted, usual: Option<&str>, expected: Result<usize, &str>| {
            let found = wanted.choose(&devices(), usual).map_err(|error| error.to_string());
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{wanted:?}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{wanted:?}: {found:?}"),
            }
        };
        let (mic, speaker) = (|name: &str| Wanted::Microphone(Some(name.into())), Wanted::Speaker);
        check(Wanted::Microphone(None), Some("pci"), Ok(2));
        check(Wanted::Microphone(None), Some("usb.monitor"), Ok(1));
        check(speaker(None), Some("usb.monitor"), Ok(3));
        check(speaker(None), None, Ok(0));
        check(mic("pci"), None, Ok(2));
        check(mic("headset"), None, Ok(1));
        check(speaker(Some("headset".into())), None, Ok(3));
        check(mic("microphone"), None, Err("2 are called \"microphone\": name one of usb, pci"));
        check(mic("hdmi"), None, Err("there is no microphone called \"hdmi\""));
        let none = Wanted::Speaker(None).choose(&[], None).unwrap_err().to_string();
        assert!(none.starts_with("there is no speaker: connect one"), "{none}");
    }

    #[test]
    fn devices_are_listed_with_the_option_that_takes_them() {
        let lines = table(&devices());
        assert!(lines.starts_with("--mic      usb  Headset Microphone (muted)\n--mic      pci  "), "{lines}");
        assert!(lines.ends_with("--speaker  usb.monitor  Monitor of Headset\n"), "{lines}");
        assert_eq!(table(&[]), "no devices\n");
    }
}
