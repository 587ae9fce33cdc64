//! Messages and what they do.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_ids::AgentId;
use lotse_proto::common::v1::{AuthorKind, TicketStatus, Visibility};
use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::support::{
    DAY, START, Suite, changes, fields, mail, message, migrations, reason, status,
};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn messages_are_listed_by_arrival_with_their_words(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(CreateTicketRequest { body: "First".to_owned(), ..mail("A talk") }).await;
        for body in ["Second", "Third", "Fourth"] {
            suite.pass(Duration::from_secs(60)).await;
            suite.says(&ticket.id, AuthorKind::Human, body).await;
        }
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListMessagesRequest { ticket_id: ticket.id.clone(), page_size: 3, page_token };
            let page = suite.tickets().list_messages(request).await.unwrap().into_inner();
            seen.extend(page.messages.into_iter().map(|message| message.body));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["First", "Second", "Third", "Fourth"]);
    }

    async fn the_first_human_reply_takes_a_ticket_up(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Please help")).await;
        let note = AddMessageRequest {
            visibility: Visibility::Internal.into(),
            ..message(&ticket.id, AuthorKind::Human, "Looks like the VPN")
        };
        let noted = suite.tickets().add_message(note).await.unwrap().into_inner();
        assert_eq!(noted.ticket.unwrap().etag, ticket.etag, "a note changes nothing");
        let bot = suite.says(&ticket.id, AuthorKind::Bot, "We are on it").await;
        assert_eq!(status(&bot.ticket.unwrap()), TicketStatus::New);
        let agent = AgentId::generate(START).to_string();
        let mut reply = message(&ticket.id, AuthorKind::Human, "Hello, which floor?");
        reply.author.as_mut().unwrap().id.clone_from(&agent);
        let replied = suite.tickets().add_message(reply).await.unwrap().into_inner();
        assert_eq!(status(&replied.ticket.unwrap()), TicketStatus::Open);
        assert_eq!(replied.message.unwrap().author.unwrap().id, agent);
    }

    async fn the_requester_ends_the_wait_at_the_arrival(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("We ask back")).await;
        suite.does("wait", &ticket.id).await;
        suite.pass(Duration::from_secs(3_600)).await;
        let late = AddMessageRequest {
            occurred_at: crate::support::at(START + Duration::from_secs(600)),
            ..message(&ticket.id, AuthorKind::Requester, "Floor 3")
        };
        let answer = suite.tickets().add_message(late).await.unwrap().into_inner();
        let ticket = answer.ticket.unwrap();
        assert_eq!(status(&ticket), TicketStatus::Open);
        assert_eq!(answer.message.unwrap().author.unwrap().id, ticket.requester_id);
        let last = changes(&suite.history(&ticket.id).await).pop().unwrap();
        assert_eq!(last, (TicketStatus::Pending, TicketStatus::Open, 600_000));
    }

    async fn the_requester_reopens_within_the_wait_but_not_by_thanking(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Solved too early")).await;
        suite.does("solve", &ticket.id).await;
        let thanked = suite.says(&ticket.id, AuthorKind::Requester, "Vielen Dank!").await;
        assert_eq!(status(&thanked.ticket.unwrap()), TicketStatus::Solved);
        let complained = suite.says(&ticket.id, AuthorKind::Requester, "Thanks, but it is broken again").await;
        let reopened = complained.ticket.unwrap();
        assert_eq!((status(&reopened), reopened.reopen_count), (TicketStatus::Open, 1));
        assert_eq!(complained.follow_up_ticket_id, "");
    }

    async fn after_the_end_a_message_begins_a_linked_ticket(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(CreateTicketRequest { category: "vpn".to_owned(), ..mail("VPN drops") }).await;
        suite.does("solve", &ticket.id).await;
        suite.does("close", &ticket.id).await;
        let request = AddMessageRequest {
            request_id: "m1".to_owned(),
            ..message(&ticket.id, AuthorKind::Requester, "It drops again")
        };
        let answer = suite.tickets().add_message(request.clone()).await.unwrap().into_inner();
        let next = answer.ticket.clone().unwrap();
        assert_ne!(next.id, ticket.id);
        assert_eq!(answer.follow_up_ticket_id, next.id);
        assert_eq!(answer.message.as_ref().unwrap().ticket_id, next.id);
        assert_eq!((next.follow_up_of.as_str(), next.subject.as_str()), (ticket.id.as_str(), "VPN drops"));
        assert_eq!((status(&next), next.repeat_count), (TicketStatus::New, 1));
        assert_eq!(next.requester_id, ticket.requester_id);
        assert_eq!(status(&suite.get(&ticket.id).await), TicketStatus::Closed);
        let again = suite.tickets().add_message(request).await.unwrap().into_inner();
        assert_eq!(again, answer, "a retry begins no second one");
        assert_eq!(suite.list("", "").await.len(), 2);
        let request = ListMessagesRequest { ticket_id: next.id.clone(), ..ListMessagesRequest::default() };
        let messages = suite.tickets().list_messages(request).await.unwrap().into_inner().messages;
        assert_eq!(messages[0].body, "It drops again");
    }

    async fn a_message_after_the_wait_follows_up_even_if_the_timer_is_late(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Nobody looked")).await;
        suite.does("solve", &ticket.id).await;
        // Time passes without the jobs: as if the process had been down.
        suite.clock.set(START + 5 * DAY).unwrap();
        let answer = suite.says(&ticket.id, AuthorKind::Requester, "Still there").await;
        assert_ne!(answer.follow_up_ticket_id, "");
        let last = changes(&suite.history(&ticket.id).await).pop().unwrap();
        assert_eq!(last, (TicketStatus::Solved, TicketStatus::Closed, 4 * 86_400_000));
        suite.served.settle().await;
        assert_eq!(changes(&suite.history(&ticket.id).await).len(), 2, "the timer finds nothing to do");
    }

    async fn on_a_closed_ticket_only_notes_and_automation_may_write(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Over and done")).await;
        suite.does("solve", &ticket.id).await;
        let closed = suite.does("close", &ticket.id).await;
        let note = AddMessageRequest {
            visibility: Visibility::Internal.into(),
            ..message(&ticket.id, AuthorKind::Human, "For the record")
        };
        suite.tickets().add_message(note).await.unwrap();
        suite.says(&ticket.id, AuthorKind::Automation, "Exported").await;
        assert_eq!(suite.get(&ticket.id).await, closed);
        let request = message(&ticket.id, AuthorKind::Human, "One more thing");
        let refused = suite.tickets().add_message(request).await.unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::IllegalTransition);
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }

    async fn what_is_wrong_with_a_message_is_named(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = AddMessageRequest {
            ticket_id: "x".to_owned(),
            author: Some(Author { kind: AuthorKind::Human.into(), id: "Bob".to_owned() }),
            body: "nul \0".to_owned(),
            ..AddMessageRequest::default()
        };
        let refused = suite.tickets().add_message(request).await.unwrap_err();
        let named: Vec<String> = fields(&refused).into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["ticket_id", "author.id", "visibility", "body"]);
        let ticket = suite.create(mail("Whispers")).await;
        let request = AddMessageRequest {
            visibility: Visibility::Internal.into(),
            ..message(&ticket.id, AuthorKind::Requester, "psst")
        };
        let refused = suite.tickets().add_message(request).await.unwrap_err();
        assert_eq!(fields(&refused)[0].0, "visibility");
    }
}
