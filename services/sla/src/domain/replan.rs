//! Another plan for a ticket: what becomes of its clocks.

use std::sync::Arc;

use super::catalog::Plan;
use super::clock::{Change, Clock};
use super::fact::{Event, Fact, Replan};
use super::ticket::{Ticket, When, mode};
use super::vocabulary::{Metric, Mode, Reason, State};

impl Ticket {
    /// Whether this plan promises something that the one until now did not, so that [`Self::step`]
    /// needs the ticket's facts.
    pub fn adds_metrics(&self, plan: Option<&Plan>) -> bool {
        plan.is_some_and(|plan| plan.terms.keys().any(|metric| self.is_added(*metric)))
    }

    /// The ticket goes by another plan. Clocks with a result keep it.
    ///
    /// Clocks of metrics in `anew` begin with the fact that brings the plan, whatever was before.
    pub(super) fn replan(
        &mut self,
        to: &Replan,
        anew: &[Metric],
        before: &[Fact],
        when: When,
        log: &mut Vec<Change>,
    ) {
        let plan = to.plan.as_deref();
        let added: Vec<_> = plan
            .into_iter()
            .flat_map(|plan| plan.terms.keys().copied())
            .filter(|metric| self.is_added(*metric) && !anew.contains(metric))
            .collect();
        let (status, bot) = (self.status, self.bot);
        let live = |clock: &&mut Clock| matches!(clock.state, State::Running | State::Paused);
        for clock in self.clocks.values_mut().filter(live) {
            match plan.map(|plan| plan.terms.get(&clock.metric)) {
                Some(Some(terms)) if *terms == clock.terms => {}
                Some(Some(terms)) => {
                    let terms = terms.clone();
                    clock.retarget(terms, when.at, when.now, to.reason, log);
                    match mode(clock.metric, &clock.terms, status, bot) {
                        Mode::Runs => clock.run(when.at, when.now, log),
                        Mode::Pauses(reason) => clock.pause(when.at, reason, log),
                        // Only a solved ticket whose clock ran until it was closed gets here.
                        Mode::Fulfils => clock.fulfil(when.at, log),
                        Mode::Cancels(_) | Mode::Ends(_) => {}
                    }
                }
                Some(None) => clock.cancel(when.at, Reason::NotInPolicy, log),
                None => clock.cancel(when.at, Reason::NoPolicy, log),
            }
        }
        self.plan.clone_from(&to.plan);
        if !added.is_empty() {
            self.add(&added, before, when, log);
        }
    }

    /// Starts clocks of metrics that were not promised until now, as if they always had been: from
    /// creation, with what the ticket's history consumed of them.
    fn add(&mut self, metrics: &[Metric], before: &[Fact], when: When, log: &mut Vec<Change>) {
        let Some(first) = before.first() else {
            return;
        };
        let mut past = Self::blank(first.at);
        for (index, fact) in before.iter().enumerate() {
            let created = matches!(fact.event, Event::Created { .. });
            let replan = created.then(|| Replan {
                plan: self.plan.clone(),
                reason: Reason::None,
            });
            past.step(
                &Fact {
                    replan,
                    ..fact.clone()
                },
                &before[..index],
                when.now,
            );
        }
        for metric in metrics {
            let Some(clock) = past.clocks.get(metric) else {
                continue;
            };
            if clock.state == State::Paused || clock.is_open() && clock.resumed_at.is_some() {
                let begin = (when.at, clock.used(when.at));
                self.start(
                    *metric,
                    clock.started_at,
                    begin,
                    Reason::Retarget,
                    when.now,
                    log,
                );
            } else if metric.inherits() {
                self.tallies.entry(*metric).or_default().spent = clock.consumed;
            }
        }
    }

    /// Whether nothing was promised on `metric` until now, and nothing of it is open.
    fn is_added(&self, metric: Metric) -> bool {
        let promised = |plan: &Arc<Plan>| plan.terms.contains_key(&metric);
        let open = self.clocks.get(&metric).is_some_and(Clock::is_open);
        !open && !self.plan.as_ref().is_some_and(promised)
    }
}
