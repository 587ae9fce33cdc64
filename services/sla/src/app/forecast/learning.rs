//! What forecasts have learned, kept for some minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use sea_orm::ConnectionTrait;

use super::BATCH;
use crate::Error;
use crate::domain::Catalog;
use crate::domain::forecast::{Kind, Lifetime, Load, Model, Settings};
use crate::store::tickets::Row;
use crate::store::{forecasts, tickets};

/// Clocks that are learned from at most: the latest.
const MOST: usize = 20_000;
/// Nothing older is learned from.
const WINDOW: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// How long what was learned is good for.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// What was learned.
pub(super) struct Learned {
    pub(super) model: Model,
    pub(super) load: Load,
    /// Clocks it was learned from.
    pub(super) clocks: u32,
}

/// Keeps what was learned last. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct Learning {
    last: Arc<Mutex<Option<Arc<Learned>>>>,
}

impl Learning {
    /// What can be known at `now`, at most ten minutes old.
    pub(super) async fn current(
        &self,
        conn: &impl ConnectionTrait,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Arc<Learned>, Error> {
        if let Some(last) = &*self.lock() {
            let known = last.model.known_until();
            if known <= now && now < known + FRESH {
                return Ok(last.clone());
            }
        }
        let learned = Arc::new(learn(conn, catalog, now).await?);
        *self.lock() = Some(learned.clone());
        Ok(learned)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Learned>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn learn(
    conn: &impl ConnectionTrait,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Learned, Error> {
    let mut learned = Learned {
        model: Model::new(now, Settings::default()),
        load: Load::new(now),
        clocks: 0,
    };
    let mut before: Option<ClockId> = None;
    while (learned.clocks as usize) < MOST {
        let found = forecasts::latest(conn, before.as_ref(), BATCH, catalog).await?;
        before = found.last().and_then(|stored| stored.clock.id.clone());
        let mut ids: Vec<&str> = found.iter().map(|it| it.ticket_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = by_id(tickets::load(conn, &ids).await?);
        let statuses = forecasts::statuses(conn, &ids).await?;
        let mut recent = false;
        for stored in &found {
            let clock = &stored.clock;
            let (Some(row), Some(statuses)) =
                (rows.get(&stored.ticket_id), statuses.get(&stored.ticket_id))
            else {
                continue;
            };
            if now.since(clock.started_at) > WINDOW {
                continue;
            }
            recent = true;
            let lifetime = Lifetime {
                kind: kind(row, clock.metric, clock.terms.ends_at),
                hours: &clock.terms.hours,
                started_at: clock.started_at,
                stopped_at: clock.times.fulfilled.or(clock.times.cancelled),
                statuses,
            };
            learned.model.learn(&lifetime);
            learned.load.learn(&lifetime);
            learned.clocks += 1;
        }
        if !recent || (found.len() as u64) < BATCH {
            break;
        }
    }
    learned.model.sort();
    Ok(learned)
}

/// What a ticket's clock is alike to others by.
pub(super) fn kind(
    row: &Row,
    metric: crate::domain::Metric,
    ends_at: crate::domain::ResolutionEnd,
) -> Kind {
    Kind {
        metric,
        ends_at,
        priority: row.facts.priority,
        group: row.facts.group.as_deref().map(Arc::from),
    }
}

/// Tickets by their ids.
pub(super) fn by_id(rows: Vec<Row>) -> HashMap<String, Row> {
    rows.into_iter()
        .map(|row| (row.ticket_id.clone(), row))
        .collect()
}
