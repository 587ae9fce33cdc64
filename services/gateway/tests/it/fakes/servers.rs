//! The faked gRPC servers. What the gateway does not call answers INTERNAL.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use lotse_clock::BusinessClock;
use lotse_errors::{Error, ErrorReason};
use lotse_grpc::{Service, tuned};
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::insight::v1 as insight;
use lotse_proto::insight::v1::insight_service_server::{InsightService, InsightServiceServer};
use lotse_proto::intake::v1 as intake;
use lotse_proto::intake::v1::event_service_server::{EventService, EventServiceServer};
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_server::{TicketService, TicketServiceServer};
use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::routing_service_server::{RoutingService, RoutingServiceServer};
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::alert_service_server::{AlertService, AlertServiceServer};
use lotse_proto::sla::v1::sla_service_server::{SlaService, SlaServiceServer};
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::survey_service_server::{SurveyService, SurveyServiceServer};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use super::{Shared, at};

/// Adds every faked server to `service`.
pub(super) fn add_all(service: Service, world: &Shared, clock: &BusinessClock) -> Service {
    let fake = Fake {
        world: world.clone(),
        clock: clock.clone(),
    };
    service
        .add(tuned!(TicketServiceServer::new(fake.clone())))
        .add(tuned!(EventServiceServer::new(fake.clone())))
        .add(tuned!(RoutingServiceServer::new(fake.clone())))
        .add(tuned!(SlaServiceServer::new(fake.clone())))
        .add(tuned!(AlertServiceServer::new(fake.clone())))
        .add(tuned!(SurveyServiceServer::new(fake.clone())))
        .add(tuned!(InsightServiceServer::new(fake)))
}

#[derive(Clone)]
struct Fake {
    world: Shared,
    clock: BusinessClock,
}

impl Fake {
    fn here(&self, service: &str) -> Result<(), Status> {
        if self.world.lock().away.contains(service) {
            let source = format!("{service} is at 10.0.0.7, which is a secret");
            return Err(Error::unavailable(Duration::from_secs(3), source).into());
        }
        Ok(())
    }

    fn now(&self) -> Option<Timestamp> {
        at(self.clock.now())
    }
}

/// Implements a service: the methods given, and the others as ones that nobody calls.
macro_rules! fake {
    ($service:ident, $module:ident: { $($given:tt)* } $($unused:ident($request:ident) -> $response:ident)*) => {
        #[tonic::async_trait]
        impl $service for Fake {
            $($given)*
            $(
                async fn $unused(
                    &self,
                    _request: Request<$module::$request>,
                ) -> Result<Response<$module::$response>, Status> {
                    Err(Error::internal("not faked").into())
                }
            )*
        }
    };
}

fake!(TicketService, intake: {
    async fn list_tickets(
        &self,
        request: Request<intake::ListTicketsRequest>,
    ) -> Result<Response<intake::ListTicketsResponse>, Status> {
        self.here("intake")?;
        let request = request.into_inner();
        assert_eq!(request.filter, "status = NEW OR status = OPEN");
        let mut world = self.world.lock();
        world.looks += 1;
        let ours = [TicketStatus::New, TicketStatus::Open];
        let tickets = world.tickets.iter().filter(|it| ours.contains(&it.status()));
        let mut tickets: Vec<_> = tickets.cloned().collect();
        if request.order_by == "created_at desc" {
            tickets.reverse();
        }
        let size = usize::try_from(request.page_size).unwrap_or_default();
        let next_page_token = if tickets.len() > size { "more" } else { "" }.to_owned();
        tickets.truncate(size);
        Ok(Response::new(intake::ListTicketsResponse { tickets, next_page_token }))
    }

    async fn get_ticket(
        &self,
        request: Request<intake::GetTicketRequest>,
    ) -> Result<Response<intake::GetTicketResponse>, Status> {
        self.here("intake")?;
        let Some(By::TicketId(id)) = request.into_inner().by else {
            return Err(Error::invalid("by", "is required").into());
        };
        let world = self.world.lock();
        let ticket = world.tickets.iter().find(|it| it.id == id).cloned();
        let ticket = ticket.ok_or_else(|| Error::not_found("ticket", id))?;
        Ok(Response::new(intake::GetTicketResponse { ticket: Some(ticket) }))
    }
}
    create_ticket(CreateTicketRequest) -> CreateTicketResponse
    batch_create_tickets(BatchCreateTicketsRequest) -> BatchCreateTicketsResponse
    update_ticket(UpdateTicketRequest) -> UpdateTicketResponse
    add_message(AddMessageRequest) -> AddMessageResponse
    list_messages(ListMessagesRequest) -> ListMessagesResponse
    wait_for_requester(WaitForRequesterRequest) -> WaitForRequesterResponse
    hold_ticket(HoldTicketRequest) -> HoldTicketResponse
    resume_ticket(ResumeTicketRequest) -> ResumeTicketResponse
    solve_ticket(SolveTicketRequest) -> SolveTicketResponse
    reopen_ticket(ReopenTicketRequest) -> ReopenTicketResponse
    close_ticket(CloseTicketRequest) -> CloseTicketResponse
    merge_tickets(MergeTicketsRequest) -> MergeTicketsResponse
    get_timeline(GetTimelineRequest) -> GetTimelineResponse
);

