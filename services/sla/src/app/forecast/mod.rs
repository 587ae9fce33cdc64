//! Which running clocks will be breached.
//!
//! [`learning`] keeps the model, [`staffing`] asks routing who is on; outside of any transaction,
//! and without an answer the forecast is made without. The clocks due within the horizon are read
//! in batches, and only a page of forecasts is kept, whatever their number.

mod learning;
mod request;
mod staffing;

use std::cmp::Ordering;
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

pub use learning::Learning;

use self::learning::{Learned, by_id, kind};
use self::request::Asked;
use self::staffing::Board;
use crate::domain::Catalog;
use crate::domain::forecast::{Chance, Pace, Present, Staffing};
use crate::store::clocks::Stored;
use crate::store::tickets::Row;
use crate::store::{forecasts, tickets};
use crate::wire::forecast;
use crate::{App, Error};

/// Clocks read at once.
const BATCH: u64 = 2_000;

/// A running clock and what is to be expected of it.
pub(crate) struct Forecast {
    pub(crate) stored: Stored,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) chance: Chance,
    pub(crate) pace: Pace,
    pub(crate) staffing: Option<Staffing>,
}

impl Forecast {
    /// The highest probability first, then by id.
    fn order(&self, (chance, id): (f64, &str)) -> Ordering {
        let own = self.stored.clock.id.as_ref().map_or("", ClockId::as_str);
        chance
            .total_cmp(&self.chance.breach)
            .then_with(|| own.cmp(id))
    }

    fn key(&self) -> (f64, &str) {
        let id = self.stored.clock.id.as_ref().map_or("", ClockId::as_str);
        (self.chance.breach, id)
    }
}

impl App {
    /// Forecasts of the running clocks that are due within the horizon.
    ///
    /// # Errors
    /// For a wrong request; what the database reports.
    pub async fn forecast_breaches(
        &self,
        request: &proto::ForecastBreachesRequest,
    ) -> Result<proto::ForecastBreachesResponse, Error> {
        let asked = request::read(request, self.clock.now())?;
        let board = Board::ask(&self.peers.routing, asked.now).await;
        let conn = self.db.reader();
        let catalog = self.catalogs.current(conn).await?;
        let learned = self.learning.current(conn, &catalog, asked.now).await?;
        let mut summary = proto::ForecastSummary {
            paused: forecasts::paused(conn, asked.horizon, &asked.metrics).await?,
            learned_from: learned.clocks,
            learned_until: Some(to_proto(learned.model.known_until())),
            staffing_known: board.is_some(),
            ..proto::ForecastSummary::default()
        };
        let mut page: Vec<Forecast> = Vec::new();
        let mut more = false;
        let mut after = None;
        loop {
            let found = self.due(&asked, after.as_ref(), &catalog).await?;
            after = found.last().and_then(|stored| {
                let clock = &stored.clock;
                Some((clock.times.due?, clock.id.clone()?))
            });
            let full = found.len() as u64 >= BATCH;
            for one in self.judge(&asked, found, &learned, board.as_ref()).await? {
                summary.due += 1;
                summary.expected_breaches += one.chance.breach;
                summary.without_history += u32::from(one.chance.level == 0);
                if one.chance.breach < asked.threshold {
                    continue;
                }
                summary.listed += 1;
                let behind =
                    |(chance, id): &(f64, String)| one.order((*chance, id)) == Ordering::Greater;
                if asked.after.as_ref().is_none_or(behind) {
                    page.push(one);
                }
            }
            page.sort_by(|a, b| a.order(b.key()));
            more |= page.len() > asked.size;
            page.truncate(asked.size);
            if !full {
                break;
            }
        }
        let last = page.last().filter(|_| more);
        let next_page_token = last.map_or_else(String::new, |last| asked.token(last.key()));
        Ok(proto::ForecastBreachesResponse {
            forecasts: page.iter().map(forecast::write).collect(),
            next_page_token,
            summary: Some(summary),
            as_of: Some(to_proto(asked.now)),
        })
    }

    async fn due(
        &self,
        asked: &Asked,
        after: Option<&forecasts::Due>,
        catalog: &Catalog,
    ) -> Result<Vec<Stored>, Error> {
        let conn = self.db.reader();
        forecasts::due(conn, asked.until, &asked.metrics, after, BATCH, catalog).await
    }

    /// What is to be expected of these clocks, those of other groups left out.
    async fn judge(
        &self,
        asked: &Asked,
        found: Vec<Stored>,
        learned: &Learned,
        board: Option<&Board>,
    ) -> Result<Vec<Forecast>, Error> {
        let mut ids: Vec<&str> = found.iter().map(|it| it.ticket_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = by_id(tickets::load(self.db.reader(), &ids).await?);
        let judged = found.into_iter().filter_map(|stored| {
            let row = rows.get(&stored.ticket_id)?;
            let group = row.facts.group.as_deref();
            if !asked.groups.is_empty() && !group.is_some_and(|group| asked.groups.contains(group))
            {
                return None;
            }
            judge(stored, row, learned, board, asked.now)
        });
        Ok(judged.collect())
    }
}

fn judge(
    stored: Stored,
    row: &Row,
    learned: &Learned,
    board: Option<&Board>,
    now: Timestamp,
) -> Option<Forecast> {
    let clock = &stored.clock;
    let kind = kind(row, clock.metric, clock.terms.ends_at);
    let group = kind.group.clone();
    let staffing = board.and_then(|board| board.of(&stored.ticket_id, group.as_deref()));
    let present = Present {
        hours: &clock.terms.hours,
        status: row.status,
        since: row.status_at.max(clock.started_at),
        due: clock.times.due?,
        kind,
    };
    // Who is on while the clock's hours are closed says nothing of when they are open.
    let open = clock.terms.hours.are_open(now);
    let staffing = staffing.filter(|_| open);
    let pace = learned
        .load
        .pace(clock.metric, group.as_ref(), staffing.as_ref());
    let chance = learned.model.chance(&present, now, pace);
    Some(Forecast {
        stored,
        group,
        chance,
        pace,
        staffing,
    })
}
