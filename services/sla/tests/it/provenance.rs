//! What a ticket goes by is journaled, as the answer to what changed it.

use lotse_journal::{Body, Draft, Recorded};
use lotse_proto::common::v1::{Channel, Priority, SlaMetric, TicketStatus};
use lotse_proto::journal::v1::{PlanChosen, TicketUpdated};
use lotse_testkit::TestDb;

use crate::suite::{MONDAY_NINE, Suite, created, migrations, status};

/// All events of a ticket.
async fn history(suite: &Suite, ticket: &str) -> Vec<Recorded> {
    suite.journal.read_key(ticket, 0, 1_000).await.unwrap().0
}

/// The plans chosen, each with what it answers.
fn plans(history: &[Recorded]) -> Vec<(Body, PlanChosen)> {
    let answered = |cause: &str| {
        let found = history.iter().find(|event| event.reference() == cause);
        found.unwrap().body.clone()
    };
    let plan = |event: &Recorded| match &event.body {
        Body::PlanChosen(chosen) => Some((answered(&event.cause), chosen.clone())),
        _ => None,
    };
    history.iter().filter_map(plan).collect()
}

fn prioritised(priority: Priority) -> Body {
    Body::TicketUpdated(TicketUpdated {
        changed: vec!["priority".to_owned()],
        priority: priority.into(),
        ..Default::default()
    })
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn each_plan_answers_the_event_that_led_to_it_also_within_one_batch(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 60), (SlaMetric::Idle, 60)]).await;
        let ticket = lotse_ids::TicketId::generate(suite.clock.now()).to_string();
        let events = [
            created(Priority::Normal, Channel::Email),
            prioritised(Priority::High),
            status(TicketStatus::Open, ""),
            // Nothing that a plan goes by.
            prioritised(Priority::High),
        ];
        suite.emit(events.iter().map(|body| Draft::ticket(&ticket, body.clone())).collect()).await;
        suite.served.settle().await;
        let history = history(&suite, &ticket).await;
        let plans = plans(&history);
        let told: Vec<_> = plans
            .iter()
            .map(|(answered, chosen)| (answered, chosen.policy_version, chosen.priority(), chosen.reason.as_str()))
            .collect();
        assert_eq!(told, [
            (&events[0], 1, Priority::Normal, ""),
            (&events[1], 1, Priority::High, "priority_changed"),
        ]);
        assert!(plans.iter().all(|(_, chosen)| chosen.policy_id.starts_with("pol_")), "{plans:?}");
        // No lag: every consumer has passed over its own.
        let status = suite.journal.status().await.unwrap();
        assert!(status.iter().all(|consumer| consumer.lag() == 0), "{status:?}");
    }

    async fn a_ticket_without_a_policy_has_no_plan_to_tell(db: TestDb) {
        let Some(suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let ticket = suite.ticket(Priority::Normal).await;
        assert_eq!(plans(&history(&suite, &ticket).await), []);
    }
}
