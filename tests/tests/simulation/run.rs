//! One run from its first word until all is at rest, and the judgement of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use callboard_adapters::{accounts::Accounts, redrive::Redrive, table::Table};
use callboard_domain::playbook::{self, Playbook};
use callboard_local::template::{Destination, Template};
use callboard_tests::{dashboard::Dashboard, project};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    client::{self, Outcome},
    gateway,
    plan::Plan,
    services::Services,
    stack::Stack,
    verdict,
    watcher::{Known, Watcher},
    world::{Broken, World},
};

/// Longest that it may take from the calm on until all is at rest, in the run's own time.
const LONGEST_MS: u64 = 20 * 60 * 1_000;
/// How long nothing may change before all is taken to be at rest.
const QUIET_MS: u64 = 20_000;

/// The template, read once.
static TEMPLATE: LazyLock<Template> =
    LazyLock::new(|| Template::read(&project().join("template.yaml"), &BTreeMap::new()).unwrap());
/// The playbooks, read once.
static PLAYBOOKS: LazyLock<Vec<Playbook>> =
    LazyLock::new(|| playbook::SHIPPED.iter().map(|(_, yaml)| playbook::parse_yaml(yaml).unwrap()).collect());

/// What a run showed.
pub(crate) struct Report {
    pub(crate) verdict: Result<(), String>,
    pub(crate) log: String,
}

/// Simulates a plan.
pub(crate) fn simulate(plan: Plan, broken: Option<Broken>) -> Report {
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(plan, broken, TEMPLATE.clone());
        let verdict = Box::pin(run(&world)).await;
        world.log(format_args!("{verdict:?}"));
        Report { verdict, log: world.told() }
    })
}

async fn run(world: &Arc<World>) -> Result<(), String> {
    seed_playbooks(world).await;
    let stack = Stack::new(world);
    stack.start();
    let mut watchers = JoinSet::new();
    let steady = Watcher::start(&stack, false, false, &mut watchers);
    let restless = Watcher::start(&stack, true, fastrand::bool(), &mut watchers);
    let mut clients = JoinSet::new();
    for number in 0..world.scripts.len() {
        let stack = stack.clone();
        clients.spawn(async move { (number, client::capture(stack, number).await) });
    }
    let mut killer = JoinSet::new();
    killer.spawn(kill_as_planned(stack.clone()));
    let mut outcomes = rest(&stack, &mut clients, &mut killer).await?;
    if redrive(world).await? {
        outcomes.extend(rest(&stack, &mut clients, &mut killer).await?);
    }
    let result =
        judge(&stack, &outcomes, &[("the steady dashboard", &steady), ("the restless dashboard", &restless)]).await;
    stack.kill();
    result
}

async fn seed_playbooks(world: &World) {
    let table = &world.template.functions["AuthorizerFunction"].environment["ACCOUNTS_TABLE"];
    let accounts = Accounts::new(Table::new(aws_sdk_dynamodb::Client::new(&world.aws.sdk_config()), table));
    for playbook in PLAYBOOKS.iter() {
        accounts.put_shared_playbook(playbook, "").await.unwrap();
    }
}

async fn kill_as_planned(stack: Arc<Stack>) {
    let mut kills = stack.world.plan.kills.clone();
    kills.sort_by_key(|kill| kill.at_ms);
    for kill in kills {
        tokio::time::sleep_until(stack.world.at(kill.at_ms)).await;
        stack.kill();
        tokio::time::sleep(Duration::from_millis(kill.for_ms)).await;
        stack.start();
    }
}