fake!(EventService, intake: {
    type StreamEventsStream = BoxStream<'static, Result<intake::StreamEventsResponse, Status>>;

    async fn stream_events(
        &self,
        request: Request<intake::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        self.here("intake")?;
        let request = request.into_inner();
        assert!(request.from_now == request.resume_token.is_empty());
        let (feed, items) = mpsc::unbounded_channel();
        self.world.lock().feeds.push(feed);
        let items = stream::unfold(items, |mut items| async move {
            let item = items.recv().await?;
            Some((Ok(item), items))
        });
        Ok(Response::new(items.boxed()))
    }
});

fake!(RoutingService, routing: {
    async fn get_queue_state(
        &self,
        _request: Request<routing::GetQueueStateRequest>,
    ) -> Result<Response<routing::GetQueueStateResponse>, Status> {
        self.here("routing")?;
        Ok(Response::new(self.world.lock().board.clone()))
    }

    type WatchAssignmentsStream =
        BoxStream<'static, Result<routing::WatchAssignmentsResponse, Status>>;

    async fn watch_assignments(
        &self,
        _request: Request<routing::WatchAssignmentsRequest>,
    ) -> Result<Response<Self::WatchAssignmentsStream>, Status> {
        Err(Error::internal("not faked").into())
    }
}
    simulate_workflow(SimulateWorkflowRequest) -> SimulateWorkflowResponse
    suggest_rebalance(SuggestRebalanceRequest) -> SuggestRebalanceResponse
    apply_rebalance(ApplyRebalanceRequest) -> ApplyRebalanceResponse
    assign_ticket(AssignTicketRequest) -> AssignTicketResponse
    transfer_ticket(TransferTicketRequest) -> TransferTicketResponse
    escalate_ticket(EscalateTicketRequest) -> EscalateTicketResponse
    report_misroutes(ReportMisroutesRequest) -> ReportMisroutesResponse
    list_misroutes(ListMisroutesRequest) -> ListMisroutesResponse
    get_hand_over(GetHandOverRequest) -> GetHandOverResponse
    accept_offer(AcceptOfferRequest) -> AcceptOfferResponse
    decline_offer(DeclineOfferRequest) -> DeclineOfferResponse
    list_offers(ListOffersRequest) -> ListOffersResponse
    end_wrap_up(EndWrapUpRequest) -> EndWrapUpResponse
    explain_routing(ExplainRoutingRequest) -> ExplainRoutingResponse
);

