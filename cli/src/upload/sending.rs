//! One recording on its way to a stack: handed in, sent in the parts that are missing, and declared complete.
//!
//! The stack knows which parts it has; nothing is sent twice that it has. What is read of the file is never held.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use callboard_domain::CallId;
use callboard_wire::rest::{NewRecording, RecordingTicket, Upload, UploadPart};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::CONTENT_LENGTH;
use tokio::sync::Semaphore;

use super::{
    body::{Stretch, Taken},
    identity::Identity,
    retry::{Failure, wait},
    tickets::Tickets,
};

/// How long nothing of a file may be taken, or no answer come once all of it was, before it is sent anew.
const STANDSTILL: Duration = Duration::from_secs(60);
/// How often new addresses are asked for in a row without anything having been sent to the last ones.
const MOST_RENEWALS: u32 = 3;

/// Sends recordings.
pub(crate) struct Sender {
    tickets: Tickets,
    client: reqwest::Client,
    /// How many requests with audio are under way at once, of all recordings.
    turns: Semaphore,
    at_once: usize,
}

/// What is told while a recording is sent.
pub(crate) trait Progress: Send + Sync + 'static {
    /// So many bytes of it are there already.
    fn there(&self, bytes: u64);
    /// So many more were sent.
    fn sent(&self, bytes: u64);
    /// So many that were told as sent have to be sent anew.
    fn lost(&self, bytes: u64);
}

/// A recording that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Bytes that were sent now; none where all of it was there.
    pub sent_bytes: u64,
    /// Whether a part of it was there before, or all.
    pub resumed: bool,
}

impl Sender {
    /// One that sends so many things at once.
    pub(crate) fn new(tickets: Tickets, at_once: usize) -> anyhow::Result<Self> {
        let mut client = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
        if tickets.stack.is_local() {
            client = client.no_proxy();
        }
        let client = client.build().context("setting up HTTP")?;
        Ok(Self { tickets, client, turns: Semaphore::new(at_once), at_once })
    }

    /// The stack.
    pub(crate) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Sends what is missing of a recording.
    ///
    /// # Errors
    /// Says why it is not there. What was sent stays, and the next time it goes on from there.
    pub(crate) async fn send(
        &self,
        file: &Identity,
        call: &CallId,
        new: &NewRecording,
        progress: Arc<dyn Progress>,
    ) -> Result<Arrived, Failure> {
        let mut ticket = self.tickets.begin(new).await?;
        let (mut arrived, mut told, mut renewals) = (Arrived { sent_bytes: 0, resumed: false }, false, 0);
        loop {
            if !told {
                let there = there(&ticket.upload, file.bytes);
                arrived.resumed = there > 0;
                progress.there(there);
                told = true;
            }
            let (bytes, done) = self.send_missing(file, &ticket.upload, &progress).await;
            arrived.sent_bytes += bytes;
            renewals = if bytes > 0 { 0 } else { renewals + 1 };
            ticket = match (done, &ticket.upload) {
                (Err(Failure::Expired(_)), _) if renewals < MOST_RENEWALS => self.tickets.renew(call).await?,
                (Err(failure), _) => return Err(failure),
                (Ok(()), Upload::Complete {}) => return Ok(arrived),
                // The store tells the stack of a whole file by itself, but later.
                (Ok(()), _) => self.complete(file, call).await?,
            };
            if !matches!(ticket.upload, Upload::Complete {}) && renewals >= MOST_RENEWALS {
                let reason = "parts of it that were sent are not there: send it again, with --again if need be";
                return Err(Failure::Final(reason.into()));
            }
        }
    }

    /// Declares it complete, unless it was written to while it was sent.
    async fn complete(&self, file: &Identity, call: &CallId) -> Result<RecordingTicket, Failure> {
        if !file.holds() {
            return Err(changed());
        }
        self.tickets.complete(call).await
    }

