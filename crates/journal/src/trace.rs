//! Carries traces through the journal: a ticket's trace goes on in whoever reads its events.

use std::collections::HashMap;

use tracing::Span;

use crate::event::Recorded;

/// Spans a batch may belong to. A batch of many traces is a backlog, and nobody follows one there.
const FOLLOWED: usize = 16;

/// The spans of one batch.
pub(crate) struct Spans {
    /// What the work happens in.
    pub(crate) work: Span,
    /// One more per trace where there are several; each lasts as long as the work.
    beside: HashMap<String, Span>,
}

impl Spans {
    pub(crate) fn of(consumer: &str, events: &[Recorded]) -> Self {
        let span = || tracing::info_span!("journal.apply", consumer, events = events.len());
        let mut parents: Vec<&str> = events
            .iter()
            .map(|event| event.traceparent.as_str())
            .filter(|parent| !parent.is_empty())
            .collect();
        parents.sort_unstable();
        parents.dedup();
        match parents[..] {
            [only] => Self {
                work: lotse_telemetry::span_with_parent(span(), only),
                beside: HashMap::new(),
            },
            _ => Self {
                work: span(),
                beside: parents
                    .iter()
                    .take(FOLLOWED)
                    .map(|parent| {
                        let span = lotse_telemetry::span_with_parent(span(), parent);
                        ((*parent).to_owned(), span)
                    })
                    .collect(),
            },
        }
    }

    /// What an answer to `event` carries on: the span that handles it, or where there is none, what
    /// the event itself carried.
    pub(crate) fn traceparent(&self, event: &Recorded) -> String {
        if event.traceparent.is_empty() {
            return String::new();
        }
        let span = self.beside.get(&event.traceparent).unwrap_or(&self.work);
        let current = span.in_scope(lotse_telemetry::current_traceparent);
        if current.is_empty() {
            event.traceparent.clone()
        } else {
            current
        }
    }
}
