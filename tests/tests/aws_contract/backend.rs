//! A back end: the services that the template declares, an SDK configuration that leads to them, and what the contract asks
//! of them besides.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{SdkConfig, region::Region};
use callboard_adapters::{
    audio::{self, AudioStore},
    table::Table,
};
use callboard_local::{
    aws::{LocalAws, outside_sdk_config},
    gateway::Connections,
    template::Template,
};
use callboard_tests::project;

use crate::{
    differences::{self, Difference},
    moto::Moto,
    recorder::Recorder,
};

/// Which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The services of the local stack.
    Local,
    /// Those of moto.
    Moto,
}

/// The services.
pub(crate) struct Backend {
    pub(crate) name: Name,
    pub(crate) sdk: SdkConfig,
    pub(crate) endpoint: String,
    pub(crate) template: Template,
    pub(crate) recorder: Recorder,
    /// The sockets that the local services hold; moto has none.
    pub(crate) connections: Connections,
    local: Option<LocalAws>,
    _moto: Option<Moto>,
}

/// What template.yaml declares, with three shards. Buckets have names that S3 takes anywhere, and tell no queue: what a
/// queue holds is the contract's own.
fn template() -> Template {
    let overrides = [("Shards".to_owned(), "3".to_owned())].into();
    let mut template = Template::read(&project().join("template.yaml"), &overrides).unwrap();
    template.buckets.iter_mut().for_each(|bucket| *bucket = bucket.to_lowercase());
    template.expirations.iter_mut().for_each(|rule| rule.bucket = rule.bucket.to_lowercase());
    template.notifications.clear();
    template
}

impl Backend {
    /// The local services in memory, within this process; what presigned addresses lead to is a door of theirs.
    pub(crate) async fn local() -> Self {
        let (template, connections) = (template(), Connections::default());
        let aws = LocalAws::open(None, &template, connections.clone()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let door = aws.router();
        tokio::spawn(async move { axum::serve(listener, door).await });
        let recorder = Recorder::new(SharedHttpClient::new(aws.clone()), false);
        let sdk = outside_sdk_config(&endpoint, SharedHttpClient::new(recorder.clone()));
        Self { name: Name::Local, sdk, endpoint, template, recorder, connections, local: Some(aws), _moto: None }
    }

    /// A moto server of its own, with the same tables, streams, queues and buckets.
    pub(crate) async fn moto() -> Self {
        let (template, connections) = (template(), Connections::default());
        let moto = Moto::start();
        moto.provide(&template).await;
        let endpoint = moto.endpoint.clone();
        let renames_lists = !differences::none(Name::Moto, Difference::ListedParts);
        let recorder = Recorder::new(aws_smithy_http_client::Builder::new().build_http(), renames_lists);
        let sdk = outside_sdk_config(&endpoint, SharedHttpClient::new(recorder.clone()));
        let sdk = sdk.into_builder().region(Region::new(crate::moto::REGION)).build();
        Self { name: Name::Moto, sdk, endpoint, template, recorder, connections, local: None, _moto: Some(moto) }
    }

    /// Whether it does this as AWS does.
    pub(crate) fn as_aws(&self, difference: Difference) -> bool {
        differences::none(self.name, difference)
    }

    pub(crate) fn table(&self, name: &str) -> Table {
        Table::new(self.dynamodb(), name)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    pub(crate) fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.sdk)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    pub(crate) async fn queue(&self, name: &str) -> String {
        self.sqs().get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        audio::client(&self.sdk)
    }

    pub(crate) fn store(&self) -> AudioStore {
        AudioStore::new(self.s3(), "audiobucket")
    }

    /// What an address answers: status, body, media type.
    pub(crate) async fn follow(
        &self,
        method: &str,
        address: &str,
        range: Option<&str>,
        body: Vec<u8>,
    ) -> (u16, Vec<u8>, String) {
        self.recorder.note(method, address);
        let request = callboard_tests::rest::client().request(method.parse().unwrap(), address).body(body);
        let request = range.into_iter().fold(request, |request, range| request.header("range", range));
        let answer = request.send().await.unwrap();
        let media = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        (status, answer.bytes().await.unwrap().to_vec(), media.unwrap_or_default())
    }

    /// Lets pass what removes items and objects that are over, where there is such a thing.
    pub(crate) fn expire(&self) {
        if let Some(aws) = &self.local {
            aws.sweep_expired().unwrap();
        }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(now.as_millis()).unwrap()
}

/// What the parts of the contract share, each with places of its own.
pub(crate) type Shared = Arc<Backend>;
