//! Transitions of clocks as they happen.

use std::collections::HashSet;

use futures::{Stream, TryStreamExt as _};
use lotse_errors::Violations;
use lotse_ids::TicketId;
use lotse_journal::{Body, Course, Positions, Recorded, Told};
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

use crate::wire::enums;
use crate::{App, Error};

/// Most tickets that a stream can be limited to.
const MOST_TICKETS: usize = 500;

/// Which transitions a reader wants. Every condition that is not empty must hold.
#[derive(Clone, Debug, Default)]
struct Wanted {
    tickets: HashSet<String>,
    /// Metrics and transitions as journaled.
    metrics: HashSet<i32>,
    transitions: HashSet<i32>,
}

impl App {
    /// The transitions that are wanted, from where the caller was.
    ///
    /// # Errors
    /// For a wrong filter or token, and [`Error::StaleResumeToken`] for one of another incarnation.
    pub async fn watch_clocks(
        &self,
        request: &proto::WatchClocksRequest,
    ) -> Result<impl Stream<Item = Result<proto::WatchClocksResponse, Error>> + use<>, Error> {
        let (wanted, course) = read(request)?;
        let told = self
            .journal
            .stream(course, move |event| wanted.pick(event))
            .await?;
        Ok(told.map_ok(item).err_into())
    }
}

impl Wanted {
    fn pick(&self, event: Recorded) -> Option<proto::ClockTransition> {
        let Recorded {
            ticket_id,
            occurred_at,
            recorded_at,
            body: Body::ClockChanged(changed),
            ..
        } = event
        else {
            return None;
        };
        let ticket_id = ticket_id?;
        let wanted = has(&self.tickets, &ticket_id)
            && has(&self.metrics, &changed.metric)
            && has(&self.transitions, &changed.transition);
        wanted.then(|| proto::ClockTransition {
            ticket_id,
            occurred_at: Some(to_proto(occurred_at)),
            recorded_at: Some(to_proto(recorded_at)),
            changed: Some(changed),
        })
    }
}

fn has<T: Eq + std::hash::Hash>(wanted: &HashSet<T>, value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn item(told: Told<proto::ClockTransition>) -> proto::WatchClocksResponse {
    let Told {
        event,
        token,
        caught_up,
    } = told;
    proto::WatchClocksResponse {
        transition: event,
        resume_token: token,
        caught_up,
    }
}

fn read(request: &proto::WatchClocksRequest) -> Result<(Wanted, Course), Error> {
    let proto::WatchClocksRequest {
        resume_token,
        ticket_ids,
        metrics,
        transitions,
        from_now,
        end_when_caught_up,
    } = request;
    let mut wrong = Violations::new();
    let from = match resume_token.as_str() {
        "" => None,
        token => wrong.take("resume_token", Positions::from_token(token)),
    };
    wrong.require(
        "from_now",
        !*from_now || resume_token.is_empty(),
        "goes without a resume token only",
    );
    wrong.require(
        "ticket_ids",
        ticket_ids.len() <= MOST_TICKETS,
        "must be at most 500",
    );
    let mut wanted = Wanted::default();
    for (index, id) in ticket_ids.iter().take(MOST_TICKETS).enumerate() {
        let id: Option<TicketId> = wrong.parse(&format!("ticket_ids[{index}]"), id);
        wanted.tickets.extend(id.map(String::from));
    }
    for (index, metric) in metrics.iter().enumerate() {
        let known = enums::metric(*metric).ok_or("must be a metric");
        wrong.take(&format!("metrics[{index}]"), known);
        wanted.metrics.insert(*metric);
    }
    for (index, transition) in transitions.iter().enumerate() {
        let known = Transition::try_from(*transition)
            .ok()
            .filter(|known| *known != Transition::Unspecified)
            .ok_or("must be a transition");
        wrong.take(&format!("transitions[{index}]"), known);
        wanted.transitions.insert(*transition);
    }
    wrong.finish()?;
    let course = Course {
        from,
        from_now: *from_now,
        ends: *end_when_caught_up,
    };
    Ok((wanted, course))
}
