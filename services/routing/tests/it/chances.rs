//! The chance of resolving a ticket without a transfer: learned of each agent, and routed by.

use std::time::Duration;

use lotse_journal::Body;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::routing::v1 as proto;
use lotse_routing::{Config, Learning};
use lotse_testkit::TestDb;

use crate::stage::{Replica, Stage, agent, created, migrations, new_ticket, solved};
use crate::transfers::to_group;

/// How often chances are published by default.
const PERIOD: Duration = Duration::from_secs(6 * 3_600);

/// Ana solves what she gets, Ben passes it on.
struct Team {
    stage: Stage,
    group: String,
    elsewhere: String,
    ana: String,
    ben: String,
}

impl Team {
    async fn new(db: TestDb, config: Config) -> Self {
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        let elsewhere = stage.group("network", 1).await;
        stage.default_group(&group).await;
        let ana = stage.agent(present(agent("Ana", &group, 100))).await;
        let ben = stage.agent(present(agent("Ben", &group, 100))).await;
        Self {
            stage,
            group,
            elsewhere,
            ana,
            ben,
        }
    }

    /// So many tickets of each, while nobody is there; then chances are published.
    async fn history(&self, tickets: usize) {
        let stage = &self.stage;
        for agent in [&self.ana, &self.ben] {
            stage.presence(agent, proto::Presence::Offline).await;
        }
        for _ in 0..tickets {
            let theirs = [
                self.given_to(&self.ana).await,
                self.given_to(&self.ben).await,
            ];
            stage.journal(&theirs[0], vec![solved()]).await;
            let pass_on = to_group(&theirs[1], &self.elsewhere, TransferReason::WrongSkill);
            stage.pass_on(pass_on).await.unwrap();
        }
        stage.suite.settle().await;
        stage.suite.advance(PERIOD).await;
        for agent in [&self.ana, &self.ben] {
            stage.presence(agent, proto::Presence::Online).await;
        }
        stage.suite.settle().await;
    }

    async fn given_to(&self, agent: &str) -> String {
        let ticket = new_ticket(self.stage.clock.now());
        self.stage
            .journal(&ticket, vec![Body::TicketCreated(created())])
            .await;
        self.stage
            .assign(&ticket, &self.group, agent)
            .await
            .unwrap();
        ticket
    }

    /// How many of four tickets each of them gets, and the last one.
    async fn four(&self) -> (usize, usize, String) {
        let mut owners = Vec::new();
        let mut last = String::new();
        for _ in 0..4 {
            last = self.stage.ticket(created()).await;
            owners.push(self.stage.route(&last).await.agent_id);
        }
        let of = |agent: &String| owners.iter().filter(|owner| *owner == agent).count();
        (of(&self.ana), of(&self.ben), last)
    }
}

fn present(agent: proto::Agent) -> proto::Agent {
    proto::Agent {
        presence_never_expires: true,
        ..agent
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn whoever_passes_most_tickets_on_gets_fewer_but_not_for_a_few(db: TestDb) {
        let team = Team::new(db, Config::default()).await;
        let stage = &team.stage;
        team.history(2).await;
        let (of_ana, of_ben, _) = team.four().await;
        assert_eq!((of_ana, of_ben), (2, 2), "two tickets say nothing yet");
        team.history(25).await;
        let (of_ana, of_ben, last) = team.four().await;
        assert_eq!((of_ana, of_ben), (4, 0));
        let decision = stage.explain(&last).await.decisions.pop().unwrap();
        let words = decision.words.join(" ");
        assert!(words.contains("ahead of Ben by the better chance of resolving it without a transfer ("), "{words}");
        let [Some(best), Some(next)] = [0, 1].map(|n| decision.candidates[n].chance) else { panic!("{decision:?}") };
        assert!((0.0..=1.0).contains(&best) && best - next >= 0.1, "{best} against {next}");
        assert!(decision.chances_version > 0);
        let told = format!(
            "Chances of resolving it without a transfer, as learned (version {}): Ana {:.0} %, Ben {:.0} %.",
            decision.chances_version, best * 100.0, next * 100.0,
        );
        assert!(decision.words.contains(&told), "{told} in {words}");
        let case = stage.case(&last, &decision.id, &team.ben).await;
        assert_eq!((case.verdict.as_str(), case.criterion.as_str()), ("eligible", "chance"));
        assert_eq!(case.chance, Some(next));
        assert!(case.words[1].contains("Ana was more likely to resolve it without a transfer ("), "{case:?}");
        // Somebody new is no worse than the group as a whole.
        let cid = stage.online(agent("Cid", &team.group, 100)).await;
        stage.presence(&team.ana, proto::Presence::Away).await;
        assert_eq!(stage.route(&stage.ticket(created()).await).await.agent_id, cid);
    }

    async fn with_a_wide_tolerance_chances_decide_nothing(db: TestDb) {
        let learning = Learning { chance_tolerance: 1.5, ..Learning::default() };
        let team = Team::new(db, Config { learning, ..Config::default() }).await;
        team.history(25).await;
        let (of_ana, of_ben, _) = team.four().await;
        assert_eq!((of_ana, of_ben), (2, 2));
    }

    async fn what_was_learned_does_not_count_where_nothing_is_learned_any_more(db: TestDb) {
        let team = Team::new(db, Config::default()).await;
        team.history(25).await;
        assert_eq!(team.four().await.0, 4);
        // It is started anew with other settings.
        for job in team.stage.suite.jobs() {
            job.stop().await;
        }
        let learning = Learning { enabled: false, ..Learning::default() };
        let config = Config { learning, ..Config::default() };
        let after = Replica::new(team.stage.db.db(), team.stage.clock.clone(), config).await;
        after.suite.advance(PERIOD).await;
        let ticket = new_ticket(after.clock.now());
        after.journal(&ticket, vec![Body::TicketCreated(created())]).await;
        after.suite.settle().await;
        let decision = after.explain(&ticket).await.decisions.pop().unwrap();
        assert_eq!(decision.agent_id, team.ben, "{decision:?}");
    }
}
