use std::time::Duration;

use super::lines::IDLE_CLASSES;
use super::*;
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Presence, Priority};
use crate::domain::cover::{Cover, CoverWords};
use crate::domain::index::connected::sets;
use crate::domain::queue::plan as plan_one_by_one;
use crate::domain::samples::{agent, group, item, team, ticket};
use crate::domain::weight::Weight;
use lotse_ids::{CoverId, DecisionId};
use proptest::prelude::*;

const AGENTS: usize = 6;
const TICKETS: usize = 20;
/// When the world begins.
const START: Timestamp = Timestamp::from_millis(10_000);
const SKILLS: [&str; 2] = ["vpn", "mail"];

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A ticket comes, or comes back.
    Comes {
        ticket: usize,
        group: usize,
        skill: Option<usize>,
        urgent: bool,
        preferred: Option<usize>,
        excluded: Option<usize>,
    },
    /// A ticket is done.
    Done { ticket: usize },
    /// An agent comes or goes.
    Presence { agent: usize, online: bool },
    /// An agent can hold so much.
    Capacity { agent: usize, tickets: u32 },
    /// Everything is planned anew after a change of configuration.
    Directory,
}

fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let someone = || 1..=AGENTS;
    let comes = (
        0..TICKETS,
        1..=2_usize,
        prop::option::of(0..SKILLS.len()),
        any::<bool>(),
        prop::option::weighted(0.2, someone()),
        prop::option::weighted(0.2, someone()),
    );
    let comes =
        comes.prop_map(
            |(ticket, group, skill, urgent, preferred, excluded)| Event::Comes {
                ticket,
                group,
                skill,
                urgent,
                preferred,
                excluded,
            },
        );
    let event = prop_oneof![
        6 => comes,
        2 => (0..TICKETS).prop_map(|ticket| Event::Done { ticket }),
        3 => (someone(), any::<bool>())
            .prop_map(|(agent, online)| Event::Presence { agent, online }),
        1 => (someone(), 0..4_u32).prop_map(|(agent, tickets)| Event::Capacity { agent, tickets }),
        1 => Just(Event::Directory),
    ];
    prop::collection::vec(event, 1..most)
}

/// What SQL would hold, and the index beside it.
struct World {
    directory: Arc<Directory>,
    seats: Seats,
    items: BTreeMap<TicketId, Item>,
    index: Index,
    now: Timestamp,
}

impl World {
    /// Two groups that share an agent, one of which is covered by the other for a while; skills spread
    /// over them, everybody offline at first.
    fn new() -> Self {
        let mut team = team(AGENTS);
        for n in 1..=AGENTS {
            let profile = &mut team.agents[n - 1].0.profile;
            profile.groups = match n {
                1..=3 => BTreeSet::from([group(1)]),
                4 => BTreeSet::from([group(1), group(2)]),
                _ => BTreeSet::from([group(2)]),
            };
            team.seat(n).presences = Presences::all(Presence::Offline);
            team.seat(n).capacity = Weight::tickets(2);
        }
        for (n, skill, level) in [(1, 0, 3), (2, 0, 5), (4, 0, 1), (4, 1, 4), (6, 1, 2)] {
            team.skill(n, SKILLS[skill], level);
        }
        let (directory, seats) = team.with_groups(2).finish();
        let cover = Cover {
            id: CoverId::generate(START),
            group: group(2),
            by: group(1),
            starts_at: START + Duration::from_millis(15),
            ends_at: START + Duration::from_millis(30),
            words: CoverWords {
                notices: vec![],
                reason: String::new(),
            },
            version: 1,
            created_at: START,
            updated_at: START,
        };
        let directory = Arc::new(directory.with_covers(vec![cover]));
        let mut index = Index::new(directory.clone(), START);
        for (agent, seat) in &seats {
            index.put_seat(agent, seat.clone());
        }
        Self {
            directory,
            seats,
            items: BTreeMap::new(),
            index,
            now: START,
        }
    }

