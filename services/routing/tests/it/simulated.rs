//! The service gives tickets to the same agents as its simulation.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_journal::Body;
use lotse_proto::common::v1::Priority;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_routing::simulation::{Happened, Policy, Scenario, There};
use lotse_testkit::TestDb;

use crate::stage::{Stage, agent, created, migrations, new_ticket, skills, solved};

/// Two groups, agents with skills of different levels, languages, shifts, and room for several
/// tickets; urgent tickets before others. What an agent holds they work on, because the service
/// leaves with an agent who goes home what the simulation would hand back. The day is short and
/// busy: what the service costs here is mostly the time that passes.
const DESK: &str = r#"
name = "desk"
start = "2026-03-02"
days = 1

[[groups]]
name = "desk"
[[groups]]
name = "network"
required_skills = { vpn = 2 }

[shifts.early]
from = "04:00"
to = "07:30"
breaks = [{ from = "05:00", to = "05:20" }]
[shifts.late]
from = "06:00"
to = "09:00"

[[agents]]
name = "Anna"
count = 2
groups = ["desk"]
shifts = ["early"]
languages = { de = 5, en = 3 }
capacity = 2
at_once = 2
[[agents]]
name = "Bruno"
count = 2
groups = ["desk", "network"]
skills = { vpn = 3 }
languages = { de = 3 }
shifts = ["late"]
capacity = 3
at_once = 3
[[agents]]
name = "Clara"
groups = ["network"]
skills = { vpn = 5 }
shifts = ["early", "late"]

[[tickets]]
class = "questions"
per_hour = 10.0
by_hour = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
handling = { log_normal = { mean = "24m", deviation = "18m" } }
told = { language = "de" }
[[tickets]]
class = "network"
per_hour = 3.0
by_hour = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
handling = { exponential = "20m" }
told = { category = "network" }
[[tickets]]
class = "urgent"
per_hour = 2.0
by_hour = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
handling = { fixed = "6m" }
told = { priority = "urgent", language = "en" }

[workflow]
default_group = "desk"
[[workflow.rules]]
name = "network"
group = "network"
categories = ["network"]
"#;

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_service_gives_tickets_to_the_same_agents_as_the_simulation(db: TestDb) {
        let mut story: BTreeMap<Timestamp, Vec<Happened>> = BTreeMap::new();
        let scenario: Scenario = toml::from_str(DESK).unwrap();
        let desk = scenario.stage().unwrap();
        desk.play(Policy::Matched, 1, |at, happened| story.entry(at).or_default().push(happened));

        let stage = Stage::new(db).await;
        let agents = people(&stage).await;
        // The service's clock is elsewhere: the story begins at its next instant.
        let begins = stage.clock.now();
        let first = *story.keys().next().unwrap();
        let mut tickets: BTreeMap<u64, String> = BTreeMap::new();
        let (mut simulated, mut real) = (Vec::new(), Vec::new());
        for (at, happened) in story {
            stage.suite.advance_to(begins + at.since(first)).await;
            let mut given = Vec::new();
            for one in happened {
                match one {
                    Happened::Arrived { ticket, class, .. } => {
                        let id = new_ticket(stage.clock.now());
                        stage.journal(&id, vec![Body::TicketCreated(told(class))]).await;
                        tickets.insert(ticket, id);
                    }
                    Happened::Solved { ticket, .. } => {
                        stage.journal(&tickets[&ticket], vec![solved()]).await;
                    }
                    Happened::Present { agent, there } => {
                        let presence = match there {
                            There::Online => proto::Presence::Online,
                            There::Away => proto::Presence::Away,
                            There::Offline => proto::Presence::Offline,
                        };
                        stage.presence(&agents[agent], presence).await;
                    }
                    Happened::Assigned { ticket, agent, .. } => given.push((ticket, agent)),
                    _ => {}
                }
            }
            stage.suite.settle().await;
            for (ticket, agent) in given {
                let route = stage.route(&tickets[&ticket]).await;
                simulated.push((ticket, Some(to_proto(stage.clock.now())), agents[agent].clone()));

                real.push((ticket, route.assigned_at, route.agent_id));
            }
        }
        assert!(simulated.len() > 60, "{}", simulated.len());
        assert_eq!(real, simulated);
        // Nobody has anything that the simulation left waiting.
        let events = stage.all_events().await;
        let assigned = events.iter().filter(|event| matches!(event.body, Body::TicketAssigned(_)));
        assert_eq!(assigned.count(), simulated.len());
    }
}

/// The agents of the scenario, in its order.
async fn people(stage: &Stage) -> Vec<String> {
    stage.skill("vpn").await;
    let desk = stage.group("desk", 1).await;
    let network = proto::Group {
        name: "network".to_owned(),
        tier: 1,
        required_skills: skills(&[("vpn", 2)]),
        ..proto::Group::default()
    };
    let network = stage.put_group(network).await.unwrap().group.unwrap().id;
    let rule = proto::WorkflowRule {
        name: "network".to_owned(),
        group_id: network.clone(),
        categories: vec!["network".to_owned()],
        ..proto::WorkflowRule::default()
    };
    stage.put_rules(vec![rule], &desk).await;
    let languages = |levels: &[(&str, u32)]| -> Vec<proto::LanguageLevel> {
        let level = |(language, level): &(&str, u32)| proto::LanguageLevel {
            language: (*language).to_owned(),
            level: *level,
        };
        levels.iter().map(level).collect()
    };
    let anna = |name| proto::Agent {
        languages: languages(&[("de", 5), ("en", 3)]),
        ..agent(name, &desk, 2)
    };
    let bruno = |name| proto::Agent {
        group_ids: vec![desk.clone(), network.clone()],
        skills: skills(&[("vpn", 3)]),
        languages: languages(&[("de", 3)]),
        ..agent(name, &desk, 3)
    };
    let clara = proto::Agent {
        skills: skills(&[("vpn", 5)]),
        ..agent("Clara", &network, 1)
    };
    let people = [
        anna("Anna 1"),
        anna("Anna 2"),
        bruno("Bruno 1"),
        bruno("Bruno 2"),
        clara,
    ];
    let mut ids = Vec::new();
    for one in people {
        // Ids decide between equals, and sort by the time they were made.
        stage
            .suite
            .advance(std::time::Duration::from_millis(1))
            .await;
        ids.push(
            stage
                .agent(proto::Agent {
                    presence_never_expires: true,
                    ..one
                })
                .await,
        );
    }
    ids
}

/// What intake says of a ticket of a class.
fn told(class: usize) -> journal::TicketCreated {
    let language = |language: &str| journal::TicketCreated {
        language: language.to_owned(),
        language_confidence: 1.0,
        ..created()
    };
    match class {
        0 => language("de"),
        1 => journal::TicketCreated {
            category: "network".to_owned(),
            ..created()
        },
        _ => journal::TicketCreated {
            priority: Priority::Urgent.into(),
            ..language("en")
        },
    }
}
