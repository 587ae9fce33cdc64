//! What happened to each alert, in order.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde::{Deserialize, Serialize};

use crate::domain::StepKind;
use crate::store::columns::{
    ROWS_AT_ONCE, broken, code, document, instant, number, stored_number, to_document,
};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The alert.
    pub alert_id: String,
    /// The how-manieth of the alert, from 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: StepKind,
    /// The level the alert stood on after it.
    pub level: u32,
    /// Its round.
    pub round: u32,
    /// The rest.
    pub detail: Detail,
}

/// What only some steps have. Also the stored form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// Agents who were told, and as what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<Recipient>,
    /// Notification targets that were written to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notification_targets: Vec<String>,
    /// What the level meant and nobody was found for, with why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Until when it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Why it was resolved, as a code.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The agent who acknowledged or resolved; empty when it was none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Who called; empty when it happened by itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub principal: String,
    /// What they wrote.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

pub use crate::domain::{Missing, Recipient};

const COLUMNS: [&str; 7] = [
    "alert_id", "number", "at", "kind", "level", "round", "detail",
];

/// Adds steps, and notes whom they name.
pub async fn add(conn: &impl ConnectionTrait, steps: &[Step]) -> Result<(), DbErr> {
    for steps in steps.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_alert_steps")
            .columns(COLUMNS)
            .take();
        for step in steps {
            let values = [
                step.alert_id.as_str().into(),
                stored_number(step.number).into(),
                step.at.as_millis().into(),
                step.kind.code().into(),
                stored_number(step.level).into(),
                stored_number(step.round).into(),
                to_document(&step.detail)?.into(),
            ];
            insert
                .values(values)
                .map_err(|error| broken("sla_alert_steps", error))?;
        }
        conn.execute(&insert).await?;
    }
    let named: BTreeSet<(&str, &str)> = steps
        .iter()
        .flat_map(|step| {
            let told = step.detail.agents.iter().map(|agent| &agent.agent_id);
            let named = told.chain([&step.detail.agent]);
            let named = named.filter(|agent| !agent.is_empty());
            named.map(|agent| (step.alert_id.as_str(), agent.as_str()))
        })
        .collect();
    let named: Vec<_> = named.into_iter().collect();
    for named in named.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table("sla_alert_agents")
            .columns(["alert_id", "agent_id"])
            .on_conflict(
                OnConflict::columns(["alert_id", "agent_id"])
                    .do_nothing()
                    .to_owned(),
            )
            .take();
        for (alert, agent) in named {
            insert
                .values([(*alert).into(), (*agent).into()])
                .map_err(|error| broken("sla_alert_agents", error))?;
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// The steps of these alerts, in order.
pub async fn load(
    conn: &impl ConnectionTrait,
    alerts: &[&str],
) -> Result<BTreeMap<String, Vec<Step>>, DbErr> {
    let query = Query::select()
        .columns(COLUMNS)
        .from("sla_alert_steps")
        .and_where(Expr::col("alert_id").is_in(alerts.iter().copied()))
        .order_by("alert_id", Order::Asc)
        .order_by("number", Order::Asc)
        .take();
    let mut all: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for row in conn.query_all(&query).await? {
        let step = read(&row)?;
        all.entry(step.alert_id.clone()).or_default().push(step);
    }
    Ok(all)
}

fn read(row: &QueryResult) -> Result<Step, DbErr> {
    Ok(Step {
        alert_id: row.try_get("", "alert_id")?,
        number: number(row, "number")?,
        at: instant(row, "at")?,
        kind: code(row, "kind", StepKind::from_code)?,
        level: number(row, "level")?,
        round: number(row, "round")?,
        detail: document(row, "detail")?,
    })
}
