//! `callboard redrive`: what was given up is tried again. The work is in `callboard-adapters`; here stand the options,
//! where things are, and what is told.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use aws_types::SdkConfig;
use callboard_adapters::redrive::Redrive;
use callboard_local::{
    aws::outside_sdk_config,
    template::{Destination, Template},
};
use callboard_runtime::{Clock, start};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::{dev, failure::Unusable, local_state};

/// Try again what was given up: batches in the failed-batches bucket, messages in the dead letters
///
/// Without a bucket or queue named, it works on the local stack and finds all by itself; else on AWS, with the usual
/// credentials and region. What could not be taken up stays where it is, and doing it twice changes nothing.
#[derive(clap::Args)]
pub(crate) struct RedriveArgs {
    /// Bucket of the batches that were given up
    #[arg(long, env = "CALLBOARD_FAILED_BATCHES_BUCKET")]
    bucket: Option<String>,
    /// URL of the queue of utterances that have to wait
    #[arg(long, env = "CALLBOARD_DEFERRED_QUEUE", requires = "dead_letters", value_name = "URL")]
    queue: Option<String>,
    /// URL of the queue of its dead letters
    #[arg(long, env = "CALLBOARD_DEFERRED_DEAD_LETTERS", requires = "queue", value_name = "URL")]
    dead_letters: Option<String>,
    /// Address of the local stack
    #[arg(long, env = "CALLBOARD_URL", default_value = "http://127.0.0.1:8787")]
    url: String,
    /// Where template.yaml is, which names what a local stack has
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// Where things are.
struct Places {
    sdk: SdkConfig,
    buckets: Vec<String>,
    /// Dead letters, and the queue that they are of.
    queues: Vec<(String, String)>,
}

/// What it came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Summary {
    /// Batches that were taken up.
    objects: usize,
    /// Their records, put into their stream again.
    records: usize,
    /// Items that their table's stream tells again.
    items: usize,
    /// Messages that are back in their queue.
    messages: usize,
    /// Batches and queues that were not taken up.
    failed: usize,
}

/// Takes all up that can be.
///
/// # Errors
/// Something was not taken up.
pub(crate) async fn run(args: RedriveArgs) -> anyhow::Result<()> {
    let json = args.json;
    let places = places(args).await?;
    let (redrive, clock) = (Redrive::new(&places.sdk), Clock::system());
    let mut summary = Summary::default();
    for bucket in &places.buckets {
        replay(&redrive, bucket, &clock, &mut summary).await?;
    }
    for (dead_letters, queue) in &places.queues {
        match redrive.move_messages(dead_letters, queue, clock.now_ms()).await {
            Ok(moved) => summary.messages += moved,
            Err(error) => {
                eprintln!("callboard: the messages of {dead_letters} were not all moved: {error}");
                summary.failed += 1;
            }
        }
    }
    print(&summary, json)?;
    anyhow::ensure!(summary.failed == 0, "{} could not be taken up and are kept", summary.failed);
    Ok(())
}

/// Takes the batches of a bucket up, one after the other. One that fails is told and left.
async fn replay(redrive: &Redrive, bucket: &str, clock: &Clock, summary: &mut Summary) -> anyhow::Result<()> {
    let keys = redrive.batches(bucket).await.with_context(|| format!("the bucket {bucket} cannot be read"))?;
    let bar = bar(keys.len());
    for key in keys {
        match redrive.replay(bucket, &key, clock.now_ms()).await {
            Ok(replayed) => {
                summary.objects += 1;
                summary.records += replayed.records;
                summary.items += replayed.items;
            }
            Err(error) => {
                bar.suspend(|| eprintln!("callboard: {key} was not taken up: {error}"));
                summary.failed += 1;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn bar(batches: usize) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(batches as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan} {pos} of {len} batches") {
        bar.set_style(style);
    }
    bar
}

fn print(summary: &Summary, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string(summary)?);
    }
    let Summary { objects, records, items, messages, failed } = summary;
    writeln!(
        out,
        "{objects} batches taken up ({records} records, {items} items) · {messages} messages moved · {failed} failed"
    )
}

/// What is named is on AWS; where nothing is, the local stack has it, under the names of its template.
async fn places(args: RedriveArgs) -> anyhow::Result<Places> {
    let named = |value: Option<String>| value.filter(|value| !value.is_empty());
    let (bucket, queue, dead_letters) = (named(args.bucket), named(args.queue), named(args.dead_letters));
    if bucket.is_some() || queue.is_some() {
        let queues = dead_letters.zip(queue).into_iter().collect();
        return Ok(Places { sdk: start::aws().await, buckets: bucket.into_iter().collect(), queues });
    }
    let Some(endpoint) = local_state::read_aws(&args.url) else {
        let problem = format!(
            "no local stack is known at {}: start it with `callboard dev`, or name what is on AWS with --bucket, \
             --queue and --dead-letters",
            args.url
        );
        return Err(Unusable(problem).into());
    };
    let path = dev::project(args.project)?.join("template.yaml");
    let template =
        Template::read(&path, &BTreeMap::new()).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let sdk = outside_sdk_config(&endpoint, start::aws_http());
    Ok(Places { sdk, buckets: buckets(&template), queues: queues(&template) })
}

/// Where the template's event sources put what they give up.
fn buckets(template: &Template) -> Vec<String> {
    let bucket = |destination: &Destination| match destination {
        Destination::S3(bucket) => Some(bucket.clone()),
        Destination::Sqs(_) => None,
    };
    let given_up = template.event_sources.iter().filter_map(|source| source.on_failure.as_ref());
    let mut buckets: Vec<String> = given_up.filter_map(bucket).collect();
    buckets.sort();
    buckets.dedup();
    buckets
}

/// The template's queues that have dead letters. A local queue is found by its name at any host.
fn queues(template: &Template) -> Vec<(String, String)> {
    let url = |name: &str| format!("http://local/000000000000/{name}");
    let pair = |queue: &callboard_local::template::Queue| {
        let (dead_letters, _) = queue.redrive.as_ref()?;
        Some((url(dead_letters), url(&queue.name)))
    };
    template.queues.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_names_what_a_local_stack_has() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let template = Template::read(path.as_ref(), &BTreeMap::new()).unwrap();
        assert_eq!(buckets(&template), ["failedbatchesbucket"]);
        let url = |name: &str| format!("http://local/000000000000/{name}");
        let pairs = [
            ("DeferredDeadLetterQueue", "DeferredQueue"),
            ("WorkDeadLetterQueue", "WorkQueue"),
            ("ArchiveDeadLetterQueue", "ArchiveQueue"),
            ("AdviceDeadLetterQueue.fifo", "AdviceQueue.fifo"),
        ];
        assert_eq!(queues(&template), pairs.map(|(dead_letters, queue)| (url(dead_letters), url(queue))));
    }

    #[test]
    fn the_summary_is_one_object() {
        let text = serde_json::to_string(&Summary { objects: 1, records: 2, ..Summary::default() }).unwrap();
        assert_eq!(text, r#"{"objects":1,"records":2,"items":0,"messages":0,"failed":0}"#);
    }
}
