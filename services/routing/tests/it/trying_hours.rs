//! Workflows tried on hours in which not everybody was at work.

use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::simulate_workflow_request::Candidate;
use lotse_testkit::TestDb;

use crate::coverage::{cover, shifts};
use crate::stage::{Stage, agent, created, migrations};
use crate::trying::MINUTE;

impl Stage {
    /// So many tickets, one every ten minutes, each solved after five.
    async fn every_ten_minutes(&self, tickets: u32) {
        for _ in 0..tickets {
            let ticket = self.ticket(created()).await;
            self.suite.advance(5 * MINUTE).await;
            self.solve(&ticket).await;
            self.suite.advance(5 * MINUTE).await;
        }
    }
}

/// How many tickets an agent would have got.
fn got(outcome: &proto::SimulatedOutcome, agent: &str) -> u32 {
    let mut agents = outcome.agents.iter();
    agents.find(|one| one.agent_id == agent).unwrap().assigned
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn who_was_off_shift_gets_nothing_by_the_plan_of_that_time(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &desk, 2)).await;
        let bob = stage.online(agent("Bob", &desk, 2)).await;
        // From one to five, with a break from two to three; it is past ten in the evening.
        stage.put_shifts(shifts(&anna)).await.unwrap();
        stage.suite.advance(MINUTE).await;
        let from = stage.clock.now();
        stage.every_ten_minutes(36).await;
        // Shortly after four she is off for good: a simulation by this plan alone would leave her
        // nothing, one by the former alone another six hours.
        let off = proto::ShiftPlan { shifts: Vec::new(), breaks: Vec::new(), ..shifts(&anna) };
        stage.put_shifts(off).await.unwrap();
        stage.every_ten_minutes(6).await;
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!((answer.tickets, answer.as_it_was), (42, 42));
        let outcome = answer.in_force.unwrap();
        // Two hours and a quarter of work, in which she and Bob take turns.
        assert_eq!((got(&outcome, &anna), got(&outcome, &bob)), (7, 35));
    }

    async fn a_covered_group_is_answered_by_the_other_for_as_long_as_it_was(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let night = stage.group("night", 1).await;
        let anna = stage.online(agent("Anna", &night, 2)).await;
        let bob = stage.online(agent("Bob", &desk, 2)).await;
        stage.suite.advance(MINUTE).await;
        let from = stage.clock.now();
        stage.put_cover(cover(from + 60 * MINUTE)).await.unwrap();
        stage.every_ten_minutes(36).await;
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!((answer.tickets, answer.as_it_was), (36, 36));
        let outcome = answer.in_force.unwrap();
        // Four hours of six, in which both take turns; and none of it counts as passed on.
        assert_eq!((got(&outcome, &anna), got(&outcome, &bob)), (12, 24));
        assert_eq!((outcome.transferred, outcome.transfers, outcome.unrouted), (0, 0, 0));
    }

    async fn what_waits_for_nobody_at_work_goes_to_whom_the_shift_begins(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &desk, 2)).await;
        stage.put_shifts(shifts(&anna)).await.unwrap();
        stage.suite.advance(MINUTE).await;
        let from = stage.clock.now();
        let ticket = stage.ticket(created()).await;
        stage.suite.advance(3 * 60 * MINUTE).await;
        assert_eq!(stage.route(&ticket).await.agent_id, anna);
        stage.solve(&ticket).await;
        stage.suite.advance(MINUTE).await;
        let answer = stage.simulate(from, Candidate::Version(1)).await.unwrap();
        assert_eq!((answer.tickets, answer.as_it_was), (1, 1));
        // It came at 22:14 and her shift begins at one.
        let waited = answer.in_force.unwrap().wait.unwrap().mean.unwrap();
        assert_eq!(waited.seconds / 60, 165);
    }
}
