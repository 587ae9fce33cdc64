//! Every `ErrorReason` comes out of a real call: here, or in the test named by [`ELSEWHERE`].

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lotse::suite;
use lotse_auth::{Authenticator, Claims, KeySource, LocalKey, TokenConfig};
use lotse_client::{Channel, Token};
use lotse_clock::SystemClock;
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::{Config, Server};
use lotse_proto::common::v1::{self as common, AuthorKind, SurveyKind};
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{
    CloseTicketRequest, CreateTicketRequest, GetTicketRequest, ListTicketsRequest,
    SolveTicketRequest, StreamEventsRequest,
};
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{
    AcceptOfferRequest, Agent, AssignTicketRequest, DeclineOfferRequest, EscalateTicketRequest,
    GetQueueStateRequest, Presence, PutSkillRequest, SetPresenceRequest, Skill, UpdateAgentRequest,
};
use lotse_proto::survey::v1::survey::Trigger;
use lotse_proto::survey::v1::{
    CreateInvitationRequest, PutSurveyRequest, SubmitAnswerRequest, Survey,
};
use lotse_proto::time::to_proto;
use sea_orm::{ConnectionTrait as _, DbErr};
use tokio::sync::Notify;
use tonic::{Code, Request, Response, Status};

use crate::clients::{Clients, Team, printer_on_fire};
use crate::desk::{DAY, Desk, OPENING, behaviour};

/// What takes more than a call: where it is shown.
const ELSEWHERE: [(ErrorReason, &str, &str); 3] = [
    (
        ErrorReason::LostRace,
        "it/refusals.rs",
        "two_first_answers_at_once_are_one_answer",
    ),
    (
        ErrorReason::QuotaExceeded,
        "it/refusals.rs",
        "an_address_that_asks_too_often_is_told_to_wait",
    ),
    (
        ErrorReason::ReplyNotApproved,
        "it/mentors.rs",
        "a_shadow_replies_once_per_approval",
    ),
];

/// The reasons seen so far.
#[derive(Default)]
struct Seen(BTreeSet<i32>);

impl Seen {
    /// Notes a refusal, which must be the one expected.
    #[track_caller]
    fn refused<T>(
        &mut self,
        reason: ErrorReason,
        code: Code,
        outcome: Result<Response<T>, Status>,
    ) -> Status {
        let Err(status) = outcome else {
            panic!("{reason:?} was expected");
        };
        assert_eq!(
            (peer::reason(&status), status.code()),
            (Some(reason), code),
            "{status:?}"
        );
        self.0.insert(reason.into());
        status
    }
}

#[tokio::test]
async fn every_reason_comes_out_of_a_real_call() {
    let desk = Desk::sqlite().await;
    let team = desk.clients.staff().await;
    desk.settle().await;
    let mut seen = Seen::default();

    Box::pin(wrong_requests(&desk, &mut seen)).await;
    Box::pin(wrong_states(&desk, &team, &mut seen)).await;
    Box::pin(wrong_callers(&desk, &team, &mut seen)).await;
    Box::pin(closed_surveys(&desk, &team, &mut seen)).await;
    Box::pin(too_much_or_too_late(&desk, &mut seen)).await;
    // Last of all: after this the database is beyond repair.
    Box::pin(broken_database(&desk, &mut seen)).await;

    let all = (1..).map_while(|number| ErrorReason::try_from(number).ok());
    let missing: Vec<_> = all
        .filter(|reason| !seen.0.contains(&i32::from(*reason)))
        .filter(|reason| !ELSEWHERE.iter().any(|(elsewhere, ..)| elsewhere == reason))
        .collect();
    assert!(missing.is_empty(), "no call answers {missing:?}");
}

#[test]
fn what_is_shown_elsewhere_is_there() {
    for (reason, file, test) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let there =
            text.contains(&format!("async fn {test}(")) && text.contains(&format!("{reason:?}"));
        assert!(there, "{reason:?} is not shown by {test} in {file}");
    }
}

