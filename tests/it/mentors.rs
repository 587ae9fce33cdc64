//! Replies of those who learn go out when their mentor has approved them, and only then.

use lotse_client::Channel;
use lotse_errors::{ErrorReason, peer};
use lotse_proto::common::v1::{AuthorKind, Visibility};
use lotse_proto::intake::v1::{AddMessageRequest, AddMessageResponse, Author, ListMessagesRequest};
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::rota_layer::Plan;
use lotse_proto::routing::v1::{
    AssignTicketRequest, DecideReplyRequest, PutRotaRequest, RequestReplyApprovalRequest, Rota,
    RotaLayer, Rotation, RotationUnit, Shadow,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::clients::{Team, printer_on_fire};
use crate::desk::{Desk, on_both};

/// A reply by an agent.
fn reply(ticket: &str, agent: &str, body: &str) -> AddMessageRequest {
    AddMessageRequest {
        ticket_id: ticket.into(),
        author: Some(Author {
            kind: AuthorKind::Human.into(),
            id: agent.into(),
        }),
        visibility: Visibility::Public.into(),
        body: body.into(),
        ..AddMessageRequest::default()
    }
}

impl Desk {
    fn duty(&self) -> DutyServiceClient<Channel> {
        DutyServiceClient::new(Channel::in_process(self.suite.stack()))
    }

    async fn say(&self, message: AddMessageRequest) -> Result<AddMessageResponse, Status> {
        let added = self.clients.tickets.clone().add_message(message).await?;
        Ok(added.into_inner())
    }

    /// Ada has the duty of the first line, and Ben learns from her there.
    async fn ben_learns(&self, team: &Team, approval_wanted: bool) {
        let rotation = Rotation {
            agent_ids: vec![team.ada.clone()],
            unit: RotationUnit::Days.into(),
            starts_on: "2026-03-01".into(),
            ..Rotation::default()
        };
        let layer = RotaLayer {
            name: "first".into(),
            plan: Some(Plan::Rotation(rotation)),
            shadow: Some(Shadow {
                agent_id: team.ben.clone(),
                mentor_agent_id: team.ada.clone(),
                approval_wanted,
            }),
            ..RotaLayer::default()
        };
        let rota = Rota {
            name: "first line".into(),
            time_zone: "Etc/UTC".into(),
            group_id: team.first_line.clone(),
            layers: vec![layer],
            ..Rota::default()
        };
        let request = PutRotaRequest {
            rota: Some(rota),
            request_id: String::new(),
        };
        self.duty().put_rota(request).await.unwrap();
        self.settle().await;
    }

    /// Ben's note about a ticket, for which he asks Ada's approval.
    async fn asks(&self, team: &Team, ticket: &str, body: &str) -> String {
        let note = AddMessageRequest {
            visibility: Visibility::Internal.into(),
            ..reply(ticket, &team.ben, body)
        };
        let note = self.say(note).await.unwrap().message.unwrap().id;
        let request = RequestReplyApprovalRequest {
            agent_id: team.ben.clone(),
            ticket_id: ticket.into(),
            message_id: note.clone(),
            request_id: String::new(),
        };
        self.duty().request_reply_approval(request).await.unwrap();
        note
    }

    async fn decides(&self, team: &Team, note: &str, approved: bool) {
        let request = DecideReplyRequest {
            message_id: note.into(),
            agent_id: team.ada.clone(),
            approved,
            ..DecideReplyRequest::default()
        };
        self.duty().decide_reply(request).await.unwrap();
    }

    async fn messages(&self, ticket: &str) -> usize {
        let request = ListMessagesRequest {
            ticket_id: ticket.into(),
            ..ListMessagesRequest::default()
        };
        let listed = self.clients.tickets.clone().list_messages(request).await;
        listed.unwrap().into_inner().messages.len()
    }
}

/// How the approval stood that a reply was refused for; it names who could give one.
#[track_caller]
fn refused(team: &Team, answer: Result<AddMessageResponse, Status>) -> String {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert_eq!(peer::reason(&status), Some(ErrorReason::ReplyNotApproved));
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["agent_id"], team.ben);
    assert_eq!(info.metadata["mentor_agent_id"], team.ada);
    info.metadata["state"].clone()
}

