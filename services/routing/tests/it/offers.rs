//! Offers: accepted, declined, left unanswered, taken back.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_ids::OfferId;
use lotse_journal::Body;
use lotse_proto::common::v1::{Channel, TransferReason};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::offer_changed::Change;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{duration_to_proto, to_proto};
use lotse_testkit::TestDb;
use prost_types::FieldMask;
use tonic::{Response, Status};

use crate::stage::{Stage, agent, closed, created, migrations, reason, solved};

/// How long an offer lasts unless configured.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn by(channel: Channel) -> journal::TicketCreated {
    journal::TicketCreated {
        channel: channel.into(),
        ..created()
    }
}

pub(crate) fn chat() -> journal::TicketCreated {
    by(Channel::Chat)
}

impl Stage {
    pub(crate) async fn offers(&self, agent: &str) -> Vec<proto::Offer> {
        let request = proto::ListOffersRequest {
            agent_id: agent.to_owned(),
            ..Default::default()
        };
        let listed = self.routing().list_offers(request).await.unwrap();
        listed.into_inner().offers
    }

    pub(crate) async fn accept(
        &self,
        offer: &proto::Offer,
    ) -> Result<proto::AcceptOfferResponse, Status> {
        let request = proto::AcceptOfferRequest {
            offer_id: offer.id.clone(),
            ..Default::default()
        };
        let accepted = self.routing().accept_offer(request).await;
        accepted.map(Response::into_inner)
    }

    pub(crate) async fn decline(
        &self,
        offer: &proto::Offer,
    ) -> Result<proto::DeclineOfferResponse, Status> {
        let request = proto::DeclineOfferRequest {
            offer_id: offer.id.clone(),
            reason: proto::DeclineReason::Busy.into(),
            ..Default::default()
        };
        let declined = self.routing().decline_offer(request).await;
        declined.map(Response::into_inner)
    }

    /// The changes of a ticket's offers: what, to whom, why.
    async fn offer_changes(&self, ticket: &str) -> Vec<(Change, String, String)> {
        let events = self.events(ticket).await.into_iter();
        let change = |body| match body {
            Body::OfferChanged(offer) => {
                Some((offer.change(), offer.agent_id.clone(), offer.reason.clone()))
            }
            _ => None,
        };
        events.filter_map(change).collect()
    }

    pub(crate) async fn handling(&self, handling: proto::GroupHandling) {
        let group = proto::Group {
            name: "desk".to_owned(),
            tier: 1,
            handling: Some(handling),
            ..Default::default()
        };
        self.put_group(group).await.unwrap();
    }

