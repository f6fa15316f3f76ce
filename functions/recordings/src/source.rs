//! A recording in its bucket, as decoders read it: by blocks, of which the last ones are kept.

use std::io::{self, Read, Seek, SeekFrom};

use callboard_adapters::audio::AudioStore;
use tokio::{runtime::Handle, task::JoinHandle};

/// Bytes of a request: enough for S3 to be worth it, and a minute of MP3.
const BLOCK: u64 = 1 << 20;
/// Blocks that are kept: files that keep their index at the end, or their channels apart, are read in several places.
const KEPT: usize = 8;

/// Reads from a blocking thread, by the runtime that the thread was started from.
pub(crate) struct ObjectSource {
    store: AudioStore,
    key: String,
    length: u64,
    position: u64,
    /// The latest last.
    blocks: Vec<(u64, Vec<u8>)>,
    /// The block that is read while the one before it is worked on.
    ahead: Option<(u64, JoinHandle<io::Result<Vec<u8>>>)>,
    runtime: Handle,
}

impl ObjectSource {
    pub(crate) fn new(store: AudioStore, key: String, length: u64, runtime: Handle) -> Self {
        Self { store, key, length, position: 0, blocks: Vec::new(), ahead: None, runtime }
    }

    /// The block with this number, read if it is not kept. Where blocks are read in their order, the next is on its way.
    fn block(&mut self, number: u64) -> io::Result<&[u8]> {
        if let Some(at) = self.blocks.iter().position(|(known, _)| *known == number) {
            if at + 1 < self.blocks.len() {
                let known = self.blocks.remove(at);
                self.blocks.push(known);
            }
        } else {
            let in_order = number == 0 || self.blocks.iter().any(|(known, _)| *known + 1 == number);
            let reading = match self.ahead.take() {
                Some((known, reading)) if known == number => reading,
                _ => self.read_block(number),
            };
            if in_order && (number + 1) * BLOCK < self.length {
                self.ahead = Some((number + 1, self.read_block(number + 1)));
            }
            let bytes = self.runtime.block_on(reading).map_err(io::Error::other)??;
            if self.blocks.len() == KEPT {
                self.blocks.remove(0);
            }
            self.blocks.push((number, bytes));
        }
        Ok(self.blocks.last().map_or(&[], |(_, bytes)| bytes))
    }

    fn read_block(&self, number: u64) -> JoinHandle<io::Result<Vec<u8>>> {
        let (store, key) = (self.store.clone(), self.key.clone());
        self.runtime.spawn(async move {
            let read = store.get_range(&key, number * BLOCK, BLOCK).await.map_err(io::Error::other)?;
            read.ok_or_else(|| io::Error::other("the recording is not there any more"))
        })
    }
}

impl Drop for ObjectSource {
    fn drop(&mut self) {
        if let Some((_, reading)) = &self.ahead {
            reading.abort();
        }
    }
}

impl Read for ObjectSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || into.is_empty() {
            return Ok(0);
        }
        let (number, offset) = (self.position / BLOCK, (self.position % BLOCK) as usize);
        let block = self.block(number)?;
        let rest = block.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::Error::other("the recording is shorter than it was"));
        }
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ObjectSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| io::Error::other("a position before the beginning"))?;
        Ok(self.position)
    }
}
