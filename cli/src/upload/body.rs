//! A stretch of a file as the body of a request: read from the disk as it is sent, and seen to stand still or not.

use std::{
    io::SeekFrom,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
    sync::mpsc,
};

/// Bytes that are read at once; with [`AHEAD`], what a request holds in memory.
const CHUNK: usize = 64 * 1024;
/// Chunks that are read ahead of the network.
const AHEAD: usize = 4;

/// A stretch of a file.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    /// The file.
    pub path: PathBuf,
    /// Where it begins, in bytes.
    pub from: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// How much of a body was taken by the network so far, in bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Arc<AtomicU64>);

impl Taken {
    /// So many bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until nothing was taken for this long.
    pub(crate) async fn stands_still(&self, long: Duration) {
        let mut before = None;
        while before != Some(self.bytes()) {
            before = Some(self.bytes());
            tokio::time::sleep(long).await;
        }
    }
}

impl Stretch {
    /// The body, whose length has to be told beside it. `sent` hears of each chunk that the network takes.
    pub(crate) fn body(self, taken: Taken, sent: impl Fn(u64) + Send + Sync + 'static) -> reqwest::Body {
        let (chunks, mut read) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            if let Err(error) = self.read(&chunks).await {
                // Nobody hears of it where the request ended before.
                chunks.send(Err(error)).await.ok();
            }
        });
        reqwest::Body::wrap(StreamBody::new(stream::poll_fn(move |context| {
            read.poll_recv(context).map(|chunk| {
                chunk.map(|chunk| {
                    chunk.map(|chunk: Bytes| {
                        taken.0.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                        sent(chunk.len() as u64);
                        Frame::data(chunk)
                    })
                })
            })
        })))
    }

    async fn read(&self, chunks: &mpsc::Sender<std::io::Result<Bytes>>) -> std::io::Result<()> {
        let mut file = File::open(&self.path).await?;
        file.seek(SeekFrom::Start(self.from)).await?;
        let mut left = self.bytes;
        while left > 0 {
            let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
            let count = file.read(&mut chunk).await?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            chunk.truncate(count);
            left -= count as u64;
            if chunks.send(Ok(chunk.into())).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
