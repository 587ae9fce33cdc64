//! SLA compliance.

use lotse_clock::Timestamp;
use lotse_journal::{Body, Draft};
use lotse_proto::common::v1::{Channel, ClockState, Priority, SlaMetric};
use lotse_proto::insight::v1::Figure;
use lotse_proto::journal::v1::ClockChanged;
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::time::to_proto;
use lotse_testkit::{TestDb, on_both_databases};

use crate::desk::{created, minute};
use crate::stage::{NOW, Stage, migrations};

struct Clock {
    id: &'static str,
    ticket: &'static str,
    metric: SlaMetric,
    cycle: u32,
}

impl Clock {
    fn event(&self, at: u64, state: ClockState, transition: Transition, due: i64) -> Draft {
        let body = Body::ClockChanged(ClockChanged {
            clock_id: self.id.to_owned(),
            metric: self.metric.into(),
            cycle: self.cycle,
            state: state.into(),
            transition: transition.into(),
            policy_id: "pol".to_owned(),
            due_at: (state == ClockState::Running).then(|| to_proto(Timestamp::from_millis(due))),
            ..ClockChanged::default()
        });
        Draft::ticket(self.ticket, body).at(minute(at))
    }

    fn started(&self, due: i64) -> Draft {
        self.event(1, ClockState::Running, Transition::Started, due)
    }

    fn ended(&self, state: ClockState, transition: Transition) -> Draft {
        self.event(9, state, transition, 0)
    }
}

/// Ticket `p` has a met clock, one overdue that no timer has fired for, and a second cycle that
/// runs; ticket `q` a breached one and a cancelled one.
async fn clocks(db: TestDb) -> Stage {
    use SlaMetric::{FirstReply, TotalResolution};
    let stage = Stage::new(db).await;
    for (ticket, priority, made) in [
        ("p", Priority::Normal, "true"),
        ("q", Priority::High, "false"),
    ] {
        let mut body = created(Channel::Phone, "x", priority);
        body.attributes = [("made_sla".to_owned(), made.to_owned())].into();
        stage
            .ticket(ticket, vec![(minute(0), Body::TicketCreated(body))])
            .await;
    }
    let clock = |id, ticket, metric, cycle| Clock {
        id,
        ticket,
        metric,
        cycle,
    };
    let met = clock("k1", "p", TotalResolution, 1);
    let breached = clock("k2", "q", TotalResolution, 1);
    let overdue = clock("k3", "p", FirstReply, 1);
    let cancelled = clock("k4", "q", FirstReply, 1);
    let running = clock("k5", "p", TotalResolution, 2);
    let drafts = vec![
        met.started(NOW + 1),
        met.ended(ClockState::Met, Transition::Met),
        breached.started(NOW + 1),
        breached.ended(ClockState::Breached, Transition::Breached),
        overdue.started(NOW - 1),
        cancelled.started(NOW + 1),
        cancelled.ended(ClockState::Cancelled, Transition::Cancelled),
        // Due at this very instant, which is still in time.
        running.started(NOW),
    ];
    stage.journal(drafts).await;
    stage
}

fn met_of(figure: &Figure) -> (Option<i64>, i64) {
    (figure.numerator, figure.n)
}

on_both_databases! {
    migrations = migrations;

    async fn overdue_counts_as_breached_and_cancelled_apart(db: TestDb) {
        let mut stage = clocks(db).await;
        let share = stage.figure("sla_compliance", "share", "").await;
        assert_eq!(met_of(&share), (Some(1), 3));
        assert_eq!(share.coverage, Some(0.75));
        let cancelled = stage.figure("sla_compliance", "cancelled", "").await;
        assert_eq!((cancelled.value, cancelled.n), (Some(1.0), 1));
    }

    async fn compliance_splits_by_metric_policy_priority_and_attribute(db: TestDb) {
        let mut stage = clocks(db).await;
        let by = stage.by("sla_compliance", &["sla_metric", "policy"], "").await;
        let by: Vec<_> = by.iter().map(|(group, f)| (group.as_str(), met_of(f))).collect();
        assert_eq!(by, [("FIRST_REPLY pol", (Some(0), 1)), ("TOTAL_RESOLUTION pol", (Some(1), 2))]);
        let dimensions = ["priority", "attributes.made_sla"];
        let by = stage.by("sla_compliance", &dimensions, "sla_metric = TOTAL_RESOLUTION").await;
        let by: Vec<_> = by.iter().map(|(group, f)| (group.as_str(), met_of(f))).collect();
        assert_eq!(by, [("HIGH false", (Some(0), 1)), ("NORMAL true", (Some(1), 1))]);
    }

    async fn first_and_last_cycles_can_be_told_apart(db: TestDb) {
        let mut stage = clocks(db).await;
        let first = "sla_metric = TOTAL_RESOLUTION AND cycle = 1";
        assert_eq!(met_of(&stage.figure("sla_compliance", "share", first).await), (Some(1), 2));
        let last = "sla_metric = TOTAL_RESOLUTION AND last_cycle = true";
        let last = stage.figure("sla_compliance", "share", last).await;
        assert_eq!(met_of(&last), (Some(0), 1), "the running one has no result yet");
        assert_eq!(last.coverage, Some(0.5));
    }
}
