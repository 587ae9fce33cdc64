//! What happens to clocks and on tickets, as alerts and actions see it: in the keeper's own
//! transaction, so that a transition of a clock rings once.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::AlertId;
use lotse_journal::{Recorded, Tx, bucket_of, lane_of};

use super::Alerts;
use super::record::{By, Record};
use crate::Error;
use crate::domain::{
    ActionKind, ActionState, Alert, Catalog, Change, Facts, HandOn, Happening, PolicyVersion,
    Reaction, Reason, Resolution, Transition,
};
use crate::store::actions::{self, Action, Command};
use crate::store::alerts::rows::{self, Row};
use crate::wire::activity::{REACTION, activity, is_reaction};

/// A change of a clock, with what a reaction to it needs.
pub(in crate::app) struct Noticed<'a> {
    /// The ticket.
    pub(in crate::app) ticket_id: &'a str,
    /// The clock.
    pub(in crate::app) clock_id: String,
    /// What happened to it.
    pub(in crate::app) change: &'a Change,
    /// The position of the event that brought it about; `i64::MAX` for a timer, which comes after
    /// every event of the batch.
    pub(in crate::app) position: i64,
    /// The ticket's facts by now.
    pub(in crate::app) facts: &'a Facts,
}

/// A reaction that has come about.
struct Due<'a> {
    noticed: &'a Noticed<'a>,
    reaction: &'a Reaction,
}

impl Due<'_> {
    fn at_percent(&self) -> u8 {
        self.reaction.at.unwrap_or(0)
    }
}

