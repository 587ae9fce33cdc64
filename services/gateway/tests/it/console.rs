//! The console: who may see it, and what its stream sends.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use lotse_auth::{Authenticator, KeySource, TokenConfig};
use lotse_clock::BusinessClock;
use lotse_gateway::{Config, Gateway, serve};
use lotse_proto::common::v1::{ClockState, SlaMetric, SurveyKind, TicketStatus, TransferReason};
use lotse_proto::insight::v1::Figure;
use lotse_proto::intake::v1::Ticket;
use lotse_proto::journal::v1::event::Body as Happened;
use lotse_proto::journal::v1::{Event, TicketTransferred};
use lotse_proto::routing::v1::{AgentLoad, GroupState, Presence};
use lotse_proto::sla::v1::{Alert, AlertState, AlertStep, AlertStepKind, Clock, ToldAgent};
use lotse_proto::survey::v1 as survey;
use lotse_supervise::Supervisor;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use crate::fakes::{World, at};
use crate::stage::{NOW, Stage, ask};

fn get(path: &str) -> http::request::Builder {
    Request::get(path).header(header::HOST, "127.0.0.1:7080")
}

/// A stream as a browser reads it.
struct Events(axum::body::BodyDataStream);

impl Events {
    async fn open(gateway: &Gateway, last_id: &str) -> Self {
        let request = get("/events").header("last-event-id", last_id);
        let request = request.body(Body::empty()).unwrap();
        let response = gateway.internal().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }

    /// Id and snapshot of the next event; none when nothing has come.
    async fn next(&mut self) -> Option<(String, Value)> {
        let part = tokio::select! {
            biased;
            part = self.0.next() => part.unwrap().unwrap(),
            () = std::future::ready(()) => return None,
        };
        let text = String::from_utf8(part.to_vec()).unwrap();
        let field = |name: &str| {
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix(name).map(str::to_owned))
                .unwrap()
        };
        assert_eq!(field("event: "), "snapshot");
        let snapshot = serde_json::from_str(&field("data: ")).unwrap();
        Some((field("id: "), snapshot))
    }
}

async fn step(gateway: &Gateway) {
    for job in gateway.jobs() {
        job.step().await.unwrap();
    }
}

fn minutes_ago(minutes: u64) -> Option<prost_types::Timestamp> {
    at(NOW - Duration::from_secs(minutes * 60))
}

fn fill(world: &mut World) {
    world.tickets = vec![Ticket {
        id: "tkt_1".to_owned(),
        number: 41,
        subject: "<b>Printer</b>".to_owned(),
        status: TicketStatus::Open.into(),
        language: "de".to_owned(),
        assignee_id: "agt_1".to_owned(),
        created_at: minutes_ago(90),
        updated_at: minutes_ago(30),
        status_changed_at: minutes_ago(60),
        ..Default::default()
    }];
    world.clocks = vec![Clock {
        ticket_id: "tkt_1".to_owned(),
        metric: SlaMetric::FirstReply.into(),
        state: ClockState::Running.into(),
        share: 0.75,
        due_at: at(NOW + Duration::from_secs(1_800)),
        ..Default::default()
    }];
    world.board.groups = vec![GroupState {
        waiting: 3,
        ..Default::default()
    }];
    world.board.agents = vec![AgentLoad {
        agent_id: "agt_1".to_owned(),
        name: "Ada".to_owned(),
        presence: Presence::Online.into(),
        capacity: 5,
        load: 1.5,
        offered: 1,
        ..Default::default()
    }];
    world.figures.insert(
        ("transfer_rate", ""),
        Figure {
            value: Some(0.25),
            n: 8,
            ..Default::default()
        },
    );
    world.answers = vec![survey::Answer {
        kind: SurveyKind::Csat.into(),
        score: 2,
        comment: "<script>".to_owned(),
        ticket_id: "tkt_1".to_owned(),
        answered_at: minutes_ago(5),
        ..Default::default()
    }];
}

