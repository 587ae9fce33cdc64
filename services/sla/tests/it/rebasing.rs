//! Edits for open tickets too: told in batches, once each, whatever dies between them.

use std::sync::Arc;
use std::time::Duration;

use lotse_journal::{Body, Draft};
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric, TicketStatus};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_sla::app::catalogs::Catalogs;
use lotse_sla::app::keeper::Keeper;
use lotse_sla::jobs::consumer::Follow;
use lotse_sla::jobs::rebase::Rebases;
use lotse_supervise::{Job as _, Step};
use lotse_testkit::TestDb;

use crate::suite::{MONDAY_NINE, Suite, created, migrations, policy, refusal, status};

const HOUR: Duration = Duration::from_secs(3_600);

impl Suite {
    async fn rebase(&mut self, seconds: u64) -> proto::PutOutcome {
        let request = proto::PutPolicyRequest {
            policy: Some(policy("p", &[(SlaMetric::FirstReply, seconds)])),
            open_tickets: proto::OpenTickets::RebaseOpen.into(),
            ..Default::default()
        };
        self.client
            .put_policy(request)
            .await
            .unwrap()
            .into_inner()
            .outcome()
    }

    /// How many tickets were told of an edit.
    async fn outdated(&self) -> usize {
        let (mut from, mut told) = (self.journal.start().await.unwrap(), 0);
        loop {
            let page = self.journal.read_feed(&from, 1_000).await.unwrap();
            if page.events.is_empty() {
                return told;
            }
            let outdated = |event: &&_| {
                matches!(
                    lotse_journal::Recorded::clone(event).body,
                    Body::PlanOutdated(_)
                )
            };
            told += page.events.iter().filter(outdated).count();
            from = page.next;
        }
    }

    /// The job, to be stepped by hand.
    fn rebases(&self) -> Rebases {
        let keeper = Keeper::new(Catalogs::default(), self.clock.clone(), self.timers.clone());
        let follow = Arc::new(Follow::new(keeper));
        Rebases::new(self.journal.clone(), Catalogs::default(), follow)
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_job_that_is_killed_goes_on_where_it_was_and_nobody_is_told_twice(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 7_200)]).await;
        let mut tickets = Vec::new();
        for _ in 0..60 {
            tickets.push(suite.ticket(Priority::Normal).await);
        }
        suite.served.advance_to(MONDAY_NINE + HOUR).await;
        suite.rebase(14_400).await;
        // One batch, by a process that then dies; another begins anew and does the rest.
        assert_eq!(suite.rebases().step().await.unwrap(), Step::Busy);
        let first = suite.outdated().await;
        assert!(first < 60, "a lane at most");
        let (one, other) = (suite.rebases(), suite.rebases());
        loop {
            let (one, other) = futures::future::join(one.step(), other.step()).await;
            if (one.unwrap(), other.unwrap())
                == (Step::Idle { until: None }, Step::Idle { until: None })
            {
                break;
            }
        }
        assert_eq!(suite.outdated().await, 60);
        suite.served.advance_to(MONDAY_NINE + 3 * HOUR).await;
        for ticket in &tickets {
            let clock = suite.clocks(ticket).await.remove(0);
            assert_eq!(clock.state(), ClockState::Running);
            assert_eq!(clock.due_at, Some(to_proto(MONDAY_NINE + 4 * HOUR)));
            assert_eq!(clock.policy_version, 2);
        }
    }

    async fn the_edit_counts_from_its_time_however_late_a_ticket_hears_of_it(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 7_200)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        suite.served.advance_to(MONDAY_NINE + HOUR).await;
        suite.rebase(1_800).await;
        // The job is held up for an hour.
        suite.clock.set(MONDAY_NINE + 2 * HOUR).unwrap();
        suite.served.settle().await;
        let clock = suite.clocks(&ticket).await.remove(0);
        assert_eq!((clock.state(), clock.reason.as_str()), (ClockState::Breached, "retarget"));
        assert_eq!(clock.breached_at, Some(to_proto(MONDAY_NINE + HOUR)));
        assert_eq!(clock.detected_at, Some(to_proto(MONDAY_NINE + 2 * HOUR)));
    }

    async fn putting_again_what_is_there_brings_the_left_behind_up_to_date(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::FirstReply, 7_200)]).await;
        let open = suite.ticket(Priority::Normal).await;
        let solved = suite.ticket(Priority::Normal).await;
        suite.emit(vec![Draft::ticket(&solved, status(TicketStatus::Solved, ""))]).await;
        suite.served.settle().await;
        suite.promise("p", &[(SlaMetric::FirstReply, 3_600)]).await;
        suite.served.settle().await;
        assert_eq!(suite.clocks(&open).await[0].policy_version, 1, "grandfathered");
        assert_eq!(suite.rebase(3_600).await, proto::PutOutcome::Unchanged);
        suite.served.settle().await;
        assert_eq!(suite.clocks(&open).await[0].policy_version, 2);
        assert_eq!(suite.clocks(&solved).await[0].policy_version, 1);
        assert_eq!(suite.outdated().await, 1);
        // And once more: there is nobody left to tell.
        suite.rebase(3_600).await;
        suite.served.settle().await;
        assert_eq!(suite.outdated().await, 1);
    }

    async fn what_to_do_with_open_tickets_must_be_known(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let request = proto::PutPolicyRequest {
            policy: Some(policy("p", &[(SlaMetric::FirstReply, 60)])),
            open_tickets: 7,
            ..Default::default()
        };
        let refused = suite.client.put_policy(request).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["open_tickets"]);
        let ticket = created(Priority::Normal, lotse_proto::common::v1::Channel::Email);
        let id = lotse_ids::TicketId::generate(MONDAY_NINE);
        suite.emit(vec![Draft::ticket(id.as_str(), ticket)]).await;
        suite.served.settle().await;
        assert_eq!(suite.clocks(id.as_str()).await.len(), 0);
    }
}
