//! A ticket's way through all services, and what the figures say of it afterwards.

use lotse_proto::common::v1::{AuthorKind, ClockState, SlaMetric, SurveyKind, TicketStatus};
use lotse_proto::insight::v1::Figure;
use lotse_proto::intake::v1::{GetTimelineRequest, TimelineEntry, WaitForRequesterRequest};
use lotse_proto::journal::v1::event::Body;
use lotse_proto::routing::v1::{DecisionKind, ExplainRoutingRequest, RouteState};
use lotse_proto::survey::v1::invitation::State;
use lotse_proto::survey::v1::{
    GetFormRequest, GetScoreRequest, ListInvitationsRequest, SubmitAnswerRequest,
};
use lotse_proto::time::{from_proto, to_proto};

use crate::clients::{Clients, FIRST_REPLY, Team, printer_on_fire};
use crate::desk::{DAY, Desk, HOUR, MINUTE, OPENING, on_both};

on_both!(a_ticket_goes_all_the_way);

async fn a_ticket_goes_all_the_way(desk: Desk) {
    let clients = desk.clients.clone();
    let team = clients.staff().await;
    desk.settle().await;

    let id = clients.create(printer_on_fire("customer-1")).await.id;
    desk.settle().await;
    is_routed_by_skill_and_language(&clients, &team, &id).await;
    is_timed(&desk, &id).await;
    is_replied_to_and_solved(&desk, &team, &id).await;
    is_asked_about(&desk, &team, &id).await;
    figures_agree(&clients, &team).await;

    // It closes itself four days after it was solved.
    desk.until(5 * DAY).await;
    assert_eq!(clients.ticket(&id).await.status(), TicketStatus::Closed);
    timeline_tells_it_in_order(&clients, &team, &id).await;
}

async fn is_routed_by_skill_and_language(clients: &Clients, team: &Team, id: &str) {
    let ticket = clients.ticket(id).await;
    assert_eq!(ticket.assignee_id, team.ada);
    assert_eq!(ticket.group_id, team.first_line);
    assert_eq!((ticket.tier, ticket.status()), (1, TicketStatus::New));

    let request = ExplainRoutingRequest {
        ticket_id: id.into(),
        ..ExplainRoutingRequest::default()
    };
    let explained = clients
        .routing
        .clone()
        .explain_routing(request)
        .await
        .unwrap()
        .into_inner();
    let route = explained.route.unwrap();
    assert_eq!(
        (route.state(), &route.agent_id),
        (RouteState::Assigned, &team.ada)
    );
    let [decision] = &explained.decisions[..] else {
        panic!("one decision: {:?}", explained.decisions);
    };
    assert_eq!(decision.kind(), DecisionKind::Automatic);
    assert_eq!(decision.reason, "only_candidate");
    assert_eq!((&decision.agent_id, decision.eligible), (&team.ada, 1));
    assert_eq!(decision.workflow_rule, "default");
    let mut rejected: Vec<_> = decision
        .rejections
        .iter()
        .map(|rejection| (rejection.reason.as_str(), rejection.agents))
        .collect();
    rejected.sort_unstable();
    assert_eq!(rejected, [("lacks_language", 1), ("lacks_skill", 1)]);
    assert!(
        decision.words.iter().any(|words| words.contains("Ada")),
        "{:?}",
        decision.words
    );
}

async fn is_timed(desk: &Desk, id: &str) {
    let clocks = desk.clients.clocks(id).await;
    let [clock] = &clocks[..] else {
        panic!("one clock: {clocks:?}");
    };
    assert_eq!(clock.metric(), SlaMetric::FirstReply);
    assert_eq!(clock.state(), ClockState::Running);
    assert_eq!(clock.due_at, Some(to_proto(OPENING + FIRST_REPLY)));

    desk.until(HOUR - MINUTE).await;
    assert_eq!(desk.clients.clocks(id).await[0].warned_percent, 0);
    desk.until(HOUR).await;
    let clock = desk.clients.clocks(id).await.remove(0);
    assert_eq!(
        (clock.warned_percent, clock.state()),
        (50, ClockState::Running)
    );
}