    /// Sends all that has an address. Tells how many bytes got through, whatever became of the others.
    async fn send_missing(
        &self,
        file: &Identity,
        upload: &Upload,
        progress: &Arc<dyn Progress>,
    ) -> (u64, Result<(), Failure>) {
        match upload {
            Upload::Complete {} => (0, Ok(())),
            Upload::Put { url, .. } => {
                let whole = Stretch { path: file.path.clone(), from: 0, bytes: file.bytes };
                match self.put(file, whole, url, progress).await {
                    Ok(()) => (file.bytes, Ok(())),
                    Err(failure) => (0, Err(failure)),
                }
            }
            Upload::Parts { part_bytes, parts, .. } => {
                let through = std::sync::atomic::AtomicU64::new(0);
                let send = async |part: &UploadPart| {
                    let stretch = stretch(file, part, *part_bytes)?;
                    let bytes = stretch.bytes;
                    self.put(file, stretch, &part.url, progress).await?;
                    through.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
                    Ok(())
                };
                let all = stream::iter(parts).map(send).buffer_unordered(self.at_once).try_collect::<()>().await;
                (through.into_inner(), all)
            }
        }
    }

    /// Sends a stretch to its address, again for as long as that may help.
    async fn put(
        &self,
        file: &Identity,
        stretch: Stretch,
        url: &str,
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Failure> {
        let send = async || {
            let Ok(_turn) = self.turns.acquire().await else { return Err(changed()) };
            if !file.holds() {
                return Err(changed());
            }
            let (taken, hears) = (Taken::default(), progress.clone());
            let body = stretch.clone().body(taken.clone(), move |bytes| hears.sent(bytes));
            let request = self.client.put(url).header(CONTENT_LENGTH, stretch.bytes).body(body);
            let done = tokio::select! {
                answer = request.send() => stored(answer, file).await,
                () = taken.stands_still(STANDSTILL) => Err(Failure::Passing("the network stands still".into(), None)),
            };
            if done.is_err() {
                progress.lost(taken.bytes());
            }
            done
        };
        self.tickets.tries.ask(send).await
    }
}

/// What the store makes of it.
async fn stored(answer: reqwest::Result<reqwest::Response>, file: &Identity) -> Result<(), Failure> {
    let answer = match answer {
        Ok(answer) => answer,
        // The body ended before its time, and not the network.
        Err(_) if !file.holds() => return Err(changed()),
        Err(error) if error.is_connect() => {
            return Err(Failure::Passing("where recordings are sent, nobody answers".into(), None));
        }
        Err(_) => return Err(Failure::Passing("the network broke off".into(), None)),
    };
    let (status, wait) = (answer.status(), wait(&answer));
    let body = if status.is_success() { String::new() } else { answer.text().await.unwrap_or_default() };
    let code = element(&body, "Code").unwrap_or("no reason told");
    match status.as_u16() {
        200..300 => Ok(()),
        // An upload that another program completed meanwhile has no address either.
        401 | 403 | 404 => Err(Failure::Expired(format!("the store refuses it ({status}, {code})"))),
        // S3 says 400 of a connection that was slow.
        400 if code == "RequestTimeout" => Err(Failure::Passing("the network is slow".into(), wait)),
        408 | 429 | 500.. => Err(Failure::Passing(format!("the store cannot take it just now ({status})"), wait)),
        _ => Err(Failure::Final(format!("the store refuses it ({status}, {code})"))),
    }
}

/// The text of an element that stands once in an answer of S3.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let text = rest.split('<').next()?;
    (text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(text)
}

fn changed() -> Failure {
    Failure::Unusable("it was written to while it was sent: send it again when it is complete".into())
}

fn stretch(file: &Identity, part: &UploadPart, part_bytes: u64) -> Result<Stretch, Failure> {
    let from = u64::from(part.number).saturating_sub(1).saturating_mul(part_bytes);
    let bytes = file.bytes.saturating_sub(from).min(part_bytes);
    if bytes == 0 {
        return Err(Failure::Final(format!("the stack wants part {}, which the file does not have", part.number)));
    }
    Ok(Stretch { path: file.path.clone(), from, bytes })
}

/// How many bytes of it are there.
fn there(upload: &Upload, whole: u64) -> u64 {
    match upload {
        Upload::Put { .. } => 0,
        Upload::Complete {} => whole,
        Upload::Parts { part_bytes, parts, .. } => {
            let missing = |part: &UploadPart| {
                let from = u64::from(part.number).saturating_sub(1).saturating_mul(*part_bytes);
                whole.saturating_sub(from).min(*part_bytes)
            };
            whole.saturating_sub(parts.iter().map(missing).sum())
        }
    }
}