/// Waits until all clients have left, all calls have ended, and nothing changes any more.
async fn rest(
    stack: &Arc<Stack>,
    clients: &mut JoinSet<(usize, Outcome)>,
    killer: &mut JoinSet<()>,
) -> Result<BTreeMap<usize, Outcome>, String> {
    let world = &stack.world;
    let mut outcomes = BTreeMap::new();
    let (mut seen, mut changed_ms) = (String::new(), 0);
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        while let Some(left) = clients.try_join_next() {
            let (number, outcome) = left.map_err(|error| format!("a client broke: {error}"))?;
            outcomes.insert(number, outcome);
        }
        while killer.try_join_next().is_some() {}
        let now_ms = world.now_ms();
        if now_ms < world.plan.calm_ms || !killer.is_empty() {
            continue;
        }
        let state = state(world).await;
        let text = format!("{state:?}");
        if text != seen {
            (seen, changed_ms) = (text, now_ms);
        }
        let unfinished =
            state.iter().find(|(_, call)| call["status"]["S"] != "ended" || call["waiting"].as_u64() > Some(0));
        if unfinished.is_none() && clients.is_empty() && now_ms >= changed_ms + QUIET_MS {
            return Ok(outcomes);
        }
        if now_ms > world.plan.calm_ms + LONGEST_MS {
            return Err(format!("no rest within twenty minutes: {} clients are at it, {unfinished:?}", clients.len()));
        }
    }
}

/// What was given up is taken up again; false if there is nothing.
async fn redrive(world: &Arc<World>) -> Result<bool, String> {
    let redrive = Redrive::new(&Services::new(world).sdk_config());
    let now_ms = world.clock().now_ms();
    let mut buckets: Vec<&String> = Vec::new();
    for mapping in &world.template.event_sources {
        if let Some(Destination::S3(bucket)) = &mapping.on_failure
            && !buckets.contains(&bucket)
        {
            buckets.push(bucket);
        }
    }
    let mut taken_up = 0;
    for bucket in buckets {
        for key in redrive.batches(bucket).await.map_err(|error| error.to_string())? {
            let replayed = redrive.replay(bucket, &key, now_ms).await.map_err(|error| error.to_string())?;
            world.log(format_args!("redriven: {replayed:?}"));
            taken_up += 1;
        }
    }
    for queue in &world.template.queues {
        let Some((dead_letters, _)) = &queue.redrive else { continue };
        let url = |name: &str| format!("http://queues.local/000000000000/{name}");
        let moved = redrive.move_messages(&url(dead_letters), &url(&queue.name), now_ms).await;
        let moved = moved.map_err(|error| error.to_string())?;
        world.log(format_args!("redriven: {moved} messages"));
        taken_up += moved;
    }
    Ok(taken_up > 0)
}

/// Every call's item, its revision, and how many of its segments wait for their words.
async fn state(world: &World) -> BTreeMap<String, Value> {
    let request = serde_json::json!({"TableName": "CallsTable", "ConsistentRead": true,
        "FilterExpression": "sk = :call OR sk = :revision OR placeholder = :waiting",
        "ExpressionAttributeValues": {":call": {"S": "CALL"}, ":revision": {"S": "REVISION"}, ":waiting": {"S": "waiting"}}});
    let answer = world.aws.dynamodb().database().scan(serde_json::from_value(request).unwrap()).unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let mut calls = BTreeMap::new();
    for item in answer["Items"].as_array().unwrap() {
        let call: &mut Value = calls.entry(item["pk"]["S"].as_str().unwrap().to_owned()).or_default();
        match item["sk"]["S"].as_str() {
            Some("CALL") => {
                ["status", "ended_at_ms", "end_reason"].iter().for_each(|name| call[name] = item[name].clone())
            }
            Some("REVISION") => call["revision"] = item["revision"].clone(),
            _ => call["waiting"] = (call["waiting"].as_u64().unwrap_or(0) + 1).into(),
        }
    }
    calls.retain(|_, call: &mut Value| !call["status"].is_null());
    calls
}

async fn judge(
    stack: &Arc<Stack>,
    outcomes: &BTreeMap<usize, Outcome>,
    known: &[(&str, &Known)],
) -> Result<(), String> {
    let world = &stack.world;
    for (number, outcome) in outcomes {
        let id = &world.scripts[*number].id;
        let Some(snapshot) = gateway::get(stack, &format!("/v1/calls/{id}")).await else {
            // A client that left before anything of it was heard.
            if outcome.acknowledged == 0 && outcome.vanished {
                continue;
            }
            return Err(format!("call {id} is not known"));
        };
        let loaded = Dashboard::from_snapshot(&snapshot);
        verdict::words(world, *number, outcome, &loaded)?;
        if snapshot["notes"].is_null() {
            return Err(format!("call {id} has no notes"));
        }
        for (who, known) in known {
            verdict::same(who, id, known, &loaded)?;
        }
    }
    Ok(())
}
