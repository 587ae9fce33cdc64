//! Writes down what happened to alerts: rows, steps, journal, and what is to be delivered.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use lotse_clock::Timestamp;
use lotse_journal::{Draft, Tx};

use super::Alerts;
use super::notices::notices;
use crate::Error;
use crate::domain::{AlertState, Recipients, StepKind, Told};
use crate::store::alerts::rows::{self, Row};
use crate::store::alerts::steps::{self, Detail, Step};
use crate::store::deliveries;
use crate::wire::alerted::alerted;

/// What a transaction does to alerts.
pub(super) struct Record {
    now: Timestamp,
    changed: Vec<(Row, Vec<Step>)>,
}

/// Who called, and what they wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct By {
    /// The agent, when it was one.
    pub(super) agent: String,
    /// The principal.
    pub(super) principal: String,
    /// Their words.
    pub(super) note: String,
}

impl Record {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            changed: Vec::new(),
        }
    }

    /// A new alert.
    pub(super) fn opened(&mut self, mut row: Row) {
        let step = self.step(&mut row, StepKind::Opened, Detail::default());
        self.changed.push((row, vec![step]));
    }

    /// An alert to which this happened; `recipients` are those of the level that was told.
    pub(super) fn changed(
        &mut self,
        mut row: Row,
        told: &[Told],
        recipients: Option<Recipients>,
        by: &By,
    ) {
        row.generation += 1;
        let mut recipients = recipients.unwrap_or_default();
        let mut steps = Vec::new();
        for told in told {
            let (kind, detail) = match *told {
                Told::Notified { .. } => {
                    let Recipients {
                        agents,
                        notification_targets,
                        missing,
                    } = std::mem::take(&mut recipients);
                    let detail = Detail {
                        agents,
                        notification_targets,
                        missing,
                        ..Detail::default()
                    };
                    (StepKind::Notified, detail)
                }
                Told::Acknowledged => {
                    row.acknowledged_at = Some(self.now);
                    row.acknowledged_by.clone_from(&by.agent);
                    (StepKind::Acknowledged, by.detail())
                }
                Told::AcknowledgementExpired => {
                    row.acknowledged_at = None;
                    row.acknowledged_by.clear();
                    (StepKind::AcknowledgementExpired, Detail::default())
                }
                Told::Held { until } => {
                    let detail = Detail {
                        until: Some(until.as_millis()),
                        reason: "support_hours".to_owned(),
                        ..Detail::default()
                    };
                    (StepKind::Held, detail)
                }
                Told::Resolved(why) => {
                    row.resolved_at = Some(self.now);
                    row.resolution = Some(why);
                    let detail = Detail {
                        reason: why.code().to_owned(),
                        ..by.detail()
                    };
                    (StepKind::Resolved, detail)
                }
            };
            steps.push(self.step(&mut row, kind, detail));
        }
        self.changed.push((row, steps));
    }

    fn step(&self, row: &mut Row, kind: StepKind, detail: Detail) -> Step {
        row.steps += 1;
        let level = match kind {
            StepKind::AcknowledgementExpired => 0,
            _ => row.alert.level,
        };
        Step {
            alert_id: row.id.clone(),
            number: row.steps,
            at: self.now,
            kind,
            level,
            round: row.alert.round,
            detail,
        }
    }

    /// Writes all of it.
    pub(super) async fn save(self, alerts: &Alerts, tx: &Tx) -> Result<(), Error> {
        let Self { now, changed } = self;
        if changed.is_empty() {
            return Ok(());
        }
        let written = written_to(tx, &changed).await?;
        let rows: Vec<Row> = changed.iter().map(|(row, _)| row.clone()).collect();
        rows::save(tx, &rows).await?;
        let steps: Vec<Step> = changed.iter().flat_map(|one| one.1.clone()).collect();
        steps::add(tx, &steps).await?;
        for (row, steps) in &changed {
            for step in steps {
                tx.emit(Draft::ticket(row.ticket_id.as_str(), alerted(row, step)));
                let before = written.get(&row.id).map_or(&[][..], Vec::as_slice);
                for delivery in notices(row, step, before, now) {
                    deliveries::enqueue(tx, &delivery).await?;
                    alerts.notices.store(true, Ordering::SeqCst);
                }
            }
            alerts.reschedule(row);
        }
        Ok(())
    }
}

impl By {
    fn detail(&self) -> Detail {
        let Self {
            agent,
            principal,
            note,
        } = self.clone();
        Detail {
            agent,
            principal,
            note,
            ..Detail::default()
        }
    }
}

/// Where the alerts that somebody has just taken care of, or that are over, were written to before:
/// whoever was alarmed there is told that too.
async fn written_to(
    tx: &Tx,
    changed: &[(Row, Vec<Step>)],
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let calmed = |row: &Row| {
        let calm = [AlertState::Acknowledged, AlertState::Resolved];
        calm.contains(&row.alert.state) && (row.alert.level, row.alert.round) != (0, 0)
    };
    let ids: Vec<&str> = changed
        .iter()
        .filter(|(row, _)| calmed(row))
        .map(|(row, _)| row.id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let told = steps::load(tx, &ids).await?;
    let targets = |steps: Vec<Step>| {
        let mut targets: Vec<String> = steps
            .into_iter()
            .flat_map(|step| step.detail.notification_targets)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    };
    let of_each = told.into_iter().map(|(id, steps)| (id, targets(steps)));
    Ok(of_each.collect())
}