#[tokio::test]
async fn the_stream_sends_a_snapshot_and_then_each_new_one() {
    let stage = Stage::new(Config::default());
    fill(&mut stage.world.lock());
    let mut events = Events::open(&stage.gateway, "").await;
    assert!(
        events.next().await.is_none(),
        "nothing is shown before it is asked for"
    );
    step(&stage.gateway).await;
    let (first, snapshot) = events.next().await.unwrap();
    assert_eq!(snapshot["as_of"], NOW.as_millis());
    assert_eq!(
        snapshot["queue"],
        json!({
            "tickets": [{
                "id": "tkt_1", "number": 41, "subject": "<b>Printer</b>", "channel": "",
                "language": "de", "priority": "normal", "age": 5_400, "idle": 1_800, "heat": 0.75,
                "clock": {"metric": "first_reply", "share": 0.75, "left": 1_800},
                "assignee": "Ada", "group": null
            }],
            "open": 1, "more": false, "overdue": 0
        })
    );
    assert_eq!(snapshot["team"]["unassigned"], 3);
    assert_eq!(
        snapshot["team"]["agents"],
        json!([{"name": "Ada", "presence": "online", "load": 1.5, "offered": 1, "capacity": 5}])
    );
    assert_eq!(snapshot["kpis"]["transfers"]["value"], 0.25);
    assert_eq!(snapshot["kpis"]["escalations"]["value"], Value::Null);
    assert_eq!(snapshot["scores"][0]["value"], Value::Null);
    let answer = &snapshot["answers"][0];
    assert_eq!(
        (&answer["number"], &answer["verdict"]),
        (&json!(41), &json!("bad"))
    );
    assert_eq!(
        (&answer["comment"], &answer["age"]),
        (&json!("<script>"), &json!(300))
    );
    assert_eq!(snapshot["away"], json!([]));

    stage.world.lock().tickets.clear();
    step(&stage.gateway).await;
    let (second, snapshot) = events.next().await.unwrap();
    assert_ne!(first, second);
    assert_eq!(snapshot["queue"]["open"], 0);
    assert!(events.next().await.is_none());
}

