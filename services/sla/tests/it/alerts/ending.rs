//! What ends an alert.

use std::time::Duration;

use lotse_journal::{Body, Draft};
use lotse_proto::common::v1::{AuthorKind, SlaMetric, TicketStatus, Visibility};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{AlertState, AlertStepKind};
use lotse_testkit::TestDb;
use lotse_timers::DueRows as _;

use super::stage::{HOUR, MINUTE, SECOND, Stage};
use crate::suite::{MONDAY_NINE, message, migrations, reply, status};

/// What happens on a ticket, and why an alert on its first reply is over then; `None`: it is not.
fn happenings(ada: &str) -> Vec<(&'static str, Body, Option<&'static str>)> {
    let at = MONDAY_NINE + 5 * MINUTE;
    let human = AuthorKind::Human;
    let assigned = |manual| {
        Body::TicketAssigned(journal::TicketAssigned {
            agent_id: ada.to_owned(),
            manual,
            ..Default::default()
        })
    };
    let pending = TicketStatus::Pending;
    let solved = TicketStatus::Solved;
    let transferred = Body::TicketTransferred(journal::TicketTransferred::default());
    let escalated = Body::TicketEscalated(journal::TicketEscalated::default());
    let bot = message(AuthorKind::Bot, Visibility::Public, at);
    let wrote = message(AuthorKind::Requester, Visibility::Public, at);
    let note = message(human, Visibility::Internal, at);
    vec![
        ("a public reply", reply(at), Some("fulfilled")),
        ("a note", note, Some("activity")),
        (
            "a change of status by hand",
            status(pending, ada),
            Some("activity"),
        ),
        ("an assignment by hand", assigned(true), Some("activity")),
        ("a transfer", transferred, Some("activity")),
        ("an escalation", escalated, Some("activity")),
        ("solved by nobody", status(solved, ""), Some("solved")),
        ("an assignment by routing", assigned(false), None),
        ("a change of status by a rule", status(pending, ""), None),
        ("a bot's message", bot, None),
        ("the requester's message", wrote, None),
    ]
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn activity_on_the_ticket_ends_it_and_other_things_do_not(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        let cases = happenings(&ada);
        let mut tickets = Vec::new();
        for _ in &cases {
            tickets.push(stage.ticket(&ada).await);
        }
        stage.until(5 * MINUTE).await;
        for (ticket, (_, body, _)) in tickets.iter().zip(&cases) {
            stage.happens(ticket, body.clone(), "test").await;
        }
        stage.suite.served.settle().await;
        let all = stage.all().await;
        for (ticket, (what, _, wanted)) in tickets.iter().zip(&cases) {
            let alert = all.iter().find(|alert| alert.ticket_id == *ticket).unwrap();
            assert_eq!(alert.resolution, wanted.unwrap_or(""), "{what}");
            let over = alert.state() == AlertState::Resolved;
            assert_eq!(over, wanted.is_some(), "{what}");
            assert_eq!(alert.resolved_at.is_some(), over, "{what}");
        }
        stage.until(HOUR).await;
        let again = stage.told().await.len() - cases.len();
        let open = cases.iter().filter(|case| case.2.is_none()).count();
        assert_eq!(again, open, "only those climb on");
    }

    async fn an_answer_that_nobody_has_read_yet_is_heard_before_the_next_level(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(16 * MINUTE).await;
        let [entry] = &stage.due().due_before(MONDAY_NINE + HOUR, 10).await.unwrap()[..] else {
            panic!("one alert waits");
        };
        // Committed a moment before the next level is due; the consumer does not run before it.
        stage.happens(&ticket, reply(MONDAY_NINE + 16 * MINUTE), "test").await;
        stage.suite.clock.set(MONDAY_NINE + 17 * MINUTE).unwrap();
        stage.due().fire(entry.lane, std::slice::from_ref(entry)).await.unwrap();
        assert_eq!(stage.told().await.len(), 1);
        assert_eq!(stage.alert().await.resolution, "fulfilled");
    }

    async fn late_mail_that_shows_there_was_no_breach_ends_it(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 600, founding).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(11 * MINUTE).await;
        assert_eq!(stage.alert().await.state(), AlertState::Open);
        let in_time = MONDAY_NINE + 9 * MINUTE;
        let draft = Draft::ticket(&ticket, reply(in_time)).at(in_time);
        stage.suite.emit(vec![draft]).await;
        stage.suite.served.settle().await;
        let alert = stage.alert().await;
        assert_eq!((alert.state(), alert.resolution.as_str()), (AlertState::Resolved, "retracted"));
        stage.until(HOUR).await;
        assert_eq!(stage.told().await.len(), 1);
    }

    async fn a_clock_that_is_cancelled_ends_what_its_warning_opened(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.put(founding).await;
        let warned = proto::Reaction {
            metric: SlaMetric::FirstReply.into(),
            at_percent: 50,
            escalation_policy_id: "climb".to_owned(),
            ..Default::default()
        };
        stage.react(&[(SlaMetric::FirstReply, 600)], vec![warned]).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(5 * MINUTE).await;
        let alert = stage.alert().await;
        assert_eq!((alert.at_percent, alert.state()), (50, AlertState::Open));
        let solved = status(TicketStatus::Solved, "");
        stage.happens(&ticket, solved, "test").await;
        stage.suite.served.settle().await;
        assert_eq!(stage.alert().await.resolution, "cancelled");
    }

    async fn what_is_over_by_the_time_it_is_noticed_rings_nobody(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        // Nobody looked for ten minutes; then the answer and the breach are read together.
        stage.suite.clock.set(MONDAY_NINE + 10 * MINUTE).unwrap();
        stage.happens(&ticket, reply(MONDAY_NINE + 10 * MINUTE), "test").await;
        stage.suite.served.settle().await;
        assert_eq!(stage.all().await, []);
        assert_eq!(stage.changes().await, []);
    }

    async fn one_cycle_rings_once_by_each_escalation_policy(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.put(proto::EscalationPolicy { name: "other".to_owned(), ..founding.clone() }).await;
        stage.put(founding).await;
        let at = |at_percent, name: &str| proto::Reaction {
            metric: SlaMetric::Idle.into(),
            at_percent,
            escalation_policy_id: name.to_owned(),
            ..Default::default()
        };
        let reactions = vec![at(50, "climb"), at(75, "other"), at(0, "climb")];
        stage.react(&[(SlaMetric::Idle, 600)], reactions).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(11 * MINUTE).await;
        let at: Vec<_> = stage.all().await.iter().map(|alert| alert.at_percent).collect();
        assert_eq!(at, [50, 75], "the breach by the first policy is the same alert's business");
        // The next cycle is another matter.
        stage.happens(&ticket, reply(MONDAY_NINE + 11 * MINUTE), "test").await;
        stage.until(30 * MINUTE).await;
        assert_eq!(stage.all().await.len(), 4);
        let over = stage.changes().await;
        let over = over.iter().filter(|change| **change == Change::Resolved).count();
        assert_eq!(over, 2);
    }

    async fn one_that_somebody_resolves_by_hand_climbs_no_more(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.ring_on(SlaMetric::FirstReply, 60, founding).await;
        let ada = stage.team.ada.clone();
        stage.ticket(&ada).await;
        stage.until(2 * MINUTE + 30 * SECOND).await;
        let alert_id = stage.alert().await.id;
        let request = proto::ResolveAlertRequest {
            alert_id,
            note: "A duplicate.".to_owned(),
            ..Default::default()
        };
        stage.alerts.resolve_alert(request).await.unwrap();
        stage.until(Duration::from_secs(86_400)).await;
        assert_eq!(stage.told().await.len(), 1);
        let alert = stage.alert().await;
        let last = alert.steps.last().unwrap();
        assert_eq!((last.kind(), last.reason.as_str()), (AlertStepKind::Resolved, "manual"));
        assert_eq!((last.note.as_str(), last.principal.as_str()), ("A duplicate.", "local"));
    }
}
