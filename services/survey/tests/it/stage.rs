//! What the tests stand on: the service, a manual clock, and tickets made in the journal.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Migrations;
use lotse_grpc::Stack;
use lotse_journal::{Body, Draft, Journal, JournalConfig, Origin, Wakeups};
use lotse_proto::common::v1::{AuthorKind, Channel, SurveyKind, TicketStatus, Visibility};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::survey::v1 as proto;
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_survey::{Config, Deps, LinkKey, LinkKeys};
use lotse_testkit::{InProcess, TestDb};
use lotse_timers::LocalTimers;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn migrations() -> Migrations {
    let mut all = lotse_journal::migrations();
    all.extend(lotse_survey::migrations());
    all
}

pub(crate) struct Stage {
    pub(crate) suite: InProcess,
    pub(crate) client: SurveyServiceClient<Stack>,
    pub(crate) journal: Journal,
    _db: TestDb,
}

impl Stage {
    pub(crate) async fn new(db: TestDb) -> Self {
        let clock = BusinessClock::manual(Timestamp::from_millis(1_700_000_000_000));
        let journal = Journal::open(
            db.db(),
            clock.clone(),
            Wakeups::local(),
            JournalConfig::default(),
        )
        .await
        .unwrap();
        let key = LinkKey {
            id: "k1".to_owned(),
            secret: vec![7; 32],
        };
        let deps = Deps {
            db: db.db(),
            clock: clock.clone(),
            journal: journal.clone(),
            timers: Arc::new(LocalTimers::new()),
            links: LinkKeys::new(vec![key]).unwrap(),
        };
        let suite = InProcess::new(
            clock.clone(),
            vec![lotse_survey::build(deps, &Config::default())],
        );
        let client = SurveyServiceClient::new(suite.stack());
        Self {
            suite,
            client,
            journal,
            _db: db,
        }
    }

    /// Puts a survey that is asked when a ticket is solved.
    pub(crate) async fn survey(&mut self, kind: SurveyKind) -> proto::Survey {
        let survey = proto::Survey {
            name: format!("{kind:?}"),
            kind: kind.into(),
            trigger: Trigger::Solved.into(),
            active: true,
            ..proto::Survey::default()
        };
        self.put(survey).await.unwrap().survey.unwrap()
    }

    pub(crate) async fn put(
        &mut self,
        survey: proto::Survey,
    ) -> Result<proto::PutSurveyResponse, tonic::Status> {
        let request = proto::PutSurveyRequest {
            request_id: String::new(),
            survey: Some(survey),
        };
        self.client
            .put_survey(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// What intake and routing would journal, all in one transaction.
    pub(crate) async fn journal(&self, ticket: &str, bodies: Vec<Body>) {
        let origin = Origin {
            principal: "test".to_owned(),
            cause: String::new(),
        };
        self.journal
            .in_tx(&origin, |tx| {
                let bodies = bodies.clone();
                async move {
                    for body in bodies {
                        tx.emit(Draft::ticket(ticket, body));
                    }
                    Ok::<_, lotse_survey::Error>(())
                }
            })
            .await
            .unwrap();
    }

    /// A ticket that somebody human has answered, and that is solved.
    pub(crate) async fn solved(&self, ticket: &str, requester: &str) {
        let bodies = vec![created(requester, Channel::Email), reply(), solve()];
        self.journal(ticket, bodies).await;
        self.suite.settle().await;
    }

    pub(crate) async fn invitations(&mut self, ticket: &str) -> Vec<proto::Invitation> {
        let request = proto::ListInvitationsRequest {
            ticket_id: ticket.to_owned(),
            ..proto::ListInvitationsRequest::default()
        };
        self.client
            .list_invitations(request)
            .await
            .unwrap()
            .into_inner()
            .invitations
    }

    /// The only invitation of a ticket.
    pub(crate) async fn invitation(&mut self, ticket: &str) -> proto::Invitation {
        let mut found = self.invitations(ticket).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    pub(crate) async fn answer(
        &mut self,
        token: &str,
        score: i32,
    ) -> Result<proto::Answer, tonic::Status> {
        self.answer_as("", token, score).await
    }

    pub(crate) async fn answer_as(
        &mut self,
        request_id: &str,
        token: &str,
        score: i32,
    ) -> Result<proto::Answer, tonic::Status> {
        let request = proto::SubmitAnswerRequest {
            request_id: request_id.to_owned(),
            token: token.to_owned(),
            score,
            ..proto::SubmitAnswerRequest::default()
        };
        let response = self.client.submit_answer(request).await?;
        Ok(response.into_inner().answer.unwrap())
    }

    pub(crate) async fn form(&mut self, token: &str) -> Result<proto::Form, tonic::Status> {
        let request = proto::GetFormRequest {
            token: token.to_owned(),
            ..proto::GetFormRequest::default()
        };
        Ok(self
            .client
            .get_form(request)
            .await?
            .into_inner()
            .form
            .unwrap())
    }

    pub(crate) async fn score(&mut self, kind: SurveyKind) -> proto::Score {
        let request = proto::GetScoreRequest {
            kind: kind.into(),
            ..proto::GetScoreRequest::default()
        };
        self.client
            .get_score(request)
            .await
            .unwrap()
            .into_inner()
            .score
            .unwrap()
    }
}

pub(crate) fn created(requester: &str, channel: Channel) -> Body {
    Body::TicketCreated(journal::TicketCreated {
        requester_id: requester.to_owned(),
        channel: channel.into(),
        language: "de-AT".to_owned(),
        category: "billing".to_owned(),
        ..journal::TicketCreated::default()
    })
}

pub(crate) fn assigned(group: &str, agent: &str) -> Body {
    Body::TicketAssigned(journal::TicketAssigned {
        group_id: group.to_owned(),
        agent_id: agent.to_owned(),
        ..journal::TicketAssigned::default()
    })
}

pub(crate) fn reply() -> Body {
    Body::MessageAdded(journal::MessageAdded {
        author_kind: AuthorKind::Human.into(),
        visibility: Visibility::Public.into(),
        ..journal::MessageAdded::default()
    })
}

pub(crate) fn solve() -> Body {
    changed(TicketStatus::Solved, Change::Solved)
}

pub(crate) fn reopen() -> Body {
    changed(TicketStatus::Open, Change::Reopened)
}

fn changed(to: TicketStatus, change: Change) -> Body {
    Body::TicketStatusChanged(journal::TicketStatusChanged {
        to: to.into(),
        change: change.into(),
        ..journal::TicketStatusChanged::default()
    })
}

/// The reason in a refusal's `ErrorInfo`.
pub(crate) fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The fields named by a refusal.
pub(crate) fn fields(status: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    let bad = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations);
    bad.unwrap_or_default()
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}
