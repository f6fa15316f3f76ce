//! A capture client: the real outbox on connections that do not hold.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_audio::outbox::{Limits, Outbox, Outgoing};
use callboard_domain::permissions::Role;
use callboard_wire::connection::AuthContext;
use serde_json::{Value, json};

use crate::{
    gateway::{self, Connection},
    plan::{CallPlan, Cut},
    script::{CHANNELS, Script},
    stack::Stack,
};

/// How often a client looks at its call once everything is said.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What a client did, as far as it bears on what may be missing in the end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Frames that it handed in.
    pub(crate) spoken: u32,
    /// Frames that were acknowledged to it.
    pub(crate) acknowledged: u32,
    /// Frames that it gave up or could not bring after the call was swept.
    pub(crate) excused: Vec<(u32, u32)>,
    /// It left for good before its last word.
    pub(crate) vanished: bool,
}

/// See the module.
struct Client<'a> {
    stack: &'a Arc<Stack>,
    script: &'a Script,
    plan: &'a CallPlan,
    outbox: Outbox,
    outcome: Outcome,
    began_ms: u64,
    /// When it was last connected, and the last frame that it had by then.
    contact: (u64, u32),
}

/// How a connection ended.
enum Over {
    Done,
    Vanished,
    Lost,
}

/// Captures a call from its first word to its end.
pub(crate) async fn capture(stack: Arc<Stack>, number: usize) -> Outcome {
    let world = stack.world.clone();
    let (script, plan) = (&world.scripts[number], &world.plan.calls[number]);
    tokio::time::sleep(Duration::from_millis(plan.begins_ms)).await;
    let outbox = Outbox::new(Limits { keep: plan.keep, ..Limits::default() });
    let began_ms = world.now_ms();
    let mut client =
        Client { stack: &stack, script, plan, outbox, outcome: Outcome::default(), began_ms, contact: (0, 0) };
    loop {
        if client.vanishes() {
            client.outcome.vanished = true;
            break;
        }
        client.take_frames();
        let usable = client.cut_now().is_none() && stack.is_up();
        let connection = if usable { gateway::connect(&stack, client.auth()).await } else { None };
        let over = match connection {
            Some(connection) => client.converse(connection).await,
            None => Over::Lost,
        };
        match over {
            Over::Done => break,
            Over::Vanished => {
                client.outcome.vanished = true;
                break;
            }
            Over::Lost => {
                client.outbox.disconnected();
                tokio::time::sleep(Duration::from_millis(fastrand::u64(100..2_000))).await;
            }
        }
    }
    world.log(format_args!("client {number} leaves: {:?}", client.outcome));
    client.outcome
}

