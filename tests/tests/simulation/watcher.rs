//! Dashboards: one that never leaves, and ones that vanish and come back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use callboard_domain::permissions::Role;
use callboard_tests::dashboard::Dashboard;
use serde_json::{Value, json};

use crate::{
    gateway::{self, Connection},
    stack::Stack,
};

/// How long a push that overtook another is given before a snapshot is loaded.
const HOLE_GRACE_MS: u64 = 500;
/// How often a watch that is not confirmed is asked for again.
const ASK_AGAIN_MS: u64 = 3_000;

/// What a watcher knows of each call.
pub(crate) type Known = Arc<Mutex<BTreeMap<String, Dashboard>>>;

/// See the module.
pub(crate) struct Watcher {
    stack: Arc<Stack>,
    /// Vanishes now and then.
    restless: bool,
    /// Asks for each call by its id, and not for all.
    by_id: bool,
    known: Known,
}

/// A watch on one connection: confirmed, and loaded since.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    asked_ms: Option<u64>,
    load_at_ms: Option<u64>,
}

impl Watcher {
    /// Starts one; what it comes to know grows in what is returned.
    pub(crate) fn start(
        stack: &Arc<Stack>,
        restless: bool,
        by_id: bool,
        tasks: &mut tokio::task::JoinSet<()>,
    ) -> Known {
        let known = Known::default();
        let watcher = Self { stack: stack.clone(), restless, by_id, known: known.clone() };
        tasks.spawn(watcher.run());
        known
    }

    async fn run(self) {
        loop {
            let auth = gateway::auth("sue", Role::Supervisor);
            let connection = if self.stack.is_up() { gateway::connect(&self.stack, auth).await } else { None };
            if let Some(connection) = connection {
                self.converse(connection).await;
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(200..2_000))).await;
        }
    }

    fn calls(&self) -> Vec<String> {
        self.stack.world.scripts.iter().map(|script| script.id.clone()).collect()
    }

    async fn converse(&self, mut connection: Connection) {
        let world = self.stack.world.clone();
        let targets = if self.by_id { self.calls() } else { vec![String::new()] };
        let mut watches: BTreeMap<String, Watch> = targets.into_iter().map(|id| (id, Watch::default())).collect();
        let mut confirmed: BTreeMap<String, bool> = BTreeMap::new();
        let mut vanish_at_ms = world.now_ms() + 1_000;
        loop {
            if !self.stack.is_up() {
                return;
            }
            let now_ms = world.now_ms();
            if self.restless && vanish_at_ms <= now_ms {
                vanish_at_ms = now_ms + 1_000;
                if world.fails(|faults| faults.dashboard_vanishes) {
                    connection.cut();
                    return;
                }
            }
            for (target, watch) in &mut watches {
                let asked = watch.asked_ms.is_some_and(|at_ms| now_ms < at_ms + ASK_AGAIN_MS);
                if !confirmed.contains_key(target) && !asked {
                    watch.asked_ms = Some(now_ms);
                    connection.send(&if target.is_empty() {
                        json!({"action": "watch", "calls": true})
                    } else {
                        json!({"action": "watch", "call": target})
                    });
                }
            }
            self.load_where_due(&mut watches, now_ms).await;
            let tick = tokio::time::sleep(Duration::from_millis(500));
            tokio::select! {
                biased;
                message = connection.hear() => match message {
                    Some(message) => self.hear(&message, &mut watches, &mut confirmed),
                    None => return,
                },
                () = tick => {}
            }
        }
    }

    fn hear(&self, message: &Value, watches: &mut BTreeMap<String, Watch>, confirmed: &mut BTreeMap<String, bool>) {
        let now_ms = self.stack.world.now_ms();
        if message["type"] == "watching" {
            let target = message["call"].as_str().unwrap_or_default().to_owned();
            if confirmed.insert(target.clone(), true).is_none() {
                let calls = if target.is_empty() { self.calls() } else { vec![target] };
                calls.into_iter().for_each(|call| watches.entry(call).or_default().load_at_ms = Some(now_ms));
            }
            return;
        }
        let Some(call) = message["call"].as_str() else { return };
        if message["revision"].is_null() {
            return;
        }
        let mut known = self.known.lock().unwrap();
        let dashboard = known.entry(call.to_owned()).or_default();
        dashboard.apply(message);
        if dashboard.has_hole() {
            let watch = watches.entry(call.to_owned()).or_default();
            watch.load_at_ms.get_or_insert(now_ms + HOLE_GRACE_MS);
        }
    }

    async fn load_where_due(&self, watches: &mut BTreeMap<String, Watch>, now_ms: u64) {
        for (call, watch) in watches.iter_mut().filter(|(call, _)| !call.is_empty()) {
            if watch.load_at_ms.is_none_or(|at_ms| at_ms > now_ms) {
                continue;
            }
            // A call that is not known yet is pushed from its beginning on.
            let snapshot = gateway::get(&self.stack, &format!("/v1/calls/{call}")).await;
            let mut known = self.known.lock().unwrap();
            let dashboard = known.entry(call.clone()).or_default();
            watch.load_at_ms = match snapshot {
                Some(snapshot) => {
                    dashboard.load(&snapshot);
                    dashboard.has_hole().then_some(now_ms + HOLE_GRACE_MS)
                }
                None => Some(now_ms + 2 * HOLE_GRACE_MS),
            };
        }
    }
}
