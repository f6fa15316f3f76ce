//! The transcription service stumbles: no word is lost in the end, and none is there twice.

use callboard_tests::{
    audio::{self, Recording},
    dashboard::Dashboard,
    new_call,
    socket::Socket,
    speech::{Fault, Speech},
    stack::Local,
};

use crate::streaming::assert_turns;

struct Played {
    local: Local,
    socket: Socket,
    call: String,
    recording: Recording,
}

impl Played {
    /// Plays a call of four turns whole, and stops it.
    async fn start(speech: &Speech) -> Self {
        let local = Local::start(&speech.url).await;
        let (call, recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3]));
        let mut socket = local.capture(&call).await;
        let last = socket.play(&recording, 200, 1, 20).await;
        socket.stop(last).await;
        Self { local, socket, call, recording }
    }

    async fn assert_whole(mut self, speech: &Speech) {
        self.socket.hear_of("notes").await;
        let rest = self.local.rest("acme-admin");
        assert_turns(&rest.transcript(&self.call).await, &self.recording);
        let known = Dashboard::from_snapshot(&rest.snapshot(&self.call).await);
        assert_eq!(known.status(), "ended");
        self.socket.hear_all(&self.call, &Dashboard::default(), &known).await;
        let told = self.socket.heard.iter().filter(|message| message["type"] == "segment").count();
        assert_eq!(told, self.recording.turns.len(), "each was told once");
        let answered = speech.asked().iter().filter(|asked| asked.status == 200).count();
        assert!(answered >= self.recording.turns.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_service_is_asked_again_when_it_said() {
    let speech = Speech::start();
    speech.fail_next([Fault::Busy(400), Fault::Status(503), Fault::Busy(50)]);
    let played = Played::start(&speech).await;
    played.assert_whole(&speech).await;
    let statuses: Vec<u16> = speech.asked().iter().map(|asked| asked.status).collect();
    assert_eq!(statuses[..3], [429, 503, 429], "all of it was asked of a service that refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_for_a_while_costs_no_word() {
    let speech = Speech::start();
    speech.fail_all(Some(500));
    let played = Played::start(&speech).await;
    // Far more than one request's own retries: the batch itself came again.
    speech.wait_for(10, "ten failed requests", |asked| asked.status == 500).await;
    assert_eq!(played.local.rest("acme-admin").transcript(&played.call).await, []);
    speech.fail_all(None);
    played.assert_whole(&speech).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_crashes_in_the_middle_of_a_call_costs_no_word() {
    let mut speech = Speech::start();
    let local = Local::start(&speech.url).await;
    let (call, recording) = (new_call(), audio::rearranged(&[0, 1, 2, 3]));
    let mut socket = local.capture(&call).await;
    let frames = recording.frames(200);
    let half = frames.len() / 2;
    for (seq, frame) in (0..).zip(&frames[..half]) {
        socket.send(callboard_tests::socket::audio(seq, frame)).await;
    }
    socket.hear_of("segment").await;
    speech.stop();
    for (seq, frame) in (0..).zip(&frames).skip(half) {
        socket.send(callboard_tests::socket::audio(seq, frame)).await;
    }
    socket.stop(u32::try_from(frames.len() - 1).unwrap()).await;
    // The connection lives, and the stack answers, while nothing can be transcribed.
    socket.ping().await;
    assert_eq!(local.rest("acme-admin").snapshot(&call).await["call"]["status"], "live");
    speech.restart();
    Played { local, socket, call, recording }.assert_whole(&speech).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_utterance_that_is_refused_for_good_leaves_its_place_and_the_call_goes_on() {
    let speech = Speech::start();
    speech.fail_next([Fault::Status(400)]);
    let mut played = Played::start(&speech).await;
    played.socket.hear_of("notes").await;
    let snapshot = played.local.rest("acme-admin").snapshot(&played.call).await;
    let segments = snapshot["segments"].as_array().unwrap();
    let finals: Vec<bool> = segments.iter().map(|segment| segment["final"] == true).collect();
    assert_eq!(finals, [false, true, true, true]);
    assert_ne!(segments[0]["text"], played.recording.turns[0].text);
    assert!(segments[0]["start_ms"].as_u64().unwrap().abs_diff(played.recording.turns[0].start_ms) < 500);
    assert_eq!(segments[1]["text"], played.recording.turns[1].text);
}
