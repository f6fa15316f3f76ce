//! Recordings in the formats that telephone systems and people write, made with ffmpeg.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use tokio::process::Command;

use crate::failure::Unusable;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// PCM
    Wav,
    /// 64 kbit/s
    Mp3,
    /// AAC, 64 kbit/s
    M4a,
    /// Lossless
    Flac,
    /// Vorbis
    Ogg,
    /// Opus in Ogg, 24 kbit/s
    Opus,
    /// Opus in WebM, 24 kbit/s
    Webm,
}

impl Kind {
    /// Its name, and how its files' names end.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Opus => "opus",
            Self::Webm => "webm",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Wav => &[],
            Self::Mp3 => &["-c:a", "libmp3lame", "-b:a", "64k"],
            Self::M4a => &["-c:a", "aac", "-b:a", "64k"],
            Self::Flac => &["-c:a", "flac"],
            Self::Ogg => &["-c:a", "libvorbis", "-q:a", "2"],
            Self::Opus | Self::Webm => &["-c:a", "libopus", "-b:a", "24k"],
        }
    }

    /// A WAV file in this format, beside it; the WAV file itself where that is the format.
    ///
    /// # Errors
    /// ffmpeg is not there, or cannot do it.
    pub(crate) async fn encode(self, wav: &Path) -> anyhow::Result<PathBuf> {
        if self == Self::Wav {
            return Ok(wav.to_owned());
        }
        let encoded = wav.with_extension(self.name());
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(wav).args(self.options()).arg(&encoded);
        let done = ffmpeg.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let done = match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = self.name();
                bail!(Unusable(format!("{name} needs ffmpeg, which is not there: install it, or measure wav alone")));
            }
            done => done.context("starting ffmpeg")?,
        };
        if !done.status.success() {
            bail!("ffmpeg makes no {} of {}: {}", self.name(), wav.display(), String::from_utf8_lossy(&done.stderr));
        }
        Ok(encoded)
    }
}
