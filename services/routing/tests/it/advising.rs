//! Groups chosen by what was learnt: where the model is sure, where it is not, and where it cannot
//! say.

use lotse_journal::Body;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_routing::Config;
use lotse_testkit::TestDb;

use crate::misroutes::counts;
use crate::school::{School, TONER, config};
use crate::stage::{agent, created, migrations, new_ticket};

/// With a probability that no model ever gives.
fn never_sure() -> Config {
    let mut config = config();
    config.learning.confidence = 1.0;
    config
}

impl School {
    /// Lets the model choose; what it cannot say goes to the network. Returns the triage group.
    pub(crate) async fn ask_the_model(&self) -> String {
        let triage = self.group("triage", 1).await;
        let workflow = proto::Workflow {
            default_group_id: self.network.clone(),
            default_choose: proto::GroupChoice::Learned.into(),
            triage_group_id: triage.clone(),
            ..proto::Workflow::default()
        };
        let request = proto::PutWorkflowRequest {
            workflow: Some(workflow),
            request_id: String::new(),
        };
        let put = self.workflows().put_workflow(request).await.unwrap();
        let put = put.into_inner().workflow.unwrap();
        assert_eq!(put.default_choose(), proto::GroupChoice::Learned);
        triage
    }

    async fn learnt(db: TestDb, config: Config) -> (Self, String) {
        let school = Self::new(db, config).await;
        let triage = school.ask_the_model().await;
        school.by_category(30).await;
        school.refit().await;
        (school, triage)
    }

    async fn pass_on(&self, ticket: &str, group: &str) -> proto::TransferTicketResponse {
        let request = proto::TransferTicketRequest {
            ticket_id: ticket.to_owned(),
            group_id: group.to_owned(),
            reason: TransferReason::WrongSkill.into(),
            ..proto::TransferTicketRequest::default()
        };
        let answer = self.routing().transfer_ticket(request).await.unwrap();
        answer.into_inner()
    }

