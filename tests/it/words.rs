//! Words of subjects, on their way from intake to a group: read by routing, learnt, told as the
//! reason, and kept as nothing but hashes, until whoever wrote them is erased.

use std::collections::BTreeMap;

use lotse_client::Channel;
use lotse_proto::common::v1::Channel as Door;
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::requester_service_client::RequesterServiceClient;
use lotse_proto::intake::v1::{
    CreateTicketRequest, EraseRequesterRequest, RequesterProfile, Ticket,
};
use lotse_proto::routing::v1::learning_service_client::LearningServiceClient;
use lotse_proto::routing::v1::{
    Advice, AdviceCertainty, AdviceText, AssignTicketRequest, ExplainRoutingRequest, Group,
    GroupChoice, ListModelsRequest, PutGroupRequest, PutWorkflowRequest, RefitModelRequest,
    RoutingModel, Workflow,
};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::desk::{Desk, behaviour};

/// What people of a small company write to six teams in five languages, by team and language.
const SUBJECTS: &str = include_str!("../../services/routing/tests/data/subjects.txt");

/// Every so manieth subject comes later than the others.
const LATER: usize = 6;

/// Two teams, told apart by nothing but the words of what they solve.
const TUNNEL: &str = "the tunnel to the office collapses";
const TONER: &str = "toner stains on every page";
/// What is written to one of them then.
const SUBJECT: &str = "my tunnel collapses again";

/// A desk where the model chooses the group, with these groups by name.
struct School {
    desk: Desk,
    groups: BTreeMap<&'static str, String>,
}

impl School {
    async fn of(desk: Desk, names: &[&'static str]) -> Self {
        let mut groups = BTreeMap::new();
        let mut workflow = desk.clients.workflow.clone();
        for name in names {
            let group = Group {
                name: (*name).into(),
                ..Group::default()
            };
            let request = PutGroupRequest {
                group: Some(group),
                ..PutGroupRequest::default()
            };
            let put = workflow.put_group(request).await.unwrap().into_inner();
            groups.insert(*name, put.group.unwrap().id);
        }
        let plan = Workflow {
            default_group_id: names[0].into(),
            default_choose: GroupChoice::Learned.into(),
            ..Workflow::default()
        };
        let request = PutWorkflowRequest {
            workflow: Some(plan),
            ..PutWorkflowRequest::default()
        };
        workflow.put_workflow(request).await.unwrap();
        desk.settle().await;
        Self { desk, groups }
    }

    fn learning(&self) -> LearningServiceClient<Channel> {
        LearningServiceClient::new(Channel::in_process(self.desk.suite.stack()))
    }

    async fn write(&self, who: &str, category: &str, subject: &str) -> Ticket {
        let profile = RequesterProfile {
            external_id: who.into(),
            ..RequesterProfile::default()
        };
        let request = CreateTicketRequest {
            requester: Some(Requester::RequesterProfile(profile)),
            subject: subject.into(),
            channel: Door::Web.into(),
            category: category.into(),
            language: "en".into(),
            ..CreateTicketRequest::default()
        };
        self.desk.clients.create(request).await
    }

    /// A ticket that a group has solved.
    async fn solved(&self, group: &str, category: &str, subject: &str) -> Ticket {
        let ticket = self.write("somebody", category, subject).await;
        let request = AssignTicketRequest {
            ticket_id: ticket.id.clone(),
            group_id: self.groups[group].clone(),
            ..AssignTicketRequest::default()
        };
        let mut routing = self.desk.clients.routing.clone();
        routing.assign_ticket(request).await.unwrap();
        self.desk.clients.solve(&ticket.id, "").await;
        ticket
    }

    /// A new model, in force.
    async fn learns(&self) -> RoutingModel {
        self.desk.settle().await;
        let mut learning = self.learning();
        learning
            .refit_model(RefitModelRequest::default())
            .await
            .unwrap();
        self.desk.settle().await;
        let listed = learning.list_models(ListModelsRequest::default()).await;
        let mut models = listed.unwrap().into_inner().models.into_iter();
        models.find(|model| model.in_force).expect("a model")
    }

    /// What the model said when it chose the group of a ticket.
    async fn advised(&self, ticket: &str) -> Advice {
        let request = ExplainRoutingRequest {
            ticket_id: ticket.into(),
            ..ExplainRoutingRequest::default()
        };
        let mut routing = self.desk.clients.routing.clone();
        let explained = routing.explain_routing(request).await.unwrap().into_inner();
        let advice = explained.decisions[0].advice.clone().unwrap();
        assert_eq!(explained.route.unwrap().group_id, advice.groups[0].group_id);
        advice
    }

    /// Tables of routing in which a word stands, in any column.
    async fn told_in(&self, word: &str) -> Vec<String> {
        let conn = self.desk.parts.db.reader();
        let backend = conn.get_database_backend();
        let tables = match backend {
            DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
            _ => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
        };
        let select = Statement::from_string(backend, tables);
        let mut told = Vec::new();
        let mut read = 0;
        for table in conn.query_all_raw(select).await.unwrap() {
            let table: String = table.try_get_by(0).unwrap();
            if !table.starts_with("routing_") {
                continue;
            }
            let select = Statement::from_string(backend, format!("SELECT * FROM {table}"));
            for row in conn.query_all_raw(select).await.unwrap() {
                let holds = |column: &String| {
                    let bytes = row.try_get::<Vec<u8>>("", column);
                    let text = row.try_get::<String>("", column).map(String::into_bytes);
                    bytes.or(text).is_ok_and(|found| {
                        found
                            .windows(word.len())
                            .any(|part| part == word.as_bytes())
                    })
                };
                read += 1;
                if row.column_names().iter().any(holds) {
                    told.push(table.clone());
                }
            }
        }
        assert!(read > 100, "only {read} rows were read");
        told.dedup();
        told
    }

    /// How many tickets have hashed words.
    async fn with_words(&self) -> usize {
        let conn = self.desk.parts.db.reader();
        let sql = "SELECT ticket_id FROM routing_examples WHERE words IS NOT NULL";
        let select = Statement::from_string(conn.get_database_backend(), sql);
        conn.query_all_raw(select).await.unwrap().len()
    }
}

/// Subjects with their teams: those that were solved, and those that come then.
fn subjects() -> [Vec<(&'static str, &'static str)>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    let mut team = "";
    let mut number = 0;
    for line in SUBJECTS.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            team = heading.split_once(' ').unwrap().0;
        } else {
            number += 1;
            both[usize::from(number % LATER == 0)].push((team, line));
        }
    }
    both
}

