//! The live queue: intake's open tickets with the clocks that sla keeps on them.

use std::collections::HashMap;

use lotse_client::Channel;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric};
use lotse_proto::intake::v1 as intake;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::sla::v1 as sla;
use lotse_proto::sla::v1::sla_service_client::SlaServiceClient;
use lotse_proto::time;
use tonic::Status;

use super::names::Names;
use super::{age, channel_name, metric_name};
use crate::console::snapshot::{Clock, Queue, Ticket};

/// Whose turn is ours.
const OURS: &str = "status = NEW OR status = OPEN";

/// The oldest open tickets that are compared; sla takes no more ids at once.
const OLDEST: i32 = 500;

/// Of a longer queue the newest ones are compared too: an urgent ticket is not old.
const NEWEST: i32 = 100;

/// Pages of 1,000 clocks that are read at most: several metrics of 600 tickets fit.
const CLOCK_PAGES: usize = 5;

/// What is shown at most; a wall shows fewer.
const SHOWN: usize = 40;

/// The open tickets.
pub(crate) struct Open {
    tickets: Vec<intake::Ticket>,
    more: bool,
}

/// Asks intake.
pub(crate) async fn open(intake: &Channel) -> Result<Open, Status> {
    let mut client = TicketServiceClient::new(intake.clone());
    let ask = |order: &str, page_size| intake::ListTicketsRequest {
        page_size,
        filter: OURS.to_owned(),
        order_by: order.to_owned(),
        ..Default::default()
    };
    let oldest = client.list_tickets(ask("created_at asc", OLDEST)).await?;
    let intake::ListTicketsResponse {
        mut tickets,
        next_page_token,
    } = oldest.into_inner();
    let more = !next_page_token.is_empty();
    if more {
        let newest = client.list_tickets(ask("created_at desc", NEWEST)).await?;
        for ticket in newest.into_inner().tickets {
            if !tickets.iter().any(|known| known.id == ticket.id) {
                tickets.push(ticket);
            }
        }
    }
    Ok(Open { tickets, more })
}

impl Open {
    /// The tickets.
    pub(crate) fn tickets(&self) -> &[intake::Ticket] {
        &self.tickets
    }
}

