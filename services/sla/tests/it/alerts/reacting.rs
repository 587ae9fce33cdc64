//! What reactions do to tickets.

use lotse_errors::{Error, ErrorReason};
use lotse_journal::Body;
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric};
use lotse_proto::journal::v1 as journal;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::{HandOn, ReactionActionState};
use lotse_testkit::TestDb;

use super::stage::{CLIMB, HOUR, MINUTE, SECOND, Stage};
use crate::suite::{MONDAY_NINE, migrations, reply};

fn raise(at_percent: u32, to: Priority) -> proto::Reaction {
    proto::Reaction {
        metric: SlaMetric::FirstReply.into(),
        at_percent,
        raise_priority_to: to.into(),
        ..Default::default()
    }
}

fn hand_on(how: HandOn) -> proto::Reaction {
    proto::Reaction {
        metric: SlaMetric::FirstReply.into(),
        hand_on: how.into(),
        ..Default::default()
    }
}

fn raised(priority: Priority) -> Body {
    Body::TicketUpdated(journal::TicketUpdated {
        changed: vec!["priority".to_owned()],
        priority: priority.into(),
        ..Default::default()
    })
}

const TARGET: [(SlaMetric, u64); 1] = [(SlaMetric::FirstReply, 600)];

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_warning_raises_the_priority_and_a_breach_hands_the_ticket_on(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let reactions = vec![raise(50, Priority::High), hand_on(HandOn::Escalate)];
        stage.react(&TARGET, reactions).await;
        let ticket = stage.ticket("").await;
        stage.until(5 * MINUTE).await;
        let action = stage.actions().await.remove(0);
        assert_eq!(action.state(), ReactionActionState::Done);
        assert_eq!((&action.ticket_id, action.at_percent), (&ticket, 50));
        stage.until(HOUR).await;
        let clock = stage.suite.clocks(&ticket).await.remove(0).id;
        let id = |at: u32, what: &str| format!("sla-reaction:{clock}:{at}:{what}");
        assert_eq!(stage.world.lock().done, [
            [id(50, "raise_priority"), "PRIORITY_HIGH".to_owned(), String::new()],
            [id(0, "escalate"), "escalate".to_owned(), String::new()],
        ]);
        assert_eq!(stage.all().await, [], "nobody asked for an alert");
    }

    async fn a_ticket_goes_back_to_the_queue_of_its_group_or_of_the_one_named(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let group = stage.team.group.clone();
        stage.react(&TARGET, vec![hand_on(HandOn::Requeue)]).await;
        stage.ticket("").await;
        stage.until(HOUR).await;
        assert_eq!(stage.world.lock().done[0][1..], ["requeue".to_owned(), group]);
    }

    async fn a_ticket_that_is_urgent_already_or_solved_is_left_alone(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        stage.react(&TARGET, vec![raise(0, Priority::High)]).await;
        stage.world.lock().priority = Priority::Urgent.into();
        stage.ticket("").await;
        stage.until(HOUR).await;
        let action = stage.actions().await.remove(0);
        assert_eq!(action.state(), ReactionActionState::Dropped);
        assert_eq!(action.error, "the ticket is as urgent already");
        assert_eq!(stage.world.lock().done.len(), 0);

        stage.world.lock().away = true;
        stage.world.lock().priority = Priority::Low.into();
        let ticket = stage.ticket("").await;
        stage.until(HOUR + 10 * MINUTE + SECOND).await;
        let solved = crate::suite::status(lotse_proto::common::v1::TicketStatus::Solved, "");
        stage.happens(&ticket, solved, "test").await;
        stage.world.lock().away = false;
        stage.until(2 * HOUR).await;
        let action = stage.actions().await.remove(0);
        assert_eq!((action.ticket_id, action.error.as_str()), (ticket, "the ticket is solved"));
        assert_eq!(stage.world.lock().done.len(), 0);
    }

    async fn a_service_that_is_away_is_tried_again_and_a_lost_answer_does_nothing_twice(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        stage.react(&TARGET, vec![hand_on(HandOn::Escalate)]).await;
        stage.world.lock().away = true;
        stage.ticket("").await;
        stage.until(10 * MINUTE + 2 * SECOND).await;
        let action = stage.actions().await.remove(0);
        assert_eq!((action.state(), action.attempts), (ReactionActionState::Pending, 2));
        assert!(action.error.starts_with("Unavailable"), "{}", action.error);
        stage.world.lock().away = false;
        stage.world.lock().loses_answers = true;
        stage.until(11 * MINUTE).await;
        stage.world.lock().loses_answers = false;
        stage.until(2 * HOUR).await;
        let action = stage.actions().await.remove(0);
        assert_eq!((action.state(), action.error.as_str()), (ReactionActionState::Done, ""));
        assert_eq!(stage.world.lock().done.len(), 1, "one request id, one escalation");
    }

    async fn what_is_refused_or_fails_for_too_long_is_parked_with_its_error(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        stage.react(&TARGET, vec![hand_on(HandOn::Escalate)]).await;
        stage.world.lock().refuses = Some(|| {
            let text = "there is no higher tier";
            Error::failed_precondition(ErrorReason::NoNextTier, text)
        });
        let ticket = stage.ticket("").await;
        stage.until(11 * MINUTE).await;
        let parked = stage.actions().await.remove(0);
        assert_eq!(parked.state(), ReactionActionState::Parked);
        assert_eq!((parked.attempts, parked.ticket_id), (1, ticket));
        assert!(parked.error.ends_with("there is no higher tier"), "{}", parked.error);

        stage.world.lock().refuses = None;
        stage.world.lock().away = true;
        stage.ticket("").await;
        stage.until(6 * HOUR).await;
        let all = stage.actions().await;
        let states: Vec<_> = all.iter().map(|action| (action.state(), action.attempts)).collect();
        let parked = ReactionActionState::Parked;
        assert_eq!(states, [(parked, 14), (parked, 1)]);
        assert_eq!(stage.suite.timers.count("sla-actions").await.unwrap(), 0);
    }

    async fn what_an_action_brings_about_triggers_no_further_action(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.put(founding).await;
        let reaction = proto::Reaction {
            escalation_policy_id: CLIMB.to_owned(),
            raise_priority_to: Priority::Urgent.into(),
            hand_on: HandOn::Requeue.into(),
            ..raise(0, Priority::Urgent)
        };
        let targets = [(SlaMetric::FirstReply, 3_600), (SlaMetric::TotalResolution, 36_000)];
        let mut policy = crate::suite::policy("p", &targets);
        // Urgent tickets have much less time.
        let urgent = proto::Target {
            metric: SlaMetric::TotalResolution.into(),
            priority: Priority::Urgent.into(),
            target: super::stage::some(60 * SECOND),
            ..Default::default()
        };
        policy.targets.push(urgent);
        policy.reactions = vec![
            reaction.clone(),
            proto::Reaction { metric: SlaMetric::TotalResolution.into(), ..reaction },
        ];
        let request = proto::PutPolicyRequest { policy: Some(policy), ..Default::default() };
        stage.suite.client.put_policy(request).await.unwrap();
        let ticket = stage.ticket("").await;
        stage.until(HOUR + SECOND).await;
        assert_eq!(stage.world.lock().done.len(), 2);
        // Intake journals what the command did, with the command's id as the cause.
        let cause = stage.world.lock().done[0][0].clone();
        assert!(cause.ends_with(":raise_priority"), "{cause}");
        stage.happens(&ticket, raised(Priority::Urgent), &cause).await;
        stage.until(3 * HOUR).await;
        let clocks = stage.suite.clocks(&ticket).await;
        let total = clocks.iter().find(|clock| clock.metric() == SlaMetric::TotalResolution);
        let total = total.unwrap();
        assert_eq!((total.state(), total.reason.as_str()), (ClockState::Breached, "retarget"));
        assert_eq!(stage.world.lock().done.len(), 2, "no action on that breach");
        assert_eq!(stage.actions().await.len(), 2);
        assert_eq!(stage.all().await.len(), 2, "but people are told");
    }

    async fn a_clock_that_an_action_started_triggers_none_when_its_time_runs_out_later(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let idle = proto::Reaction {
            metric: SlaMetric::GroupOwnership.into(),
            hand_on: HandOn::Escalate.into(),
            ..Default::default()
        };
        stage.react(&[(SlaMetric::GroupOwnership, 600)], vec![idle]).await;
        let ticket = stage.ticket("").await;
        stage.until(11 * MINUTE).await;
        let cause = stage.world.lock().done[0][0].clone();
        let other = lotse_ids::GroupId::generate(MONDAY_NINE).to_string();
        let escalated = Body::TicketEscalated(journal::TicketEscalated {
            to_group_id: other.clone(),
            from_tier: 1,
            to_tier: 2,
            ..Default::default()
        });
        stage.happens(&ticket, escalated, &cause).await;
        stage.until(HOUR).await;
        let breached = stage.suite.clocks(&ticket).await;
        let breached = breached.iter().filter(|clock| clock.state() == ClockState::Breached);
        assert_eq!(breached.count(), 2, "the second stay is overdue too");
        assert_eq!(stage.world.lock().done.len(), 1, "and goes no higher by itself");

        // What people do is no action's doing.
        let back = Body::TicketTransferred(journal::TicketTransferred {
            to_group_id: stage.team.group.clone(),
            ..Default::default()
        });
        stage.happens(&ticket, back, "test").await;
        stage.until(2 * HOUR).await;
        assert_eq!(stage.world.lock().done.len(), 2);
    }

    async fn what_a_reaction_does_is_nobody_s_touch(db: TestDb) {
        let Some(mut stage) = Stage::new(&db).await else { return };
        let founding = stage.founding();
        stage.put(founding).await;
        let reaction = proto::Reaction {
            metric: SlaMetric::Idle.into(),
            escalation_policy_id: CLIMB.to_owned(),
            hand_on: HandOn::Requeue.into(),
            ..Default::default()
        };
        stage.react(&[(SlaMetric::Idle, 600)], vec![reaction]).await;
        let ada = stage.team.ada.clone();
        let ticket = stage.ticket(&ada).await;
        stage.until(11 * MINUTE).await;
        let cause = stage.world.lock().done[0][0].clone();
        let moved = Body::TicketTransferred(journal::TicketTransferred {
            to_group_id: stage.team.group.clone(),
            ..Default::default()
        });
        stage.happens(&ticket, moved, &cause).await;
        stage.until(HOUR).await;
        let clocks = stage.suite.clocks(&ticket).await;
        assert_eq!(clocks.len(), 1, "it is as untouched as before");
        assert_eq!(stage.alert().await.resolution, "");
        stage.happens(&ticket, reply(MONDAY_NINE + HOUR), "test").await;
        stage.suite.served.settle().await;
        assert_eq!(stage.alert().await.resolution, "fulfilled");
    }
}