async fn words_come_from_intake_into_the_model_and_its_reasons_as_hashes_only(desk: Desk) {
    let school = School::of(desk, &["network", "print"]).await;
    for _ in 0..30 {
        school.solved("network", "other", TUNNEL).await;
        school.solved("print", "other", TONER).await;
    }
    let model = school.learns().await;
    assert_eq!((model.examples, model.examples_with_words), (60, 60));

    let ticket = school.write("ann", "other", SUBJECT).await;
    school.desk.settle().await;
    let advice = school.advised(&ticket.id).await;
    assert_eq!(advice.groups[0].group_id, school.groups["network"]);
    assert_eq!(
        (advice.certainty(), advice.text()),
        (AdviceCertainty::Confident, AdviceText::Read)
    );
    let names = |advice: &Advice| {
        let features = advice.groups[0].features.iter();
        features.map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    // The reasons are spelt with what intake tells now; nothing that routing keeps could spell them.
    let spelt = |advice: &Advice| {
        let names = names(advice).into_iter();
        names
            .filter_map(|name| Some(name.split('"').nth(1)?.to_owned()))
            .collect::<Vec<_>>()
    };
    let reasons = spelt(&advice);
    assert!(!reasons.is_empty(), "{advice:?}");
    // `<` and `>` stand where a word begins and ends.
    let mut parts = reasons.iter().map(|part| part.trim_matches(['<', '>']));
    assert!(parts.all(|part| SUBJECT.contains(part)), "{reasons:?}");
    for word in ["tunnel", "collapses", "toner"] {
        assert_eq!(school.told_in(word).await, [""; 0], "{word:?}");
    }

    let before = school.with_words().await;
    assert_eq!(before, 61);
    let request = EraseRequesterRequest {
        requester_id: ticket.requester_id.clone(),
        request_id: String::new(),
    };
    let channel = Channel::in_process(school.desk.suite.stack());
    RequesterServiceClient::new(channel)
        .erase_requester(request)
        .await
        .unwrap();
    school.desk.settle().await;
    assert_eq!(school.with_words().await, before - 1);
    let after = school.advised(&ticket.id).await;
    assert_eq!(spelt(&after), [""; 0]);
}

#[tokio::test]
async fn what_people_write_in_five_languages_finds_its_team() {
    let teams = [
        "network", "accounts", "printing", "devices", "billing", "building",
    ];
    let mut wanted = behaviour();
    // Every ticket goes to the likeliest group, however unlikely.
    wanted.routing.learning.confidence = 0.0;
    let school = School::of(Desk::sqlite_with(&wanted).await, &teams).await;
    let category = |team: &str| match team {
        "billing" | "building" => "office",
        _ => "computers",
    };
    let [earlier, later] = subjects();
    for (team, subject) in earlier {
        school.solved(team, category(team), subject).await;
    }
    school.learns().await;
    let mut tickets = Vec::new();
    for (team, subject) in &later {
        tickets.push(school.write("somebody", category(team), subject).await.id);
    }
    school.desk.settle().await;
    let mut wrong = 0;
    for ((team, _), ticket) in later.iter().zip(&tickets) {
        wrong +=
            usize::from(school.advised(ticket).await.groups[0].group_id != school.groups[team]);
    }
    assert_eq!(later.len(), 60);
    assert!(wrong < 20, "{wrong} of 60 came to a wrong group");
}

mod words_come_from_intake {
    use super::{
        Desk, behaviour,
        words_come_from_intake_into_the_model_and_its_reasons_as_hashes_only as claim,
    };

    /// A model of few tickets.
    fn few() -> lotse::suite::Behaviour {
        let mut few = behaviour();
        few.routing.learning.minimum_examples = 40;
        few.routing.learning.confidence = 0.6;
        few
    }

    #[tokio::test]
    async fn sqlite() {
        Box::pin(claim(Desk::sqlite_with(&few()).await)).await;
    }

    #[tokio::test]
    async fn postgres_and_redis() {
        if let Some(desk) = Desk::postgres_and_redis_with(&few()).await {
            Box::pin(claim(desk)).await;
        }
    }
}
