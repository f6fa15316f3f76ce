//! A moto server as a process, and what it is to have. Without one installed the contract fails: it is skipped by nobody.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use callboard_local::template::{Queue, Template};
use callboard_tests::{project, rest::client};
use serde_json::{Map, Value, json};

/// Where it claims to be.
pub(crate) const REGION: &str = "us-east-1";
/// Whom all of it belongs to.
const ACCOUNT: &str = "123456789012";
/// Names the program, where it is not where `make` puts it.
const SETTING: &str = "MOTO_SERVER";

/// The server; it ends with this.
pub(crate) struct Moto {
    pub(crate) endpoint: String,
    process: Child,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let program = std::env::var_os(SETTING).map(PathBuf::from);
        let program = program.unwrap_or_else(|| project().join("target/tools/moto/bin/moto_server"));
        assert!(
            program.exists(),
            "{} is not there: `make contract-test` installs moto and runs this; {SETTING} names another place",
            program.display()
        );
        let mut command = Command::new(&program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // It chooses a port, says so, and then writes a line about each request.
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let endpoint =
            lines.find_map(|line| line.split_once("Running on ").map(|(_, address)| address.trim().to_owned()));
        let endpoint = endpoint.unwrap_or_else(|| panic!("{} ended without an address", program.display()));
        std::thread::spawn(move || lines.for_each(drop));
        Self { endpoint, process }
    }

    /// Makes what a template declares.
    pub(crate) async fn provide(&self, template: &Template) {
        for table in &template.tables {
            self.ask("dynamodb", "DynamoDB_20120810.CreateTable", table.create.clone()).await;
            if let Some(attribute) = &table.ttl_attribute {
                let ttl = json!({"Enabled": true, "AttributeName": attribute});
                let body = json!({"TableName": table.name, "TimeToLiveSpecification": ttl});
                self.ask("dynamodb", "DynamoDB_20120810.UpdateTimeToLive", body).await;
            }
        }
        for stream in &template.streams {
            let body = json!({"StreamName": stream.name, "ShardCount": stream.shards});
            self.ask("kinesis", "Kinesis_20131202.CreateStream", body).await;
        }
        // Dead letters first: a queue can only name one that is there.
        let mut queues: Vec<&Queue> = template.queues.iter().collect();
        queues.sort_by_key(|queue| queue.redrive.is_some());
        for queue in queues {
            let body = json!({"QueueName": queue.name, "Attributes": attributes(queue)});
            self.ask("sqs", "AmazonSQS.CreateQueue", body).await;
        }
        for bucket in &template.buckets {
            let request = client().put(format!("{}/{bucket}", self.endpoint)).header("authorization", signed("s3"));
            assert_eq!(request.send().await.unwrap().status().as_u16(), 200, "{bucket}");
        }
    }

    async fn ask(&self, service: &str, target: &str, body: Value) -> Value {
        let request = client().post(&self.endpoint).header("authorization", signed(service));
        let request = request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{target} of {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It has ended already where this fails.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What says whom a request is for; that it is signed is not looked at.
fn signed(service: &str) -> String {
    let scope = format!("Credential=local/20261201/{REGION}/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0")
}

fn attributes(queue: &Queue) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut put = |name: &str, value: String| attributes.insert(name.to_owned(), value.into());
    put("VisibilityTimeout", queue.visibility_timeout_s.to_string());
    put("MessageRetentionPeriod", queue.retention_s.to_string());
    put("DelaySeconds", queue.delay_s.to_string());
    if queue.fifo {
        put("FifoQueue", "true".to_owned());
        put("ContentBasedDeduplication", queue.content_based_deduplication.to_string());
    }
    if let Some((dead_letters, receives)) = &queue.redrive {
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{dead_letters}");
        put("RedrivePolicy", json!({"deadLetterTargetArn": arn, "maxReceiveCount": receives}).to_string());
    }
    attributes
}
