//! How loud a device is, and whether it brings nothing but silence. Time is handed in.

use std::time::Duration;

/// What is quieter is silence: dB of full scale.
const SILENCE_DB: f32 = -60.0;
/// Silence is told after so long.
const TOLD_AFTER: Duration = Duration::from_secs(5);
/// How fast the shown level falls, in dB a second.
const FALL_DB: f32 = 40.0;

/// See the module.
pub(crate) struct Level {
    shown_db: f32,
    at: Duration,
    heard: Duration,
    /// Whether all since then was exactly 0.
    is_zero: bool,
    told: bool,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing but zeros: it is muted, or nothing is connected.
    Muted,
    /// All but silent.
    Silent,
    /// It is heard again.
    Heard,
}

impl Level {
    /// A device that begins now.
    pub(crate) fn new(now: Duration) -> Self {
        Self { shown_db: f32::NEG_INFINITY, at: now, heard: now, is_zero: true, told: false }
    }

    /// Takes what it brought.
    pub(crate) fn push(&mut self, samples: &[i16], now: Duration) -> Option<Change> {
        let power = samples.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / samples.len().max(1) as f32;
        let db = 10.0 * (power / 32_768f32.powi(2)).log10();
        let fallen = self.shown_db - FALL_DB * now.saturating_sub(self.at).as_secs_f32();
        self.shown_db = db.max(fallen);
        self.at = now;
        if db > SILENCE_DB {
            self.heard = now;
            self.is_zero = true;
            return std::mem::take(&mut self.told).then_some(Change::Heard);
        }
        self.is_zero &= power == 0.0;
        if self.told || now.saturating_sub(self.heard) < TOLD_AFTER {
            return None;
        }
        self.told = true;
        Some(if self.is_zero { Change::Muted } else { Change::Silent })
    }

    /// As a bar of eight places, from -60 dB to full scale.
    pub(crate) fn bar(&self) -> String {
        let share = ((self.shown_db - SILENCE_DB) / -SILENCE_DB).clamp(0.0, 1.0);
        let full = (share * 8.0).round() as usize;
        format!("{}{}", "▮".repeat(full), "▯".repeat(8 - full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second each of this amplitude, from 0 on; what is told after each.
    fn check(amplitudes: &[i16], expected: &[Option<Change>]) {
        let mut level = Level::new(Duration::ZERO);
        let told: Vec<_> = amplitudes
            .iter()
            .enumerate()
            .map(|(at, amplitude)| level.push(&[*amplitude; 100], Duration::from_secs(at as u64 + 1)))
            .collect();
        assert_eq!(told, expected, "{amplitudes:?}");
    }

    #[test]
    fn silence_is_told_once_and_with_its_kind() {
        use Change::{Heard, Muted, Silent};
        check(&[0, 0, 0, 0, 0, 0, 900, 0], &[None, None, None, None, Some(Muted), None, Some(Heard), None]);
        check(&[900, 9, 0, 9, 9, 9, 9], &[None, None, None, None, None, Some(Silent), None]);
        check(&[900, 9, 900, 0, 0, 900], &[None; 6]);
    }

    #[test]
    fn the_bar_follows_and_falls_slowly() {
        let mut level = Level::new(Duration::ZERO);
        assert_eq!(level.bar(), "▯▯▯▯▯▯▯▯");
        level.push(&[i16::MAX; 10], Duration::from_millis(20));
        assert_eq!(level.bar(), "▮▮▮▮▮▮▮▮");
        level.push(&[0; 10], Duration::from_millis(520));
        assert_eq!(level.bar(), "▮▮▮▮▮▯▯▯");
    }
}