async fn is_replied_to_and_solved(desk: &Desk, team: &Team, id: &str) {
    let clients = &desk.clients;
    let status = async || clients.ticket(id).await.status();
    desk.until(70 * MINUTE).await;
    clients
        .says(
            id,
            AuthorKind::Human,
            &team.ada,
            "Bitte ziehen Sie den Stecker.",
        )
        .await;
    desk.settle().await;
    assert_eq!(status().await, TicketStatus::Open);
    let clock = clients.clocks(id).await.remove(0);
    assert_eq!(clock.state(), ClockState::Met);
    assert_eq!(clock.fulfilled_at, Some(to_proto(OPENING + 70 * MINUTE)));

    desk.until(75 * MINUTE).await;
    let wait = WaitForRequesterRequest {
        ticket_id: id.into(),
        ..WaitForRequesterRequest::default()
    };
    clients
        .tickets
        .clone()
        .wait_for_requester(wait)
        .await
        .unwrap();
    assert_eq!(status().await, TicketStatus::Pending);

    desk.until(135 * MINUTE).await;
    clients
        .says(id, AuthorKind::Requester, "", "Er brennt nicht mehr.")
        .await;
    assert_eq!(status().await, TicketStatus::Open);
    desk.until(150 * MINUTE).await;
    clients
        .says(id, AuthorKind::Human, &team.ada, "Ein neuer kommt morgen.")
        .await;
    desk.until(155 * MINUTE).await;
    clients.solve(id, &team.ada).await;
    desk.settle().await;
    assert_eq!(status().await, TicketStatus::Solved);

    let request = ExplainRoutingRequest {
        ticket_id: id.into(),
        ..ExplainRoutingRequest::default()
    };
    let route = clients
        .routing
        .clone()
        .explain_routing(request)
        .await
        .unwrap()
        .into_inner()
        .route;
    assert_eq!(route.unwrap().state(), RouteState::Done);
}

/// By default a day after it was solved.
async fn is_asked_about(desk: &Desk, team: &Team, id: &str) {
    let mut surveys = desk.clients.surveys.clone();
    let about = ListInvitationsRequest {
        ticket_id: id.into(),
        ..ListInvitationsRequest::default()
    };
    desk.until(155 * MINUTE + DAY - MINUTE).await;
    let early = surveys
        .list_invitations(about.clone())
        .await
        .unwrap()
        .into_inner()
        .invitations;
    assert_eq!(early[0].state(), State::Waiting);
    desk.until(155 * MINUTE + DAY).await;
    let asked = surveys
        .list_invitations(about)
        .await
        .unwrap()
        .into_inner()
        .invitations
        .remove(0);
    assert_eq!(
        (asked.state(), &asked.survey_id),
        (State::Invited, &team.csat)
    );

    let form = GetFormRequest {
        token: asked.token.clone(),
        ..GetFormRequest::default()
    };
    let form = surveys
        .get_form(form)
        .await
        .unwrap()
        .into_inner()
        .form
        .unwrap();
    assert_eq!(
        (form.language.as_str(), form.min_score, form.max_score),
        ("de", 1, 5)
    );
    desk.until(155 * MINUTE + DAY + HOUR).await;
    let answer = SubmitAnswerRequest {
        token: asked.token,
        score: 5,
        comment: "Schnell!".into(),
        ..SubmitAnswerRequest::default()
    };
    let answer = surveys
        .submit_answer(answer)
        .await
        .unwrap()
        .into_inner()
        .answer
        .unwrap();
    assert_eq!(
        (&answer.agent_id, &answer.group_id),
        (&team.ada, &team.first_line)
    );
    desk.settle().await;
}

