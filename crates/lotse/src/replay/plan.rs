//! From the log's rows to commands, pure: what each row asks the services to do, and when.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Priority, TicketStatus};

use super::log::{Facts, Incident, Row, State};

/// The group of tickets whose group the log does not name.
pub(crate) const UNKNOWN_GROUP: &str = "unknown";

/// What one row asks for, at one instant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Timestamp,
    /// The row's line in `events.csv`; 0 for a ticket without rows.
    pub(crate) line: u64,
    pub(crate) commands: Vec<Command>,
}

/// One call of a service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Create,
    Assign {
        group: String,
        agent: Option<String>,
    },
    Transfer {
        group: String,
        agent: Option<String>,
    },
    Update(Update),
    Wait,
    Hold(&'static str),
    Resume,
    Solve,
    Reopen,
    Close,
    /// The row changes nothing that we keep: an internal note says that it was there.
    Note,
}

/// Facts that changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) priority: Option<Priority>,
    /// An empty category when it was taken away.
    pub(crate) category: Option<String>,
    /// All attributes, not only the changed ones.
    pub(crate) attributes: Option<BTreeMap<String, String>>,
}

/// All steps of a ticket, in order; the first one creates it.
///
/// Times never go back within a ticket: the few rows that do, or that come before the ticket was
/// opened (a change of the log's clock), happen when the row before them did.
pub(crate) fn steps(incident: &Incident) -> Vec<Step> {
    let mut ticket = Ticket::new(incident);
    let first_line = incident.rows.first().map_or(0, |row| row.line);
    let mut steps = vec![Step {
        at: incident.opened_at,
        line: first_line,
        commands: vec![Command::Create],
    }];
    for (place, row) in incident.rows.iter().enumerate() {
        let next = incident.rows.get(place + 1);
        steps.push(Step {
            at: ticket.time_of(row),
            line: row.line,
            commands: ticket.take(row, next),
        });
    }
    steps
}

/// A ticket as the services know it after the rows taken so far.
struct Ticket {
    now: Timestamp,
    status: TicketStatus,
    hold_reason: &'static str,
    facts: Facts,
    outcome: BTreeMap<String, String>,
    owner: Option<(String, Option<String>)>,
    reassignments: u32,
    reopenings: u32,
}

impl Ticket {
    fn new(incident: &Incident) -> Self {
        Self {
            now: incident.opened_at,
            status: TicketStatus::New,
            hold_reason: "",
            facts: incident.facts.clone(),
            outcome: BTreeMap::new(),
            owner: None,
            reassignments: 0,
            reopenings: 0,
        }
    }

    fn time_of(&mut self, row: &Row) -> Timestamp {
        self.now = self.now.max(row.at);
        self.now
    }

    fn take(&mut self, row: &Row, next: Option<&Row>) -> Vec<Command> {
        let mut commands = Vec::new();
        self.own(row, &mut commands);
        self.update(row, next.is_none(), &mut commands);
        self.reopen(row, &mut commands);
        self.change_status(row, next, &mut commands);
        if commands.is_empty() {
            commands.push(Command::Note);
        }
        commands
    }

    /// Who has it: a transfer per step of the log's counter, an assignment for any other change.
    fn own(&mut self, row: &Row, commands: &mut Vec<Command>) {
        let group = row
            .group
            .clone()
            .unwrap_or_else(|| UNKNOWN_GROUP.to_owned());
        let owner = (group.clone(), row.agent.clone());
        if self.owner.is_none() {
            commands.push(Command::Assign {
                group: group.clone(),
                agent: row.agent.clone(),
            });
        }
        let hops = row.reassignments.saturating_sub(self.reassignments);
        for _ in 0..hops {
            commands.push(Command::Transfer {
                group: group.clone(),
                agent: row.agent.clone(),
            });
        }
        if hops == 0 && self.owner.as_ref().is_some_and(|before| *before != owner) {
            commands.push(Command::Assign {
                group,
                agent: row.agent.clone(),
            });
        }
        self.reassignments += hops;
        self.owner = Some(owner);
    }

    /// Facts that changed, and on the last row the log's own verdict.
    fn update(&mut self, row: &Row, last: bool, commands: &mut Vec<Command>) {
        let mut update = Update::default();
        if row.facts.priority != self.facts.priority {
            update.priority = Some(row.facts.priority);
        }
        if row.facts.category != self.facts.category {
            update.category = Some(row.facts.category.clone().unwrap_or_default());
        }
        let before = attributes(&self.facts);
        let mut after = attributes(&row.facts);
        if last {
            self.outcome
                .insert("made_sla".into(), row.made_sla.to_string());
            let resolved = if row.resolved { "logged" } else { "missing" };
            self.outcome.insert("resolved_at".into(), resolved.into());
        }
        if last || after != before {
            after.extend(self.outcome.clone());
            update.attributes = Some(after);
        }
        if update != Update::default() {
            commands.push(Command::Update(update));
        }
        self.facts = row.facts.clone();
    }

    /// A reopening per step of the log's counter; one that the log did not see solved is solved first.
    fn reopen(&mut self, row: &Row, commands: &mut Vec<Command>) {
        for _ in self.reopenings..row.reopenings {
            if !matches!(self.status, TicketStatus::Solved | TicketStatus::Closed) {
                commands.push(Command::Solve);
            }
            commands.push(Command::Reopen);
            self.status = TicketStatus::Open;
        }
        self.reopenings = self.reopenings.max(row.reopenings);
    }

