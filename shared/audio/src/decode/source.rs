//! The bytes of a recording as the demuxers see them: watched, so that a failed read is told from a file that ends, and
//! with the few header fields replaced that say less than is known. Keeps no bytes.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// What a recording is read from. Reads are small at first and up to 32 KiB in sequence, seeks are many in MP4 and Ogg:
/// over a network, put a cache of blocks in between.
pub trait Source: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Source for T {}

/// Bytes that stand in for those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patch {
    /// Where, in bytes.
    pub(super) at: u64,
    /// What is read there.
    pub(super) bytes: [u8; 4],
}

/// What became of the reads, shared with the decoder.
#[derive(Debug, Default)]
pub(super) struct Watch {
    position: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

impl Watch {
    /// Where the next read begins, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The read that failed since this was last asked. Demuxers may take it for the end of the file.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A source that is watched.
pub(super) struct Watched {
    inner: Box<dyn Source>,
    length: u64,
    position: u64,
    patches: Vec<Patch>,
    watch: Arc<Watch>,
}

impl Watched {
    /// `length` is where the bytes end that are to be read.
    pub(super) fn new(inner: Box<dyn Source>, length: u64, patches: Vec<Patch>, watch: Arc<Watch>) -> Self {
        Self { inner, length, position: 0, patches, watch }
    }

    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        let Err(error) = result else { return result };
        if error.kind() == io::ErrorKind::Interrupted {
            return Err(error);
        }
        let copy = io::Error::new(error.kind(), error.to_string());
        *self.watch.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Err(copy)
    }

    fn patch(&self, read: &mut [u8]) {
        for patch in &self.patches {
            for (offset, byte) in (patch.at..).zip(patch.bytes) {
                let within = offset.checked_sub(self.position).and_then(|offset| usize::try_from(offset).ok());
                if let Some(slot) = within.and_then(|index| read.get_mut(index)) {
                    *slot = byte;
                }
            }
        }
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.inner.read(&mut buffer[..wanted]);
        let read = self.note(read)?;
        self.patch(&mut buffer[..read]);
        self.position += read as u64;
        self.watch.position.store(self.position, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
        };
        // A damaged file may point anywhere; that is no failure of the source.
        let Some(target) = target.filter(|target| *target <= self.length) else {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a place outside of the file"));
        };
        let result = self.inner.seek(SeekFrom::Start(target));
        self.position = self.note(result)?;
        Ok(self.position)
    }
}

impl MediaSource for Watched {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