    /// The assignments of a ticket: group, whether by a person, whether the first.
    async fn assignments(&self, ticket: &str) -> Vec<(String, bool, bool)> {
        let events = self.events(ticket).await.into_iter();
        let assigned = events.filter_map(|body| match body {
            Body::TicketAssigned(one) => Some((one.group_id, one.manual, one.first)),
            Body::TicketTransferred(one) => panic!("no transfer: {one:?}"),
            _ => None,
        });
        assigned.collect()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_ticket_goes_where_the_model_is_sure_it_belongs_and_says_why(db: TestDb) {
        let (school, _) = School::learnt(db, config()).await;
        let anna = school.online(agent("Anna", &school.print, 5)).await;
        let ticket = school.new_one("printer", TONER).await;
        let explained = school.explain(&ticket).await;
        let route = explained.route.unwrap();
        assert_eq!((&route.group_id, &route.agent_id), (&school.print, &anna));
        let decision = &explained.decisions[0];
        let advice = decision.advice.as_ref().unwrap();
        assert_eq!((advice.model_version, advice.certainty()), (1, proto::AdviceCertainty::Confident));
        assert_eq!(decision.words[0], "No rule of workflow version 2 fits, and its default asks the model.");
        assert!(decision.words[1].starts_with("Model 1 gives group \"print\" (tier 1) 0."), "{:?}", decision.words);
        assert!(decision.words[1].contains("category = printer (+"), "{:?}", decision.words);
        assert_eq!(decision.words[2], "So the ticket goes to group \"print\" (tier 1).");
        assert_eq!(school.assignments(&ticket).await, [(school.print.clone(), false, true)]);
    }

    async fn a_transfer_counts_against_the_model_that_chose_the_group(db: TestDb) {
        let (school, _) = School::learnt(db, config()).await;
        // Waits first, so that the decision which gives it to somebody comes later.
        let ticket = school.new_one("printer", TONER).await;
        school.online(agent("Anna", &school.print, 5)).await;
        school.suite.settle().await;
        assert_eq!(school.pass_on(&ticket, &school.network).await.hop, 1);
        school.suite.settle().await;
        let report = school.report(proto::MisrouteDimension::Model).await;
        let of_model = |version| {
            let row = report.rows.iter().find(|row| row.model_version == version);
            counts(row.and_then(|row| row.figures.as_ref()))
        };
        assert_eq!(of_model(1), (1, 1, 1), "{report:?}");
    }

    async fn what_the_model_is_unsure_of_waits_in_triage_and_a_persons_choice_there_is_the_first(db: TestDb) {
        let (school, triage) = School::learnt(db, never_sure()).await;
        let ticket = school.new_one("printer", "").await;
        let explained = school.explain(&ticket).await;
        assert_eq!(explained.route.unwrap().group_id, triage);
        let words = &explained.decisions[0].words;
        assert!(words[1].starts_with("Model 1 is not sure: 1.00 is asked for, and it gives group \"print\""), "{words:?}");
        assert!(words.contains(&"So the ticket goes to triage, group \"triage\" (tier 1), where a person chooses.".to_owned()), "{words:?}");
        assert_eq!(school.advice(&ticket).await.groups[0].group_id, school.print);
        let passed_on = school.pass_on(&ticket, &school.print).await;
        assert_eq!((passed_on.hop, passed_on.misroute), (0, false));
        assert_eq!(school.assignments(&ticket).await, [(school.print.clone(), true, true)]);
    }

    async fn an_agent_of_triage_is_nobodys_first_group(db: TestDb) {
        let (school, triage) = School::learnt(db, never_sure()).await;
        let tom = school.online(agent("Tom", &triage, 5)).await;
        let ticket = school.new_one("vpn", "").await;
        assert_eq!(school.route(&ticket).await.agent_id, tom);
        school.pass_on(&ticket, &school.network).await;
        school.suite.settle().await;
        assert_eq!(school.route(&ticket).await.transfers, 0);
        let expected = [(triage, false, false), (school.network.clone(), true, true)];
        assert_eq!(school.assignments(&ticket).await, expected);
    }

    async fn without_a_model_the_steps_of_the_workflow_lead(db: TestDb) {
        let school = School::new(db, config()).await;
        school.ask_the_model().await;
        let ticket = school.new_one("printer", "").await;
        let explained = school.explain(&ticket).await;
        assert_eq!(explained.route.unwrap().group_id, school.network);
        let words = &explained.decisions[0].words;
        assert_eq!(words[1], "No model has been learnt yet that could say where it belongs.");
        assert_eq!(words[2], "So the ticket goes where the workflow sends it then, group \"network\" (tier 1).");
    }

    async fn where_nothing_is_learnt_the_steps_lead_too(db: TestDb) {
        let mut off = config();
        off.learning.enabled = false;
        let school = School::new(db, off).await;
        school.ask_the_model().await;
        let ticket = school.new_one("printer", "").await;
        assert_eq!(school.route(&ticket).await.group_id, school.network);
    }

    async fn with_intake_away_a_ticket_is_led_without_its_words(db: TestDb) {
        let (school, _) = School::learnt(db, config()).await;
        school.intake.lock().away = true;
        let ticket = school.new_one("printer", TONER).await;
        let explained = school.explain(&ticket).await;
        assert_eq!(explained.route.unwrap().group_id, school.print);
        let advice = explained.decisions[0].advice.as_ref().unwrap();
        assert_eq!(advice.text(), proto::AdviceText::Away);
    }

    async fn a_group_that_was_asked_for_comes_before_the_model(db: TestDb) {
        let (school, _) = School::learnt(db, config()).await;
        let ticket = new_ticket(school.clock.now());
        let came = journal::TicketCreated {
            category: "printer".to_owned(),
            requested_group_id: school.network.clone(),
            ..created()
        };
        school.journal(&ticket, vec![Body::TicketCreated(came)]).await;
        school.suite.settle().await;
        assert_eq!(school.route(&ticket).await.group_id, school.network);
    }
}
