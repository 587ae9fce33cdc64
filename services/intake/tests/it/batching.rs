//! Group commit: many creations, each for itself.

use std::collections::BTreeSet;

use futures::future::join_all;
use lotse_errors::ErrorReason;
use lotse_journal::{bucket_of, lane_of};
use lotse_proto::intake::v1::batch_create_tickets_result::Result as ItemResult;
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::support::{Suite, fields, from, mail, migrations, nowhere, reason};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn of_fifty_concurrent_creations_one_bad_one_fails_alone(db: TestDb) {
        let suite = Suite::new(&db).await;
        suite.create(CreateTicketRequest { external_id: "taken".to_owned(), ..mail("Here before") }).await;
        let requests = (0..50).map(|index| CreateTicketRequest {
            request_id: format!("r{index}"),
            external_id: if index == 17 { "taken".to_owned() } else { format!("x{index}") },
            requester: Some(from(&format!("person{}", index % 7))),
            body: format!("body {index}"),
            ..mail(&format!("Ticket {index}"))
        });
        let outcomes = join_all(requests.map(|request| suite.try_create(request))).await;
        let mut numbers = BTreeSet::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(ticket) => {
                    assert_eq!(ticket.subject, format!("Ticket {index}"), "each caller gets its own");
                    assert!(numbers.insert(ticket.number));
                    let history = suite.history(&ticket.id).await;
                    assert_eq!(history.len(), 2);
                    assert_eq!(history[0].cause, format!("r{index}"), "each event names its own cause");
                }
                Err(refused) => {
                    assert_eq!(index, 17);
                    assert_eq!(reason(&refused), ErrorReason::ResourceExists);
                }
            }
        }
        assert_eq!(numbers.len(), 49);
        let all = suite.list("", "").await;
        assert_eq!(all.len(), 50);
        // One transaction stays in one lane of sixteen: alone, they would be in nearly all of them.
        let lanes: BTreeSet<u8> = all.iter().map(|one| lane_of(bucket_of(&one.id))).collect();
        assert!(lanes.len() < 10, "they went together: {lanes:?}");
        let people: BTreeSet<&str> = all.iter().map(|one| one.requester_id.as_str()).collect();
        assert_eq!(people.len(), 8, "seven persons and Ann");
    }

    async fn the_same_request_at_the_same_time_makes_one_ticket(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest { request_id: "same".to_owned(), ..mail("Only once") };
        let impatient = join_all((0..8).map(|_| suite.try_create(request.clone()))).await;
        let ids: BTreeSet<String> = impatient.into_iter().map(|ticket| ticket.unwrap().id).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(suite.list("", "").await.len(), 1);
    }

    async fn a_batch_answers_item_by_item(db: TestDb) {
        let suite = Suite::new(&db).await;
        let stranger = nowhere().replace("tkt_", "req_");
        let requests = vec![
            CreateTicketRequest { request_id: "a".to_owned(), ..mail("Good one") },
            CreateTicketRequest { channel: 0, ..mail("") },
            CreateTicketRequest { requester: Some(Requester::RequesterId(stranger)), ..mail("From a stranger") },
            CreateTicketRequest { request_id: "b".to_owned(), ..mail("Another good one") },
        ];
        let request = BatchCreateTicketsRequest { requests };
        let answer = suite.tickets().batch_create_tickets(request.clone()).await.unwrap().into_inner();
        let [first, invalid, stranger, last] = &answer.results[..] else { panic!("{answer:?}") };
        let created = |item: &BatchCreateTicketsResult| match &item.result {
            Some(ItemResult::Created(created)) => created.ticket.clone().unwrap(),
            other => panic!("{other:?}"),
        };
        let failed = |item: &BatchCreateTicketsResult| match &item.result {
            Some(ItemResult::Error(error)) => error.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(created(first).subject, "Good one");
        assert_eq!(created(last).subject, "Another good one");
        let invalid = failed(invalid);
        assert_eq!((invalid.code, invalid.reason()), (Code::InvalidArgument as i32, ErrorReason::InvalidField));
        let named: Vec<_> = invalid.field_violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(named, ["subject", "channel"]);
        assert_eq!(failed(stranger).reason(), ErrorReason::ResourceNotFound);

        let again = suite.tickets().batch_create_tickets(request).await.unwrap().into_inner();
        assert_eq!(created(&again.results[0]), created(first));
        assert_eq!(suite.list("", "").await.len(), 2);
    }

    async fn an_empty_or_too_large_batch_is_refused_as_a_whole(db: TestDb) {
        let suite = Suite::new(&db).await;
        for count in [0, 501] {
            let request = BatchCreateTicketsRequest { requests: vec![CreateTicketRequest::default(); count] };
            let refused = suite.tickets().batch_create_tickets(request).await.unwrap_err();
            assert_eq!(fields(&refused)[0].0, "requests");
        }
    }
}
