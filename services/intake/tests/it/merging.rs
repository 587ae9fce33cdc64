//! MergeTickets.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::{AuthorKind, TicketStatus};
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::event::Body;
use lotse_testkit::TestDb;
use tonic::{Code, Status};

use crate::support::{Suite, fields, mail, migrations, nowhere, reason, status};

async fn merge(suite: &Suite, source: &str, target: &str) -> Result<MergeTicketsResponse, Status> {
    let request = MergeTicketsRequest {
        source_ticket_id: source.to_owned(),
        target_ticket_id: target.to_owned(),
        ..MergeTicketsRequest::default()
    };
    Ok(suite.tickets().merge_tickets(request).await?.into_inner())
}

async fn bodies(suite: &Suite, ticket: &str) -> Vec<String> {
    let request = ListMessagesRequest {
        ticket_id: ticket.to_owned(),
        ..ListMessagesRequest::default()
    };
    let found = suite.tickets().list_messages(request).await.unwrap();
    let messages = found.into_inner().messages.into_iter();
    messages.map(|message| message.body).collect()
}

fn asked(subject: &str, body: &str) -> CreateTicketRequest {
    CreateTicketRequest {
        body: body.to_owned(),
        ..mail(subject)
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_source_is_closed_and_its_words_stand_on_the_target(db: TestDb) {
        let suite = Suite::new(&db).await;
        let target = suite.create(asked("One", "first")).await;
        suite.pass(Duration::from_secs(1)).await;
        let source = suite.create(asked("Two", "second")).await;
        suite.pass(Duration::from_secs(1)).await;
        suite.says(&target.id, AuthorKind::Human, "third").await;
        let merged = merge(&suite, &source.id, &target.id).await.unwrap();
        let (gone, stays) = (merged.source.unwrap(), merged.target.unwrap());
        assert_eq!((status(&gone), &gone.merged_into), (TicketStatus::Closed, &target.id));
        assert_eq!(gone.solved_at, None, "nobody has answered it");
        assert!(gone.closed_at.is_some());
        assert_eq!((status(&stays), stays.merged_into.as_str()), (TicketStatus::Open, ""));
        assert_eq!(suite.get(&source.id).await, gone);
        assert_eq!(suite.get(&target.id).await, stays);
        assert_eq!(bodies(&suite, &target.id).await, ["first", "second", "third"]);
        assert_eq!(bodies(&suite, &source.id).await, [""; 0]);
        let last = suite.history(&source.id).await.pop().unwrap().body;
        let Some(Body::TicketMerged(told)) = last else { panic!("{last:?}") };
        assert_eq!(told.into_ticket_id, target.id);
        let last = suite.history(&target.id).await.pop().unwrap().body;
        let Some(Body::TicketAbsorbed(told)) = last else { panic!("{last:?}") };
        assert_eq!(told.source_ticket_id, source.id);
    }

    async fn what_is_written_to_a_merged_ticket_goes_to_the_end_of_its_chain(db: TestDb) {
        let suite = Suite::new(&db).await;
        let mut chain = Vec::new();
        for subject in ["a", "b", "c", "d"] {
            chain.push(suite.create(mail(subject)).await.id);
        }
        merge(&suite, &chain[0], &chain[1]).await.unwrap();
        merge(&suite, &chain[1], &chain[2]).await.unwrap();
        // Into a ticket that went itself: into where it ended.
        let merged = merge(&suite, &chain[3], &chain[0]).await.unwrap();
        assert_eq!(merged.target.unwrap().id, chain[2]);
        for author in [AuthorKind::Requester, AuthorKind::Human, AuthorKind::Automation] {
            let said = suite.says(&chain[0], author, "hello").await;
            assert_eq!(said.ticket.unwrap().id, chain[2], "{author:?}");
        }
        assert_eq!(bodies(&suite, &chain[2]).await, ["hello"; 3]);
    }

    async fn what_cannot_be_merged_is_refused_by_name(db: TestDb) {
        let suite = Suite::new(&db).await;
        let one = suite.create(mail("one")).await.id;
        let other = suite.create(mail("other")).await.id;
        let closed = suite.create(mail("closed")).await.id;
        for verb in ["solve", "close"] {
            suite.does(verb, &closed).await;
        }
        let refused = merge(&suite, &one, &one).await.unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::InvalidField);
        assert_eq!(fields(&refused)[0].0, "target_ticket_id");
        for (source, target) in [(&closed, &one), (&one, &closed)] {
            let refused = merge(&suite, source, target).await.unwrap_err();
            assert_eq!(reason(&refused), ErrorReason::IllegalTransition);
        }
        let refused = merge(&suite, &one, &nowhere()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        merge(&suite, &one, &other).await.unwrap();
        let again = merge(&suite, &one, &other).await.unwrap_err();
        assert_eq!(reason(&again), ErrorReason::IllegalTransition);
        // The other way round leads back to itself.
        let circle = merge(&suite, &other, &one).await.unwrap_err();
        assert_eq!(reason(&circle), ErrorReason::InvalidField);
        // Also for who may reopen what is closed.
        let reopened = suite.verb("reopen", &one, "").await.unwrap_err();
        assert_eq!(reason(&reopened), ErrorReason::IllegalTransition);
    }

    async fn a_merge_is_done_once_and_of_the_version_that_was_seen(db: TestDb) {
        let suite = Suite::new(&db).await;
        let target = suite.create(mail("target")).await;
        let source = suite.create(mail("source")).await;
        let request = MergeTicketsRequest {
            request_id: "m".to_owned(),
            source_ticket_id: source.id.clone(),
            target_ticket_id: target.id.clone(),
            etag: source.etag.clone(),
        };
        suite.does("resume", &source.id).await;
        let stale = suite.tickets().merge_tickets(request.clone()).await.unwrap_err();
        assert_eq!(reason(&stale), ErrorReason::StaleEtag);
        let etag = suite.get(&source.id).await.etag;
        let request = MergeTicketsRequest { etag, ..request };
        let first = suite.tickets().merge_tickets(request.clone()).await.unwrap().into_inner();
        let again = suite.tickets().merge_tickets(request).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!(again.source.unwrap().subject, "source");
        let merges = suite.history(&source.id).await;
        let merged = |event: &&_| matches!(lotse_proto::journal::v1::Event::clone(event).body, Some(Body::TicketMerged(_)));
        assert_eq!(merges.iter().filter(merged).count(), 1);
    }

    async fn a_solved_ticket_that_was_merged_does_not_close_itself(db: TestDb) {
        let suite = Suite::new(&db).await;
        let target = suite.create(mail("target")).await.id;
        let source = suite.create(mail("source")).await.id;
        suite.does("solve", &source).await;
        merge(&suite, &source, &target).await.unwrap();
        suite.pass(30 * crate::support::DAY).await;
        let closed = |event: &_| matches!(lotse_proto::journal::v1::Event::clone(event).body, Some(Body::TicketStatusChanged(_)));
        let changes = suite.history(&source).await;
        assert_eq!(changes.iter().filter(|event| closed(event)).count(), 1, "it was solved");
    }
}