async fn wrong_requests(desk: &Desk, seen: &mut Seen) {
    let mut tickets = desk.clients.tickets.clone();
    let nothing = tickets.get_ticket(GetTicketRequest::default()).await;
    seen.refused(ErrorReason::InvalidField, Code::InvalidArgument, nothing);

    let page = ListTicketsRequest {
        page_token: "x".into(),
        ..ListTicketsRequest::default()
    };
    let outcome = tickets.list_tickets(page).await;
    seen.refused(
        ErrorReason::InvalidPageToken,
        Code::InvalidArgument,
        outcome,
    );

    let nobody = close("tkt_00000000000000000000000000");
    let outcome = tickets.close_ticket(nobody).await;
    seen.refused(ErrorReason::ResourceNotFound, Code::NotFound, outcome);

    let named = CreateTicketRequest {
        external_id: "E-1".into(),
        ..printer_on_fire("customer-1")
    };
    tickets.create_ticket(named.clone()).await.unwrap();
    let outcome = tickets.create_ticket(named).await;
    seen.refused(ErrorReason::ResourceExists, Code::AlreadyExists, outcome);

    let first = CreateTicketRequest {
        request_id: "r-1".into(),
        ..printer_on_fire("customer-1")
    };
    tickets.create_ticket(first.clone()).await.unwrap();
    let other = CreateTicketRequest {
        subject: "Another one".into(),
        ..first
    };
    let outcome = tickets.create_ticket(other).await;
    seen.refused(ErrorReason::RequestIdReused, Code::AlreadyExists, outcome);

    // A token of another journal.
    let stranger = Desk::sqlite().await;
    stranger.clients.staff().await;
    let all = StreamEventsRequest {
        end_when_caught_up: true,
        ..StreamEventsRequest::default()
    };
    let mut feed = stranger
        .clients
        .events
        .clone()
        .stream_events(all)
        .await
        .unwrap()
        .into_inner();
    let resume_token = feed.message().await.unwrap().unwrap().resume_token;
    let strange = StreamEventsRequest {
        resume_token,
        ..StreamEventsRequest::default()
    };
    let outcome = desk.clients.events.clone().stream_events(strange).await;
    seen.refused(
        ErrorReason::StaleResumeToken,
        Code::FailedPrecondition,
        outcome,
    );
}

async fn wrong_states(desk: &Desk, team: &Team, seen: &mut Seen) {
    let clients = &desk.clients;
    let id = clients.create(printer_on_fire("customer-2")).await.id;
    let stale = SolveTicketRequest {
        ticket_id: id.clone(),
        etag: "stale".into(),
        ..SolveTicketRequest::default()
    };
    let outcome = clients.tickets.clone().solve_ticket(stale).await;
    seen.refused(ErrorReason::StaleEtag, Code::Aborted, outcome);

    let outcome = clients.tickets.clone().close_ticket(close(&id)).await;
    let refused = seen.refused(
        ErrorReason::IllegalTransition,
        Code::FailedPrecondition,
        outcome,
    );
    assert!(refused.message().contains("NEW"), "{refused:?}");

    let retired = Agent {
        id: team.ben.clone(),
        retired: true,
        ..Agent::default()
    };
    let retire = UpdateAgentRequest {
        agent: Some(retired),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["retired".into()],
        }),
        ..UpdateAgentRequest::default()
    };
    clients.agents.clone().update_agent(retire).await.unwrap();
    let to_ben = AssignTicketRequest {
        ticket_id: id.clone(),
        agent_id: team.ben.clone(),
        ..AssignTicketRequest::default()
    };
    let outcome = clients.routing.clone().assign_ticket(to_ben).await;
    seen.refused(
        ErrorReason::AgentNotEligible,
        Code::FailedPrecondition,
        outcome,
    );

    let up = EscalateTicketRequest {
        ticket_id: id,
        summary: "It still burns.".into(),
        ..EscalateTicketRequest::default()
    };
    desk.settle().await;
    let escalated = clients
        .routing
        .clone()
        .escalate_ticket(up.clone())
        .await
        .unwrap();
    assert_eq!(
        escalated.into_inner().route.unwrap().group_id,
        team.second_line
    );
    let outcome = clients.routing.clone().escalate_ticket(up).await;
    seen.refused(ErrorReason::NoNextTier, Code::FailedPrecondition, outcome);

    let chat = CreateTicketRequest {
        channel: common::Channel::Chat.into(),
        ..printer_on_fire("customer-9")
    };
    clients.create(chat).await;
    desk.settle().await;
    let mut routing = clients.routing.clone();
    let board = routing.get_queue_state(GetQueueStateRequest::default());
    let offer = board.await.unwrap().into_inner().offers.remove(0);
    let accept = AcceptOfferRequest {
        offer_id: offer.id.clone(),
        ..AcceptOfferRequest::default()
    };
    routing.accept_offer(accept).await.unwrap();
    let decline = DeclineOfferRequest {
        offer_id: offer.id,
        ..DeclineOfferRequest::default()
    };
    let outcome = routing.decline_offer(decline).await;
    seen.refused(ErrorReason::OfferOver, Code::FailedPrecondition, outcome);
}

