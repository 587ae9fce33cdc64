//! Automatic closing.

use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_intake::Config;
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_testkit::{InProcess, TestDb};

use crate::support::{DAY, START, Suite, at, changes, mail, migrations, service, status};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_solved_ticket_closes_when_its_wait_is_over(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Closes itself")).await;
        let solved = suite.does("solve", &ticket.id).await;
        assert_eq!(solved.closes_at, at(START + 4 * DAY));
        suite.pass(4 * DAY - Duration::from_millis(1)).await;
        assert_eq!(status(&suite.get(&ticket.id).await), TicketStatus::Solved);
        suite.pass(DAY).await;
        let closed = suite.get(&ticket.id).await;
        assert_eq!((status(&closed), closed.closed_at), (TicketStatus::Closed, at(START + 4 * DAY)));
        assert_ne!(closed.etag, solved.etag);
        let events = suite.history(&ticket.id).await;
        let last = events.last().unwrap();
        assert_eq!(last.occurred_at, at(START + 4 * DAY));
        assert!(matches!(&last.body, Some(Body::TicketStatusChanged(change)) if change.change() == Change::ClosedByTimer));
    }

    async fn reopening_takes_the_timer_back_and_solving_again_starts_it_anew(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Not yet")).await;
        suite.does("solve", &ticket.id).await;
        suite.pass(DAY).await;
        suite.does("reopen", &ticket.id).await;
        suite.pass(5 * DAY).await;
        assert_eq!(status(&suite.get(&ticket.id).await), TicketStatus::Open);
        suite.does("solve", &ticket.id).await;
        suite.pass(4 * DAY).await;
        assert_eq!(status(&suite.get(&ticket.id).await), TicketStatus::Closed);
    }

    async fn it_can_be_turned_off(db: TestDb) {
        let suite = Suite::with(&db, Config { close_after_seconds: 0, ..Config::default() }).await;
        let ticket = suite.create(mail("Stays solved")).await;
        let solved = suite.does("solve", &ticket.id).await;
        assert_eq!(solved.closes_at, None);
        suite.pass(400 * DAY).await;
        assert_eq!(status(&suite.get(&ticket.id).await), TicketStatus::Solved);
    }

    async fn a_new_process_closes_late_what_ended_while_none_ran(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Survives a restart")).await;
        suite.does("solve", &ticket.id).await;
        drop(suite);
        let clock = BusinessClock::manual(START + 10 * DAY);
        let (service, journal) = service(&db, &clock, Config::default()).await;
        let served = InProcess::new(clock.clone(), vec![service]);
        served.settle().await;
        let suite = Suite { clock, journal, served };
        let changes = changes(&suite.history(&ticket.id).await);
        assert_eq!(changes.last().unwrap().2, 4 * 86_400_000, "when the wait ended, not when it was noticed");
        assert_eq!(changes.len(), 2);
    }
}