impl Client<'_> {
    fn now(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms())
    }

    fn elapsed_ms(&self) -> u64 {
        self.stack.world.now_ms() - self.began_ms
    }

    fn auth(&self) -> AuthContext {
        AuthContext {
            call: Some(self.script.id.clone()),
            resumable: Some("true".into()),
            encoding: Some(self.plan.encoding.as_str().into()),
            sample_rate: Some(self.script.format.sample_rate.to_string()),
            channels: Some(CHANNELS.join(",")),
            playbook: Some("sales".into()),
            ..gateway::auth("desk-1", Role::Capture)
        }
    }

    fn vanishes(&self) -> bool {
        self.plan.vanishes_ms.is_some_and(|at_ms| at_ms <= self.elapsed_ms())
    }

    /// The cut that now keeps everything from getting through.
    fn cut_now(&self) -> Option<&Cut> {
        let now_ms = self.elapsed_ms();
        self.plan.cuts.iter().find(|cut| cut.at_ms <= now_ms && now_ms < cut.at_ms + cut.for_ms)
    }

    /// When the next frame is due, in milliseconds of this client.
    fn frame_due_ms(&self) -> Option<u64> {
        let next = u64::from(self.outbox.last());
        let more = next < self.script.frames.len() as u64;
        more.then(|| if self.plan.recorded { 0 } else { (next + 1) * self.script.frame_ms })
    }

    fn take_frames(&mut self) {
        while self.frame_due_ms().is_some_and(|due_ms| due_ms <= self.elapsed_ms()) {
            let frame = self.script.frames[self.outbox.last() as usize].clone();
            self.outcome.spoken = self.outbox.push(frame);
        }
        if self.frame_due_ms().is_none() {
            self.outbox.finish();
        }
    }

    async fn converse(&mut self, mut connection: Connection) -> Over {
        self.outbox.connected();
        self.excuse_if_swept();
        let world = self.stack.world.clone();
        let mut look_ms = None;
        // A client notices a cut by and by; what it sends until then goes nowhere.
        let mut cut_noticed_ms = None;
        loop {
            if self.vanishes() {
                connection.cut();
                return Over::Vanished;
            }
            if self.outbox.is_settled() {
                return Over::Done;
            }
            let cut = self.cut_now().copied();
            if let (Some(_), None) = (cut, cut_noticed_ms) {
                connection.cut();
                cut_noticed_ms = Some(self.elapsed_ms() + fastrand::u64(..3_000));
            }
            if cut_noticed_ms.is_some_and(|at_ms| at_ms <= self.elapsed_ms()) || !connection.stack().is_up() {
                return Over::Lost;
            }
            self.take_frames();
            if cut.is_none() {
                self.contact = (self.elapsed_ms(), self.outbox.last());
            }
            while let Some(outgoing) = self.outbox.poll(self.now()) {
                let message = self.message(outgoing);
                connection.send(&message);
            }
            if self.frame_due_ms().is_none() {
                let due_ms = *look_ms.get_or_insert(self.elapsed_ms() + LOOK_AGAIN.as_millis() as u64);
                if due_ms <= self.elapsed_ms() && cut.is_none() {
                    look_ms = None;
                    self.look().await;
                    continue;
                }
            }
            let now_ms = self.elapsed_ms();
            let timeout_ms = self.outbox.timeout().map(|at| at.as_millis() as u64);
            let cuts = self.plan.cuts.iter().map(|cut| cut.at_ms).filter(|at_ms| *at_ms > now_ms).min();
            let due = [self.frame_due_ms(), timeout_ms, look_ms, cut_noticed_ms, cuts, self.plan.vanishes_ms];
            let wake_ms = due.into_iter().flatten().min().unwrap_or(u64::MAX).clamp(now_ms + 1, now_ms + 500);
            tokio::select! {
                biased;
                message = connection.hear() => match message {
                    Some(message) => self.hear(&message),
                    None => return Over::Lost,
                },
                () = tokio::time::sleep_until(world.at(self.began_ms + wake_ms)) => {}
            }
        }
    }

    /// A call that is cut off for longer than the sweeper waits is closed with what is there: a gap becomes silence.
    fn excuse_if_swept(&mut self) {
        let (contact_ms, sent) = self.contact;
        if self.elapsed_ms() - contact_ms >= 50_000 {
            self.outcome.excused.push((self.outcome.acknowledged + 1, sent));
        }
    }

    fn message(&mut self, outgoing: Outgoing) -> Value {
        match outgoing {
            Outgoing::Watch => json!({"action": "watch", "call": self.script.id}),
            Outgoing::Audio { seq, payload } => {
                json!({"action": "audio", "seq": seq, "data": STANDARD.encode(&payload)})
            }
            Outgoing::Gone { from, to } => {
                self.outcome.excused.push((from, to));
                json!({"action": "gone", "from": from, "to": to})
            }
            Outgoing::Stop { seq } => json!({"action": "stop", "seq": seq}),
        }
    }

    fn hear(&mut self, message: &Value) {
        let number = |name: &str| message[name].as_u64().unwrap() as u32;
        match message["type"].as_str() {
            Some("ack") => {
                self.outcome.acknowledged = self.outcome.acknowledged.max(number("seq"));
                self.outbox.acknowledged(self.now(), number("seq"));
            }
            Some("resend") => self.outbox.resend(self.now(), number("from"), number("to")),
            Some("watching") => self.outbox.watching(),
            Some("call") if message["status"] == "ended" => self.outbox.ended(),
            _ => {}
        }
    }

    async fn look(&mut self) {
        let snapshot = gateway::get(self.stack, &format!("/v1/calls/{}", self.script.id)).await;
        if snapshot.is_some_and(|snapshot| snapshot["call"]["status"] == "ended") {
            self.outbox.ended();
        }
    }
}
