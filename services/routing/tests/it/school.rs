//! A stage that learns: two teams, and tickets that they have solved.

use lotse_clock::{BusinessClock, Timestamp};
use lotse_journal::Body;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::learning_service_client::LearningServiceClient;
use lotse_routing::{Config, Learning};
use lotse_testkit::{Backend, TestDb};
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Response;

use crate::intake::Intake;
use crate::stage::{Replica, Stage, created, new_ticket, solved};

/// Subjects of two teams, which nothing else tells apart.
pub(crate) const TUNNEL: &str = "the tunnel to the office collapses";
pub(crate) const TONER: &str = "toner stains on every page";

pub(crate) fn config() -> Config {
    Config {
        learning: Learning {
            minimum_examples: 40,
            confidence: 0.6,
            reroute_confidence: 0.6,
            ..Learning::default()
        },
        ..Config::default()
    }
}

/// A stage that learns, with two teams.
pub(crate) struct School {
    pub(crate) stage: Stage,
    pub(crate) intake: Intake,
    pub(crate) network: String,
    pub(crate) print: String,
}

impl std::ops::Deref for School {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl School {
    pub(crate) async fn new(db: TestDb, config: Config) -> Self {
        let clock = BusinessClock::manual(Timestamp::from_millis(1_700_000_000_000));
        let intake = Intake::default();
        let replica = Replica::calling(&intake.channel(), db.db(), clock, config).await;
        let stage = Stage { replica, db };
        let network = stage.group("network", 1).await;
        let print = stage.group("print", 1).await;
        stage.default_group(&network).await;
        Self {
            stage,
            intake,
            network,
            print,
        }
    }

    /// Another replica on the same database.
    pub(crate) async fn another(&self, config: Config) -> Replica {
        let db = match self.db.kind() {
            Backend::Postgres => self.db.connect_again().await,
            Backend::Sqlite => self.db.db(),
        };
        let channel = self.intake.channel();
        Replica::calling(&channel, db, self.clock.clone(), config).await
    }

    /// A ticket that a group has solved.
    pub(crate) async fn history(&self, group: &str, category: &str, subject: &str) -> String {
        let ticket = new_ticket(self.clock.now());
        self.intake.knows(&ticket, subject, "please help");
        let came = journal::TicketCreated {
            category: category.to_owned(),
            ..created()
        };
        let assigned = journal::TicketAssigned {
            group_id: group.to_owned(),
            tier: 1,
            first: true,
            ..Default::default()
        };
        let bodies = vec![
            Body::TicketCreated(came),
            Body::TicketAssigned(assigned),
            solved(),
        ];
        self.journal(&ticket, bodies).await;
        ticket
    }

    /// So many tickets of each team, which their categories tell apart.
    pub(crate) async fn by_category(&self, tickets: usize) {
        for _ in 0..tickets {
            self.history(&self.network, "vpn", "").await;
            self.history(&self.print, "printer", "").await;
        }
    }

    /// As [`Self::by_category`], where people had every other printer ticket at the network first.
    pub(crate) async fn by_detour(&self, tickets: usize) {
        for n in 0..tickets {
            self.history(&self.network, "vpn", "").await;
            if n % 2 == 0 {
                self.history(&self.print, "printer", "").await;
                continue;
            }
            let ticket = self.history(&self.network, "printer", "").await;
            let passed_on = journal::TicketTransferred {
                from_group_id: self.network.clone(),
                to_group_id: self.print.clone(),
                hop: 1,
                ..Default::default()
            };
            self.journal(&ticket, vec![Body::TicketTransferred(passed_on)])
                .await;
        }
    }

    /// So many tickets of each team, which only their words tell apart.
    pub(crate) async fn by_words(&self, tickets: usize) {
        for _ in 0..tickets {
            self.history(&self.network, "other", TUNNEL).await;
            self.history(&self.print, "other", TONER).await;
        }
    }

    /// Whether hashed words of a ticket are kept.
    pub(crate) async fn has_words(&self, ticket: &str) -> bool {
        let conn = self.db.db();
        let conn = conn.reader();
        let sql = format!("SELECT words FROM routing_examples WHERE ticket_id = '{ticket}'");
        let select = Statement::from_string(conn.get_database_backend(), sql);
        let row = conn.query_one_raw(select).await.unwrap().unwrap();
        row.try_get_by::<Option<Vec<u8>>, _>(0).unwrap().is_some()
    }

    /// A new ticket, in the journal only.
    pub(crate) async fn new_one(&self, category: &str, subject: &str) -> String {
        let ticket = new_ticket(self.clock.now());
        self.intake.knows(&ticket, subject, "");
        let came = journal::TicketCreated {
            category: category.to_owned(),
            ..created()
        };
        self.journal(&ticket, vec![Body::TicketCreated(came)]).await;
        self.suite.settle().await;
        ticket
    }
}

impl Replica {
    pub(crate) fn learning(&self) -> LearningServiceClient<lotse_grpc::Stack> {
        LearningServiceClient::new(self.suite.stack())
    }

    pub(crate) async fn refit(&self) {
        let request = proto::RefitModelRequest::default();
        self.learning().refit_model(request).await.unwrap();
        self.suite.settle().await;
    }

    pub(crate) async fn models(&self) -> Vec<proto::RoutingModel> {
        let request = proto::ListModelsRequest::default();
        let listed = self.learning().list_models(request).await.unwrap();
        listed.into_inner().models
    }

    pub(crate) async fn in_force(&self) -> Vec<u32> {
        let models = self.models().await.into_iter();
        models
            .filter(|model| model.in_force)
            .map(|model| model.version)
            .collect()
    }

    pub(crate) async fn pin(&self, version: u32) -> Result<proto::RoutingModel, tonic::Status> {
        let request = proto::PinModelRequest {
            version,
            request_id: String::new(),
        };
        let pinned = self.learning().pin_model(request).await;
        pinned
            .map(Response::into_inner)
            .map(|pinned| pinned.model.unwrap())
    }

    pub(crate) async fn suggestions(&self, ticket: &str) -> proto::GetSuggestionsResponse {
        let request = proto::GetSuggestionsRequest {
            ticket_id: ticket.to_owned(),
        };
        let answer = self.learning().get_suggestions(request).await.unwrap();
        answer.into_inner()
    }

    pub(crate) async fn advice(&self, ticket: &str) -> proto::Advice {
        self.suggestions(ticket).await.advice.unwrap()
    }
}