/// The same services, for callers with tokens.
async fn wrong_callers(desk: &Desk, team: &Team, seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    let key = LocalKey::generate().unwrap();
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, key.jwks()).unwrap();
    let auth = Authenticator::tokens(TokenConfig::new(KeySource::File(jwks), "lotse"));
    let services = suite::services(&desk.parts, &behaviour());
    let server = Server::new(Config::default(), auth, services).unwrap();
    let channel = Channel::in_process(server.stack());
    let bearing = |scopes: &[&str], agent: Option<&str>| {
        let claims = Claims {
            subject: "someone".into(),
            audience: "lotse".into(),
            issuer: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            agent_id: agent.map(|agent| agent.parse().unwrap()),
            lifetime: Duration::from_secs(60),
        };
        let token = key.mint(&claims, SystemClock.now()).unwrap();
        Clients::of(&channel.clone().with_token(Token::Fixed(token)))
    };

    let outcome = Clients::of(&channel)
        .tickets
        .create_ticket(printer_on_fire("x"))
        .await;
    seen.refused(ErrorReason::Unauthenticated, Code::Unauthenticated, outcome);

    let reader = bearing(&["tickets.read"], None);
    let outcome = reader
        .tickets
        .clone()
        .create_ticket(printer_on_fire("x"))
        .await;
    seen.refused(ErrorReason::ScopeMissing, Code::PermissionDenied, outcome);

    let writer = bearing(&["tickets.write"], None);
    let past = CreateTicketRequest {
        occurred_at: Some(to_proto(OPENING + Duration::ZERO)),
        ..printer_on_fire("x")
    };
    desk.until(DAY).await;
    let outcome = writer.tickets.clone().create_ticket(past).await;
    seen.refused(
        ErrorReason::PastTimeNotAllowed,
        Code::PermissionDenied,
        outcome,
    );

    let ada = bearing(&["routing.write"], Some(&team.ada));
    let of = |agent: &str| SetPresenceRequest {
        agent_id: agent.into(),
        presence: Presence::Away.into(),
        ..SetPresenceRequest::default()
    };
    ada.agents
        .clone()
        .set_presence(of(&team.ada))
        .await
        .unwrap();
    let outcome = ada.agents.clone().set_presence(of(&team.cleo)).await;
    seen.refused(ErrorReason::NotYourAgent, Code::PermissionDenied, outcome);
}

async fn closed_surveys(desk: &Desk, team: &Team, seen: &mut Seen) {
    let clients = &desk.clients;
    let mut surveys = clients.surveys.clone();
    let nps = clients
        .survey("Would you tell a friend?", SurveyKind::Nps, Trigger::Manual)
        .await;
    let invite = |requester: &str| CreateInvitationRequest {
        survey_id: nps.clone(),
        requester_id: requester.into(),
        ..CreateInvitationRequest::default()
    };
    let answer = |token: &str| SubmitAnswerRequest {
        token: token.into(),
        score: 9,
        ..SubmitAnswerRequest::default()
    };
    let mut tokens = Vec::new();
    for requester in ["customer-3", "customer-4"] {
        let ticket = clients.create(printer_on_fire(requester)).await;
        let invited = surveys
            .create_invitation(invite(&ticket.requester_id))
            .await
            .unwrap();
        tokens.push(invited.into_inner().invitation.unwrap().token);
    }
    let other = Survey {
        id: nps.clone(),
        name: "Would you tell a friend?".into(),
        kind: SurveyKind::Ces.into(),
        ..Survey::default()
    };
    let put = PutSurveyRequest {
        survey: Some(other),
        ..PutSurveyRequest::default()
    };
    let outcome = surveys.put_survey(put).await;
    seen.refused(
        ErrorReason::ResourceInUse,
        Code::FailedPrecondition,
        outcome,
    );

    surveys.submit_answer(answer(&tokens[0])).await.unwrap();
    desk.until(3 * DAY).await;
    let outcome = surveys.submit_answer(answer(&tokens[0])).await;
    seen.refused(ErrorReason::AnswerFinal, Code::FailedPrecondition, outcome);

    desk.until(40 * DAY).await;
    let outcome = surveys.submit_answer(answer(&tokens[1])).await;
    seen.refused(
        ErrorReason::InvitationClosed,
        Code::FailedPrecondition,
        outcome,
    );
    assert_ne!(nps, team.csat);
}