fake!(SlaService, sla: {
    async fn list_clocks(
        &self,
        request: Request<sla::ListClocksRequest>,
    ) -> Result<Response<sla::ListClocksResponse>, Status> {
        self.here("sla")?;
        let wanted = request.into_inner().ticket_ids;
        let world = self.world.lock();
        let clocks = world.clocks.iter().filter(|it| wanted.contains(&it.ticket_id));
        Ok(Response::new(sla::ListClocksResponse {
            clocks: clocks.cloned().collect(),
            next_page_token: String::new(),
            as_of: self.now(),
        }))
    }

    type WatchClocksStream = BoxStream<'static, Result<sla::WatchClocksResponse, Status>>;

    async fn watch_clocks(
        &self,
        _request: Request<sla::WatchClocksRequest>,
    ) -> Result<Response<Self::WatchClocksStream>, Status> {
        Err(Error::internal("not faked").into())
    }
}
    put_policy(PutPolicyRequest) -> PutPolicyResponse
    get_policy(GetPolicyRequest) -> GetPolicyResponse
    list_policies(ListPoliciesRequest) -> ListPoliciesResponse
    put_calendar(PutCalendarRequest) -> PutCalendarResponse
    get_calendar(GetCalendarRequest) -> GetCalendarResponse
    list_calendars(ListCalendarsRequest) -> ListCalendarsResponse
    list_special_days(ListSpecialDaysRequest) -> ListSpecialDaysResponse
    forecast_breaches(ForecastBreachesRequest) -> ForecastBreachesResponse
    explain_deadline(ExplainDeadlineRequest) -> ExplainDeadlineResponse
);

fake!(AlertService, sla: {
    async fn list_alerts(
        &self,
        request: Request<sla::ListAlertsRequest>,
    ) -> Result<Response<sla::ListAlertsResponse>, Status> {
        self.here("sla")?;
        let wanted = request.into_inner().states;
        let world = self.world.lock();
        let alerts = world.alerts.iter().rev().filter(|it| wanted.contains(&it.state));
        let alerts = alerts.cloned().map(|alert| sla::Alert { steps: Vec::new(), ..alert });
        Ok(Response::new(sla::ListAlertsResponse {
            alerts: alerts.collect(),
            next_page_token: String::new(),
        }))
    }

    async fn get_alert(
        &self,
        request: Request<sla::GetAlertRequest>,
    ) -> Result<Response<sla::GetAlertResponse>, Status> {
        self.here("sla")?;
        let id = request.into_inner().alert_id;
        let mut world = self.world.lock();
        world.histories += 1;
        let alert = world.alerts.iter().find(|it| it.id == id).cloned();
        let alert = alert.ok_or_else(|| Error::not_found("alert", id))?;
        Ok(Response::new(sla::GetAlertResponse { alert: Some(alert) }))
    }
}
    acknowledge_alert(AcknowledgeAlertRequest) -> AcknowledgeAlertResponse
    resolve_alert(ResolveAlertRequest) -> ResolveAlertResponse
    list_reaction_actions(ListReactionActionsRequest) -> ListReactionActionsResponse
    put_escalation_policy(PutEscalationPolicyRequest) -> PutEscalationPolicyResponse
    get_escalation_policy(GetEscalationPolicyRequest) -> GetEscalationPolicyResponse
    list_escalation_policies(ListEscalationPoliciesRequest) -> ListEscalationPoliciesResponse
    put_notification_target(PutNotificationTargetRequest) -> PutNotificationTargetResponse
    get_notification_target(GetNotificationTargetRequest) -> GetNotificationTargetResponse
    list_notification_targets(ListNotificationTargetsRequest) -> ListNotificationTargetsResponse
    test_notification_target(TestNotificationTargetRequest) -> TestNotificationTargetResponse
    list_dead_letters(ListDeadLettersRequest) -> ListDeadLettersResponse
    redrive_dead_letters(RedriveDeadLettersRequest) -> RedriveDeadLettersResponse
);