async fn figures_agree(clients: &Clients, team: &Team) {
    let seconds = |minutes: f64| Some(minutes * 60.0);
    let expected = [
        ("ticket_volume", "", Some(1.0), 1),
        ("opened_vs_solved", "created", Some(1.0), 1),
        ("opened_vs_solved", "solved", Some(1.0), 1),
        ("opened_vs_solved", "difference", Some(0.0), 2),
        ("backlog", "", Some(0.0), 1),
        ("first_reply_time", "", seconds(70.0), 1),
        // 70 minutes for the first reply, 15 for the second.
        ("average_wait_time", "", seconds(42.5), 2),
        ("resolution_time", "full", seconds(155.0), 1),
        // Two replies before it was solved.
        ("first_contact_resolution", "", Some(0.0), 1),
        ("transfer_rate", "", Some(0.0), 1),
        ("misroute_rate", "", Some(0.0), 1),
        ("escalation_rate", "", Some(0.0), 1),
        ("reopen_rate", "", Some(0.0), 1),
        ("repeat_rate", "", Some(0.0), 1),
        ("sla_compliance", "share", Some(1.0), 1),
        ("solved_per_agent", "", Some(1.0), 1),
        ("csat", "", Some(1.0), 1),
        // Nobody was asked: no figure, and not zero.
        ("ces", "share", None, 0),
        ("nps", "", None, 0),
    ];
    for (metric, part, value, n) in expected {
        let figure = figure(clients, metric, part).await;
        assert_eq!((figure.value, figure.n), (value, n), "{metric} {part}");
    }
    let by = async |metric, dimension| {
        let series = clients.series(metric, Some(dimension)).await;
        let group = |place: usize| series[place].group[0].value.clone().unwrap_or_default();
        (series.len(), group(0))
    };
    assert_eq!(by("ticket_volume", "channel").await, (1, "EMAIL".into()));
    assert_eq!(
        by("ticket_volume", "category").await,
        (1, "hardware".into())
    );
    assert_eq!(by("solved_per_agent", "agent").await, (1, team.ada.clone()));

    let request = GetScoreRequest {
        kind: SurveyKind::Csat.into(),
        ..GetScoreRequest::default()
    };
    let score = clients
        .surveys
        .clone()
        .get_score(request)
        .await
        .unwrap()
        .into_inner();
    let score = score.score.unwrap();
    assert_eq!((score.n, score.invited), (1, 1));
    let share = score.share.unwrap();
    // Wilson's interval of one success in one.
    assert_eq!((share.value, share.high), (1.0, Some(1.0)));
    assert!((share.low.unwrap() - 0.2065).abs() < 1e-4, "{share:?}");
}

pub(crate) async fn figure(clients: &Clients, metric: &str, part: &str) -> Figure {
    let series = clients.series(metric, None).await;
    let found = series.into_iter().find(|series| series.part == part);
    let mut points = found.unwrap_or_else(|| panic!("no {metric} {part}")).points;
    points.remove(0).figure.unwrap()
}

async fn timeline_tells_it_in_order(clients: &Clients, team: &Team, id: &str) {
    let request = GetTimelineRequest {
        ticket_id: id.into(),
        ..GetTimelineRequest::default()
    };
    let entries = clients
        .tickets
        .clone()
        .get_timeline(request)
        .await
        .unwrap()
        .into_inner()
        .entries;
    let told: Vec<_> = entries.iter().map(|entry| told(entry, team)).collect();
    assert_eq!(
        told,
        [
            "    0 created by Email",
            "    0 Requester: Es ist recht warm hier.",
            "    0 assigned to Ada",
            "    0 goes by a policy for Normal",
            "    0 FirstReply Started",
            "   60 FirstReply Warned",
            "   70 Human: Bitte ziehen Sie den Stecker.",
            "   70 New -> Open",
            "   70 FirstReply Met",
            "   75 Open -> Pending",
            "  135 Requester: Er brennt nicht mehr.",
            "  135 Pending -> Open",
            "  150 Human: Ein neuer kommt morgen.",
            "  155 Open -> Solved",
            "  155 released by Ada",
            " 1595 survey Invited",
            " 1595 survey Opened",
            " 1655 answered 5",
            " 5915 Solved -> Closed",
        ],
        "{told:#?}"
    );
}

/// An entry in a line: minutes after the opening, and what happened.
fn told(entry: &TimelineEntry, team: &Team) -> String {
    let event = entry.event.as_ref().unwrap();
    let at = from_proto(event.occurred_at.as_ref().unwrap()).unwrap();
    let minutes = at.since(OPENING).as_secs() / 60;
    let who = |agent: &str| {
        if agent == team.ada {
            "Ada"
        } else {
            "somebody else"
        }
    };
    let what = match event.body.as_ref().unwrap() {
        Body::TicketCreated(created) => format!("created by {:?}", created.channel()),
        Body::MessageAdded(added) => {
            let words = &entry.message.as_ref().unwrap().body;
            format!("{:?}: {words}", added.author_kind())
        }
        Body::TicketStatusChanged(change) => format!("{:?} -> {:?}", change.from(), change.to()),
        Body::TicketAssigned(assigned) => format!("assigned to {}", who(&assigned.agent_id)),
        Body::TicketReleased(released) => format!("released by {}", who(&released.agent_id)),
        Body::PlanChosen(plan) => format!("goes by a policy for {:?}", plan.priority()),
        Body::ClockChanged(clock) => format!("{:?} {:?}", clock.metric(), clock.transition()),
        Body::InvitationChanged(invitation) => format!("survey {:?}", invitation.change()),
        Body::AnswerRecorded(answer) => format!("answered {}", answer.score),
        other => format!("{other:?}"),
    };
    format!("{minutes:5} {what}")
}
