//! `lotse sla verify`, without the program around it.

use std::time::Duration;

use lotse_db::Db;
use lotse_journal::{Draft, bucket_of};
use lotse_proto::common::v1::{AuthorKind, Priority, SlaMetric, TicketStatus, Visibility};
use lotse_sla::app::differences::Difference;
use lotse_sla::app::verify::{Report, Verifier};
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::suite::{MONDAY_NINE, Suite, message, migrations, reply, status};

const MINUTE: Duration = Duration::from_secs(60);

/// Checks the whole database, or one ticket.
pub(crate) async fn verify(db: &Db, ticket: Option<&str>) -> (Report, Vec<Difference>) {
    let mut differences = Vec::new();
    let mut tell = |difference: &Difference| differences.push(difference.clone());
    let report = Verifier::new(db.clone())
        .verify(ticket, &mut tell)
        .await
        .unwrap();
    assert_eq!(report.differences, differences.len() as u64);
    (report, differences)
}

/// Three tickets with warnings, a breach, a pause, a reopening, mail that came late and took a
/// breach back.
async fn lived(suite: &mut Suite) -> Vec<String> {
    let promises = [
        (SlaMetric::FirstReply, 600),
        (SlaMetric::NextReply, 900),
        (SlaMetric::RequesterWait, 7_200),
        (SlaMetric::Idle, 1_200),
    ];
    suite.promise("p", &promises).await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(suite.ticket(Priority::Normal).await);
    }
    let [first, second, third] = [0, 1, 2].map(|index: usize| tickets[index].clone());
    let wrote = |at| message(AuthorKind::Requester, Visibility::Public, at);
    suite.served.advance(5 * MINUTE).await;
    suite
        .emit(vec![Draft::ticket(&first, reply(suite.clock.now()))])
        .await;
    suite.served.advance(20 * MINUTE).await;
    suite
        .emit(vec![Draft::ticket(
            &second,
            status(TicketStatus::Pending, "agt_1"),
        )])
        .await;
    // It was answered in time; the mail took its way.
    let early = MONDAY_NINE + 2 * MINUTE;
    suite
        .emit(vec![Draft::ticket(&third, reply(early)).at(early)])
        .await;
    suite.served.advance(30 * MINUTE).await;
    suite
        .emit(vec![Draft::ticket(
            &second,
            wrote(suite.clock.now() - MINUTE),
        )])
        .await;
    suite
        .emit(vec![Draft::ticket(
            &first,
            status(TicketStatus::Solved, "agt_1"),
        )])
        .await;
    suite.served.advance(30 * MINUTE).await;
    suite
        .emit(vec![Draft::ticket(&first, wrote(suite.clock.now()))])
        .await;
    suite
        .emit(vec![Draft::ticket(&first, status(TicketStatus::Open, ""))])
        .await;
    suite.served.advance(120 * MINUTE).await;
    tickets
}

async fn execute(suite: &Suite, sql: String) {
    let statement = Statement::from_string(suite.db.backend(), sql);
    let done = suite.db.in_tx(|tx| {
        let statement = statement.clone();
        async move { tx.execute_raw(statement).await }
    });
    assert_eq!(done.await.unwrap().rows_affected(), 1);
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_clean_database_has_no_differences(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        let (report, differences) = verify(&suite.db, None).await;
        assert_eq!(differences, []);
        assert_eq!((report.tickets, report.waiting), (3, 0));
        assert_eq!(report.events, suite.told().await.len() as u64);
        let (one, _) = verify(&suite.db, Some(&tickets[1])).await;
        assert_eq!(one.tickets, 1);
        assert_eq!(one.clocks, suite.clocks(&tickets[1]).await.len() as u64);
    }

    async fn what_the_service_has_not_read_yet_is_no_difference(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        suite.emit(vec![Draft::ticket(&tickets[2], status(TicketStatus::Solved, ""))]).await;
        assert_eq!(verify(&suite.db, None).await.1, []);
    }

    async fn one_flipped_millisecond_is_found(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        let clock = suite.clocks(&tickets[0]).await.into_iter().find(|clock| clock.due_at.is_some());
        let id = clock.unwrap().id;
        execute(&suite, format!("UPDATE sla_clocks SET due_at = due_at + 1 WHERE id = '{id}'")).await;
        let (_, differences) = verify(&suite.db, None).await;
        let [found] = &differences[..] else { panic!("{differences:?}") };
        assert_eq!((found.ticket_id.as_str(), found.field.as_str()), (tickets[0].as_str(), "due_at"));
        assert!(found.clock.starts_with(&id), "{found}");
        assert_ne!(found.stored, found.recomputed);
        assert_eq!(verify(&suite.db, Some(&tickets[1])).await.1, []);
    }

    async fn a_missing_event_is_found(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        let told = suite.told().await;
        let (warning, _) = told
            .iter()
            .find(|(event, changed)| event.key == tickets[1] && changed.warned_percent == 50)
            .unwrap();
        let (bucket, position) = (warning.bucket, warning.position);
        execute(&suite, format!("DELETE FROM journal WHERE bucket = {bucket} AND position = {position}")).await;
        let (_, differences) = verify(&suite.db, None).await;
        let fields: Vec<_> = differences.iter().map(|one| (one.ticket_id.as_str(), one.field.as_str())).collect();
        let gap = format!("events of bucket {bucket}");
        assert_eq!(fields, [(tickets[1].as_str(), "event"), ("", gap.as_str())]);
    }

    async fn a_fact_that_is_gone_is_found_in_what_followed_from_it(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        let bucket = bucket_of(&tickets[0]);
        // The first reply to the first ticket: messages have the kind 23.
        execute(&suite, format!(
            "DELETE FROM journal WHERE bucket = {bucket} AND position = (SELECT MIN(position) \
             FROM journal WHERE bucket = {bucket} AND key = '{}' AND kind = 23)", tickets[0],
        )).await;
        let (_, differences) = verify(&suite.db, Some(&tickets[0])).await;
        assert!(differences.iter().any(|one| one.clock.contains("first_reply")), "{differences:?}");
    }

    async fn a_ticket_that_was_never_kept_and_clocks_of_none_are_found(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let tickets = lived(&mut suite).await;
        execute(&suite, format!("DELETE FROM sla_tickets WHERE ticket_id = '{}'", tickets[2])).await;
        let (report, differences) = verify(&suite.db, None).await;
        let found: Vec<_> = differences
            .iter()
            .map(|one| (one.ticket_id.as_str(), one.field.as_str(), one.stored.as_str()))
            .collect();
        let lost = tickets[2].as_str();
        assert_eq!(found, [(lost, "ticket", "clocks without it"), (lost, "ticket", "nothing")]);
        assert_eq!(report.tickets, 2);
    }
}
