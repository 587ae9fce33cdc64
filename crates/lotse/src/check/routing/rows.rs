//! The rows, many times a second, each time in one statement and so at one instant.

use anyhow::Result;
use lotse_db::Db;
use sea_orm::{ConnectionTrait as _, Statement};
use serde::Serialize;

use super::desk::Desk;

/// Agents who hold more than they can; nobody assigns by hand here.
const OVER_CAPACITY: &str = "SELECT id, load, capacity FROM routing_agents WHERE load > capacity";

/// Agents whose load is not what their tickets, offers and wrap-ups add up to.
const WRONG_LOADS: &str = "SELECT a.id, a.load, CAST(COALESCE(SUM(i.load), 0) AS BIGINT) AS held \
     FROM routing_agents a LEFT JOIN routing_items i \
     ON COALESCE(i.offered_to, i.agent_id) = a.id AND i.load > 0 \
     GROUP BY a.id, a.load HAVING a.load <> COALESCE(SUM(i.load), 0)";

/// What chats take of everybody.
const CHATS: &str = "SELECT id, load_chat, load FROM routing_agents WHERE load_chat > 0";

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Rows {
    pub(super) looks: u64,
    pub(super) over_capacity: u64,
    /// Agents with more chats than their cap.
    pub(super) over_cap: u64,
    pub(super) wrong_loads: u64,
    pub(super) examples: Vec<String>,
}

impl Rows {
    /// How many promises were broken.
    pub(super) fn broken(&self) -> u64 {
        self.over_capacity + self.over_cap + self.wrong_loads
    }

    /// Looks at all agents.
    pub(super) async fn look(&mut self, db: &Db, desk: &Desk) -> Result<()> {
        self.looks += 1;
        let over = found(db, OVER_CAPACITY).await?;
        self.over_capacity += over.len() as u64;
        self.note("over capacity", over);
        let mut chats = found(db, CHATS).await?;
        chats.retain(|(agent, chats, _)| desk.chat_caps.get(agent).is_some_and(|cap| chats > cap));
        self.over_cap += chats.len() as u64;
        self.note("over the cap of chats", chats);
        let wrong = found(db, WRONG_LOADS).await?;
        self.wrong_loads += wrong.len() as u64;
        self.note("a load unlike what is held", wrong);
        Ok(())
    }

    fn note(&mut self, what: &str, found: Vec<(String, i64, i64)>) {
        let left = 10_usize.saturating_sub(self.examples.len());
        let examples = found.into_iter().take(left);
        self.examples.extend(
            examples.map(|(agent, load, other)| format!("{agent}: {what}: {load}, {other}")),
        );
    }
}

async fn found(db: &Db, sql: &str) -> Result<Vec<(String, i64, i64)>> {
    let conn = db.reader();
    let statement = Statement::from_string(conn.get_database_backend(), sql);
    let rows = conn.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by(0)?, row.try_get_by(1)?, row.try_get_by(2)?)))
        .collect()
}
