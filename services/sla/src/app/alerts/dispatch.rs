//! Tells what is due, in three parts: look what it is, ask whom it means, write it down.
//!
//! Nothing is written before the last part, and that is one transaction, fenced by the alert's
//! generation: a process that dies in between leaves no trace, and of several that come to it at the
//! same time one writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lotse_calendar::Calendar;
use lotse_clock::Timestamp;
use lotse_db::Db;
use lotse_journal::{Body, Journal, Tx};
use lotse_timers::Entry;

use super::Alerts;
use super::ask::Ask;
use super::record::{By, Record};
use crate::Error;
use crate::domain::{Call, Catalog, EscalationContent, Happening, Recipients, StepKind, Told};
use crate::store::alerts::rows::{self, Row};
use crate::store::alerts::steps::{self, Step};
use crate::store::tickets;

/// Events read at once when looking for a ticket's agent.
const PAGE: u32 = 500;

/// A due alert, and what was found out about it.
#[derive(Debug)]
pub struct Prepared {
    id: String,
    /// The ticket: names the bucket to read first.
    pub ticket_id: String,
    generation: i64,
    group: Option<String>,
    whom: Whom,
}

/// Whom a level means.
#[derive(Debug)]
enum Whom {
    /// No level is to be told: it is held, say.
    Nobody,
    /// These.
    These(Recipients),
    /// Nobody can say now.
    Unanswered,
}

impl Alerts {
    /// Looks at those of `due` that are due, and asks whom they mean. Outside of any transaction.
    ///
    /// # Errors
    /// The database's, or a stored row that does not fit this program. Routing that does not answer
    /// is no error.
    pub async fn prepare(
        &self,
        db: &Db,
        journal: &Journal,
        ask: &Ask,
        due: &[Entry],
        now: Timestamp,
    ) -> Result<Vec<Prepared>, Error> {
        let conn = db.reader();
        let generations: BTreeMap<&str, i64> = due
            .iter()
            .map(|entry| (entry.row.as_str(), entry.generation))
            .collect();
        let ids: Vec<&str> = generations.keys().copied().collect();
        let mut rows = rows::load(conn, &ids).await?;
        rows.retain(|row| {
            let same = generations.get(row.id.as_str()) == Some(&row.generation);
            same && row.alert.next_at.is_some_and(|at| at <= now)
        });
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let catalog = self.catalogs.current(conn).await?;
        let known = self.escalations.current(conn).await?;
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let told = steps::load(conn, &ids).await?;
        let ids: Vec<&str> = rows.iter().map(|row| row.ticket_id.as_str()).collect();
        let tickets = tickets::load(conn, &ids).await?;
        let groups: BTreeMap<&str, &str> = tickets
            .iter()
            .filter_map(|row| Some((row.ticket_id.as_str(), row.facts.group.as_deref()?)))
            .collect();
        let mut asked = ask.begin();
        let mut prepared = Vec::new();
        for row in rows {
            let policy = known.version(&row.escalation_id, row.escalation_version)?;
            let group = groups
                .get(row.ticket_id.as_str())
                .map(|id| (*id).to_owned());
            let whom = match next(&row, &policy, &catalog, now) {
                None => Whom::Nobody,
                Some(next) => {
                    let agent = agent_of(journal, &row.ticket_id).await?;
                    let steps = told.get(&row.id).map_or(&[][..], Vec::as_slice);
                    let call = Call {
                        targets: policy.level(next.level).map_or(&[], |level| &level.targets),
                        also_on_duty: next.also_on_duty,
                        agent: agent.as_deref(),
                        group: group.as_deref(),
                        told: &told_in(steps, next.round),
                    };
                    let answered = asked.all(call.questions()).await;
                    if answered || !row.alert.may_wait() {
                        let recipients = call.recipients(asked.answers());
                        Whom::These(with_common(recipients, &policy))
                    } else {
                        Whom::Unanswered
                    }
                }
            };
            prepared.push(Prepared {
                id: row.id,
                ticket_id: row.ticket_id,
                generation: row.generation,
                group,
                whom,
            });
        }
        Ok(prepared)
    }

