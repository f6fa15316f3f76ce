//! Pools: who is reused, what ends an environment, what a start reports.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::sync::Notify;

use super::*;

/// What the toy function shares with its test.
#[derive(Default)]
struct Probe {
    started: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    arrived: Notify,
    release: Notify,
}

fn functions(probe: &Arc<Probe>, environment: &[(&str, &str)], concurrency: usize) -> Functions {
    let of_start = probe.clone();
    let of_handle = probe.clone();
    let toy = handler(
        move |init: Init| {
            let number = of_start.started.fetch_add(1, Ordering::SeqCst);
            async move {
                match init.variables.get("NEEDED").map(String::as_str) {
                    None => Err("NEEDED is not set".to_owned()),
                    Some("broken") => panic!("while starting"),
                    Some(_) => Ok(number),
                }
            }
        },
        move |event: Value, number: Arc<usize>| {
            let probe = of_handle.clone();
            async move {
                match event.as_str() {
                    Some("panic") => panic!("as asked"),
                    Some("fail") => return Err("as asked".to_owned()),
                    Some("hang") => std::future::pending().await,
                    Some("wait") => {
                        let running = probe.running.fetch_add(1, Ordering::SeqCst) + 1;
                        probe.most_running.fetch_max(running, Ordering::SeqCst);
                        probe.arrived.notify_one();
                        probe.release.notified().await;
                        probe.running.fetch_sub(1, Ordering::SeqCst);
                    }
                    _ => {}
                }
                Ok(json!({"environment": *number}))
            }
        },
    );
    let function = Function {
        id: "Toy".to_owned(),
        handler: "toy".to_owned(),
        environment: environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        timeout_s: 3,
        memory_mib: 128,
        reserved_concurrency: Some(concurrency),
        has_url: false,
    };
    let template = Template { functions: BTreeMap::from([("Toy".to_owned(), function)]), ..Template::default() };
    Functions::new(BTreeMap::from([("toy", toy)]), &template, SdkConfig::builder().build())
}

const SET: &[(&str, &str)] = &[("NEEDED", "yes")];

async fn environment_of(functions: &Functions, event: &str) -> u64 {
    functions.invoke("Toy", json!(event)).await.unwrap()["environment"].as_u64().unwrap()
}

#[tokio::test]
async fn a_warm_environment_is_reused_and_a_failed_handler_keeps_it() {
    let functions = functions(&Arc::default(), SET, 4);
    functions.start_all().await.unwrap();
    assert_eq!(environment_of(&functions, "").await, 0);
    assert_eq!(functions.invoke("Toy", json!("fail")).await, Err(InvokeError::Handler("as asked".into())));
    assert_eq!(environment_of(&functions, "").await, 0);
}

#[tokio::test]
async fn a_panic_ends_one_environment() {
    let functions = functions(&Arc::default(), SET, 1);
    assert_eq!(environment_of(&functions, "").await, 0);
    assert_eq!(functions.invoke("Toy", json!("panic")).await, Err(InvokeError::Panicked));
    assert_eq!(environment_of(&functions, "").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_environment() {
    let functions = functions(&Arc::default(), SET, 1);
    assert_eq!(functions.invoke("Toy", json!("hang")).await, Err(InvokeError::TimedOut(3)));
    assert_eq!(environment_of(&functions, "").await, 1);
}

#[tokio::test]
async fn one_invocation_at_a_time_up_to_the_reserved_concurrency() {
    let probe = Arc::<Probe>::default();
    let functions = functions(&probe, SET, 2);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let functions = functions.clone();
            tokio::spawn(async move { environment_of(&functions, "wait").await })
        })
        .collect();
    probe.arrived.notified().await;
    for _ in 0..3 {
        probe.release.notify_one();
        while probe.running.load(Ordering::SeqCst) > 2 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    }
    for call in calls {
        while !call.is_finished() {
            probe.release.notify_waiters();
            tokio::task::yield_now().await;
        }
        call.await.unwrap();
    }
    assert_eq!(probe.most_running.load(Ordering::SeqCst), 2);
    assert_eq!(probe.started.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_lose_the_environment() {
    let probe = Arc::<Probe>::default();
    let functions = functions(&probe, SET, 1);
    let caller = {
        let functions = functions.clone();
        tokio::spawn(async move { environment_of(&functions, "wait").await })
    };
    probe.arrived.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    probe.release.notify_one();
    assert_eq!(environment_of(&functions, "").await, 0);
}

#[tokio::test]
async fn a_missing_setting_stops_the_start_and_is_named() {
    let functions = functions(&Arc::default(), &[], 1);
    let error = functions.start_all().await.unwrap_err();
    assert_eq!(error.to_string(), "Toy: NEEDED is not set");
    assert_eq!(functions.invoke("Nobody", json!("")).await, Err(InvokeError::Unknown("Nobody".into())));
}

#[tokio::test]
async fn a_handler_that_is_not_linked_is_named() {
    let mut toy = functions(&Arc::default(), SET, 1);
    let pools = Arc::get_mut(&mut toy.pools).unwrap();
    Arc::get_mut(pools.get_mut("Toy").unwrap()).unwrap().start = None;
    assert!(toy.start_all().await.unwrap_err().to_string().contains("has no handler toy"));
}

#[tokio::test]
async fn an_event_of_the_wrong_shape_is_the_handlers_error() {
    let typed = handler(|_| async { Ok(()) }, |event: Vec<u8>, _: Arc<()>| async move { Ok::<_, String>(event.len()) });
    let environment = typed(Init { variables: BTreeMap::new(), sdk: SdkConfig::builder().build() }).await.unwrap();
    assert_eq!(environment.invoke(json!([1, 2])).await, Ok(json!(2)));
    assert!(environment.invoke(json!("x")).await.unwrap_err().contains("not understood"));
}
