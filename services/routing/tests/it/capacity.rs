//! Presence, weights and caps per channel; the work that follows a ticket.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_journal::Body;
use lotse_proto::common::v1::{Channel, TicketStatus};
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{duration_to_proto, to_proto};
use lotse_routing::Config;
use lotse_testkit::TestDb;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::offers::{by, chat};
use crate::stage::{Replica, Stage, agent, created, migrations, reopened, solved, status};

const WRAP_UP: Duration = Duration::from_secs(120);

impl Stage {
    pub(crate) async fn on(&self, agent: &str, channels: &[(Channel, proto::Presence)]) {
        let presence = |(channel, presence): &(Channel, proto::Presence)| proto::ChannelPresence {
            channel: (*channel).into(),
            presence: (*presence).into(),
        };
        let request = proto::SetPresenceRequest {
            agent_id: agent.to_owned(),
            channels: channels.iter().map(presence).collect(),
            ..Default::default()
        };
        self.agents().set_presence(request).await.unwrap();
    }

    async fn end_wrap_up(&self, ticket: &str) {
        let request = proto::EndWrapUpRequest {
            ticket_id: ticket.to_owned(),
            ..Default::default()
        };
        self.routing().end_wrap_up(request).await.unwrap();
    }

    async fn wrap_ups(&self) -> String {
        let wrap_up = Some(duration_to_proto(WRAP_UP));
        self.handling(proto::GroupHandling {
            wrap_up,
            ..Default::default()
        })
        .await;
        self.board().await.groups[0].group_id.clone()
    }

    /// What agents hold by what the items say, in thousandths, by agent and channel.
    async fn recounted(&self) -> BTreeMap<(String, String), i64> {
        let sql = "SELECT COALESCE(agent_id, offered_to), channel, CAST(SUM(load) AS BIGINT) \
                   FROM routing_items WHERE load <> 0 GROUP BY COALESCE(agent_id, offered_to), channel";
        let db = self.db.db();
        let statement = Statement::from_string(db.reader().get_database_backend(), sql);
        let rows = db.reader().query_all_raw(statement).await.unwrap();
        let held = rows.iter().map(|row| {
            let (agent, channel): (String, String) =
                (row.try_get_by(0).unwrap(), row.try_get_by(1).unwrap());
            ((agent, channel), row.try_get_by(2).unwrap())
        });
        held.collect()
    }

    /// The same by what the agents' rows say.
    async fn held(&self, agents: &[String]) -> BTreeMap<(String, String), i64> {
        let mut held = BTreeMap::new();
        for id in agents {
            let agent = self.get_agent(id).await;
            let mut sum = 0.0;
            for load in &agent.channel_loads {
                sum += load.load;
                let name = load.channel().as_str_name().trim_start_matches("CHANNEL_");
                #[allow(clippy::cast_possible_truncation, reason = "a few thousand")]
                let thousandths = (load.load * 1_000.0).round() as i64;
                held.insert((id.clone(), name.to_lowercase()), thousandths);
            }
            assert!((agent.load - sum).abs() < 1e-9, "{agent:?}");
        }
        held
    }
}

pub(crate) fn weight(channel: Channel, thousandths: u32) -> proto::ChannelWeight {
    proto::ChannelWeight {
        channel: channel.into(),
        thousandths,
    }
}