impl Alerts {
    /// Takes what happened in one batch, in order: ends the alerts of tickets that somebody takes
    /// care of, then opens those that clocks give rise to. What is over by the end of the batch
    /// rings nobody.
    ///
    /// # Errors
    /// The database's, or a stored row that does not fit this program.
    pub(in crate::app) async fn follow(
        &self,
        tx: &Tx,
        catalog: &Catalog,
        noticed: &[Noticed<'_>],
        events: &[Recorded],
    ) -> Result<(), Error> {
        if !catalog.reacts() {
            return Ok(());
        }
        let acts = Acts::of(tx, catalog, events).await?;
        let now = self.clock.now();
        let mut record = Record::new(now);
        self.resolve(tx, noticed, &acts, now, &mut record).await?;
        let due = due(catalog, noticed, &acts);
        if !due.is_empty() {
            self.open(tx, &due, now, &mut record).await?;
        }
        record.save(self, tx).await?;
        if catalog.acts() {
            self.act(tx, noticed, &due, &acts, now).await?;
        }
        Ok(())
    }

    async fn resolve(
        &self,
        tx: &Tx,
        noticed: &[Noticed<'_>],
        acts: &Acts<'_>,
        now: Timestamp,
        record: &mut Record,
    ) -> Result<(), Error> {
        let ending = noticed
            .iter()
            .filter(|one| end(one.change.transition).is_some());
        let mut tickets: BTreeSet<&str> = ending.map(|one| one.ticket_id).collect();
        tickets.extend(acts.by_ticket.keys());
        if tickets.is_empty() {
            return Ok(());
        }
        let tickets: Vec<&str> = tickets.into_iter().collect();
        let open = rows::lock_open(tx, &tickets).await?;
        if open.is_empty() {
            return Ok(());
        }
        let known = self.escalations.current(tx).await?;
        for mut row in open {
            let of_clock = noticed.iter().enumerate().filter_map(|(index, one)| {
                let why = end(one.change.transition).filter(|_| one.clock_id == row.clock_id)?;
                // A warning rang because of time that has passed all the same.
                let rang = why != Resolution::Retracted || row.at_percent == 0;
                rang.then_some(((one.position, 0, index), why))
            });
            let of_ticket = acts.of_ticket(&row.ticket_id);
            let of_ticket = of_ticket.iter().map(|(at, why)| ((*at, 1, 0), *why));
            let all = of_clock.chain(of_ticket);
            let Some((_, why)) = all.min_by_key(|(place, _)| *place) else {
                continue;
            };
            let policy = known.version(&row.escalation_id, row.escalation_version)?;
            let told = row
                .alert
                .apply(Happening::Resolved(why), &policy, None, now);
            record.changed(row, &told, None, &By::default());
        }
        Ok(())
    }

    async fn open(
        &self,
        tx: &Tx,
        due: &[Due<'_>],
        now: Timestamp,
        record: &mut Record,
    ) -> Result<(), Error> {
        let ringing = || due.iter().filter(|due| due.reaction.alert.is_some());
        let clocks: Vec<&str> = ringing().map(|due| due.noticed.clock_id.as_str()).collect();
        if clocks.is_empty() {
            return Ok(());
        }
        let there = rows::causes(tx, &clocks).await?;
        let mut there: BTreeSet<(String, String)> = there.into_iter().collect();
        let known = self.escalations.current(tx).await?;
        for one in ringing() {
            let Due { noticed, reaction } = one;
            let escalation = reaction.alert.clone().unwrap_or_default();
            if !there.insert((noticed.clock_id.clone(), escalation.clone())) {
                continue;
            }
            let Some((version, policy)) = known.in_force(&escalation) else {
                // It was checked when the policy was put, and nothing removes it.
                tracing::warn!(escalation, "an escalation policy is not there");
                continue;
            };
            record.opened(Row {
                id: AlertId::generate(now).to_string(),
                ticket_id: noticed.ticket_id.to_owned(),
                lane: lane_of(bucket_of(noticed.ticket_id)),
                clock_id: noticed.clock_id.clone(),
                metric: reaction.metric,
                at_percent: one.at_percent(),
                escalation_id: escalation,
                escalation_version: version,
                group_id: noticed.facts.group.clone(),
                alert: Alert::open(&policy, now),
                generation: 0,
                steps: 0,
                opened_at: now,
                acknowledged_at: None,
                acknowledged_by: String::new(),
                resolved_at: None,
                resolution: None,
            });
        }
        Ok(())
    }

    /// Decides on actions. A clock that an action has started or retargeted leads to none.
    async fn act(
        &self,
        tx: &Tx,
        noticed: &[Noticed<'_>],
        due: &[Due<'_>],
        acts: &Acts<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let set = [Transition::Started, Transition::Retargeted];
        let started = noticed
            .iter()
            .filter(|one| acts.is_reaction(one.ticket_id, one.position))
            .filter(|one| set.contains(&one.change.transition))
            .map(|one| one.clock_id.clone());
        let effects: Vec<String> = started.chain(acts.references.iter().cloned()).collect();
        actions::mark(tx, &effects).await?;
        let mut wanted: BTreeMap<String, Action> = BTreeMap::new();
        for one in due {
            if acts.is_reaction(one.noticed.ticket_id, one.noticed.position) {
                continue;
            }
            for (kind, command) in commands(one) {
                let action = one.action(kind, command, now);
                wanted.insert(action.id.clone(), action);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let clocks = wanted.values().map(|one| one.clock_id.as_str()).collect();
        let marked = actions::marked(tx, &clocks).await?;
        let ids: Vec<&str> = wanted.keys().map(String::as_str).collect();
        let there = actions::load(tx, &ids).await?;
        for action in there {
            wanted.remove(&action.id);
        }
        let fresh: Vec<Action> = wanted
            .into_values()
            .filter(|action| !marked.contains(&action.clock_id))
            .collect();
        actions::save(tx, &fresh).await?;
        fresh
            .iter()
            .for_each(|action| self.reschedule_action(action));
        Ok(())
    }
}

impl Due<'_> {
    fn action(&self, kind: ActionKind, command: Command, now: Timestamp) -> Action {
        let Noticed {
            ticket_id,
            clock_id,
            ..
        } = self.noticed;
        let at_percent = self.at_percent();
        Action {
            id: format!("{REACTION}{clock_id}:{at_percent}:{}", kind.code()),
            ticket_id: (*ticket_id).to_owned(),
            lane: lane_of(bucket_of(ticket_id)),
            clock_id: clock_id.clone(),
            metric: self.reaction.metric,
            at_percent,
            kind,
            command,
            state: ActionState::Pending,
            attempts: 0,
            next_at: Some(now),
            generation: 0,
            error: String::new(),
            created_at: now,
            ended_at: None,
        }
    }
}

/// What a reaction does to the ticket, where there is something to do.
fn commands(due: &Due<'_>) -> Vec<(ActionKind, Command)> {
    let Reaction {
        raise_to, hand_on, ..
    } = due.reaction;
    let mut commands = Vec::new();
    // The most urgent priority is the first.
    if let Some(raise_to) = raise_to.filter(|to| *to < due.noticed.facts.priority) {
        let command = Command {
            raise_to: Some(raise_to),
            group: None,
        };
        commands.push((ActionKind::RaisePriority, command));
    }
    if let Some(hand_on) = hand_on {
        let kind = match hand_on.how {
            HandOn::Requeue => ActionKind::Requeue,
            HandOn::Escalate => ActionKind::Escalate,
        };
        let command = Command {
            raise_to: None,
            group: hand_on.group.clone(),
        };
        commands.push((kind, command));
    }
    commands
}

/// The reactions that have come about and are not over by the end of the batch.
fn due<'a>(catalog: &'a Catalog, noticed: &'a [Noticed<'a>], acts: &Acts<'_>) -> Vec<Due<'a>> {
    let mut due = Vec::new();
    for (index, one) in noticed.iter().enumerate() {
        let Change {
            transition,
            reason,
            clock,
            ..
        } = one.change;
        let policy = catalog.policy(&clock.terms.policy).ok();
        let reaction =
            |policy: &'a PolicyVersion| policy.content.reaction(clock.metric, *transition);
        let Some(reaction) = policy.and_then(reaction) else {
            continue;
        };
        let over = noticed[index + 1..]
            .iter()
            .any(|later| later.clock_id == one.clock_id && end(later.change.transition).is_some());
        // Time that ran out before somebody acted is past; what the act itself brought about is not.
        let ran_out = *reason == Reason::None;
        let mut acted = acts.of_ticket(one.ticket_id).iter();
        let cared = acted.any(|(at, _)| *at > one.position || *at == one.position && ran_out);
        if !over && !cared {
            due.push(Due {
                noticed: one,
                reaction,
            });
        }
    }
    due
}

/// Why a clock's transition ends the alerts that it gave rise to.
fn end(transition: Transition) -> Option<Resolution> {
    match transition {
        Transition::Met | Transition::FulfilledLate => Some(Resolution::Fulfilled),
        Transition::Cancelled => Some(Resolution::Cancelled),
        Transition::BreachRetracted => Some(Resolution::Retracted),
        _ => None,
    }
}

/// What people did on the tickets of a batch, and what reactions did.
struct Acts<'a> {
    by_ticket: BTreeMap<&'a str, Vec<(i64, Resolution)>>,
    reactions: BTreeSet<(&'a str, i64)>,
    /// The same events as `bucket:position`.
    references: BTreeSet<String>,
}

impl<'a> Acts<'a> {
    async fn of(tx: &Tx, catalog: &Catalog, events: &'a [Recorded]) -> Result<Self, Error> {
        let mut acts = Self {
            by_ticket: BTreeMap::new(),
            reactions: BTreeSet::new(),
            references: BTreeSet::new(),
        };
        let mut earlier = BTreeSet::new();
        if catalog.acts() {
            // What answers an event that a reaction brought about was brought about by it too.
            let causes = events.iter().map(|event| event.cause.as_str()).collect();
            earlier = actions::marked(tx, &causes).await?;
        }
        for event in events {
            let Some(ticket) = event.ticket_id.as_deref() else {
                continue;
            };
            let answers = |marked: &BTreeSet<String>| marked.contains(&event.cause);
            if is_reaction(event) || answers(&earlier) || answers(&acts.references) {
                acts.reactions.insert((ticket, event.position));
                acts.references.insert(event.reference());
            }
            if let Some(why) = activity(event) {
                let of_ticket = acts.by_ticket.entry(ticket).or_default();
                of_ticket.push((event.position, why));
            }
        }
        Ok(acts)
    }

    fn of_ticket(&self, ticket: &str) -> &[(i64, Resolution)] {
        self.by_ticket.get(ticket).map_or(&[], Vec::as_slice)
    }

    fn is_reaction(&self, ticket: &str, position: i64) -> bool {
        self.reactions.contains(&(ticket, position))
    }
}