    /// The log repeats Resolved and Closed rows while it amends them, and its own `resolved_at` and
    /// `closed_at` are those of the last repetition: so is ours. Without a step of the reopening
    /// counter nothing leads back out of them.
    fn change_status(&mut self, row: &Row, next: Option<&Row>, commands: &mut Vec<Command>) {
        use TicketStatus::{Closed, New, OnHold, Open, Pending, Solved};
        let repeats =
            next.is_some_and(|next| next.state == row.state && next.reopenings <= self.reopenings);
        let over = matches!(self.status, Solved | Closed);
        match row.state {
            State::Active if matches!(self.status, New | Pending | OnHold) => {
                commands.push(Command::Resume);
                self.status = Open;
            }
            State::AwaitingUser if !over && self.status != Pending => {
                commands.push(Command::Wait);
                self.status = Pending;
            }
            State::Awaiting(reason)
                if !over && (self.status != OnHold || self.hold_reason != reason) =>
            {
                commands.push(Command::Hold(reason));
                self.status = OnHold;
                self.hold_reason = reason;
            }
            State::Resolved if !over && !repeats => {
                commands.push(Command::Solve);
                self.status = Solved;
            }
            State::Closed if self.status != Closed && !repeats => {
                if !over {
                    commands.push(Command::Solve);
                }
                commands.push(Command::Close);
                self.status = Closed;
            }
            _ => {}
        }
    }
}

/// The log's facts that have no field of their own.
pub(crate) fn attributes(facts: &Facts) -> BTreeMap<String, String> {
    [
        ("subcategory", &facts.subcategory),
        ("symptom", &facts.symptom),
        ("location", &facts.location),
        ("impact", &facts.impact),
        ("urgency", &facts.urgency),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use lotse_proto::common::v1::Channel;

    use super::*;

    fn facts() -> Facts {
        Facts {
            priority: Priority::Normal,
            category: Some("Category 1".into()),
            subcategory: None,
            symptom: None,
            location: None,
            impact: None,
            urgency: None,
        }
    }

    /// A row `line` minutes after the epoch.
    fn row(line: u64, state: State, reassignments: u32, reopenings: u32) -> Row {
        Row {
            line,
            at: Timestamp::from_millis(i64::try_from(line).unwrap() * 60_000),
            state,
            facts: facts(),
            group: Some("Group 1".into()),
            agent: None,
            reassignments,
            reopenings,
            made_sla: true,
            resolved: true,
        }
    }

    fn plan(rows: Vec<Row>) -> Vec<Step> {
        steps(&Incident {
            number: "INC1".into(),
            opened_at: Timestamp::EPOCH,
            caller: None,
            opened_by: None,
            created_by: None,
            channel: Channel::Phone,
            facts: facts(),
            rows,
        })
    }

    fn count(steps: &[Step], wanted: impl Fn(&Command) -> bool) -> usize {
        steps
            .iter()
            .flat_map(|step| &step.commands)
            .filter(|command| wanted(command))
            .count()
    }

    #[test]
    fn each_step_of_the_counter_is_a_transfer_even_within_a_group() {
        let plan = plan(vec![
            row(2, State::New, 0, 0),
            row(3, State::Active, 2, 0),
            row(4, State::Active, 1, 0),
        ]);
        assert_eq!(count(&plan, |c| matches!(c, Command::Transfer { .. })), 2);
        assert_eq!(count(&plan, |c| matches!(c, Command::Assign { .. })), 1);
    }

    #[test]
    fn a_repeated_resolved_row_solves_once_at_its_last_repetition() {
        let plan = plan(vec![
            row(2, State::Resolved, 0, 0),
            row(3, State::Resolved, 0, 0),
            row(4, State::Closed, 0, 0),
        ]);
        let solved: Vec<_> = plan
            .iter()
            .filter(|step| step.commands.contains(&Command::Solve))
            .map(|step| step.line)
            .collect();
        assert_eq!(solved, [3]);
        assert_eq!(plan[3].commands.last(), Some(&Command::Close));
    }

    #[test]
    fn a_reopening_the_log_did_not_see_solved_is_solved_first() {
        let plan = plan(vec![
            row(2, State::Active, 0, 0),
            row(3, State::Active, 0, 2),
        ]);
        assert_eq!(
            plan[2].commands[1..],
            [
                Command::Solve,
                Command::Reopen,
                Command::Solve,
                Command::Reopen
            ]
        );
    }

    #[test]
    fn every_row_asks_for_something() {
        let plan = plan(vec![
            row(2, State::New, 0, 0),
            row(3, State::New, 0, 0),
            row(4, State::Unknown, 0, 0),
            row(5, State::Closed, 0, 0),
            row(6, State::Closed, 0, 0),
        ]);
        assert_eq!(plan[2].commands, [Command::Note]);
        assert_eq!(plan[3].commands, [Command::Note]);
        assert_eq!(plan[4].commands, [Command::Note]);
        assert!(
            plan[5]
                .commands
                .ends_with(&[Command::Solve, Command::Close])
        );
    }

    #[test]
    fn time_never_goes_back_within_a_ticket() {
        let mut early = row(3, State::Active, 0, 0);
        early.at = Timestamp::from_millis(-60_000);
        let plan = plan(vec![row(2, State::New, 0, 0), early]);
        assert_eq!(plan[2].at, plan[1].at);
    }

    #[test]
    fn the_last_row_carries_the_logs_own_verdict() {
        let plan = plan(vec![row(2, State::New, 0, 0), row(3, State::Closed, 0, 0)]);
        let Command::Update(update) = &plan[2].commands[0] else {
            panic!("the verdict is an update: {:?}", plan[2].commands);
        };
        let attributes = update.attributes.as_ref().unwrap();
        assert_eq!(attributes["made_sla"], "true");
        assert_eq!(attributes["resolved_at"], "logged");
    }
}