async fn a_shadow_replies_once_per_approval(desk: Desk) {
    let team = desk.clients.staff().await;
    desk.ben_learns(&team, true).await;
    let ticket = desk.clients.create(printer_on_fire("customer-1")).await.id;
    desk.settle().await;
    let words = "Please switch it off.";
    let send = |note: &str, body: &str| AddMessageRequest {
        approved_note_id: note.into(),
        ..reply(&ticket, &team.ben, body)
    };

    assert_eq!(refused(&team, desk.say(send("", words)).await), "none");
    let note = desk.asks(&team, &ticket, words).await;
    assert_eq!(
        refused(&team, desk.say(send(&note, words)).await),
        "pending"
    );
    desk.decides(&team, &note, true).await;
    // Without waiting for anybody to hear of it.
    assert_eq!(refused(&team, desk.say(send("", words)).await), "none");
    let other = "Please set it on fire.";
    assert_eq!(
        refused(&team, desk.say(send(&note, other)).await),
        "differs"
    );
    let before = desk.messages(&ticket).await;
    let once = AddMessageRequest {
        request_id: "once".into(),
        ..send(&note, words)
    };
    let sent = desk.say(once.clone()).await.unwrap();
    assert_eq!(
        desk.say(once).await.unwrap(),
        sent,
        "a retry is the same reply"
    );
    assert_eq!(refused(&team, desk.say(send(&note, words)).await), "used");
    assert_eq!(desk.messages(&ticket).await, before + 1);

    let note = desk.asks(&team, &ticket, "Any news?").await;
    desk.decides(&team, &note, false).await;
    assert_eq!(
        refused(&team, desk.say(send(&note, "Any news?")).await),
        "declined"
    );
    // Of two who send it at the same time, one does.
    let note = desk.asks(&team, &ticket, "How is it?").await;
    desk.decides(&team, &note, true).await;
    let twice = [(); 2].map(|()| desk.say(send(&note, "How is it?")));
    let outcomes = futures::future::join_all(twice).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
}

async fn only_those_who_learn_wait_and_only_where_they_do(desk: Desk) {
    let team = desk.clients.staff().await;
    desk.ben_learns(&team, true).await;
    let ticket = desk.clients.create(printer_on_fire("customer-1")).await.id;
    desk.settle().await;
    desk.say(reply(&ticket, &team.ada, "I am the mentor."))
        .await
        .unwrap();
    let note = AddMessageRequest {
        visibility: Visibility::Internal.into(),
        ..reply(&ticket, &team.ben, "a note")
    };
    desk.say(note).await.unwrap();
    assert_eq!(
        refused(&team, desk.say(reply(&ticket, &team.ben, "hello")).await),
        "none"
    );
    // The rota is the first line's; the second line's tickets are another matter.
    let request = AssignTicketRequest {
        ticket_id: ticket.clone(),
        group_id: team.second_line.clone(),
        ..AssignTicketRequest::default()
    };
    desk.clients
        .routing
        .clone()
        .assign_ticket(request)
        .await
        .unwrap();
    desk.settle().await;
    desk.say(reply(&ticket, &team.ben, "hello")).await.unwrap();
    // And when approval is not wanted any more, nobody waits.
    let ticket = desk.clients.create(printer_on_fire("customer-2")).await.id;
    desk.settle().await;
    assert_eq!(
        refused(&team, desk.say(reply(&ticket, &team.ben, "hello")).await),
        "none"
    );
    desk.ben_learns(&team, false).await;
    desk.say(reply(&ticket, &team.ben, "hello")).await.unwrap();
}

on_both!(
    a_shadow_replies_once_per_approval,
    only_those_who_learn_wait_and_only_where_they_do
);
