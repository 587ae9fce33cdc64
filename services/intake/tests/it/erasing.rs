//! EraseRequester.

use lotse_errors::ErrorReason;
use lotse_ids::RequesterId;
use lotse_proto::common::v1::AuthorKind;
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::event::Body;
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Status;

use crate::support::{START, Suite, from, mail, message, migrations, reason};

async fn erase(suite: &Suite, id: &str, request_id: &str) -> Result<(u64, u64), Status> {
    let request = EraseRequesterRequest {
        request_id: request_id.to_owned(),
        requester_id: id.to_owned(),
    };
    let erased = suite.requesters().erase_requester(request).await?;
    let EraseRequesterResponse { tickets, messages } = erased.into_inner();
    Ok((tickets, messages))
}

/// A ticket of somebody about whom everything is secret.
fn secret() -> CreateTicketRequest {
    CreateTicketRequest {
        requester: Some(Requester::RequesterProfile(RequesterProfile {
            external_id: "secret id".to_owned(),
            email: "secret@example.com".to_owned(),
            name: "secret name".to_owned(),
            language: "de".to_owned(),
            organisation: "secret organisation".to_owned(),
        })),
        category: "printer".to_owned(),
        body: "secret body".to_owned(),
        ..mail("secret subject")
    }
}

/// Rows of intake's tables in which something secret stands.
async fn told(db: &TestDb) -> usize {
    let conn = db.reader();
    let mut told = 0;
    for sql in [
        "SELECT subject FROM intake_tickets",
        "SELECT body FROM intake_messages",
        "SELECT match_key || external_id || email || name || organisation FROM intake_requesters",
    ] {
        let select = Statement::from_string(conn.get_database_backend(), sql);
        for row in conn.query_all_raw(select).await.unwrap() {
            let text: String = row.try_get_by(0).unwrap();
            told += usize::from(text.contains("secret"));
        }
    }
    told
}

/// Messages erased of a ticket, as its journal tells.
async fn journaled(suite: &Suite, ticket: &str) -> Vec<u64> {
    let events = suite.history(ticket).await.into_iter();
    events
        .filter_map(|event| match event.body {
            Some(Body::TicketErased(erased)) => Some(erased.messages),
            _ => None,
        })
        .collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_erased_requester_leaves_facts_and_no_words(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(secret()).await;
        suite.says(&ticket.id, AuthorKind::Human, "secret: as you wrote, …").await;
        let other = suite.create(CreateTicketRequest { requester: Some(from("bob")), ..mail("Bob's") }).await;
        let aside = AddMessageRequest {
            author: Some(Author { kind: AuthorKind::Requester.into(), id: ticket.requester_id.clone() }),
            ..message(&other.id, AuthorKind::Requester, "secret aside")
        };
        suite.tickets().add_message(aside).await.unwrap();
        assert_eq!(told(&db).await, 5);

        assert_eq!(erase(&suite, &ticket.requester_id, "").await.unwrap(), (2, 3));
        assert_eq!(told(&db).await, 0);
        let after = suite.get(&ticket.id).await;
        assert_ne!(after.etag, ticket.etag);
        assert_eq!((after.number, &after.requester_id), (ticket.number, &ticket.requester_id));
        assert_eq!((after.subject.as_str(), after.category.as_str()), ("", "printer"));
        assert_eq!(suite.get(&other.id).await.subject, "Bob's");
        let request = GetRequesterRequest { requester_id: ticket.requester_id.clone() };
        let nobody = suite.requesters().get_requester(request).await.unwrap().into_inner().requester.unwrap();
        let named = [&nobody.external_id, &nobody.email, &nobody.name, &nobody.language, &nobody.organisation];
        assert!(named.iter().all(|text| text.is_empty()), "{nobody:?}");
        assert_eq!(journaled(&suite, &ticket.id).await, [2]);
        assert_eq!(journaled(&suite, &other.id).await, [1]);
    }

    async fn who_was_erased_and_writes_again_is_somebody_new(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(secret()).await;
        for _ in 0..2 {
            assert_eq!(erase(&suite, &ticket.requester_id, "once").await.unwrap(), (1, 1));
        }
        assert_eq!(erase(&suite, &ticket.requester_id, "").await.unwrap(), (0, 0), "nothing has come since");
        assert_eq!(journaled(&suite, &ticket.id).await, [1]);
        let again = suite.create(secret()).await;
        assert_ne!(again.requester_id, ticket.requester_id);
        assert_eq!(again.repeat_of, "");
        // What is still written on the old ticket is erased by the next call.
        suite.says(&ticket.id, AuthorKind::Human, "another word").await;
        assert_eq!(erase(&suite, &ticket.requester_id, "").await.unwrap(), (1, 1));
        assert_eq!(journaled(&suite, &ticket.id).await, [1, 1]);
    }

    async fn nobody_cannot_be_erased(db: TestDb) {
        let suite = Suite::new(&db).await;
        let nobody = erase(&suite, RequesterId::generate(START).as_str(), "").await.unwrap_err();
        assert_eq!(reason(&nobody), ErrorReason::ResourceNotFound);
        let damaged = erase(&suite, "ann", "").await.unwrap_err();
        assert_eq!(reason(&damaged), ErrorReason::InvalidField);
    }
}