async fn too_much_or_too_late(desk: &Desk, seen: &mut Seen) {
    // The channel would keep the deadline by itself, so the server is asked without one.
    let mut workflow = WorkflowServiceClient::new(desk.suite.stack());
    let skill = Skill {
        name: "patience".into(),
        ..Skill::default()
    };
    let mut late = Request::new(PutSkillRequest {
        skill: Some(skill),
        ..PutSkillRequest::default()
    });
    late.set_timeout(Duration::from_millis(20));
    // The one that may write is somebody else meanwhile.
    let (held, let_go) = (Notify::new(), Notify::new());
    let hold = desk.parts.db.in_tx::<_, DbErr, _, _>(|_tx| {
        let (held, let_go) = (&held, &let_go);
        async move {
            held.notify_one();
            let_go.notified().await;
            Ok(())
        }
    });
    let call = async {
        held.notified().await;
        let outcome = workflow.put_skill(late).await;
        let_go.notify_one();
        outcome
    };
    let (holder, outcome) = tokio::join!(hold, call);
    holder.unwrap();
    seen.refused(
        ErrorReason::DeadlineExceeded,
        Code::DeadlineExceeded,
        outcome,
    );

    let full = Config {
        max_concurrent_calls: 0,
        ..Config::default()
    };
    let services = suite::services(&desk.parts, &behaviour());
    let server = Server::new(full, Authenticator::local(), services).unwrap();
    let mut tickets = TicketServiceClient::new(server.stack());
    let outcome = tickets.list_tickets(ListTicketsRequest::default()).await;
    let refused = seen.refused(ErrorReason::Overloaded, Code::ResourceExhausted, outcome);
    assert!(peer::retry_after(&refused).is_some(), "{refused:?}");
}

async fn broken_database(desk: &Desk, seen: &mut Seen) {
    let db = &desk.parts.db;
    let id = desk.clients.create(printer_on_fire("customer-5")).await.id;
    desk.clients
        .says(&id, AuthorKind::Requester, "", "Hello?")
        .await;
    let drop_table = async |tx: lotse_db::Tx| {
        tx.execute_unprepared("DROP TABLE intake_messages")
            .await
            .map(drop)
    };
    db.in_tx::<_, DbErr, _, _>(drop_table).await.unwrap();
    let request = lotse_proto::intake::v1::ListMessagesRequest {
        ticket_id: id,
        ..Default::default()
    };
    let outcome = desk.clients.tickets.clone().list_messages(request).await;
    let refused = seen.refused(ErrorReason::Internal, Code::Internal, outcome);
    assert!(
        !format!("{refused:?}").contains("intake_messages"),
        "it tells too much: {refused:?}"
    );

    db.close().await.unwrap();
    let outcome = desk
        .clients
        .tickets
        .clone()
        .list_tickets(ListTicketsRequest::default())
        .await;
    let refused = seen.refused(ErrorReason::DependencyDown, Code::Unavailable, outcome);
    assert!(peer::retry_after(&refused).is_some(), "{refused:?}");
}

fn close(ticket_id: &str) -> CloseTicketRequest {
    CloseTicketRequest {
        ticket_id: ticket_id.into(),
        ..CloseTicketRequest::default()
    }
}