    async fn retire(&self, agent: &str) {
        let request = proto::UpdateAgentRequest {
            agent: Some(proto::Agent {
                id: agent.to_owned(),
                retired: true,
                ..Default::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["retired".to_owned()],
            }),
            request_id: String::new(),
        };
        self.agents().update_agent(request).await.unwrap();
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_chat_is_offered_and_is_the_agents_once_they_accept(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let ticket = stage.ticket(chat()).await;
        let [offer] = stage.offers(&anna).await.try_into().unwrap();
        assert_eq!((&offer.ticket_id, offer.attempt, offer.state()), (&ticket, 1, proto::OfferState::Offered));
        assert_eq!(offer.expires_at, Some(to_proto(stage.clock.now() + TIMEOUT)));
        let route = stage.route(&ticket).await;
        assert_eq!((route.state(), route.agent_id.as_str()), (proto::RouteState::Offered, ""));
        // It holds room: nothing else comes.
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        let mail = stage.ticket(created()).await;
        assert_eq!(stage.route(&mail).await.state(), proto::RouteState::Waiting);
        let board = stage.board().await;
        assert_eq!((board.offers.len(), board.groups[0].offered, board.agents[0].offered), (1, 1, 1));

        let accepted = stage.accept(&offer).await.unwrap().offer.unwrap();
        assert_eq!(accepted.state(), proto::OfferState::Accepted);
        let explained = stage.explain(&ticket).await;
        let route = explained.route.unwrap();
        assert_eq!((route.state(), &route.agent_id), (proto::RouteState::Assigned, &anna));
        assert_eq!(explained.decisions[0].agent_id, anna);
        assert!(explained.decisions[0].words.iter().any(|words| words.contains("was offered it")));
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        let events = stage.events(&ticket).await;
        let [Body::OfferChanged(made), Body::OfferChanged(taken), Body::TicketAssigned(assigned)] = events.as_slice()
            else { panic!("{events:?}") };
        assert_eq!((made.change(), taken.change()), (Change::Offered, Change::Accepted));
        assert_eq!((&assigned.decision_id, assigned.first, assigned.tier), (&offer.decision_id, true, 1));
        assert_eq!(explained.decisions[0].id, offer.decision_id);
        assert_eq!(stage.offers(&anna).await, []);
    }

    async fn a_declined_ticket_goes_on_with_its_age_and_never_to_the_same_agent_twice(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 2)).await;
        let bruno = stage.online(agent("Bruno", &group, 2)).await;
        let came = stage.clock.now();
        let ticket = stage.ticket(chat()).await;
        let mut asked = Vec::new();
        for _ in 0..2 {
            stage.suite.advance(Duration::from_secs(10)).await;
            let [offer] = stage.board().await.offers.try_into().unwrap();
            stage.decline(&offer).await.unwrap();
            asked.push(offer.agent_id);
            stage.suite.settle().await;
        }
        asked.sort();
        let mut both = vec![anna.clone(), bruno.clone()];
        both.sort();
        assert_eq!(asked, both);
        let board = stage.board().await;
        assert_eq!((board.offers.len(), board.waiting[0].reason.as_str()), (0, "everybody_declined"));
        assert_eq!(board.waiting[0].queued_at, Some(to_proto(came)));
        assert!(board.agents.iter().all(|agent| agent.load == 0.0 && agent.presence() == proto::Presence::Online));
        let last = stage.events(&ticket).await.pop();
        let Some(Body::TicketQueued(queued)) = last else { panic!("{last:?}") };
        assert_eq!(queued.reason, "everybody_declined");
        let look = stage.explain(&ticket).await.current.unwrap();
        assert!(look.words.iter().any(|words| words.contains("everybody who could take it was offered it")), "{look:?}");
        // Nothing more happens until somebody new comes.
        stage.suite.advance(Duration::from_secs(86_400)).await;
        assert_eq!(stage.board().await.offers, []);
        let clara = stage.online(agent("Clara", &group, 1)).await;
        stage.suite.settle().await;
        assert_eq!(stage.offers(&clara).await[0].attempt, 3);
    }

    async fn those_who_declined_are_asked_again_after_the_groups_pause(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let pause = Duration::from_secs(300);
        stage.handling(proto::GroupHandling { offer_again_after: Some(duration_to_proto(pause)), ..Default::default() }).await;
        let anna = stage.online(agent("Anna", &group, 2)).await;
        stage.ticket(chat()).await;
        stage.decline(&stage.offers(&anna).await[0]).await.unwrap();
        stage.suite.settle().await;
        stage.suite.advance(pause - Duration::from_millis(1)).await;
        assert_eq!(stage.offers(&anna).await, []);
        stage.suite.advance(Duration::from_millis(1)).await;
        assert_eq!(stage.offers(&anna).await[0].attempt, 2);
    }

    async fn an_unanswered_offer_ends_on_time_and_its_agent_gets_nothing_more(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(chat()).await;
        let offer = stage.offers(&anna).await.remove(0);
        let bruno = stage.online(agent("Bruno", &group, 5)).await;
        let ends = stage.clock.now() + TIMEOUT;
        stage.suite.advance(TIMEOUT - Duration::from_millis(1)).await;
        assert_eq!(stage.offers(&anna).await.len(), 1);
        stage.suite.advance(Duration::from_secs(7)).await;
        let silent = stage.get_agent(&anna).await;
        assert_eq!((silent.presence(), silent.load), (proto::Presence::NotResponding, 0.0));
        assert_eq!(silent.presence_since, Some(to_proto(ends)));
        assert_eq!(stage.offers(&bruno).await[0].ticket_id, ticket);
        let ended = stage.recorded(&ticket).await.into_iter().find(|event| {
            matches!(&event.body, Body::OfferChanged(offer) if offer.change() == Change::TimedOut)
        });
        assert_eq!(ended.unwrap().occurred_at, ends);
        let Some(status) = stage.accept(&offer).await.err() else { panic!("accepted") };
        assert!(status.message().contains("timed_out"), "{status:?}");
        // Mail neither: nobody is at that desk.
        let mail = stage.ticket(created()).await;
        assert_eq!(stage.route(&mail).await.agent_id, bruno);
        stage.accept(&stage.offers(&bruno).await[0]).await.unwrap();
        stage.presence(&anna, proto::Presence::Online).await;
        let next = stage.ticket(chat()).await;
        assert_eq!(stage.offers(&anna).await[0].ticket_id, next);
    }

    async fn an_offer_that_is_over_cannot_be_answered(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(chat()).await;
        let offer = stage.offers(&anna).await.remove(0);
        stage.decline(&offer).await.unwrap();
        assert_eq!(reason(stage.accept(&offer).await), ErrorReason::OfferOver);
        assert_eq!(reason(stage.decline(&offer).await), ErrorReason::OfferOver);
        let nobodys = proto::Offer { id: OfferId::generate(stage.clock.now()).to_string(), ..offer };
        assert_eq!(reason(stage.accept(&nobodys).await), ErrorReason::ResourceNotFound);
        // The very instant it runs out, whether or not the timer has fired.
        let late = stage.ticket(chat()).await;
        let offer = stage.offers(&anna).await.remove(0);
        stage.clock.set(stage.clock.now() + TIMEOUT).unwrap();
        assert_eq!(reason(stage.accept(&offer).await), ErrorReason::OfferOver);
        assert_eq!(stage.route(&late).await.state(), proto::RouteState::Offered);
        assert_eq!(stage.route(&ticket).await.state(), proto::RouteState::Waiting);
    }

    async fn the_same_request_id_accepts_once_and_answers_alike(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(chat()).await;
        let request = proto::AcceptOfferRequest {
            offer_id: stage.offers(&anna).await.remove(0).id,
            request_id: "once".to_owned(),
        };
        let first = stage.routing().accept_offer(request.clone()).await.unwrap().into_inner();
        let again = stage.routing().accept_offer(request).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!(stage.events(&ticket).await.len(), 3);
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
    }

    async fn who_accepts_again_is_told_that_the_ticket_is_theirs_until_it_has_gone_on(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let ticket = stage.ticket(chat()).await;
        let offer = stage.offers(&anna).await.remove(0);
        let first = stage.accept(&offer).await.unwrap();
        stage.suite.advance(2 * TIMEOUT).await;
        assert_eq!(stage.accept(&offer).await.unwrap(), first);
        assert_eq!(stage.events(&ticket).await.len(), 3);
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        assert_eq!(reason(stage.decline(&offer).await), ErrorReason::OfferOver);
        let bruno = stage.agent(agent("Bruno", &group, 5)).await;
        stage.assign(&ticket, "", &bruno).await.unwrap();
        assert_eq!(reason(stage.accept(&offer).await), ErrorReason::OfferOver);
        stage.assign(&ticket, "", &anna).await.unwrap();
        assert_eq!(reason(stage.accept(&offer).await), ErrorReason::OfferOver);
    }

    async fn whatever_overtakes_an_offer_takes_it_back(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let second = stage.group("second line", 2).await;
        let anna = stage.online(agent("Anna", &group, 9)).await;
        let boss = stage.agent(agent("Boss", &second, 9)).await;
        let merged = |into: &str| Body::TicketMerged(journal::TicketMerged { into_ticket_id: into.to_owned() });
        for why in ["solved", "closed", "merged", "assigned", "transferred", "escalated", "retired"] {
            let ticket = stage.ticket(chat()).await;
            let offer = stage.offers(&anna).await.remove(0);
            match why {
                "solved" => stage.journal(&ticket, vec![solved()]).await,
                "closed" => stage.journal(&ticket, vec![closed()]).await,
                "merged" => stage.journal(&ticket, vec![merged(&ticket)]).await,
                "assigned" => drop(stage.assign(&ticket, "", &boss).await.unwrap()),
                "transferred" => {
                    let request = proto::TransferTicketRequest {
                        ticket_id: ticket.clone(),
                        agent_id: boss.clone(),
                        reason: TransferReason::Capacity.into(),
                        ..Default::default()
                    };
                    drop(stage.routing().transfer_ticket(request).await.unwrap());
                }
                "escalated" => {
                    let request = proto::EscalateTicketRequest {
                        ticket_id: ticket.clone(),
                        summary: "still dark".to_owned(),
                        ..Default::default()
                    };
                    drop(stage.routing().escalate_ticket(request).await.unwrap());
                }
                _ => stage.retire(&anna).await,
            }
            stage.suite.settle().await;
            let changes = stage.offer_changes(&ticket).await;
            let last = changes.last().unwrap();
            assert_eq!(*last, (Change::Rescinded, anna.clone(), why.to_owned()));
            assert_eq!(reason(stage.accept(&offer).await), ErrorReason::OfferOver);
            assert_eq!(stage.get_agent(&anna).await.load, 0.0, "{why}");
            assert_eq!(stage.offers(&anna).await, []);
        }
        assert_eq!(stage.get_agent(&boss).await.load, 2.0);
    }

    async fn a_group_says_which_channels_are_not_asked_about_and_for_how_long(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let handling = proto::GroupHandling {
            auto_accept: Some(proto::ChannelList { channels: vec![Channel::Chat.into()] }),
            offer_timeout: Some(duration_to_proto(Duration::from_secs(5))),
            ..Default::default()
        };
        stage.handling(handling.clone()).await;
        let request = proto::GetGroupRequest { id: group.clone() };
        let shown = stage.workflows().get_group(request).await.unwrap().into_inner().group.unwrap();
        assert_eq!(shown.handling, Some(handling));
        let anna = stage.online(agent("Anna", &group, 5)).await;
        let chatted = stage.ticket(chat()).await;
        assert_eq!(stage.route(&chatted).await.agent_id, anna);
        stage.ticket(created()).await;
        let [offer] = stage.offers(&anna).await.try_into().unwrap();
        assert_eq!(offer.expires_at, Some(to_proto(stage.clock.now() + Duration::from_secs(5))));
    }
}