pub(crate) fn cap(channel: Channel, tickets: u32) -> proto::ChannelCap {
    proto::ChannelCap {
        channel: channel.into(),
        tickets,
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_agent_gets_only_what_comes_by_channels_they_are_online_on(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &group, 9)).await;
        stage.on(&anna, &[(Channel::Email, proto::Presence::Away)]).await;
        let shown = stage.get_agent(&anna).await;
        assert_eq!(shown.presence(), proto::Presence::Online);
        assert_eq!(shown.channel_presences[0].presence(), proto::Presence::Away);
        let mail = stage.ticket(created()).await;
        let chatted = stage.ticket(chat()).await;
        assert_eq!(stage.offers(&anna).await[0].ticket_id, chatted);
        let look = stage.explain(&mail).await.current.unwrap();
        assert_eq!((look.reason.as_str(), look.rejections[0].reason.as_str()), ("nobody_online", "not_on_channel"));
        let changes = stage.all_events().await;
        let last = changes.iter().rev().find_map(|event| match &event.body {
            Body::AgentChanged(changed) => Some(changed.clone()),
            _ => None,
        });
        let last = last.unwrap();
        assert!(last.online && !last.channels.contains(&Channel::Email.into()) && last.channels.len() == 6);
        stage.on(&anna, &[(Channel::Email, proto::Presence::Online)]).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&mail).await.agent_id, anna);
    }

    async fn channels_take_a_shared_capacity_by_their_weights(db: TestDb) {
        let config = Config { channel_weights: [("email".to_owned(), 500)].into(), ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        let anna = stage.online(proto::Agent {
            channel_weights: vec![weight(Channel::Phone, 2_000)],
            ..agent("Anna", &group, 3)
        }).await;
        stage.ticket(by(Channel::Phone)).await;
        assert_eq!(stage.get_agent(&anna).await.load, 2.0);
        // A second call does not fit any more, two mails do, a third does not.
        stage.ticket(by(Channel::Phone)).await;
        for _ in 0..3 {
            stage.ticket(created()).await;
        }
        let shown = stage.get_agent(&anna).await;
        let loads: Vec<_> = shown.channel_loads.iter().map(|one| (one.channel(), one.load)).collect();
        assert_eq!((shown.load, loads), (3.0, vec![(Channel::Email, 1.0), (Channel::Phone, 2.0)]));
        assert_eq!(stage.board().await.waiting.len(), 2);
    }

    async fn a_cap_holds_for_its_channel_and_is_exceeded_by_hand_only(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.online(proto::Agent {
            channel_caps: vec![cap(Channel::Email, 1)],
            ..agent("Anna", &group, 9)
        }).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        assert_eq!(stage.route(&first).await.agent_id, anna);
        let look = stage.explain(&second).await.current.unwrap();
        assert_eq!((look.reason.as_str(), look.rejections[0].reason.as_str()), ("all_busy", "at_channel_cap"));
        assert!(stage.assign(&second, "", &anna).await.unwrap().over_capacity);
        let web = stage.ticket(by(Channel::Web)).await;
        assert_eq!(stage.route(&web).await.agent_id, anna);
    }

    async fn a_solved_ticket_takes_its_room_until_it_is_wrapped_up(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        let group = stage.wrap_ups().await;
        let anna = stage.online(agent("Anna", &group, 1)).await;
        let first = stage.ticket(created()).await;
        let second = stage.ticket(created()).await;
        stage.journal(&first, vec![solved()]).await;
        stage.suite.settle().await;
        let until = stage.clock.now() + WRAP_UP;
        let released = stage.events(&first).await.pop();
        let Some(Body::TicketReleased(released)) = released else { panic!("{released:?}") };
        assert_eq!(released.wrapping_until, Some(to_proto(until)));
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        stage.suite.advance(WRAP_UP - Duration::from_millis(1)).await;
        assert_eq!(stage.route(&second).await.state(), proto::RouteState::Waiting);
        stage.suite.advance(Duration::from_secs(5)).await;
        let route = stage.route(&second).await;
        assert_eq!((route.agent_id, route.assigned_at), (anna.clone(), Some(to_proto(until))));
        let ended = stage.recorded(&first).await.pop().unwrap();
        assert!(matches!(&ended.body, Body::WrapUpEnded(ended) if ended.agent_id == anna));
        assert_eq!(ended.occurred_at, until);
        // The agent may be done earlier; saying so twice is no harm.
        let third = stage.ticket(created()).await;
        stage.journal(&second, vec![solved()]).await;
        stage.suite.settle().await;
        stage.end_wrap_up(&second).await;
        stage.end_wrap_up(&second).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&third).await.agent_id, anna);
        // One that comes back while it is wrapped up goes on.
        stage.journal(&third, vec![solved(), reopened()]).await;
        stage.suite.settle().await;
        assert_eq!(stage.route(&third).await.agent_id, anna);
        assert_eq!(stage.get_agent(&anna).await.load, 1.0);
        let ends = stage.events(&second).await.into_iter().filter(|body| matches!(body, Body::WrapUpEnded(_)));
        assert_eq!(ends.count(), 1);
    }

    async fn a_restart_after_a_long_time_makes_nobody_offline_at_once(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let anna = stage.agent(agent("Anna", &group, 5)).await;
        stage.presence(&anna, proto::Presence::Online).await;
        // Nobody is there to notice, and no heartbeat could be taken.
        stage.clock.set(stage.clock.now() + Duration::from_secs(3_600)).unwrap();
        let restarted = Replica::new(stage.db.db(), stage.clock.clone(), Config::default()).await;
        restarted.suite.settle().await;
        restarted.suite.advance(Duration::from_secs(89)).await;
        assert_eq!(stage.get_agent(&anna).await.presence(), proto::Presence::Online);
        restarted.suite.advance(Duration::from_secs(2)).await;
        assert_eq!(stage.get_agent(&anna).await.presence(), proto::Presence::Offline);
    }

    async fn loads_are_what_the_items_say_whatever_happens(db: TestDb) {
        let config = Config { pending_share: 0.25, ..Config::default() };
        let stage = Stage::with(db, config).await;
        let group = stage.group("desk", 1).await;
        stage.default_group(&group).await;
        stage.wrap_ups().await;
        let mut agents = Vec::new();
        for (n, weights) in [vec![], vec![weight(Channel::Phone, 1_700)], vec![weight(Channel::Email, 333)]].into_iter().enumerate() {
            agents.push(stage.online(proto::Agent {
                channel_weights: weights,
                channel_caps: vec![cap(Channel::Chat, 2)],
                ..agent(&format!("agent {n}"), &group, 3)
            }).await);
        }
        let mut runner = TestRunner::deterministic();
        let moves = proptest::collection::vec((0..10_u8, 0..64_usize, 0..3_usize), 120);
        let moves = moves.new_tree(&mut runner).unwrap().current();
        let mut tickets: Vec<String> = Vec::new();
        let channels = [Channel::Email, Channel::Chat, Channel::Phone];
        let mut by_hand = false;
        for (what, which, who) in moves {
            let ticket = tickets.get(which % tickets.len().max(1)).cloned();
            let offer = stage.offers(&agents[who]).await.into_iter().next();
            match (what, ticket, offer) {
                (0..=2, ..) | (_, None, _) => tickets.push(stage.ticket(by(channels[who])).await),
                (3, _, Some(offer)) => drop(stage.accept(&offer).await.unwrap()),
                (4, _, Some(offer)) => drop(stage.decline(&offer).await.unwrap()),
                (5, Some(ticket), _) => stage.journal(&ticket, vec![solved()]).await,
                (6, Some(ticket), _) => stage.journal(&ticket, vec![reopened()]).await,
                (7, Some(ticket), _) => {
                    stage.journal(&ticket, vec![status(TicketStatus::Pending, Change::Waited)]).await;
                }
                (8, Some(ticket), _) if which % 4 == 0 => {
                    by_hand = true;
                    stage.assign(&ticket, "", &agents[who]).await.unwrap();
                }
                (9, ..) => {
                    stage.suite.advance(Duration::from_secs(31)).await;
                    for agent in &agents {
                        stage.presence(agent, proto::Presence::Online).await;
                    }
                }
                (_, Some(ticket), _) => stage.end_wrap_up(&ticket).await,
            }
            stage.suite.settle().await;
            assert_eq!(stage.held(&agents).await, stage.recounted().await, "after {what} {which} {who}");
            for agent in &agents {
                let agent = stage.get_agent(agent).await;
                // A pending ticket that is taken up again may exceed it, as what people do may.
                assert!(by_hand || what == 6 || agent.load <= 4.0, "{agent:?}");
            }
        }
        let open = stage.board().await;
        assert!(!tickets.is_empty() && open.groups[0].assigned > 0);
    }
}
