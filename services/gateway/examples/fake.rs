//! A gateway over faked services, for work on the pages and for the browser tests:
//! `cargo run -p lotse-gateway --example fake`. It prints both addresses and runs until its
//! standard input ends.
#![allow(
    clippy::print_stdout,
    reason = "whoever started it waits for the addresses"
)]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/fakes/mod.rs"]
mod fakes;

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use fakes::{Link, Shared, World, at, csat_form};
use lotse_clock::{BusinessClock, Timestamp};
use lotse_gateway::{Config, Deps, Gateway, serve};
use lotse_proto::common::v1::{
    Channel, ClockState, Priority, SlaMetric, SurveyKind, TicketStatus, TransferReason,
};
use lotse_proto::insight::v1::Figure;
use lotse_proto::intake::v1::Ticket;
use lotse_proto::journal::v1::event::Body;
use lotse_proto::journal::v1::{Event, TicketEscalated, TicketTransferred};
use lotse_proto::routing::v1::{AgentLoad, GroupState, Presence};
use lotse_proto::sla::v1::{Alert, AlertState, AlertStep, AlertStepKind, Clock, ToldAgent};
use lotse_proto::survey::v1::{Answer, Estimate, Score};
use lotse_supervise::Supervisor;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = BusinessClock::system();
    let world = Shared::default();
    fill(&mut world.lock(), clock.now());
    let supervisor = Supervisor::new(clock.clone());
    let gateway = lotse_gateway::build(
        Deps {
            peers: world.peers(&clock),
            clock: clock.clone(),
            metrics: None,
        },
        Config {
            requests_per_link: 600,
            requests_per_address: 6_000,
            ..Config::default()
        },
    );
    for job in gateway.jobs() {
        supervisor.spawn(job);
    }
    let console = listen(&supervisor, &gateway, Gateway::internal).await?;
    let public = listen(&supervisor, &gateway, Gateway::public).await?;
    println!("console {console}");
    println!("public {public}");
    let (mut input, mut byte) = (tokio::io::stdin(), [0]);
    tokio::select! {
        () = go_on(&world, &clock) => {}
        // Whoever started it holds the other end, and is gone when that closes.
        _ = input.read(&mut byte) => {}
    }
    supervisor.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

async fn listen(
    supervisor: &Supervisor,
    gateway: &Gateway,
    router: impl Fn(&Gateway) -> axum::Router,
) -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (router, stopping) = (router(gateway), supervisor.stopping());
    supervisor.spawn_draining("http", async move {
        let ended = serve(listener, router, stopping.cancelled_owned()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "HTTP ended");
        }
    });
    Ok(url)
}

/// Lets clocks run ten times as fast as time, and something happen now and then.
async fn go_on(world: &Shared, clock: &BusinessClock) {
    for second in 0_u64.. {
        clock
            .sleep_until(clock.now() + Duration::from_secs(1))
            .await;
        let now = clock.now();
        let mut world = world.lock();
        for kept in &mut world.clocks {
            kept.share += 10.0 / 7_200.0;
            if kept.share >= 1.0 && kept.state() == ClockState::Running {
                kept.set_state(ClockState::Breached);
                kept.due_at = at(now);
            }
        }
        if second % 7 == 2 {
            world.happen(happening(second, now));
        }
        climb(&mut world, second, now);
    }
}

/// One alert that goes through everything, again and again: the first agent is told, then the
/// second, who takes care; then it is over.
fn climb(world: &mut World, second: u64, now: Timestamp) {
    let id = format!("alr_climbing_{}", second / 24);
    let now = now - Duration::from_secs(1);
    match second % 24 {
        0 => world
            .alerts
            .push(tell(alert(&id, 3, SlaMetric::NextReply, now), "agt_3", now)),
        6 => change(world, &id, |alert| tell(alert, "agt_2", now)),
        12 => change(world, &id, |alert| acknowledge(alert, "agt_2", now)),
        18 => world.alerts.retain(|alert| alert.id != id),
        _ => {}
    }
}

fn change(world: &mut World, id: &str, change: impl Fn(Alert) -> Alert) {
    for alert in world.alerts.iter_mut().filter(|alert| alert.id == id) {
        *alert = change(alert.clone());
    }
}

fn alert(id: &str, ticket: u64, metric: SlaMetric, opened: Timestamp) -> Alert {
    Alert {
        id: id.to_owned(),
        ticket_id: format!("tkt_{ticket}"),
        metric: metric.into(),
        state: AlertState::Open.into(),
        opened_at: at(opened),
        ..Default::default()
    }
}

