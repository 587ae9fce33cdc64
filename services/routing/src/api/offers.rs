//! Offers and wrap-ups of `lotse.routing.v1.RoutingService`.

use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_ids::{AgentId, OfferId, TicketId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use tonic::{Request, Response, Status};

use super::agents::may_act;
use super::{Api, cut, finish, place, show};
use crate::app::offers::Answered;
use crate::domain::codes::OfferState;
use crate::domain::item::Item;
use crate::domain::offer::Offer;
use crate::error::Error;

impl Api {
    pub(super) async fn accept_offer(
        &self,
        request: Request<proto::AcceptOfferRequest>,
    ) -> Result<Response<proto::AcceptOfferResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::AcceptOfferRequest {
            offer_id,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let offer: Option<OfferId> = wrong.parse("offer_id", offer_id);
        let offer = &finish(wrong, request_id, offer)?;
        may_act(&caller, &self.app.offered_to(offer).await?)?;
        let response = self
            .command(
                &caller,
                "AcceptOffer",
                request_id,
                &request,
                |tx| async move {
                    let accepted = self.app.accept_offer(&tx, offer).await?;
                    let offer = Some(answered(&accepted));
                    Ok(proto::AcceptOfferResponse { offer })
                },
            )
            .await?;
        self.app.changed().await;
        Ok(response)
    }

    pub(super) async fn decline_offer(
        &self,
        request: Request<proto::DeclineOfferRequest>,
    ) -> Result<Response<proto::DeclineOfferResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::DeclineOfferRequest {
            offer_id,
            reason,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let offer: Option<OfferId> = wrong.parse("offer_id", offer_id);
        let reason = decline_reason(&mut wrong, "reason", *reason);
        let offer = &finish(wrong, request_id, offer)?;
        may_act(&caller, &self.app.offered_to(offer).await?)?;
        let response = self
            .command(
                &caller,
                "DeclineOffer",
                request_id,
                &request,
                |tx| async move {
                    let declined = self.app.decline_offer(&tx, offer, reason).await?;
                    let offer = Some(answered(&declined));
                    Ok(proto::DeclineOfferResponse { offer })
                },
            )
            .await?;
        self.app.changed().await;
        Ok(response)
    }

    pub(super) async fn list_offers(
        &self,
        request: Request<proto::ListOffersRequest>,
    ) -> Result<Response<proto::ListOffersResponse>, Status> {
        let caller = caller(&request);
        let proto::ListOffersRequest {
            agent_id,
            page_size,
            page_token,
        } = request.into_inner();
        let mut wrong = Violations::new();
        let agent: Option<AgentId> = wrong.parse("agent_id", &agent_id);
        let agent = wrong.finish_with(agent).map_err(Error::from)?;
        may_act(&caller, &agent)?;
        let scope = page::Scope::new("ListOffers", &[&agent_id]);
        let place = place(&scope, page_size, &page_token)?;
        let open = self.app.offers_of(&agent).await?;
        let (open, next_page_token) = cut(open, &scope, place, |item| item.ticket.as_str());
        Ok(Response::new(proto::ListOffersResponse {
            offers: open.iter().filter_map(open_offer).collect(),
            next_page_token,
        }))
    }

    pub(super) async fn end_wrap_up(
        &self,
        request: Request<proto::EndWrapUpRequest>,
    ) -> Result<Response<proto::EndWrapUpResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::EndWrapUpRequest {
            ticket_id,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", ticket_id);
        let ticket = &finish(wrong, request_id, ticket)?;
        if let Some(agent) = self.app.wrapping_up(ticket).await? {
            may_act(&caller, &agent)?;
        }
        let response = self
            .command(
                &caller,
                "EndWrapUp",
                request_id,
                &request,
                |tx| async move {
                    self.app.end_wrap_up(&tx, ticket).await?;
                    Ok(proto::EndWrapUpResponse {})
                },
            )
            .await?;
        self.app.changed().await;
        Ok(response)
    }
}

/// Why an agent declines, as a code.
fn decline_reason(wrong: &mut Violations, field: &str, given: i32) -> &'static str {
    match proto::DeclineReason::try_from(given) {
        Ok(proto::DeclineReason::Unspecified | proto::DeclineReason::Other) => "other",
        Ok(proto::DeclineReason::Busy) => "busy",
        Ok(proto::DeclineReason::Skill) => "skill",
        Ok(proto::DeclineReason::Language) => "language",
        Ok(proto::DeclineReason::Leaving) => "leaving",
        Err(_) => {
            wrong.add(field, "must be a known reason");
            "other"
        }
    }
}

fn answered(answered: &Answered) -> proto::Offer {
    show_offer(&answered.item, &answered.offer, answered.state)
}

/// The open offer of an item.
pub(super) fn open_offer(item: &Item) -> Option<proto::Offer> {
    let offer = item.offer.as_ref()?;
    Some(show_offer(item, offer, OfferState::Offered))
}

fn show_offer(item: &Item, offer: &Offer, state: OfferState) -> proto::Offer {
    let state = match state {
        OfferState::Offered => proto::OfferState::Offered,
        OfferState::Accepted => proto::OfferState::Accepted,
        OfferState::Declined => proto::OfferState::Declined,
        OfferState::TimedOut => proto::OfferState::TimedOut,
        OfferState::Rescinded => proto::OfferState::Rescinded,
    };
    proto::Offer {
        id: offer.id.to_string(),
        ticket_id: item.ticket.to_string(),
        agent_id: offer.agent.to_string(),
        group_id: show::id(item.group.as_ref()),
        channel: show::channel(item.channel),
        priority: show::priority(item.priority),
        state: state.into(),
        expires_at: Some(to_proto(offer.expires_at)),
        attempt: offer.attempt,
        queued_at: Some(to_proto(item.queued_at)),
        decision_id: offer.decision.to_string(),
    }
}