/// Asks sla for the clocks of `open` that run or have run out.
pub(crate) async fn clocks(sla: &Channel, open: &Open) -> Result<Vec<sla::Clock>, Status> {
    let mut client = SlaServiceClient::new(sla.clone());
    let mut found = Vec::new();
    let ids: Vec<String> = open.tickets.iter().map(|it| it.id.clone()).collect();
    for ids in ids.chunks(OLDEST as usize) {
        let mut page_token = String::new();
        for _ in 0..CLOCK_PAGES {
            let request = sla::ListClocksRequest {
                ticket_ids: ids.to_vec(),
                states: vec![ClockState::Running.into(), ClockState::Breached.into()],
                latest_only: true,
                page_size: 1_000,
                page_token,
                ..Default::default()
            };
            let page = client.list_clocks(request).await?.into_inner();
            found.extend(page.clocks);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    Ok(found)
}

/// The queue, most urgent first. Without a clock on idleness a ticket is red when nothing about it
/// has changed for `idle_red` seconds.
pub(crate) fn sorted(
    open: Open,
    clocks: &[sla::Clock],
    names: &Names,
    now: Timestamp,
    idle_red: f64,
) -> Queue {
    let mut by_ticket: HashMap<&str, Vec<&sla::Clock>> = HashMap::new();
    for clock in clocks.iter().filter(|clock| clock.fulfilled_at.is_none()) {
        by_ticket.entry(&clock.ticket_id).or_default().push(clock);
    }
    let mut overdue = 0;
    let mut tickets: Vec<(f64, Ticket)> = Vec::with_capacity(open.tickets.len());
    for ticket in &open.tickets {
        let clocks = by_ticket.remove(ticket.id.as_str()).unwrap_or_default();
        let idle_clock = clocks
            .iter()
            .find(|clock| clock.metric() == SlaMetric::Idle);
        let idle = match idle_clock {
            Some(clock) => clock.consumed.as_ref().map_or(0, |it| it.seconds),
            None => unchanged(ticket, now),
        };
        let idle_share = match idle_clock {
            Some(_) => 0.0,
            None => idle as f64 / idle_red,
        };
        let urgent = clocks
            .into_iter()
            .max_by(|a, b| a.share.total_cmp(&b.share));
        let urgent = urgent.map(|clock| shown_clock(clock, now));
        let share = urgent.as_ref().map_or(0.0, |clock| clock.share);
        overdue += usize::from(share >= 1.0);
        let urgency = share.max(idle_share);
        let row = Ticket {
            id: ticket.id.clone(),
            number: ticket.number,
            subject: ticket.subject.clone(),
            channel: channel_name(ticket.channel),
            language: ticket.language.clone(),
            priority: priority_name(ticket.priority()),
            age: age(now, ticket.created_at.as_ref()),
            idle,
            heat: urgency.clamp(0.0, 1.0),
            clock: urgent,
            assignee: names.agent(&ticket.assignee_id),
            group: names.group(&ticket.group_id),
        };
        tickets.push((urgency, row));
    }
    // What is past due stands by how far; equal ones by age, so that rows do not change places.
    tickets.sort_by(|(a, one), (b, other)| {
        b.total_cmp(a)
            .then(other.age.cmp(&one.age))
            .then(one.number.cmp(&other.number))
    });
    let count = tickets.len();
    Queue {
        tickets: tickets
            .into_iter()
            .take(SHOWN)
            .map(|(_, row)| row)
            .collect(),
        open: count,
        more: open.more,
        overdue,
    }
}

/// Seconds since the ticket's own facts or status last changed. Messages between do not show here:
/// who wants idleness to the second gives the policy a target for it.
fn unchanged(ticket: &intake::Ticket, now: Timestamp) -> i64 {
    [&ticket.updated_at, &ticket.status_changed_at]
        .into_iter()
        .flatten()
        .map(|at| age(now, Some(at)))
        .min()
        .unwrap_or_default()
}

fn shown_clock(clock: &sla::Clock, now: Timestamp) -> Clock {
    let due = clock
        .due_at
        .as_ref()
        .and_then(|at| time::from_proto(at).ok());
    Clock {
        metric: metric_name(clock.metric()),
        // A breach by retarget can have a share below 1; it is past due all the same.
        share: match clock.state() {
            ClockState::Breached => clock.share.max(1.0),
            _ => clock.share,
        },
        left: due.map(|due| due.millis_since(now) / 1000),
    }
}

fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "urgent",
        Priority::High => "high",
        Priority::Unspecified | Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);

    fn ago(seconds: u64) -> Option<prost_types::Timestamp> {
        Some(time::to_proto(NOW - Duration::from_secs(seconds)))
    }

    fn ticket(number: u64, changed: u64) -> intake::Ticket {
        intake::Ticket {
            id: format!("tkt_{number}"),
            number,
            created_at: ago(5_000),
            updated_at: ago(changed),
            status_changed_at: ago(5_000),
            ..Default::default()
        }
    }

    fn clock(number: u64, metric: SlaMetric, state: ClockState, share: f64) -> sla::Clock {
        sla::Clock {
            ticket_id: format!("tkt_{number}"),
            metric: metric.into(),
            state: state.into(),
            share,
            due_at: ago(60),
            consumed: Some(prost_types::Duration {
                seconds: 300,
                nanos: 0,
            }),
            ..Default::default()
        }
    }

    fn queue(tickets: Vec<intake::Ticket>, clocks: &[sla::Clock]) -> Queue {
        let open = Open {
            tickets,
            more: false,
        };
        sorted(open, clocks, &Names::default(), NOW, 1_000.0)
    }

    #[test]
    fn the_most_urgent_of_idleness_and_clocks_decides() {
        use ClockState::{Breached, Running};
        let tickets = vec![ticket(1, 100), ticket(2, 700), ticket(3, 10), ticket(4, 10)];
        let mut answered_late = clock(1, SlaMetric::FirstReply, Breached, 3.0);
        answered_late.fulfilled_at = ago(5);
        let clocks = [
            answered_late,
            clock(3, SlaMetric::FirstReply, Running, 0.4),
            clock(3, SlaMetric::TotalResolution, Running, 0.9),
            clock(4, SlaMetric::NextReply, Breached, 0.2),
        ];
        let queue = queue(tickets, &clocks);
        let order: Vec<(u64, f64)> = queue
            .tickets
            .iter()
            .map(|it| (it.number, it.heat))
            .collect();
        assert_eq!(order, [(4, 1.0), (3, 0.9), (2, 0.7), (1, 0.1)]);
        assert_eq!(queue.overdue, 1);
        let urgent = queue.tickets[1].clock.as_ref().unwrap();
        assert_eq!(
            (urgent.metric, urgent.left),
            ("total_resolution", Some(-60))
        );
        assert!(queue.tickets[3].clock.is_none());
    }

    #[test]
    fn idleness_is_the_idle_clocks_where_there_is_one() {
        let idle = clock(1, SlaMetric::Idle, ClockState::Running, 0.25);
        let queue = queue(vec![ticket(1, 900)], &[idle]);
        assert_eq!((queue.tickets[0].idle, queue.tickets[0].heat), (300, 0.25));
    }
}
