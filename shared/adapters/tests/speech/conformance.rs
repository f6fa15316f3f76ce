//! What holds of every provider, whatever its interface: one table for all. Time is the test's own: it goes on by a
//! millisecond whenever all that can go on has, so that pauses cost nothing and their lengths are exact.

use std::time::Duration;

use callboard_adapters::speech::{Config, Secret, connect};
use callboard_domain::speech::{Recognized, SpeechError, SpeechRequest};
use tokio::time::Instant;

use crate::{
    harness::{Outcome, SERVICES, TERM, WORD, ask, ask_with, config, controlled, heard, http, run, service, utterance},
    stub::{Answer, SAID, Stub},
};

#[tokio::test(start_paused = true)]
async fn every_answer_means_the_same_whoever_gives_it() {
    use Answer::{Body, Cut, Large, Status, Text};
    let text_only = Recognized { text: "one two".into(), words: vec![] };
    let no = |status| Status(status, &[]);
    let at_once = |status| Status(status, &[("retry-after", "0")]);
    let in_an_hour = |status| Status(status, &[("retry-after", "3600")]);
    let by_date =
        Status(503, &[("date", "Wed, 11 Nov 2026 10:00:00 GMT"), ("retry-after", "Wed, 11 Nov 2026 10:01:00 GMT")]);
    for service in SERVICES {
        let mut cases = vec![
            (vec![], Outcome::Heard(heard()), 1),
            (vec![Text(" one two ")], Outcome::Heard(text_only.clone()), 1),
            (vec![Text("")], Outcome::Heard(Recognized::default()), 1),
            (vec![Large(5_000_000)], Outcome::Unavailable, 1),
            (vec![at_once(429)], Outcome::Heard(heard()), 2),
            (vec![at_once(503), no(429)], Outcome::Heard(heard()), 3),
            (vec![at_once(429), at_once(429), at_once(429)], Outcome::Busy(Some(0)), 3),
            (vec![no(429), no(503), no(429)], Outcome::Busy(None), 3),
            (vec![in_an_hour(429)], Outcome::Busy(Some(3_600_000)), 1),
            (vec![at_once(429), in_an_hour(503)], Outcome::Busy(Some(3_600_000)), 2),
            (vec![by_date.clone()], Outcome::Busy(Some(60_000)), 1),
            (vec![Cut], Outcome::Heard(heard()), 2),
            (vec![Cut, Cut, Cut], Outcome::Unavailable, 3),
            (vec![no(500), no(401)], Outcome::Unauthorized, 2),
        ];
        for status in [400, 413, 415, 422] {
            cases.push((vec![no(status)], Outcome::Refused, 1));
        }
        for status in [401, 402, 403, 404] {
            cases.push((vec![no(status)], Outcome::Unauthorized, 1));
        }
        for status in [500, 502, 504] {
            cases.push((vec![no(status)], Outcome::Heard(heard()), 2));
        }
        for status in [408, 500, 502, 504] {
            cases.push((vec![no(status); 3], Outcome::Unavailable, service.requests(status)));
        }
        let malformed = ["", "my card", r#"{"text":"my card"#, "[]", "{}", "null", r#""my card""#];
        for body in malformed.iter().chain(service.malformed()) {
            cases.push((vec![Body(body)], Outcome::Unavailable, 1));
        }
        for (script, outcome, requests) in cases {
            let told = format!("{:?} {script:?}", service.provider());
            assert_eq!(controlled(run(service, &script)).await, (outcome, requests), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_service_is_told_what_helps_and_nothing_that_is_not_known() {
    let (terms, context) = ([TERM.to_owned(), WORD.to_owned()], ["Good morning.".to_owned(), SAID.to_owned()]);
    for documented in SERVICES {
        let full = SpeechRequest { language: Some("en-US"), terms: &terms, ..utterance(&[900; 8000]) };
        let (prompt, model) = (Some("A call about a roof."), Some(documented.other_model()));
        let requests = [
            SpeechRequest { context: &context, ..full },
            SpeechRequest { prompt, model, ..full },
            utterance(&[900; 8000]),
        ];
        for (request, expected) in requests.into_iter().zip(documented.expected()) {
            let stub = Stub::start(documented, &[]).await;
            assert_eq!(controlled(service(&stub).transcribe(request)).await, Ok(heard()));
            let seen = stub.seen();
            assert_eq!(documented.told(&seen[0]), expected);
            let audio = documented.audio(&seen[0]);
            assert_eq!(audio.len(), 44 + 2 * 8000);
            assert_eq!(audio[44..46], 900i16.to_le_bytes());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_utterance_is_filled_up_and_no_word_is_later_than_its_end() {
    for documented in SERVICES {
        let stub = Stub::start(documented, &[]).await;
        let recognized = controlled(ask_with(&*service(&stub), &[900; 160])).await.unwrap();
        assert_eq!(recognized.words.len(), heard().words.len());
        assert!(recognized.words.iter().all(|word| word.end_ms <= 10), "{recognized:?}");
        assert_eq!(documented.audio(&stub.seen()[0]).len(), 44 + documented.shortest_ms() * 32);
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_is_given_the_time_it_asked_for() {
    for documented in SERVICES {
        let stub = Stub::start(documented, &[Answer::Status(429, &[("retry-after", "0.7")])]).await;
        assert_eq!(controlled(ask(&*service(&stub))).await, Ok(heard()));
        let seen = stub.seen();
        let waited = seen[1].at - seen[0].at;
        assert!((700..1000).contains(&waited.as_millis()), "{:?}: {waited:?}", documented.provider());
    }
}

#[tokio::test(start_paused = true)]
async fn an_utterance_takes_no_more_than_its_time() {
    let gave_up = SpeechError::Unavailable("no answer within 1500 ms".into());
    let busy = SpeechError::Busy { retry_after_ms: Some(2000) };
    for documented in SERVICES {
        for (script, expected, requests, took_ms) in [
            (&[Answer::Never][..], &gave_up, 1, 1500..1600),
            (&[Answer::Stalled], &gave_up, 1, 1500..1600),
            // With the first try answered, the second has only the rest of the time.
            (&[Answer::Status(500, &[]), Answer::Never], &gave_up, 2, 1500..1600),
            // What the service asks for would end too late: the caller is told at once.
            (&[Answer::Status(429, &[("retry-after", "2")])], &busy, 1, 0..300),
        ] {
            let stub = Stub::start(documented, script).await;
            let timeout = Duration::from_millis(1500);
            let service = connect(Config { timeout, ..config(documented.provider(), &stub.url) }, http()).unwrap();
            let started = Instant::now();
            let told = format!("{:?} {script:?}", documented.provider());
            assert_eq!(controlled(ask(&*service)).await.as_ref(), Err(expected), "{told}");
            assert_eq!(stub.seen().len(), requests, "{told}");
            assert!(took_ms.contains(&started.elapsed().as_millis()), "{told}: {:?}", started.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_absent_service_is_unavailable() {
    for documented in SERVICES {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let service = connect(config(documented.provider(), &url), http()).unwrap();
        let error = controlled(ask(&*service)).await.unwrap_err();
        assert!(matches!(&error, SpeechError::Unavailable(told) if told.contains("refused")), "{error}");
        assert!(!error.to_string().contains(&url), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_a_matter_of_configuration() {
    for documented in SERVICES {
        let stub = Stub::start(documented, &[]).await;
        let api_key = Some(Secret::new("another"));
        let service = connect(Config { api_key, ..config(documented.provider(), &stub.url) }, http()).unwrap();
        assert!(matches!(controlled(ask(&*service)).await, Err(SpeechError::Unauthorized(_))));
        assert_eq!(stub.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_stubs_refuse_what_the_services_refuse() {
    for documented in SERVICES {
        let stub = Stub::start(documented, &[]).await;
        for (number, (change, status)) in documented.unacceptable().into_iter().enumerate() {
            let form = reqwest::multipart::Form::new().text("model", "whisper-1").text("audio", "noise");
            let request = http().post(format!("{}{}", stub.url, documented.route())).multipart(form);
            let answer = controlled(change(request).send()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{:?}, request {number}", documented.provider());
        }
    }
}
