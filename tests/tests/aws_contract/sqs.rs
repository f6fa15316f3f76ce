//! Queues: what is received is hidden for a while, FIFO groups keep their order, what fails too often is a dead letter.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Attribute};
use callboard_adapters::{
    queue::{AdviceQueue, WorkQueue},
    redrive::Redrive,
};
use callboard_domain::{CallId, OrgId, PlaybookId};
use callboard_tests::{new_call, until};
use callboard_wire::{
    advice::{self, AdviceRequest, Wanted},
    work::{Task, Work},
};
use tokio::time::Instant;

use crate::{
    backend::{Shared, now_ms},
    differences::Difference,
    dynamodb::is_refused,
};

/// A delay as short as queues have them, less what two clocks differ by in their milliseconds.
const A_SECOND: Duration = Duration::from_millis(990);

async fn receive(backend: &Shared, queue: &str, most: i32) -> Vec<Message> {
    let receive = backend.sqs().receive_message().queue_url(queue).max_number_of_messages(most);
    let received = receive.message_system_attribute_names(Attribute::All).send().await.unwrap();
    received.messages.unwrap_or_default()
}

/// One message, as soon as it can be received.
async fn await_one(backend: &Shared, queue: &str) -> Message {
    until("a message", async || receive(backend, queue, 1).await.pop()).await
}

async fn delete(backend: &Shared, queue: &str, message: &Message) {
    let delete = backend.sqs().delete_message().queue_url(queue);
    delete.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn attribute<'a>(message: &'a Message, name: &Attribute) -> &'a str {
    message.attributes().unwrap().get(name).unwrap()
}

fn work(task: Task) -> Work {
    Work::new(&OrgId::parse("acme").unwrap(), &CallId::parse(&new_call()).unwrap(), task, None)
}

pub(crate) async fn visibility(backend: Shared) {
    let url = backend.queue("WorkQueue").await;
    let queue = WorkQueue::new(backend.sqs(), &url);
    assert!(queue.is("arn:aws:sqs:eu-central-1:123456789012:WorkQueue"));
    let sent = work(Task::Plan);
    queue.send(&sent, 0).await.unwrap();
    let first = await_one(&backend, &url).await;
    assert_eq!(first.body(), Some(sent.to_json().as_str()));
    assert_eq!(attribute(&first, &Attribute::ApproximateReceiveCount), "1");
    assert!(attribute(&first, &Attribute::SentTimestamp).parse::<i64>().unwrap() <= now_ms());
    assert!(receive(&backend, &url, 10).await.is_empty());

    // Shown at once, and after a while; the receipt is another one then.
    queue.set_visibility(first.receipt_handle().unwrap(), 0).await.unwrap();
    let second = await_one(&backend, &url).await;
    assert_eq!(attribute(&second, &Attribute::ApproximateReceiveCount), "2");
    let hidden = Instant::now();
    queue.set_visibility(second.receipt_handle().unwrap(), 1).await.unwrap();
    let third = await_one(&backend, &url).await;
    assert!(hidden.elapsed() >= A_SECOND, "{:?}", hidden.elapsed());
    assert_eq!(attribute(&third, &Attribute::ApproximateReceiveCount), "3");
    delete(&backend, &url, &third).await;
    // To delete it twice is no failure.
    delete(&backend, &url, &third).await;
    assert!(receive(&backend, &url, 10).await.is_empty());
}

pub(crate) async fn delays(backend: Shared) {
    let url = backend.queue("WorkQueue").await;
    let (later, now) = (work(Task::Part { part: 1 }), work(Task::Part { part: 2 }));
    let queue = WorkQueue::new(backend.sqs(), &url);
    let sent = Instant::now();
    queue.send(&later, 1).await.unwrap();
    queue.send(&now, 0).await.unwrap();
    let mut found = Vec::new();
    for _ in 0..2 {
        let message = await_one(&backend, &url).await;
        found.push((message.body().unwrap().to_owned(), sent.elapsed()));
        delete(&backend, &url, &message).await;
    }
    // On a busy machine a second may pass before the first is asked for.
    found.sort_by_key(|(body, _)| *body == later.to_json());
    assert_eq!((&found[0].0, &found[1].0), (&now.to_json(), &later.to_json()));
    assert!(found[1].1 >= A_SECOND, "{:?}", found[1].1);

    let began = Instant::now();
    let waiting = backend.sqs().receive_message().queue_url(&url).wait_time_seconds(1).send().await.unwrap();
    assert!(waiting.messages().is_empty());
    assert_eq!(began.elapsed() > Duration::from_millis(500), backend.as_aws(Difference::LongPolling));
}

fn request(call: &str, wanted: Wanted) -> AdviceRequest {
    AdviceRequest {
        version: advice::VERSION,
        org: OrgId::parse("acme").unwrap(),
        call: CallId::parse(call).unwrap(),
        playbook: PlaybookId::parse("sales").unwrap(),
        trace: None,
        wanted,
    }
}

