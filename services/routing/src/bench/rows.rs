//! The same desk as rows, to measure the real service with.

use std::time::Duration;

use lotse_clock::{SystemClock, Timestamp};
use lotse_db::Db;
use lotse_ids::AgentId;
use lotse_journal::{bucket_of, lane_of};
use sea_orm::DbErr;

use super::desk::{Arriving, CAPACITY, Desk, Size};
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Presence};
use crate::domain::item::{Item, Loads};
use crate::domain::queue::{plan, turn};
use crate::domain::weight::Weight;
use crate::store::{agents, directory, items, settings};

/// Rows written or read together.
const PAGE: usize = 500;

impl Arriving {
    /// The `n`th of the tickets that come to the desk of these groups.
    pub fn nth(groups: &[String], n: usize) -> Self {
        Desk::arrival(groups, n)
    }
}

/// Fills an empty database with a desk. Returns its groups' ids.
///
/// # Errors
/// What the database reports.
pub async fn seed(db: &Db, size: Size) -> Result<Vec<String>, DbErr> {
    let desk = Desk::new(size.agents);
    let desk = &desk;
    db.in_tx(|tx| async move {
        directory::lock(&tx).await?;
        for group in &desk.groups {
            settings::insert(&tx, group).await?;
        }
        for agent in &desk.agents {
            agents::insert(&tx, agent, lane_of(bucket_of(agent.id.as_str()))).await?;
        }
        Ok::<_, DbErr>(())
    })
    .await?;
    for some in desk.agents.chunks(PAGE) {
        db.in_tx(|tx| async move {
            let online = Presences::all(Presence::Online);
            let ids = some.iter().map(|agent| &agent.id);
            for full in agents::find_all(&tx, ids).await? {
                let now = full.agent.created_at;
                agents::save_presence(&tx, &full, &online, None, now).await?;
            }
            let busy = some.iter().filter(|agent| Desk::is_busy(agent));
            let load = |id: &AgentId| ((id.clone(), Channel::Email), Weight::tickets(CAPACITY));
            let loads: Loads = busy.map(|agent| load(&agent.id)).collect();
            agents::shift_loads(&tx, &loads, None).await?;
            Ok::<_, DbErr>(())
        })
        .await?;
    }
    for first in (0..size.waiting).step_by(PAGE) {
        let last = size.waiting.min(first + PAGE);
        let some: Vec<Item> = (first..last).map(|n| desk.waiting(n)).collect();
        let some = &some;
        db.in_tx(|tx| async move { items::save(&tx, some).await })
            .await?;
    }
    Ok(desk
        .groups
        .iter()
        .map(|group| group.id.to_string())
        .collect())
}

/// How long it takes to look through everything that waits, as it was done at each wake-up before
/// there was an index.
///
/// # Errors
/// What the database reports.
pub async fn look_through(db: &Db, now: Timestamp) -> Result<Duration, DbErr> {
    let conn = db.reader();
    let directory = directory::load(conn, now).await?;
    let start = SystemClock.monotonic();
    let mut seats = agents::seats(conn).await?;
    let wanted = items::Wanted::default();
    let mut after = None;
    loop {
        let page = items::waiting(conn, &wanted, after.as_ref(), PAGE as u64).await?;
        plan(&page, &directory, &mut seats, now);
        after = page.last().map(turn);
        if page.len() < PAGE {
            return Ok(SystemClock.monotonic().duration_since(start));
        }
    }
}
