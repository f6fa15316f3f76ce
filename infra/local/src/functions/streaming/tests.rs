//! A streamed answer: it comes bit by bit, ends with its caller, and is cut off by a panic or a timeout.

use std::{collections::BTreeMap, convert::Infallible, sync::Mutex};

use aws_types::SdkConfig;
use futures_util::FutureExt;
use serde_json::Value;

use super::*;
use crate::template::{Function, Template};

type Parts = mpsc::UnboundedReceiver<&'static str>;

/// A function of one environment that writes what its test hands it, in answers of 3 s at most.
struct Toy {
    functions: Functions,
    write: mpsc::UnboundedSender<&'static str>,
    answers: mpsc::UnboundedSender<Parts>,
}

fn toy() -> Toy {
    let (answers, waiting) = mpsc::unbounded_channel::<Parts>();
    let waiting = Arc::new(Mutex::new(waiting));
    let handle = move |event: Value, deadline_ms: i64, _: Arc<()>| {
        let parts = waiting.lock().unwrap().try_recv().unwrap();
        async move {
            if event == "panic" {
                panic!("as asked");
            }
            let body = stream::unfold(parts, |mut parts| async {
                let part = parts.recv().await?;
                assert_ne!(part, "panic", "as asked");
                Some((Ok::<_, Infallible>(Bytes::from(part)), parts))
            });
            Response::builder().status(201).header("x-deadline", deadline_ms).body(body.boxed()).unwrap()
        }
    };
    let start = streaming_handler(|_: Init| async { Ok(()) }, handle);
    let function = Function {
        id: "Toy".to_owned(),
        handler: "toy".to_owned(),
        environment: BTreeMap::new(),
        timeout_s: 3,
        memory_mib: 128,
        reserved_concurrency: Some(1),
        has_url: true,
    };
    let template = Template { functions: BTreeMap::from([("Toy".to_owned(), function)]), ..Template::default() };
    let functions = Functions::new(BTreeMap::from([("toy", start)]), &template, SdkConfig::builder().build());
    let write = mpsc::unbounded_channel().0;
    Toy { functions, write, answers }
}

impl Toy {
    /// Asks once; what is written next goes into this answer.
    async fn ask(&mut self, event: Value) -> Result<Streamed, InvokeError> {
        let (write, parts) = mpsc::unbounded_channel();
        self.write = write;
        self.answers.send(parts).unwrap();
        self.functions.stream("Toy", event, 5_000).await
    }

    /// Asks until an environment is free again.
    async fn ask_when_free(&mut self) -> Streamed {
        loop {
            match self.ask(Value::Null).await {
                Err(InvokeError::Throttled(1)) => tokio::task::yield_now().await,
                other => return other.unwrap(),
            }
        }
    }
}

#[tokio::test]
async fn each_part_comes_while_the_answer_goes_on() {
    let mut toy = toy();
    let mut streamed = toy.ask(Value::Null).await.unwrap();
    assert_eq!(streamed.prelude["statusCode"], 201);
    assert_eq!(streamed.prelude["headers"]["x-deadline"], "8000");
    assert!(streamed.body.next().now_or_never().is_none(), "nothing was written yet");
    for part in ["one", "two"] {
        toy.write.send(part).unwrap();
        assert_eq!(streamed.body.next().await, Some(Ok(Bytes::from(part))));
    }
    assert_eq!(toy.functions.stream("Toy", Value::Null, 0).await.unwrap_err(), InvokeError::Throttled(1));
    toy.write = mpsc::unbounded_channel().0;
    assert_eq!(streamed.body.next().await, None);
    assert_eq!(toy.ask_when_free().await.prelude["statusCode"], 201);
}

#[tokio::test]
async fn a_caller_that_leaves_frees_the_environment_although_nothing_is_written() {
    let mut toy = toy();
    let streamed = toy.ask(Value::Null).await.unwrap();
    let _still_open = toy.write.clone();
    drop(streamed);
    toy.ask_when_free().await;
}

#[tokio::test]
async fn a_panic_cuts_the_answer_off() {
    let mut toy = toy();
    assert_eq!(toy.ask("panic".into()).await.unwrap_err(), InvokeError::Panicked);
    let mut streamed = toy.ask_when_free().await;
    toy.write.send("panic").unwrap();
    assert!(streamed.body.next().await.unwrap().is_err());
    toy.ask_when_free().await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_cuts_the_answer_off() {
    let mut toy = toy();
    let mut streamed = toy.ask(Value::Null).await.unwrap();
    assert!(streamed.body.next().await.unwrap().is_err());
    toy.ask_when_free().await;
}

#[tokio::test]
async fn a_function_that_does_not_stream_says_so() {
    let toy = toy();
    let error = toy.functions.invoke("Toy", Value::Null).await.unwrap_err().to_string();
    assert!(error.contains("it is called by its URL only"), "{error}");
    assert_eq!(
        toy.functions.stream("Nobody", Value::Null, 0).await.unwrap_err(),
        InvokeError::Unknown("Nobody".into())
    );
}