fn tell(mut alert: Alert, agent: &str, when: Timestamp) -> Alert {
    alert.level += 1;
    alert.told_agent_ids.push(agent.to_owned());
    alert.steps.push(AlertStep {
        at: at(when),
        kind: AlertStepKind::Notified.into(),
        level: alert.level,
        agents: vec![ToldAgent {
            agent_id: agent.to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    });
    alert
}

fn acknowledge(mut alert: Alert, agent: &str, when: Timestamp) -> Alert {
    alert.set_state(AlertState::Acknowledged);
    alert.acknowledged_at = at(when);
    alert.acknowledged_by_agent_id = agent.to_owned();
    alert
}

/// Two that stay: one that nobody takes, one that somebody has taken.
fn alerts(world: &mut World, now: Timestamp) {
    let ago = |minutes: u64| now - Duration::from_secs(minutes * 60);
    let untouched = alert("alr_untouched", 0, SlaMetric::Idle, ago(33));
    let untouched = tell(untouched, "agt_0", ago(33));
    let taken = alert("alr_taken", 10, SlaMetric::FirstReply, ago(12));
    let taken = tell(tell(taken, "agt_1", ago(12)), "agt_4", ago(2));
    world.alerts.extend([
        tell(untouched, "agt_3", ago(18)),
        acknowledge(taken, "agt_4", ago(1)),
    ]);
}

fn happening(second: u64, now: Timestamp) -> Event {
    let body = if second.is_multiple_of(2) {
        Body::TicketTransferred(TicketTransferred {
            from_agent_id: "agt_0".to_owned(),
            to_agent_id: "agt_3".to_owned(),
            reason: TransferReason::WrongSkill.into(),
            ..Default::default()
        })
    } else {
        Body::TicketEscalated(TicketEscalated {
            from_agent_id: "agt_2".to_owned(),
            to_group_id: "grp_1".to_owned(),
            ..Default::default()
        })
    };
    Event {
        ticket_id: format!("tkt_{}", second % 20),
        occurred_at: at(now),
        body: Some(body),
        ..Default::default()
    }
}

const SUBJECTS: [(&str, &str); 12] = [
    ("Invoice of March shows the old address", "en"),
    ("Drucker im 3. Stock druckt nur leere Seiten", "de"),
    ("Kan inte logga in efter bytet av telefon", "sv"),
    ("Wi-Fi in the warehouse drops every few minutes", "en"),
    ("账单金额与合同不一致", "zh"),
    ("<b>Export</b> fails with \"unknown column\" & stops", "en"),
    ("Rechnung doppelt abgebucht, bitte umgehend erstatten", "de"),
    ("How do I add a second administrator to our team?", "en"),
    ("Не приходит письмо для сброса пароля", "ru"),
    ("الطابعة لا تعمل منذ الأمس", "ar"),
    (
        "Payment page shows an error since the update of last night",
        "en",
    ),
    (
        "Lieferung unvollständig: zwei von fünf Paketen fehlen",
        "de",
    ),
];

const CHANNELS: [Channel; 5] = [
    Channel::Email,
    Channel::Chat,
    Channel::Phone,
    Channel::Web,
    Channel::WalkIn,
];

const AGENTS: [(&str, f64, u32); 9] = [
    ("Amira Haddad", 4.0, 5),
    ("Björn Lindqvist", 5.0, 5),
    ("Chen Wei", 2.5, 6),
    ("Dörte Kowalczyk-Brandenburg", 1.0, 4),
    ("Elena Petrova", 0.0, 5),
    ("Femi Adeyemi", 6.0, 5),
    ("Grace O'Neill", 3.0, 5),
    ("Hugo Martins", 1.0, 5),
    ("Ines Dupont", 0.0, 4),
];

fn fill(world: &mut World, now: Timestamp) {
    for number in 0..46_u64 {
        tickets(world, number, now);
    }
    team(world);
    figures(world);
    surveys(world, now);
    alerts(world, now);
}

fn tickets(world: &mut World, number: u64, now: Timestamp) {
    let ago = |seconds| at(now - Duration::from_secs(seconds));
    let place = number as usize;
    let (subject, language) = SUBJECTS[place % SUBJECTS.len()];
    let priority = match number % 11 {
        0 => Priority::Urgent,
        1 | 2 => Priority::High,
        _ => Priority::Normal,
    };
    let id = format!("tkt_{number}");
    world.tickets.push(Ticket {
        id: id.clone(),
        number: 1_000 + number,
        subject: subject.to_owned(),
        language: language.to_owned(),
        channel: CHANNELS[place % CHANNELS.len()].into(),
        priority: priority.into(),
        status: TicketStatus::Open.into(),
        assignee_id: if number % 4 == 1 {
            String::new()
        } else {
            format!("agt_{}", number % 7)
        },
        group_id: "grp_0".to_owned(),
        created_at: ago(600 + number * 431),
        updated_at: ago(60 + number * 97 % 900),
        status_changed_at: ago(60 + number * 97 % 900),
        ..Default::default()
    });
    if number % 6 == 5 {
        return;
    }
    // From well past due, in steps, to barely begun.
    let share = (1.25 - number as f64 * 0.17).max(0.02);
    let (state, due_at) = if share >= 1.0 {
        (ClockState::Breached, ago((share * 7_200.0) as u64 - 7_200))
    } else {
        let left = Duration::from_secs_f64((1.0 - share) * 7_200.0);
        (ClockState::Running, at(now + left))
    };
    let metrics = [
        SlaMetric::FirstReply,
        SlaMetric::NextReply,
        SlaMetric::TotalResolution,
    ];
    world.clocks.push(Clock {
        id: format!("clk_{number}"),
        ticket_id: id,
        metric: metrics[place % 3].into(),
        state: state.into(),
        share,
        due_at,
        ..Default::default()
    });
}

fn team(world: &mut World) {
    let group = |id: &str, name: &str, tier, waiting| GroupState {
        group_id: id.to_owned(),
        name: name.to_owned(),
        tier,
        waiting,
        ..Default::default()
    };
    world.board.groups = vec![
        group("grp_0", "Service desk", 1, 11),
        group("grp_1", "Second line", 2, 1),
    ];
    let agents = AGENTS.iter().enumerate();
    let agents = agents.map(|(place, (name, load, capacity))| AgentLoad {
        agent_id: format!("agt_{place}"),
        name: (*name).to_owned(),
        presence: match place {
            6 => Presence::NotResponding,
            7 => Presence::Away,
            8 => Presence::Offline,
            _ => Presence::Online,
        }
        .into(),
        capacity: *capacity,
        load: *load,
        offered: u32::from(place == 1),
        ..Default::default()
    });
    world.board.agents = agents.collect();
}

fn figures(world: &mut World) {
    let value = |value, n| Figure {
        value: Some(value),
        n,
        ..Default::default()
    };
    world.figures.extend([
        (("opened_vs_solved", "created"), value(128.0, 128)),
        (("opened_vs_solved", "solved"), value(119.0, 119)),
        (("backlog", ""), value(1_046.0, 1_400)),
        (
            ("first_reply_time", ""),
            Figure {
                p50: Some(1_260.0),
                p90: Some(6_900.0),
                ..value(1_260.0, 118)
            },
        ),
        (
            ("resolution_time", "full"),
            Figure {
                p50: Some(98_000.0),
                ..value(98_000.0, 119)
            },
        ),
        (
            ("first_contact_resolution", ""),
            Figure {
                provisional: true,
                ..value(0.71, 119)
            },
        ),
        (("transfer_rate", ""), value(0.18, 131)),
        (("sla_compliance", "share"), value(0.934, 243)),
        // No escalation_rate: what is absent is a dash.
    ]);
}

fn surveys(world: &mut World, now: Timestamp) {
    let estimate = |value| {
        Some(Estimate {
            value,
            low: Some(value - 0.08),
            high: Some(value + 0.08),
        })
    };
    let score = |kind: SurveyKind| Score {
        kind: kind.into(),
        n: 42,
        ..Default::default()
    };
    let csat = Score {
        share: estimate(0.857),
        ..score(SurveyKind::Csat)
    };
    let nps = Score {
        nps: estimate(-0.125),
        ..score(SurveyKind::Nps)
    };
    world.scores.insert(SurveyKind::Csat.into(), csat);
    world.scores.insert(SurveyKind::Nps.into(), nps);
    let said = [
        (SurveyKind::Csat, 5, "Quick and friendly, thank you!"),
        (
            SurveyKind::Csat,
            1,
            "I explained the same thing three times to three people, and in the end the answer was \
             <script>alert('nothing')</script> of use to me. Very disappointed by all of this.",
        ),
        (SurveyKind::Nps, 9, ""),
        (
            SurveyKind::Csat,
            3,
            "Es hat geklappt, aber erst nach zwei Tagen.",
        ),
        (SurveyKind::Ces, 6, "简单"),
        (SurveyKind::Nps, 4, "Too slow"),
    ];
    for (place, (kind, score, comment)) in said.into_iter().enumerate() {
        let place = place as u64;
        world.answers.push(Answer {
            kind: kind.into(),
            score,
            comment: comment.to_owned(),
            ticket_id: format!("tkt_{place}"),
            agent_id: format!("agt_{place}"),
            answered_at: at(now - Duration::from_secs(240 + place * 1_900)),
            ..Default::default()
        });
    }
    let open = csat_form();
    let closed = lotse_proto::survey::v1::Form {
        open: false,
        ..csat_form()
    };
    for (token, form) in [("open", open.clone()), ("again", open), ("closed", closed)] {
        let link = Link {
            form,
            ..Link::default()
        };
        world.links.insert(token.to_owned(), link);
    }
}
