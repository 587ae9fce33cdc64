//! Every verb in every status.

use futures::future::join_all;
use lotse_errors::ErrorReason;
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::common::v1::TicketStatus::{Closed, New, OnHold, Open, Pending, Solved};
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_testkit::TestDb;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{DAY, Suite, changes, fields, mail, migrations, reason, status};

/// A fresh ticket in a status.
async fn in_status(suite: &Suite, wanted: TicketStatus) -> Ticket {
    let path: &[&str] = match wanted {
        New => &[],
        Open => &["resume"],
        Pending => &["wait"],
        OnHold => &["hold"],
        Solved => &["solve"],
        Closed => &["solve", "close"],
        TicketStatus::Unspecified => panic!("no status"),
    };
    let mut ticket = suite.create(mail("In a status")).await;
    for verb in path {
        ticket = suite.does(verb, &ticket.id).await;
    }
    assert_eq!(status(&ticket), wanted);
    ticket
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn every_verb_in_every_status_is_done_or_refused_by_name(db: TestDb) {
        let suite = Suite::new(&db).await;
        // `reopen` of a closed ticket is allowed here: the local caller has tickets.import.
        let table = [
            ("wait", "", [Some(Pending), Some(Pending), None, Some(Pending), None, None]),
            ("hold", "vendor", [Some(OnHold), Some(OnHold), Some(OnHold), None, None, None]),
            ("hold", "parts", [Some(OnHold), Some(OnHold), Some(OnHold), Some(OnHold), None, None]),
            ("resume", "", [Some(Open), None, Some(Open), Some(Open), None, None]),
            ("solve", "", [Some(Solved), Some(Solved), Some(Solved), Some(Solved), None, None]),
            ("reopen", "", [None, None, None, None, Some(Open), Some(Open)]),
            ("close", "", [None, None, None, None, Some(Closed), None]),
        ];
        for (verb, why, wanted) in table {
            for (before, after) in [New, Open, Pending, OnHold, Solved, Closed].into_iter().zip(wanted) {
                let ticket = in_status(&suite, before).await;
                match (after, suite.verb(verb, &ticket.id, why).await) {
                    (Some(after), Ok(changed)) => {
                        assert_eq!(status(&changed), after, "{verb} in {before:?}");
                        assert_ne!(changed.etag, ticket.etag);
                        assert_eq!(suite.get(&ticket.id).await, changed);
                        let last = changes(&suite.history(&ticket.id).await).pop().unwrap();
                        assert_eq!((last.0, last.1), (before, after));
                    }
                    (None, Err(refused)) => {
                        assert_eq!(refused.code(), Code::FailedPrecondition, "{verb} in {before:?}");
                        assert_eq!(reason(&refused), ErrorReason::IllegalTransition);
                        let named = before.as_str_name().trim_start_matches("TICKET_STATUS_").to_owned();
                        assert!(refused.message().contains(&named), "{}", refused.message());
                        assert_eq!(refused.get_details_error_info().unwrap().metadata["status"], named);
                        assert_eq!(suite.get(&ticket.id).await, ticket, "nothing has changed");
                    }
                    (wanted, got) => panic!("{verb} in {before:?}: {wanted:?}, {got:?}"),
                }
            }
        }
    }

    async fn a_hold_needs_a_reason_which_is_a_code(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Waits for parts")).await;
        for bad in ["", "waiting for Ann"] {
            let refused = suite.verb("hold", &ticket.id, bad).await.unwrap_err();
            assert_eq!(fields(&refused)[0].0, "reason");
        }
        let held = suite.verb("hold", &ticket.id, "awaiting_parts").await.unwrap();
        assert_eq!(held.hold_reason, "awaiting_parts");
        assert_eq!(suite.does("resume", &ticket.id).await.hold_reason, "");
    }

    async fn times_and_counts_follow_the_life(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("There and back")).await;
        suite.pass(DAY).await;
        let solved = suite.does("solve", &ticket.id).await;
        assert_eq!(solved.solved_at, solved.status_changed_at);
        assert!(solved.closes_at.is_some());
        let open = suite.does("reopen", &ticket.id).await;
        assert_eq!((open.solved_at, open.closes_at, open.reopen_count), (None, None, 1));
        let again = suite.does("solve", &ticket.id).await;
        let closed = suite.does("close", &ticket.id).await;
        assert_eq!(closed.solved_at, again.solved_at);
        assert_eq!(closed.closed_at, closed.status_changed_at);
        let episodes: Vec<(Change, u32)> = suite
            .history(&ticket.id)
            .await
            .into_iter()
            .filter_map(|event| match event.body {
                Some(Body::TicketStatusChanged(change)) => Some((change.change(), change.episode)),
                _ => None,
            })
            .collect();
        let wanted = [(Change::Solved, 0), (Change::Reopened, 1), (Change::Solved, 1), (Change::Closed, 1)];
        assert_eq!(episodes, wanted);
    }

    async fn a_stale_etag_is_aborted(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Read twice")).await;
        let request = SolveTicketRequest {
            ticket_id: ticket.id.clone(),
            etag: ticket.etag.clone(),
            ..SolveTicketRequest::default()
        };
        suite.does("resume", &ticket.id).await;
        let refused = suite.tickets().solve_ticket(request.clone()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::Aborted, ErrorReason::StaleEtag));
        let fresh = SolveTicketRequest { etag: suite.get(&ticket.id).await.etag, ..request };
        suite.tickets().solve_ticket(fresh).await.unwrap();
    }

    async fn of_concurrent_changes_each_sees_the_one_before(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Everybody solves it")).await;
        let outcomes = join_all((0..8).map(|_| suite.verb("solve", &ticket.id, ""))).await;
        let (solved, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(solved.len(), 1);
        for refused in refused.into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused), ErrorReason::IllegalTransition);
        }
        assert_eq!(changes(&suite.history(&ticket.id).await).len(), 1);
    }

    async fn a_repeated_verb_is_done_once(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Solved once")).await;
        let request = SolveTicketRequest {
            request_id: "s1".to_owned(),
            ticket_id: ticket.id.clone(),
            ..SolveTicketRequest::default()
        };
        let first = suite.tickets().solve_ticket(request.clone()).await.unwrap().into_inner();
        suite.does("close", &ticket.id).await;
        let second = suite.tickets().solve_ticket(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(first.ticket.unwrap().subject, "Solved once");
        let other = SolveTicketRequest { reason: "other".to_owned(), ..request };
        let refused = suite.tickets().solve_ticket(other).await.unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::RequestIdReused);
        let events = suite.history(&ticket.id).await;
        assert_eq!(changes(&events).len(), 2);
        assert_eq!(events[1].cause, "s1");
    }
}