    /// Writes down what was prepared, as far as nothing came in between. The caller has caught up
    /// with the journal in the same transaction, so whoever has just taken care is heard.
    ///
    /// # Errors
    /// As for [`Self::prepare`].
    pub async fn tell(&self, tx: &Tx, prepared: &[Prepared], now: Timestamp) -> Result<(), Error> {
        let catalog = self.catalogs.current(tx).await?;
        let known = self.escalations.current(tx).await?;
        let of: BTreeMap<&str, &Prepared> =
            prepared.iter().map(|one| (one.id.as_str(), one)).collect();
        let ids: Vec<&str> = of.keys().copied().collect();
        let mut record = Record::new(now);
        for mut row in rows::lock(tx, &ids).await? {
            let Some(prepared) = of.get(row.id.as_str()) else {
                continue;
            };
            if row.generation != prepared.generation {
                continue;
            }
            let policy = known.version(&row.escalation_id, row.escalation_version)?;
            let (happening, recipients) = match &prepared.whom {
                Whom::Nobody => (Happening::Due, None),
                Whom::These(recipients) => (Happening::Due, Some(recipients.clone())),
                Whom::Unanswered => (Happening::Unanswered, None),
            };
            let before = row.alert.clone();
            let hours = hours(&policy, &catalog);
            let told = row.alert.apply(happening, &policy, hours.as_deref(), now);
            let tells = told
                .iter()
                .any(|told| matches!(told, Told::Notified { .. }));
            // Hours that were put meanwhile open what was to be held: look again.
            let unprepared = tells && recipients.is_none();
            if row.alert == before || unprepared {
                continue;
            }
            row.group_id.clone_from(&prepared.group);
            record.changed(row, &told, recipients.filter(|_| tells), &By::default());
        }
        record.save(self, tx).await
    }
}

/// The level that is to be told next.
struct Next {
    level: u32,
    round: u32,
    also_on_duty: bool,
}

/// The level that a due alert tells now; `None` when it is held.
fn next(row: &Row, policy: &EscalationContent, catalog: &Catalog, now: Timestamp) -> Option<Next> {
    let hours = hours(policy, catalog);
    let mut alert = row.alert.clone();
    let told = alert.apply(Happening::Due, policy, hours.as_deref(), now);
    told.into_iter().find_map(|told| match told {
        Told::Notified {
            level,
            round,
            also_on_duty,
        } => Some(Next {
            level,
            round,
            also_on_duty,
        }),
        _ => None,
    })
}

/// The hours in which somebody may be told.
fn hours(policy: &EscalationContent, catalog: &Catalog) -> Option<Arc<Calendar>> {
    let calendar = policy.support_calendar.as_ref()?;
    catalog.calendar_in_force(calendar)
}

/// Agents who were told in a round.
fn told_in(steps: &[Step], round: u32) -> BTreeSet<String> {
    let of_round = steps
        .iter()
        .filter(|step| step.kind == StepKind::Notified && step.round == round);
    of_round
        .flat_map(|step| step.detail.agents.iter())
        .map(|agent| agent.agent_id.clone())
        .collect()
}

/// With the notification targets of every level.
fn with_common(mut recipients: Recipients, policy: &EscalationContent) -> Recipients {
    for target in &policy.notification_targets {
        if !recipients.notification_targets.contains(target) {
            recipients.notification_targets.push(target.clone());
        }
    }
    recipients
}

/// The agent who has a ticket, by what the journal says of it.
async fn agent_of(journal: &Journal, ticket: &str) -> Result<Option<String>, Error> {
    let (mut agent, mut after) = (None, Some(0));
    while let Some(from) = after {
        let (events, more) = journal.read_key(ticket, from, PAGE).await?;
        for event in events {
            match event.body {
                Body::TicketAssigned(assigned) => agent = Some(assigned.agent_id),
                Body::TicketTransferred(moved) => agent = Some(moved.to_agent_id),
                Body::TicketQueued(_) | Body::TicketEscalated(_) => agent = None,
                _ => {}
            }
        }
        after = more;
    }
    Ok(agent.filter(|agent| !agent.is_empty()))
}
