//! The facts of each ticket in the order in which they were recorded: what a replay starts from.

use std::sync::Arc;

use lotse_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Deserialize, Serialize};

use super::columns::{ROWS_AT_ONCE, broken, document, instant, to_document};
use crate::Error;
use crate::domain::{Catalog, Event, Fact, PlanRef, Reason, Replan};

/// A fact at its position in the journal.
pub struct Placed<'a> {
    /// The ticket.
    pub ticket_id: &'a str,
    /// Position in the ticket's bucket.
    pub position: i64,
    /// What happened.
    pub fact: &'a Fact,
}

/// The stored form of a fact, its time apart.
#[derive(Serialize, Deserialize)]
struct Document {
    event: Event,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    human: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replan: Option<ReplanDocument>,
}

#[derive(Serialize, Deserialize)]
struct ReplanDocument {
    plan: Option<PlanRef>,
    reason: Reason,
}

/// Stores facts. None of them is stored yet.
pub async fn save(conn: &impl ConnectionTrait, facts: &[Placed<'_>]) -> Result<(), DbErr> {
    for facts in facts.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_facts")
            .columns(["ticket_id", "position", "at", "fact"])
            .take();
        for Placed {
            ticket_id,
            position,
            fact,
        } in facts
        {
            let values = [
                (*ticket_id).into(),
                (*position).into(),
                fact.at.as_millis().into(),
                to_document(&stored(fact))?.into(),
            ];
            insert
                .values(values)
                .map_err(|error| broken("sla_facts", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// All stored facts of a ticket in the order of their times, those of one time as recorded, with
/// those of the tickets that went into it.
pub async fn load(
    conn: &impl ConnectionTrait,
    ticket: &str,
    catalog: &Catalog,
) -> Result<Vec<Fact>, Error> {
    let query = Query::select()
        .columns(["at", "fact"])
        .from("sla_facts")
        .and_where(Expr::col("ticket_id").eq(ticket))
        .order_by("at", Order::Asc)
        .order_by("position", Order::Asc)
        .take();
    let rows = conn.query_all(&query).await?;
    let fact = |row| fact(instant(row, "at")?, document(row, "fact")?, catalog);
    let mut facts = rows
        .iter()
        .map(fact)
        .collect::<Result<Vec<Fact>, Error>>()?;
    for fact in &mut facts {
        if let Event::Absorbed { source } = &fact.event {
            // As deep as tickets were merged in a chain.
            fact.absorbed = Box::pin(load(conn, source, catalog)).await?;
        }
    }
    Ok(facts)
}

fn stored(fact: &Fact) -> Document {
    let replan = fact.replan.as_ref().map(|replan| ReplanDocument {
        plan: replan.plan.as_ref().map(|plan| plan.reference.clone()),
        reason: replan.reason,
    });
    Document {
        event: fact.event.clone(),
        human: fact.human,
        replan,
    }
}

fn fact(at: Timestamp, stored: Document, catalog: &Catalog) -> Result<Fact, Error> {
    let Document {
        event,
        human,
        replan,
    } = stored;
    let replan = replan.map(|ReplanDocument { plan, reason }| {
        let plan = plan
            .map(|plan| catalog.plan(&plan).map(Arc::new))
            .transpose()?;
        Ok::<_, Error>(Replan { plan, reason })
    });
    Ok(Fact {
        at,
        event,
        human,
        replan: replan.transpose()?,
        absorbed: Vec::new(),
    })
}
