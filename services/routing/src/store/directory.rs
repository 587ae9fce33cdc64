//! All configuration, read once per version: `routing_directory` counts its changes.
//!
//! The counter's row is also the lock that configuration is changed under, so what a change checks
//! (a name is free, a group exists) still holds when it commits.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_ids::AgentId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{QuerySelect as _, Set};

use super::learning::chances;
use super::{agents, covers, settings};
use crate::domain::codes::Standing;
use crate::domain::directory::Directory;
use crate::domain::rota::{InvalidSchedule, Rota};
use crate::domain::shift_plan::ShiftPlan;
use crate::domain::turns::Stretch;
use crate::domain::workflow::{ONLY_WORKFLOW, Workflow};

/// The counter: one row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_directory")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub version: i64,
}

/// No relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The id of the only row.
const ONLY: i32 = 1;

/// Covers that ended longer ago than this are no part of a directory.
const OVER: Duration = Duration::from_secs(86_400);

/// Keeps the latest directory that was read.
pub(crate) struct Cache {
    kept: RwLock<(i64, Arc<Directory>)>,
    clock: BusinessClock,
    load_steps: u8,
}

impl Cache {
    /// Of a deployment whose agents are told apart in so many steps by what they hold.
    pub(crate) fn new(clock: BusinessClock, load_steps: u8) -> Self {
        let nothing = Directory::default().with_load_steps(load_steps);
        Self {
            kept: RwLock::new((0, Arc::new(nothing))),
            clock,
            load_steps,
        }
    }

    /// The configuration as committed now. One statement when nothing has changed since the last
    /// call. Not for transactions that change configuration: theirs may never be committed.
    pub(crate) async fn get(&self, conn: &impl ConnectionTrait) -> Result<Arc<Directory>, DbErr> {
        // Read first: whatever is loaded after it is this version or a later one, and a later one
        // is noticed by the next call.
        let version: i64 = Entity::find_by_id(ONLY)
            .select_only()
            .column(Column::Version)
            .into_tuple()
            .one(conn)
            .await?
            .unwrap_or_default();
        {
            let cached = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if cached.0 == version {
                return Ok(cached.1.clone());
            }
        }
        let directory = load(conn, self.clock.now()).await?;
        let directory = Arc::new(directory.with_load_steps(self.load_steps));
        let mut cached = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if cached.0 < version {
            *cached = (version, directory.clone());
        }
        Ok(directory)
    }
}

/// Reads everything, past the cache: for transactions that change configuration.
pub(crate) async fn load(conn: &impl ConnectionTrait, now: Timestamp) -> Result<Directory, DbErr> {
    let groups = settings::all(conn).await?;
    let skills = settings::all(conn).await?;
    let workflow = settings::in_force(conn, &ONLY_WORKFLOW.to_owned()).await?;
    let workflow = workflow.map(Workflow::from);
    let rows = agents::Entity::find().all(conn).await?;
    let agents: Result<Vec<_>, _> = rows.iter().map(agents::to_agent).collect();
    let rotas = settings::all(conn).await?.into_iter().map(Rota::new);
    let rotas: Result<Vec<_>, _> = rotas.collect();
    let rotas = rotas.map_err(unsound)?;
    let plans = settings::all(conn).await?.into_iter().map(ShiftPlan::new);
    let plans: Result<Vec<_>, _> = plans.collect();
    let plans = plans.map_err(unsound)?;
    let chances = match chances::latest(conn).await? {
        Some((version, _)) => chances::find(conn, version).await?,
        None => None,
    };
    Ok(Directory::new(groups, agents?, skills, workflow)
        .with_chances(chances.unwrap_or_default())
        .with_rotas(rotas)
        .with_shift_plans(plans)
        .with_covers(covers::ending_after(conn, now - OVER).await?))
}

/// What an agent's shifts as they were said of an instant; none without a plan.
pub(crate) async fn standing_at(
    conn: &impl ConnectionTrait,
    agent: &AgentId,
    at: Timestamp,
) -> Result<Option<Standing>, DbErr> {
    let plan = settings::at_instant(conn, agent, at).await?;
    let plan = plan.map(ShiftPlan::new).transpose().map_err(unsound)?;
    Ok(plan.map(|plan| plan.standing(at)))
}

/// The shifts that agents had within a window: the versions of each, the earliest first.
pub(crate) async fn shift_plans_within(
    conn: &impl ConnectionTrait,
    window: Stretch,
) -> Result<HashMap<AgentId, Vec<ShiftPlan>>, DbErr> {
    let mut plans: HashMap<AgentId, Vec<ShiftPlan>> = HashMap::new();
    for version in settings::all_versions(conn, window.until).await? {
        let plan = ShiftPlan::new(version).map_err(unsound)?;
        let versions = plans.entry(plan.setting.id.clone()).or_default();
        // What was replaced before the window says nothing of it.
        if plan.setting.updated_at <= window.from {
            versions.clear();
        }
        versions.push(plan);
    }
    Ok(plans)
}

/// What was checked before it was stored is not sound any more: the zone is gone.
fn unsound(invalid: InvalidSchedule) -> DbErr {
    DbErr::Type(invalid.to_string())
}

/// Begins a change of configuration: counts it, and makes others wait for its end.
pub(crate) async fn lock(conn: &impl ConnectionTrait) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(ONLY),
        version: Set(1),
    };
    let next = Expr::col((Entity, Column::Version)).add(1);
    Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Id)
                .value(Column::Version, next)
                .to_owned(),
        )
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
