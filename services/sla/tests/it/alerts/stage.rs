//! The service with people around it.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Db;
use lotse_grpc::Stack;
use lotse_ids::{AgentId, GroupId, RotaId, TicketId};
use lotse_journal::{Body, Draft, Origin};
use lotse_notify::Notice;
use lotse_proto::common::v1::{Channel, Priority, SlaMetric};
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::alert_changed::Change;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::EscalationTargetKind as Kind;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::time::duration_to_proto;
use lotse_sla::Peers;
use lotse_sla::app::alerts::ask::Ask;
use lotse_sla::app::catalogs::Catalogs;
use lotse_sla::app::keeper::Keeper;
use lotse_sla::jobs::alerts::DueAlerts;
use lotse_sla::jobs::consumer::Follow;
use lotse_testkit::TestDb;
use lotse_timers::TimerStore;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Order, Query};

use super::world::Shared;
use crate::suite::{MONDAY_NINE, Suite, created, policy, timers};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// How much later than its due time a breach is noticed.
pub(crate) const MILLI: Duration = Duration::from_millis(1);

/// The name of the one escalation policy that most tests need.
pub(crate) const CLIMB: &str = "climb";

/// The service, its callers, and a small team.
pub(crate) struct Stage {
    pub(crate) suite: Suite,
    pub(crate) alerts: AlertServiceClient<Stack>,
    pub(crate) world: Shared,
    pub(crate) team: Team,
}

/// Who works here.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) group: String,
    pub(crate) rota: String,
    pub(crate) ada: String,
    pub(crate) bob: String,
    pub(crate) cy: String,
}

impl Stage {
    /// The service on Monday at nine: Ada, then Bob are on duty in the group, Cy leads it and is on
    /// duty in the rota.
    pub(crate) async fn new(db: &TestDb) -> Option<Self> {
        let timers = timers(db).await?;
        let clock = BusinessClock::manual(MONDAY_NINE);
        let agent = || AgentId::generate(MONDAY_NINE).to_string();
        let team = Team {
            group: GroupId::generate(MONDAY_NINE).to_string(),
            rota: RotaId::generate(MONDAY_NINE).to_string(),
            ada: agent(),
            bob: agent(),
            cy: agent(),
        };
        let world = Shared::default();
        {
            let mut world = world.lock();
            let both = vec![team.ada.clone(), team.bob.clone()];
            world.duty.insert(team.group.clone(), both);
            world.duty.insert(team.rota.clone(), vec![team.cy.clone()]);
            world.leads.insert(team.group.clone(), team.cy.clone());
            world.priority = Priority::Normal.into();
        }
        Some(Self::replica(db.db(), clock, timers, world, team).await)
    }

    pub(crate) async fn replica(
        db: Db,
        clock: BusinessClock,
        timers: Arc<dyn TimerStore>,
        world: Shared,
        team: Team,
    ) -> Self {
        let peers = Peers::all(&world.channel());
        let suite = Suite::calling(db, clock, timers, peers).await;
        Self {
            alerts: AlertServiceClient::new(suite.served.stack()),
            suite,
            world,
            team,
        }
    }

    /// Another replica of the service on the same database.
    pub(crate) async fn another(&self, db: &TestDb) -> Self {
        let Suite { clock, timers, .. } = &self.suite;
        let db = db.connect_again().await;
        let (world, team) = (self.world.clone(), self.team.clone());
        Self::replica(db, clock.clone(), timers.clone(), world, team).await
    }

    /// The ticket's agent at once, then another of the team after a quarter of an hour.
    pub(crate) fn founding(&self) -> proto::EscalationPolicy {
        escalation(&[
            (Duration::ZERO, &[(Kind::TicketAgent, "")]),
            (15 * MINUTE, &[(Kind::Team, "")]),
        ])
    }

    pub(crate) async fn put(&mut self, policy: proto::EscalationPolicy) -> String {
        let request = proto::PutEscalationPolicyRequest {
            escalation_policy: Some(policy),
            request_id: String::new(),
        };
        let put = self.alerts.put_escalation_policy(request).await.unwrap();
        put.into_inner().escalation_policy.unwrap().id
    }