    fn happen(&mut self, event: &Event) {
        self.now = self.now + Duration::from_millis(1);
        match event {
            Event::Comes {
                ticket: n,
                group: at,
                skill,
                urgent,
                preferred,
                excluded,
            } => {
                self.end(*n);
                let mut item = item(*n);
                item.queued_at = self.now;
                item.group = Some(group(*at));
                if *urgent {
                    item.priority = Priority::Urgent;
                }
                let skill = skill.map(|skill| SKILLS[skill].to_owned());
                item.facts.required_skills.extend(skill);
                item.trail.preferred = preferred.map(agent);
                item.trail.excluded.extend(excluded.map(agent));
                self.save(item);
            }
            Event::Done { ticket: n } => self.end(*n),
            Event::Presence { agent: n, online } => {
                let presence = if *online {
                    Presence::Online
                } else {
                    Presence::Away
                };
                self.sit(&agent(*n), |seat| seat.presences = Presences::all(presence));
            }
            Event::Capacity { agent: n, tickets } => {
                self.sit(&agent(*n), |seat| seat.capacity = Weight::tickets(*tickets));
            }
            Event::Directory => self
                .index
                .directory_changed(self.directory.clone(), self.now),
        }
    }

    fn end(&mut self, n: usize) {
        if let Some(item) = self.items.remove(&ticket(n)) {
            self.index.forget_item(&item.ticket);
            if let Some(agent) = item.agent {
                self.sit(&agent, |seat| seat.shift(Channel::Email, -Weight::TICKET));
            }
        }
    }

    fn save(&mut self, item: Item) {
        self.index.put_item(item.clone(), self.now);
        self.items.insert(item.ticket.clone(), item);
    }

    fn sit(&mut self, agent: &AgentId, change: impl FnOnce(&mut Seat)) {
        let seat = self.seats.get_mut(agent).unwrap();
        change(seat);
        let seat = seat.clone();
        self.index.put_seat(agent, seat);
    }

    /// Does what is planned as SQL would.
    fn carry_out(&mut self, planned: &Planned) {
        let mut item = self.items[&planned.ticket].clone();
        assert_eq!(item.version, planned.version);
        assert_eq!(item.state(), State::Waiting);
        item.version += 1;
        match &planned.agent {
            Some((agent, version)) => {
                let seat = self.seats.get_mut(agent).unwrap();
                assert_eq!(
                    (seat.version, seat.presence()),
                    (*version, Presence::Online)
                );
                seat.take(Channel::Email, Weight::TICKET, self.now);
                assert!(seat.spare() >= Weight::ZERO, "{agent} is over capacity");
                item.agent = Some(agent.clone());
            }
            None => {
                let decision = DecisionId::generate(self.now);
                let policy = crate::domain::samples::policy();
                item.wait(
                    planned.group.clone(),
                    decision,
                    planned.reason,
                    None,
                    &policy,
                );
            }
        }
        self.save(item);
    }

    fn waiting(&self) -> Vec<Item> {
        let waiting = self
            .items
            .values()
            .filter(|item| item.state() == State::Waiting);
        let mut waiting: Vec<Item> = waiting.cloned().collect();
        waiting.sort_by_key(turn);
        waiting
    }

    /// What planning one item after another finds.
    fn one_by_one(&self) -> Vec<Planned> {
        let mut seats = self.seats.clone();
        plan_one_by_one(&self.waiting(), &self.directory, &mut seats, self.now)
    }

    fn settle(&mut self) {
        loop {
            let planned = self.index.plan(self.now);
            if planned.is_empty() {
                return;
            }
            for one in &planned {
                self.carry_out(one);
            }
        }
    }
}

/// Everything but the look of items that wait, which may have been taken at another instant.
fn given(planned: &[Planned]) -> Vec<(TicketId, Option<AgentId>)> {
    let given = planned.iter();
    let given = given.map(|one| {
        (
            one.ticket.clone(),
            one.agent.as_ref().map(|one| one.0.clone()),
        )
    });
    given.collect()
}

/// How many get an agent.
fn gone(planned: &[Planned]) -> usize {
    planned.iter().filter(|one| one.agent.is_some()).count()
}

