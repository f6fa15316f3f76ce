//! Connections that fail: a second try where nothing was sent, and none after that.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use callboard_adapters::model::{self, Provider};
use callboard_domain::model::LanguageModel;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    harness::{Outcome, PROVIDERS, advice, ask, aws_http, config, connect, http, sdk, service, usage},
    service::{Behaviour, Model},
};

/// How many connections are tried, of which the first ones fail.
#[derive(Debug, Clone)]
struct Line {
    failures: usize,
    tried: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Line {
    fn new(model: &Model, failures: usize) -> Self {
        let address = model.url.strip_prefix("http://").unwrap().parse().unwrap();
        Self { failures, tried: Arc::default(), address }
    }

    fn fails(&self) -> bool {
        self.tried.fetch_add(1, Ordering::SeqCst) < self.failures
    }

    /// A provider whose connections take this line.
    fn connect(&self, provider: Provider) -> Arc<dyn LanguageModel> {
        match provider {
            Provider::Bedrock => {
                let (line, real) = (self.clone(), aws_http());
                let http = http_client_fn(move |settings, parts| {
                    let real = real.http_connector(settings, parts);
                    SharedHttpConnector::new(Flaky { line: line.clone(), real })
                });
                model::connect_bedrock(config(provider, &format!("http://{}", self.address)), &sdk(http)).unwrap()
            }
            _ => {
                let http = http().dns_resolver(Arc::new(self.clone())).build().unwrap();
                let url = format!("http://model.test:{}", self.address.port());
                model::connect(config(provider, &url), http).unwrap()
            }
        }
    }
}

impl Resolve for Line {
    fn resolve(&self, _: Name) -> Resolving {
        let found: Result<Addrs, _> = match self.fails() {
            true => Err("no such host".into()),
            false => Ok(Box::new([self.address].into_iter())),
        };
        Box::pin(std::future::ready(found))
    }
}

#[derive(Debug)]
struct Flaky {
    line: Line,
    real: SharedHttpConnector,
}

impl HttpConnector for Flaky {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.line.fails() {
            let refused = std::io::Error::from(ErrorKind::ConnectionRefused);
            return HttpConnectorFuture::ready(Err(ConnectorError::io(refused.into())));
        }
        self.real.call(request)
    }
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_once_more() {
    async fn check(provider: Provider, failures: usize, outcome: Outcome, tried: usize, asked: usize) {
        let model = service();
        let line = Line::new(&model, failures);
        let given: Outcome = ask(&*line.connect(provider)).await.into();
        assert_eq!(given, outcome, "{provider:?}, {failures} failures");
        assert_eq!((line.tried.load(Ordering::SeqCst), model.asked().len()), (tried, asked));
    }
    for provider in PROVIDERS {
        let answered = || Outcome::Answered(advice(), usage(&advice().to_string()));
        check(provider, 0, answered(), 1, 1).await;
        check(provider, 1, answered(), 2, 1).await;
        check(provider, 2, Outcome::Failed("unavailable", Default::default()), 2, 0).await;
    }
}

#[tokio::test]
async fn an_absent_service_is_unavailable() {
    for provider in PROVIDERS {
        let mut model = service();
        let connected = connect(config(provider, &model.url)).unwrap();
        model.stop();
        let failure = ask(&*connected).await.unwrap_err();
        assert_eq!(failure.error.kind(), "unavailable", "{provider:?}");
        assert!(failure.to_string().contains("refused"), "{failure}");
        assert!(!failure.to_string().contains(&model.url), "{failure}");
    }
}

#[tokio::test]
async fn a_service_that_is_back_answers() {
    for provider in PROVIDERS {
        let mut model = service();
        let connected = connect(config(provider, &model.url)).unwrap();
        model.next([Behaviour::Breaks]);
        assert!(ask(&*connected).await.is_err(), "{provider:?}");
        model.restart();
        assert_eq!(ask(&*connected).await.unwrap().value, advice(), "{provider:?}");
    }
}