    /// Puts an escalation policy, and a policy by which a breach of `metric` after `seconds` opens
    /// an alert by it.
    pub(crate) async fn ring_on(
        &mut self,
        metric: SlaMetric,
        seconds: u64,
        climb: proto::EscalationPolicy,
    ) {
        self.put(climb).await;
        let reaction = proto::Reaction {
            metric: metric.into(),
            escalation_policy_id: CLIMB.to_owned(),
            ..Default::default()
        };
        self.react(&[(metric, seconds)], vec![reaction]).await;
    }

    /// Puts a policy with these targets and reactions.
    pub(crate) async fn react(
        &mut self,
        targets: &[(SlaMetric, u64)],
        reactions: Vec<proto::Reaction>,
    ) {
        let request = proto::PutPolicyRequest {
            policy: Some(proto::Policy {
                reactions,
                ..policy("p", targets)
            }),
            ..Default::default()
        };
        self.suite.client.put_policy(request).await.unwrap();
    }

    /// A ticket that came in now, and that routing gave to `agent`, or to nobody yet.
    pub(crate) async fn ticket(&self, agent: &str) -> String {
        let id = TicketId::generate(self.suite.clock.now()).to_string();
        let group_id = self.team.group.clone();
        let routed = if agent.is_empty() {
            Body::TicketQueued(journal::TicketQueued {
                group_id,
                ..Default::default()
            })
        } else {
            Body::TicketAssigned(journal::TicketAssigned {
                group_id,
                agent_id: agent.to_owned(),
                tier: 1,
                first: true,
                ..Default::default()
            })
        };
        let taken_in = created(Priority::Normal, Channel::Email);
        let drafts = [taken_in, routed].map(|body| Draft::ticket(&id, body));
        self.suite.emit(drafts.to_vec()).await;
        self.suite.served.settle().await;
        id
    }

    /// Journals that something happened to a ticket, because of `cause`.
    pub(crate) async fn happens(&self, ticket: &str, body: Body, cause: &str) {
        let origin = Origin {
            principal: "test".to_owned(),
            cause: cause.to_owned(),
        };
        let emitted = self.suite.journal.in_tx(&origin, |tx| {
            let draft = Draft::ticket(ticket, body.clone());
            async move {
                tx.emit(draft);
                Ok::<_, sea_orm::DbErr>(())
            }
        });
        emitted.await.unwrap();
    }

    /// Lets time pass until so long after Monday at nine.
    pub(crate) async fn until(&self, after: Duration) {
        self.suite.served.advance_to(MONDAY_NINE + after).await;
    }

    /// All alerts, the oldest first, with their steps.
    pub(crate) async fn all(&mut self) -> Vec<proto::Alert> {
        let request = proto::ListAlertsRequest {
            page_size: 1_000,
            ..Default::default()
        };
        let listed = self.alerts.list_alerts(request).await.unwrap();
        let mut all = Vec::new();
        for alert in listed.into_inner().alerts.into_iter().rev() {
            let request = proto::GetAlertRequest { alert_id: alert.id };
            let got = self.alerts.get_alert(request).await.unwrap();
            all.push(got.into_inner().alert.unwrap());
        }
        all
    }

    /// The only alert.
    pub(crate) async fn alert(&mut self) -> proto::Alert {
        let mut all = self.all().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) async fn acknowledge(&mut self, alert: &proto::Alert, agent: &str) -> proto::Alert {
        let request = proto::AcknowledgeAlertRequest {
            alert_id: alert.id.clone(),
            agent_id: agent.to_owned(),
            ..Default::default()
        };
        let done = self.alerts.acknowledge_alert(request).await.unwrap();
        done.into_inner().alert.unwrap()
    }

    pub(crate) async fn actions(&mut self) -> Vec<proto::ReactionAction> {
        let request = proto::ListReactionActionsRequest::default();
        let listed = self.alerts.list_reaction_actions(request).await.unwrap();
        listed.into_inner().actions
    }