proptest! {
    #[test]
    fn whatever_happens_no_free_agent_stays_beside_an_item_and_nobody_is_over_capacity(
        events in events(60),
        together in 1..8_usize,
    ) {
        let mut world = World::new();
        for events in events.chunks(together) {
            for event in events {
                world.happen(event);
            }
            world.settle();
            prop_assert_eq!(world.one_by_one(), []);
            let waiting: Vec<TicketId> =
                world.waiting().into_iter().map(|item| item.ticket).collect();
            prop_assert_eq!(world.index.waiting(), waiting.len());
            prop_assert!(world.waiting().iter().all(|item| item.decision.is_some()));
        }
    }

    #[test]
    fn one_item_at_a_time_goes_where_it_would_go_one_by_one(events in events(60)) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
            let mut expected = world.one_by_one();
            let mut planned = world.index.plan(world.now);
            if gone(&planned) > 1 || gone(&expected) > 1 {
                // Somebody came whom several waited for.
                prop_assert!(gone(&planned) >= gone(&expected));
            } else {
                expected.sort_by(|a, b| a.ticket.cmp(&b.ticket));
                planned.sort_by(|a, b| a.ticket.cmp(&b.ticket));
                prop_assert_eq!(&planned, &expected);
            }
            for one in &planned {
                world.carry_out(one);
            }
            prop_assert_eq!(world.index.plan(world.now), []);
        }
    }

    #[test]
    fn together_as_many_are_served_as_one_by_one_and_no_earlier_item_is_passed_over(
        events in events(40),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        let one_by_one = given(&world.one_by_one());
        let served = one_by_one.iter().filter(|(_, agent)| agent.is_some()).count();
        let waiting: Vec<TicketId> = world.waiting().into_iter().map(|item| item.ticket).collect();
        world.settle();
        let gone: Vec<bool> =
            waiting.iter().map(|ticket| world.items[ticket].agent.is_some()).collect();
        let before: Vec<bool> = waiting
            .iter()
            .map(|ticket| one_by_one.iter().any(|(one, agent)| one == ticket && agent.is_some()))
            .collect();
        prop_assert!(gone.iter().filter(|gone| **gone).count() >= served);
        // In the order of the queue the first difference is in favour of being served.
        prop_assert!(gone >= before, "{gone:?} {before:?}");
    }
}

#[test]
fn an_item_leaves_its_best_agent_to_another_who_has_no_choice() {
    let mut world = World::new();
    // Agent 2 is the best for the first and the only one online for the second.
    world.happen(&Event::Presence {
        agent: 2,
        online: true,
    });
    world.happen(&Event::Capacity {
        agent: 2,
        tickets: 1,
    });
    world.happen(&Event::Presence {
        agent: 3,
        online: true,
    });
    let comes = |ticket, skill| Event::Comes {
        ticket,
        group: 1,
        skill,
        urgent: false,
        preferred: None,
        excluded: (ticket == 1).then_some(3),
    };
    world.happen(&Event::Capacity {
        agent: 3,
        tickets: 4,
    });
    world.sit(&agent(3), |seat| {
        seat.shift(Channel::Email, Weight::tickets(3))
    });
    world.happen(&comes(0, None));
    world.happen(&comes(1, None));
    let one_by_one = given(&world.one_by_one());
    assert_eq!(one_by_one, [(ticket(0), Some(agent(2))), (ticket(1), None)]);
    let planned = world.index.plan(world.now);
    assert_eq!(
        given(&planned),
        [(ticket(0), Some(agent(3))), (ticket(1), Some(agent(2)))]
    );
    assert_eq!(planned[0].reason, Reason::Matched);
}

#[test]
fn what_is_outside_its_scope_is_not_its_matter() {
    let world = World::new();
    let scope = Scope {
        groups: Some(BTreeSet::from([group(2)])),
        placeless: false,
    };
    let mut index = Index::within(world.directory.clone(), scope, world.now);
    for (n, at) in [(1, Some(group(1))), (2, Some(group(2))), (3, None)] {
        let mut item = item(n);
        item.group = at;
        index.put_item(item, world.now);
    }
    assert!(index.item(&ticket(2)).is_some());
    assert_eq!(index.waiting(), 1);
}

#[test]
fn a_shared_agent_makes_one_set_of_both_groups() {
    assert_eq!(sets(&World::new().directory).len(), 1);
}

#[test]
fn a_class_in_which_nothing_waits_is_forgotten_when_there_are_many() {
    let mut world = World::new();
    for n in 0..4 * IDLE_CLASSES {
        let mut item = item(1);
        item.group = Some(group(1));
        item.facts.required_skills.insert(format!("skill {n}"));
        world.index.put_item(item, world.now);
    }
    assert!(world.index.classes.len() <= 2 * IDLE_CLASSES);
    assert_eq!(world.index.lines.len(), 1);
}
