//! Checks a whole database: every clock as the journal leads to it.
//!
//! Read only, page by page of tickets, each page in a snapshot of its own: so it may run beside the
//! service, which then has applied each bucket up to its cursor and no further.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_db::Db;
use lotse_journal::{BUCKETS, Recorded, audit, bucket_of};

use super::catalogs::Catalogs;
use super::differences::{Difference, of_clocks, of_rows};
use super::history::{Merged, Until, merged, recompute};
use crate::Error;
use crate::domain::{Catalog, Clock};
use crate::jobs::consumer::NAME;
use crate::store::{clocks, tickets};

/// Tickets of one page.
const PAGE: u64 = 200;
/// Creations looked at in one page.
const CREATIONS: u32 = 2_000;
/// The number of `ticket_created` in `Event`.
const CREATED: i32 = 20;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tickets whose clocks were recomputed.
    pub tickets: u64,
    /// Clocks laid beside their row.
    pub clocks: u64,
    /// Transitions laid beside their event.
    pub events: u64,
    /// Tickets left out because an event of theirs is parked: their clocks wait for it.
    pub waiting: u64,
    /// Fields, clocks, events and tickets that differ.
    pub differences: u64,
}

/// A checker of one database.
pub struct Verifier {
    db: Db,
    catalogs: Catalogs,
}

/// What one page is checked against, all of one moment.
struct Page {
    rows: Vec<tickets::Row>,
    clocks: BTreeMap<String, Vec<Clock>>,
    histories: BTreeMap<String, Vec<Recorded>>,
    merged: Merged,
    consumed: [i64; BUCKETS as usize],
    parked: HashSet<String>,
    catalog: Arc<Catalog>,
}

impl Verifier {
    /// A checker of `db`.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            catalogs: Catalogs::default(),
        }
    }

    /// Checks one ticket, or all of them and the journal itself; `tell` hears of each difference as
    /// it is found.
    ///
    /// # Errors
    /// The database's, or a stored row that this program cannot read.
    pub async fn verify(
        &self,
        ticket: Option<&str>,
        tell: &mut (dyn FnMut(&Difference) + Send),
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut counted = |report: &mut Report, difference: &Difference| {
            report.differences += 1;
            tell(difference);
        };
        let mut after = String::new();
        loop {
            let page = self.page(ticket, &after).await?;
            for row in &page.rows {
                for difference in check(row, &page, &mut report) {
                    let ticket_id = row.ticket_id.clone();
                    counted(
                        &mut report,
                        &Difference {
                            ticket_id,
                            ..difference
                        },
                    );
                }
            }
            match page.rows.last().filter(|_| ticket.is_none()) {
                Some(last) => after.clone_from(&last.ticket_id),
                None => break,
            }
        }
        match ticket {
            Some(ticket) if report.tickets + report.waiting == 0 => {
                return Err(Error::NotFound("ticket", ticket.to_owned()));
            }
            Some(_) => {}
            None => {
                for difference in self.missing().await? {
                    counted(&mut report, &difference);
                }
            }
        }
        Ok(report)
    }

    async fn page(&self, ticket: Option<&str>, after: &str) -> Result<Page, Error> {
        let snapshot = self.db.snapshot().await?;
        let rows = match ticket {
            Some(ticket) => tickets::load(&snapshot, &[ticket]).await?,
            None => tickets::page(&snapshot, after, PAGE).await?,
        };
        let ids: Vec<&str> = rows.iter().map(|row| row.ticket_id.as_str()).collect();
        let catalog = self.catalogs.current(&snapshot).await?;
        let mut clocks: BTreeMap<String, Vec<Clock>> = BTreeMap::new();
        for stored in clocks::load_of(&snapshot, &ids, &catalog).await? {
            clocks
                .entry(stored.ticket_id)
                .or_default()
                .push(stored.clock);
        }
        let histories = audit::histories(&snapshot, &ids).await?;
        let page = Page {
            clocks,
            merged: merged(&snapshot, &histories).await?,
            histories,
            consumed: audit::consumed(&snapshot, NAME).await?,
            parked: audit::parked(&snapshot, NAME).await?,
            catalog,
            rows,
        };
        snapshot.rollback().await?;
        Ok(page)
    }

    /// What the pages of tickets cannot show: events that are gone, tickets that were never kept,
    /// clocks of no ticket.
    async fn missing(&self) -> Result<Vec<Difference>, Error> {
        let conn = self.db.reader();
        let mut differences = Vec::new();
        for gap in audit::gaps(conn).await? {
            let field = format!("events of bucket {}", gap.bucket);
            differences.push(Difference::of_ticket(&field, gap.found, gap.expected));
        }
        for ticket_id in clocks::without_ticket(conn, PAGE).await? {
            let orphan = Difference::of_ticket("ticket", "clocks without it", "nothing");
            differences.push(Difference {
                ticket_id,
                ..orphan
            });
        }
        let parked = audit::parked(conn, NAME).await?;
        let consumed = audit::consumed(conn, NAME).await?;
        for (bucket, to) in (0..BUCKETS).zip(consumed) {
            let mut after = 0;
            loop {
                let range = (after, to);
                let page = audit::keys_of_kind(conn, CREATED, bucket, range, CREATIONS).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                let ids: Vec<&str> = page.iter().map(|(_, key)| key.as_str()).collect();
                let known = tickets::known(conn, &ids).await?;
                let unknown = ids
                    .iter()
                    .filter(|id| !known.contains(**id) && !parked.contains(**id));
                differences.extend(unknown.map(|id| Difference {
                    ticket_id: (*id).to_owned(),
                    ..Difference::of_ticket("ticket", "nothing", "created")
                }));
            }
        }
        Ok(differences)
    }
}

/// Checks one ticket of a page.
fn check(row: &tickets::Row, page: &Page, report: &mut Report) -> Vec<Difference> {
    if page.parked.contains(&row.ticket_id) {
        report.waiting += 1;
        return Vec::new();
    }
    report.tickets += 1;
    let until = Until {
        position: page.consumed[usize::from(bucket_of(&row.ticket_id))],
        at: Timestamp::MAX,
    };
    let events = page.histories.get(&row.ticket_id);
    let events = events.map(Vec::as_slice).unwrap_or_default();
    let mut history = match recompute(&page.catalog, (events, &page.merged), until, false) {
        Ok(Some(history)) => history,
        Ok(None) => return vec![Difference::of_ticket("ticket", "known", "never created")],
        Err(error) => return vec![Difference::of_ticket("ticket", "known", error)],
    };
    report.events += history.told;
    let mut differences = std::mem::take(&mut history.differences);
    differences.extend(of_rows(row, history.record.ticket(), &history.facts));
    let none = Vec::new();
    let stored = page.clocks.get(&row.ticket_id).unwrap_or(&none);
    report.clocks += stored.len() as u64;
    let mut recomputed: BTreeMap<_, &Clock> = history
        .record
        .clocks()
        .map(|clock| ((clock.metric, clock.cycle), clock))
        .collect();
    for clock in stored {
        match recomputed.remove(&(clock.metric, clock.cycle)) {
            Some(other) => differences.extend(of_clocks(clock, other)),
            None => differences.push(Difference::of_clock(clock, "a clock", "nothing")),
        }
    }
    let lost = recomputed.into_values();
    differences.extend(lost.map(|clock| Difference::of_clock(clock, "nothing", "a clock")));
    differences
}
