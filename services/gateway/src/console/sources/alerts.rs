//! Alerts that are not over: whose ticket, how late, who was told when, who takes care.

use std::collections::HashMap;

use lotse_client::Channel;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::ClockState;
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::{AlertState, AlertStepKind};
use tonic::{Code, Status};

use super::names::Names;
use super::{age, metric_name};
use crate::console::snapshot::{Alert, Alerts, Told};

/// Pages of 1,000 alerts that are read at most. Beyond them something is wrong with the policies.
const PAGES: usize = 3;

/// What is shown at most; a wall shows fewer.
const SHOWN: usize = 12;

/// The histories of the alerts that were shown last, each with what it was read for.
#[derive(Debug, Default)]
pub(crate) struct Histories(HashMap<String, (Stand, Vec<sla::AlertStep>)>);

/// What changes with every step of an alert that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stand {
    state: i32,
    level: u32,
    round: u32,
    told: usize,
}

/// The alerts that are not over, the oldest first.
#[derive(Debug)]
pub(crate) struct Open {
    alerts: Vec<sla::Alert>,
    more: usize,
}

impl Open {
    /// The tickets that they are about.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &str> {
        self.alerts.iter().map(|alert| alert.ticket_id.as_str())
    }
}

/// Asks sla, and completes `histories` for the alerts that are shown.
pub(crate) async fn ask(sla: &Channel, histories: &mut Histories) -> Result<Open, Status> {
    let mut client = AlertServiceClient::new(sla.clone());
    let mut alerts = Vec::new();
    let mut page_token = String::new();
    for _ in 0..PAGES {
        let request = sla::ListAlertsRequest {
            states: vec![
                AlertState::Open.into(),
                AlertState::Held.into(),
                AlertState::Acknowledged.into(),
            ],
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = client.list_alerts(request).await?.into_inner();
        alerts.extend(page.alerts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    alerts.reverse();
    let more = alerts.len().saturating_sub(SHOWN);
    alerts.truncate(SHOWN);
    let mut known = std::mem::take(&mut histories.0);
    for alert in &alerts {
        let stand = stand(alert);
        let history = match known.remove(&alert.id) {
            Some((then, steps)) if then == stand => (then, steps),
            _ => (stand, steps(&mut client, &alert.id).await?),
        };
        histories.0.insert(alert.id.clone(), history);
    }
    Ok(Open { alerts, more })
}

fn stand(alert: &sla::Alert) -> Stand {
    Stand {
        state: alert.state,
        level: alert.level,
        round: alert.round,
        told: alert.told_agent_ids.len(),
    }
}

async fn steps(
    client: &mut AlertServiceClient<Channel>,
    id: &str,
) -> Result<Vec<sla::AlertStep>, Status> {
    let request = sla::GetAlertRequest {
        alert_id: id.to_owned(),
    };
    match client.get_alert(request).await {
        Ok(response) => Ok(response
            .into_inner()
            .alert
            .map(|alert| alert.steps)
            .unwrap_or_default()),
        Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
        Err(status) => Err(status),
    }
}

/// What the console shows. `clocks` are those of the queue.
pub(crate) fn shown(
    open: &Open,
    histories: &Histories,
    clocks: &[sla::Clock],
    names: &Names,
    now: Timestamp,
) -> Alerts {
    let alert = |alert: &sla::Alert| {
        let clock = clocks.iter().find(|clock| clock.id == alert.clock_id);
        let taken = alert.state() == AlertState::Acknowledged;
        let by = names.agent(&alert.acknowledged_by_agent_id);
        Alert {
            id: alert.id.clone(),
            number: names.number(&alert.ticket_id),
            subject: names.subject(&alert.ticket_id),
            metric: metric_name(alert.metric()),
            percent: alert.at_percent,
            late: late(alert, clock, now),
            level: alert.level,
            held: alert.state() == AlertState::Held,
            told: told(alert, histories, names, now),
            acknowledged_by: taken.then(|| by.unwrap_or_else(|| "somebody".to_owned())),
        }
    };
    Alerts {
        open: open.alerts.iter().map(alert).collect(),
        more: open.more,
    }
}

/// Seconds past due; none while the clock only warns. An alert of a breach is opened when the clock
/// is due, so it knows that also of a ticket that does not stand in the queue.
fn late(alert: &sla::Alert, clock: Option<&sla::Clock>, now: Timestamp) -> Option<i64> {
    let breached = clock.filter(|clock| clock.state() == ClockState::Breached);
    let due = breached.and_then(|clock| clock.due_at.as_ref());
    let opened = alert.opened_at.as_ref().filter(|_| alert.at_percent == 0);
    due.or(opened).map(|at| age(now, Some(at)))
}

fn told(alert: &sla::Alert, histories: &Histories, names: &Names, now: Timestamp) -> Vec<Told> {
    let steps = histories.0.get(&alert.id).map(|(_, steps)| steps.iter());
    let notified = steps
        .into_iter()
        .flatten()
        .filter(|step| step.kind() == AlertStepKind::Notified);
    let told = notified.map(|step| Told {
        names: step
            .agents
            .iter()
            .filter_map(|agent| names.agent(&agent.agent_id))
            .collect(),
        age: age(now, step.at.as_ref()),
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use lotse_proto::common::v1::SlaMetric;
    use lotse_proto::time;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);

    fn ago(seconds: u64) -> Option<prost_types::Timestamp> {
        Some(time::to_proto(NOW - Duration::from_secs(seconds)))
    }

    fn alert(at_percent: u32) -> sla::Alert {
        sla::Alert {
            id: "alr_1".to_owned(),
            ticket_id: "tkt_1".to_owned(),
            clock_id: "clk_1".to_owned(),
            metric: SlaMetric::Idle.into(),
            at_percent,
            state: AlertState::Open.into(),
            opened_at: ago(600),
            ..Default::default()
        }
    }

    fn clock(state: ClockState) -> sla::Clock {
        sla::Clock {
            id: "clk_1".to_owned(),
            state: state.into(),
            due_at: ago(610),
            ..Default::default()
        }
    }

    #[test]
    fn a_breach_is_late_since_its_clock_was_due() {
        let breached = clock(ClockState::Breached);
        assert_eq!(late(&alert(0), Some(&breached), NOW), Some(610));
        assert_eq!(late(&alert(0), None, NOW), Some(600));
    }

    #[test]
    fn a_warning_is_late_only_once_its_clock_is_breached() {
        let running = clock(ClockState::Running);
        assert_eq!(late(&alert(75), Some(&running), NOW), None);
        assert_eq!(late(&alert(75), None, NOW), None);
        let breached = clock(ClockState::Breached);
        assert_eq!(late(&alert(75), Some(&breached), NOW), Some(610));
    }
}