fn told(level: u32, agents: &[&str], minutes: u64) -> AlertStep {
    let told = agents.iter().map(|agent| ToldAgent {
        agent_id: (*agent).to_owned(),
        ..Default::default()
    });
    AlertStep {
        at: minutes_ago(minutes),
        kind: AlertStepKind::Notified.into(),
        level,
        agents: told.collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn alerts_tell_who_was_told_and_who_takes_care_the_oldest_first() {
    let stage = Stage::new(Config::default());
    fill(&mut stage.world.lock());
    let opened = AlertStep {
        kind: AlertStepKind::Opened.into(),
        ..Default::default()
    };
    let old = Alert {
        id: "alr_1".to_owned(),
        ticket_id: "tkt_1".to_owned(),
        metric: SlaMetric::Idle.into(),
        state: AlertState::Open.into(),
        level: 1,
        told_agent_ids: vec!["agt_1".to_owned()],
        opened_at: minutes_ago(20),
        steps: vec![opened, told(1, &["agt_1"], 20)],
        ..Default::default()
    };
    let warning = Alert {
        id: "alr_2".to_owned(),
        at_percent: 75,
        ticket_id: "tkt_gone".to_owned(),
        state: AlertState::Held.into(),
        level: 0,
        steps: Vec::new(),
        ..old.clone()
    };
    let over = Alert {
        id: "alr_3".to_owned(),
        state: AlertState::Resolved.into(),
        ..old.clone()
    };
    stage.world.lock().alerts = vec![old, warning, over];
    let mut events = Events::open(&stage.gateway, "").await;
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    assert_eq!(
        snapshot["alerts"],
        json!({"open": [
            {
                "id": "alr_1", "number": 41, "subject": "<b>Printer</b>", "metric": "idle",
                "percent": 0, "late": 1_200, "level": 1, "held": false,
                "told": [{"names": ["Ada"], "age": 1_200}], "acknowledged_by": null
            },
            {
                "id": "alr_2", "number": null, "subject": null, "metric": "idle",
                "percent": 75, "late": null, "level": 0, "held": true,
                "told": [], "acknowledged_by": null
            },
        ], "more": 0})
    );

    {
        let mut world = stage.world.lock();
        assert_eq!(world.histories, 2);
        world.alerts.truncate(1);
        let alert = &mut world.alerts[0];
        alert.level = 2;
        alert.told_agent_ids.push("agt_2".to_owned());
        alert.steps.push(told(2, &["agt_2", "agt_9"], 5));
        alert.set_state(AlertState::Acknowledged);
        alert.acknowledged_by_agent_id = "agt_1".to_owned();
    }
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    let alert = &snapshot["alerts"]["open"][0];
    assert_eq!(
        alert["told"][1],
        json!({"names": ["agt_2", "agt_9"], "age": 300})
    );
    assert_eq!(
        (&alert["level"], &alert["acknowledged_by"]),
        (&json!(2), &json!("Ada"))
    );
    step(&stage.gateway).await;
    assert_eq!(
        stage.world.lock().histories,
        3,
        "a history is read once a step"
    );

    stage.world.lock().alerts.clear();
    step(&stage.gateway).await;
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    assert_eq!(snapshot["alerts"], json!({"open": [], "more": 0}));
}

#[tokio::test]
async fn a_slow_browser_misses_only_what_was_replaced_and_a_returning_one_nothing() {
    let stage = Stage::new(Config::default());
    let mut events = Events::open(&stage.gateway, "").await;
    for _ in 0..3 {
        step(&stage.gateway).await;
    }
    let (last, _) = events.next().await.unwrap();
    assert!(events.next().await.is_none(), "the two before it are gone");

    let mut returning = Events::open(&stage.gateway, &last).await;
    assert!(returning.next().await.is_none(), "it has this one");
    step(&stage.gateway).await;
    let (next, _) = returning.next().await.unwrap();
    assert_eq!(events.next().await.unwrap().0, next, "all share one");
}

#[tokio::test]
async fn nobody_is_asked_while_nobody_watches() {
    let stage = Stage::new(Config::default());
    step(&stage.gateway).await;
    assert_eq!(stage.world.lock().looks, 0);
    let events = Events::open(&stage.gateway, "").await;
    step(&stage.gateway).await;
    assert_eq!(stage.world.lock().looks, 1);
    drop(events);
    for _ in 0..3 {
        step(&stage.gateway).await;
    }
    assert_eq!(stage.world.lock().looks, 1);
    let mut late = Events::open(&stage.gateway, "").await;
    assert!(late.next().await.is_none(), "the past is not shown");
    assert!(stage.gateway.jobs()[0].poll_every() <= Duration::from_secs(5));
    drop(late);
    assert!(stage.gateway.jobs()[0].poll_every() >= Duration::from_secs(30));
}

#[tokio::test]
async fn a_service_that_is_away_is_named_and_the_others_are_shown() {
    let stage = Stage::new(Config::default());
    fill(&mut stage.world.lock());
    stage.world.lock().away.extend(["sla", "insight"]);
    let mut events = Events::open(&stage.gateway, "").await;
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    assert_eq!(snapshot["away"], json!(["sla", "insight"]));
    assert_eq!(snapshot["kpis"], Value::Null);
    assert_eq!(snapshot["alerts"], Value::Null);
    assert_eq!(snapshot["queue"]["tickets"][0]["clock"], Value::Null);
    assert_eq!(snapshot["queue"]["tickets"][0]["heat"], 0.25);
    assert!(!snapshot.to_string().contains("10.0.0.7"));
}

#[tokio::test]
async fn transfers_are_told_as_they_happen() {
    let stage = Stage::new(Config::default());
    fill(&mut stage.world.lock());
    let mut events = Events::open(&stage.gateway, "").await;
    step(&stage.gateway).await;
    stage.world.lock().happen(Event {
        ticket_id: "tkt_1".to_owned(),
        occurred_at: minutes_ago(2),
        body: Some(Happened::TicketTransferred(TicketTransferred {
            from_agent_id: "agt_9".to_owned(),
            to_agent_id: "agt_1".to_owned(),
            reason: TransferReason::WrongSkill.into(),
            ..Default::default()
        })),
        ..Default::default()
    });
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    assert_eq!(
        snapshot["ticker"],
        json!([{
            "kind": "transfer", "number": 41, "reason": "wrong skill", "from": "agt_9",
            "to": "Ada", "age": 120
        }])
    );
}

#[tokio::test(start_paused = true)]
async fn the_feed_outlives_the_deadline_of_a_snapshot() {
    let stage = Stage::new(Config::default());
    let mut events = Events::open(&stage.gateway, "").await;
    step(&stage.gateway).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let transfer = TicketTransferred::default();
    stage.world.lock().happen(Event {
        body: Some(Happened::TicketTransferred(transfer)),
        ..Default::default()
    });
    step(&stage.gateway).await;
    let (_, snapshot) = events.next().await.unwrap();
    assert_eq!(snapshot["away"], json!([]));
    assert_eq!(snapshot["ticker"][0]["reason"], "unexplained");
}

#[tokio::test]
async fn without_authentication_only_loopback_names_and_own_pages_are_answered() {
    let router = Stage::new(Config::default()).gateway.internal();
    for (host, origin, status) in [
        ("127.0.0.1:7080", "", StatusCode::OK),
        ("localhost:7080", "http://localhost:7080", StatusCode::OK),
        ("evil.example:7080", "", StatusCode::UNAUTHORIZED),
        (
            "127.0.0.1:7080",
            "https://evil.example",
            StatusCode::UNAUTHORIZED,
        ),
        ("", "", StatusCode::UNAUTHORIZED),
    ] {
        for path in ["/", "/console/main.js", "/events"] {
            let mut request = Request::get(path).body(Body::empty()).unwrap();
            if !host.is_empty() {
                request
                    .headers_mut()
                    .insert(header::HOST, host.parse().unwrap());
            }
            if !origin.is_empty() {
                request
                    .headers_mut()
                    .insert(header::ORIGIN, origin.parse().unwrap());
            }
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(
                response.status(),
                status,
                "{path} at {host:?} from {origin:?}"
            );
        }
    }
}

#[tokio::test]
async fn with_authentication_a_token_is_asked_for_at_any_name() {
    let keys = TokenConfig::new(KeySource::File("/nonexistent".into()), "lotse");
    let gateway = Stage::new(Config::default()).gateway;
    let router = gateway
        .authenticated_by(Authenticator::tokens(keys))
        .internal();
    let answer = ask(router, get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"]["reason"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_page_may_run_its_own_script_and_nothing_else() {
    let router = Stage::new(Config::default()).gateway.internal();
    let page = ask(router, get("/").body(Body::empty()).unwrap()).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn viewers_beyond_the_seats_are_asked_to_come_back() {
    let config = Config {
        max_viewers: 1,
        ..Config::default()
    };
    let gateway = Stage::new(config).gateway;
    let first = Events::open(&gateway, "").await;
    let refused = ask(
        gateway.internal(),
        get("/events").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    Events::open(&gateway, "").await;
}

#[tokio::test]
async fn streams_end_when_the_listener_stops() {
    let stage = Stage::new(Config::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let supervisor = Supervisor::new(BusinessClock::system());
    let (stop, stopped) = oneshot::channel::<()>();
    let (ended, end) = oneshot::channel();
    let serving = serve(listener, stage.gateway.internal(), async {
        let _ = stopped.await;
    });
    supervisor.spawn_draining("http", async move {
        let _ = ended.send(serving.await.is_ok());
    });
    let mut browser = TcpStream::connect(address).await.unwrap();
    let request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    browser.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    browser.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    let mut rest = Vec::new();
    browser.read_to_end(&mut rest).await.unwrap();
    // The last chunk: the stream has ended, it was not cut off.
    assert!(rest.ends_with(b"0\r\n\r\n"));
    assert!(end.await.unwrap());
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn the_pages_files_come_with_their_type() {
    let router = Stage::new(Config::default()).gateway.internal();
    let request = get("/console/console.css").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/css; charset=utf-8"
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"/* Dark and calm"));
}