fake!(InsightService, insight: {
    async fn query_metrics(
        &self,
        request: Request<insight::QueryMetricsRequest>,
    ) -> Result<Response<insight::QueryMetricsResponse>, Status> {
        self.here("insight")?;
        let wanted = request.into_inner().metrics;
        let world = self.world.lock();
        let known = world.figures.iter();
        let series = known
            .filter(|((metric, _), _)| wanted.iter().any(|it| it == metric))
            .map(|((metric, part), figure)| insight::Series {
                metric: (*metric).to_owned(),
                part: (*part).to_owned(),
                points: vec![insight::Point { figure: Some(*figure), ..Default::default() }],
                ..Default::default()
            });
        let series = series.collect();
        Ok(Response::new(insight::QueryMetricsResponse { series, computed_at: self.now() }))
    }
}
    list_metrics(ListMetricsRequest) -> ListMetricsResponse
    drill_down(DrillDownRequest) -> DrillDownResponse
);

fake!(SurveyService, survey: {
    async fn get_form(
        &self,
        request: Request<survey::GetFormRequest>,
    ) -> Result<Response<survey::GetFormResponse>, Status> {
        self.here("survey")?;
        let survey::GetFormRequest { token, language } = request.into_inner();
        let world = self.world.lock();
        let link = world.links.get(&token);
        let mut form = link
            .ok_or_else(|| Error::not_found("invitation", "for this link"))?
            .form
            .clone();
        if !language.is_empty() {
            form.language = language;
        }
        Ok(Response::new(survey::GetFormResponse { form: Some(form) }))
    }

    async fn submit_answer(
        &self,
        request: Request<survey::SubmitAnswerRequest>,
    ) -> Result<Response<survey::SubmitAnswerResponse>, Status> {
        self.here("survey")?;
        let request = request.into_inner();
        if request.comment.len() > 4_000 {
            return Err(Error::invalid("comment", "must have at most 4000 bytes").into());
        }
        let mut world = self.world.lock();
        let link = world
            .links
            .get_mut(&request.token)
            .ok_or_else(|| Error::not_found("invitation", "for this link"))?;
        if !(link.form.min_score..=link.form.max_score).contains(&request.score) {
            return Err(Error::invalid("score", "must be on the scale").into());
        }
        if !link.form.open {
            let reason = ErrorReason::InvitationClosed;
            return Err(Error::failed_precondition(reason, "it has expired").into());
        }
        let before = link.stored.iter().find(|it| it.request_id == request.request_id);
        match before {
            Some(before) if *before == request => {}
            Some(_) => {
                let reused = Error::already_exists("request", request.request_id);
                return Err(reused.because(ErrorReason::RequestIdReused).into());
            }
            None => link.stored.push(request.clone()),
        }
        let answer = survey::Answer {
            kind: link.form.kind,
            score: request.score,
            comment: request.comment,
            resolved_first_contact: request.resolved_first_contact,
            revision: u32::try_from(link.stored.len()).unwrap_or_default(),
            answered_at: self.now(),
            ..Default::default()
        };
        link.form.answer = Some(answer.clone());
        world.answers.insert(0, answer.clone());
        Ok(Response::new(survey::SubmitAnswerResponse { answer: Some(answer) }))
    }

    async fn list_answers(
        &self,
        request: Request<survey::ListAnswersRequest>,
    ) -> Result<Response<survey::ListAnswersResponse>, Status> {
        self.here("survey")?;
        let size = usize::try_from(request.into_inner().page_size).unwrap_or_default();
        let answers = self.world.lock().answers.iter().take(size).cloned().collect();
        Ok(Response::new(survey::ListAnswersResponse {
            answers,
            next_page_token: String::new(),
        }))
    }

    async fn get_score(
        &self,
        request: Request<survey::GetScoreRequest>,
    ) -> Result<Response<survey::GetScoreResponse>, Status> {
        self.here("survey")?;
        let kind = request.into_inner().kind;
        let score = self.world.lock().scores.get(&kind).cloned();
        Ok(Response::new(survey::GetScoreResponse { score }))
    }
}
    put_survey(PutSurveyRequest) -> PutSurveyResponse
    get_survey(GetSurveyRequest) -> GetSurveyResponse
    list_surveys(ListSurveysRequest) -> ListSurveysResponse
    create_invitation(CreateInvitationRequest) -> CreateInvitationResponse
    get_invitation(GetInvitationRequest) -> GetInvitationResponse
    list_invitations(ListInvitationsRequest) -> ListInvitationsResponse
);