    /// What was journaled of alerts: when, after Monday at nine, and what.
    pub(crate) async fn journaled(&self) -> Vec<(Duration, journal::AlertChanged)> {
        let mut from = self.suite.journal.start().await.unwrap();
        let mut told: Vec<(Timestamp, journal::AlertChanged)> = Vec::new();
        loop {
            let page = self.suite.journal.read_feed(&from, 1_000).await.unwrap();
            if page.events.is_empty() {
                break;
            }
            for event in page.events {
                if let Body::AlertChanged(changed) = &event.body {
                    told.push((event.recorded_at, changed.clone()));
                }
            }
            from = page.next;
        }
        told.sort_by_key(|(at, _)| *at);
        let after = |(at, changed): (Timestamp, _)| (at.since(MONDAY_NINE), changed);
        told.into_iter().map(after).collect()
    }

    /// Whom the journal says was told, when, by level and round.
    pub(crate) async fn told(&self) -> Vec<(Duration, u32, u32, Vec<String>)> {
        let journaled = self.journaled().await.into_iter();
        let notified = journaled.filter(|(_, changed)| changed.change() == Change::Notified);
        notified
            .map(|(after, changed)| (after, changed.level, changed.round, changed.agent_ids))
            .collect()
    }

    /// What happened to alerts, in order, by the journal.
    pub(crate) async fn changes(&self) -> Vec<Change> {
        let journaled = self.journaled().await;
        journaled
            .iter()
            .map(|(_, changed)| changed.change())
            .collect()
    }
}

/// An escalation policy of these levels: delay and targets.
pub(crate) fn escalation(levels: &[(Duration, &[(Kind, &str)])]) -> proto::EscalationPolicy {
    let target = |(kind, id): &(Kind, &str)| proto::EscalationTarget {
        kind: (*kind).into(),
        id: (*id).to_owned(),
    };
    let levels = levels
        .iter()
        .map(|(delay, targets)| proto::EscalationLevel {
            delay: Some(duration_to_proto(*delay)),
            targets: targets.iter().map(target).collect(),
        });
    proto::EscalationPolicy {
        name: CLIMB.to_owned(),
        levels: levels.collect(),
        ..Default::default()
    }
}

pub(crate) fn some(span: Duration) -> Option<prost_types::Duration> {
    Some(duration_to_proto(span))
}

impl Stage {
    /// What keeps the clocks, to be used by hand.
    pub(crate) fn keeper(&self) -> Keeper {
        let Suite { clock, timers, .. } = &self.suite;
        Keeper::new(Catalogs::default(), clock.clone(), timers.clone())
    }

    /// How routing is asked.
    pub(crate) fn ask(&self) -> Ask {
        Ask::new(&self.world.channel())
    }

    /// Notices in the outbox, with their targets, as they were put in.
    pub(crate) async fn deliveries(&self) -> Vec<(String, Notice)> {
        let query = Query::select()
            .columns(["target_id", "notice"])
            .from("sla_deliveries")
            .order_by("id", Order::Asc)
            .take();
        let rows = self.suite.db.reader().query_all(&query).await.unwrap();
        let delivery = |row: &sea_orm::QueryResult| {
            let notice: String = row.try_get("", "notice").unwrap();
            let target = row.try_get("", "target_id").unwrap();
            (target, serde_json::from_str(&notice).unwrap())
        };
        rows.iter().map(delivery).collect()
    }

    /// What tells alerts, to be fired by hand.
    pub(crate) fn due(&self) -> DueAlerts {
        let Suite {
            clock, db, journal, ..
        } = &self.suite;
        let keeper = self.keeper();
        let alerts = keeper.alerts().clone();
        let follow = Arc::new(Follow::new(keeper));
        let ask = self.ask();
        DueAlerts::new(
            db.clone(),
            clock.clone(),
            journal.clone(),
            alerts,
            ask,
            follow,
        )
    }
}