pub(crate) async fn groups_and_duplicates(backend: Shared) {
    let url = backend.queue("AdviceQueue.fifo").await;
    let queue = AdviceQueue::new(backend.sqs(), &url);
    let call = new_call();
    let notes = |basis| request(&call, Wanted::Notes { basis });
    let card = request(&call, Wanted::Card { objection: "price".into(), start_ms: 5 });
    // The same is wanted twice.
    for wanted in [&notes(1), &notes(2), &notes(1), &card, &notes(3)] {
        queue.send(wanted).await.unwrap();
    }
    let first = await_one(&backend, &url).await;
    assert_eq!(first.body(), Some(notes(1).to_json().as_str()));
    assert_eq!(attribute(&first, &Attribute::MessageGroupId), notes(1).group());
    assert_eq!(attribute(&first, &Attribute::MessageDeduplicationId), notes(1).deduplication());
    // While one of a group is worked on, the group waits, and no other does.
    let other = receive(&backend, &url, 10).await;
    assert_eq!(bodies(&other), [card.to_json()]);
    assert!(receive(&backend, &url, 10).await.is_empty());
    // One that is not done comes again before those behind it.
    let show = backend.sqs().change_message_visibility().queue_url(&url).visibility_timeout(0);
    show.set_receipt_handle(first.receipt_handle).send().await.unwrap();
    let again = await_one(&backend, &url).await;
    assert_eq!(again.body(), Some(notes(1).to_json().as_str()));
    delete(&backend, &url, &again).await;
    delete(&backend, &url, &other[0]).await;
    // It is not wanted again within five minutes, though it is done.
    queue.send(&notes(1)).await.unwrap();
    let rest = receive(&backend, &url, 10).await;
    assert_eq!(bodies(&rest)[..2], [notes(2).to_json(), notes(3).to_json()]);
    assert_eq!(rest.len() == 2, backend.as_aws(Difference::Duplicates), "{:?}", bodies(&rest));
    for message in &rest {
        delete(&backend, &url, message).await;
    }
    assert!(receive(&backend, &url, 10).await.is_empty());
}

pub(crate) async fn dead_letters(backend: Shared) {
    let call = new_call();
    let notes = |basis| request(&call, Wanted::Notes { basis });
    for (queue, dead, body) in [
        ("ArchiveQueue", "ArchiveDeadLetterQueue", "an archive".to_owned()),
        ("AdviceQueue.fifo", "AdviceDeadLetterQueue.fifo", notes(1).to_json()),
    ] {
        let rules = backend.template.queues.iter().find(|known| known.name == queue).unwrap();
        let most = rules.redrive.as_ref().unwrap().1;
        let (url, dead) = (backend.queue(queue).await, backend.queue(dead).await);
        if rules.fifo {
            AdviceQueue::new(backend.sqs(), &url).send(&notes(1)).await.unwrap();
        } else {
            backend.sqs().send_message().queue_url(&url).message_body(&body).send().await.unwrap();
        }
        let fail = async |count: u32| {
            let message = await_one(&backend, &url).await;
            assert_eq!(attribute(&message, &Attribute::ApproximateReceiveCount), count.to_string(), "{queue}");
            let show = backend.sqs().change_message_visibility().queue_url(&url).visibility_timeout(0);
            show.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
        };
        for count in 1..=most {
            fail(count).await;
        }
        let until_dead = until("the dead letter", async || {
            assert!(receive(&backend, &url, 1).await.is_empty(), "{queue}");
            receive(&backend, &dead, 1).await.pop()
        });
        let letter = until_dead.await;
        assert_eq!(letter.body(), Some(body.as_str()));
        let show = backend.sqs().change_message_visibility().queue_url(&dead).visibility_timeout(0);
        show.set_receipt_handle(letter.receipt_handle).send().await.unwrap();

        // Taken up again, once, with its group.
        let redrive = Redrive::new(&backend.sdk);
        assert_eq!(redrive.move_messages(&dead, &url, now_ms() + 1_000).await, Ok(1));
        assert_eq!(redrive.move_messages(&dead, &url, now_ms() + 1_000).await, Ok(0));
        let back = await_one(&backend, &url).await;
        assert_eq!((back.body(), attribute(&back, &Attribute::ApproximateReceiveCount)), (Some(body.as_str()), "1"));
        if rules.fifo {
            assert_eq!(attribute(&back, &Attribute::MessageGroupId), notes(1).group());
        }
        delete(&backend, &url, &back).await;
    }
}

pub(crate) async fn refusals(backend: Shared) {
    let url = backend.queue("WorkQueue").await;
    let queue = WorkQueue::new(backend.sqs(), &url);
    let hidden = queue.set_visibility("nonsense", 5).await;
    assert!(is_refused(&hidden, "ReceiptHandleIsInvalid"), "{hidden:?}");
    let absent = WorkQueue::new(backend.sqs(), url.replace("WorkQueue", "NoQueue"));
    let sent = absent.send(&work(Task::Plan), 0).await;
    assert!(is_refused(&sent, "Queue"), "{sent:?}");
    let fifo = backend.queue("AdviceQueue.fifo").await;
    let sent = WorkQueue::new(backend.sqs(), fifo).send(&work(Task::Plan), 0).await;
    assert!(is_refused(&sent, "MissingParameter"), "{sent:?}");
}
