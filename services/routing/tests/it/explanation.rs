//! ExplainRouting: the reasons, in words and as data.

use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_testkit::TestDb;

use crate::stage::{Stage, agent, created, migrations, skills};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_explanation_names_why_this_agent_and_why_not_the_others(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let expert = |name, level| proto::Agent { skills: skills(&[("vpn", level)]), ..agent(name, &group, 4) };
        stage.online(expert("Anna", 3)).await;
        let bruno = stage.online(expert("Bruno", 5)).await;
        stage.online(agent("Clara", &group, 4)).await;
        stage.agent(expert("Dora", 5)).await;
        let asked = journal::TicketCreated { required_skills: vec!["vpn".to_owned()], ..created() };
        let ticket = stage.ticket(asked).await;
        let explained = stage.explain(&ticket).await;
        let [decision] = explained.decisions.as_slice() else { panic!("{explained:?}") };
        assert_eq!(decision.words, [
            "No rule of workflow version 1 fits, so the ticket goes to its default, group \"desk\" (tier 1).",
            "It needs the skill vpn at level 1 or more.",
            "Of 2 agents who could take it Bruno got it, ahead of Anna by a better fit in skills and language (5 against 3).",
            "Left out: 1 is not online; 1 lacks vpn at level 1 or more.",
        ]);
        assert_eq!((decision.reason.as_str(), &decision.agent_id), ("best_fit", &bruno));
        assert_eq!(decision.candidates.len(), 2);
        assert_eq!((decision.candidates[0].fit, decision.candidates[0].spare_share), (5, 1.0));
        let rejections: Vec<_> = decision.rejections.iter()
            .map(|one| (one.reason.as_str(), one.detail.as_str(), one.agents))
            .collect();
        assert_eq!(rejections, [("not_online", "", 1), ("lacks_skill", "vpn at level 1 or more", 1)]);
        assert_eq!(explained.current, None);
    }

    async fn a_waiting_ticket_is_explained_as_of_now(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let ticket = stage.ticket(created()).await;
        assert_eq!(stage.explain(&ticket).await.current.unwrap().reason, "empty_group");
        stage.agent(agent("Anna", &group, 1)).await;
        stage.suite.settle().await;
        let explained = stage.explain(&ticket).await;
        assert_eq!(explained.decisions.len(), 1, "looking is not recorded");
        let current = explained.current.unwrap();
        assert_eq!((current.reason.as_str(), current.id.as_str()), ("nobody_online", ""));
        assert!(current.words.contains(&"It waits: no agent of the group is online.".to_owned()));
        assert_eq!(stage.board().await.waiting[0].reason, "nobody_online", "on the board too");
    }
}
