//! Groups, skills and workflows: `routing_groups`, `routing_skills`, `routing_workflows`.

use lotse_clock::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder as _, Set};

use super::{count, from_json, parsed, stored, to_json};
use crate::domain::group::{Group, Skill};
use crate::domain::workflow::Workflow;

/// Groups.
pub mod group {
    use sea_orm::entity::prelude::*;

    /// One group.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "routing_groups")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub name: String,
        pub profile: String,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    /// No relations: what belongs together is asked for by id.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Skills.
pub mod skill {
    use sea_orm::entity::prelude::*;

    /// One skill.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "routing_skills")]
    pub struct Model {
        pub id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub description: String,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    /// No relations: what belongs together is asked for by id.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Workflows.
pub mod workflow {
    use sea_orm::entity::prelude::*;

    /// One version of the workflow.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "routing_workflows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i32,
        pub plan: String,
        pub created_at: i64,
    }

    /// No relations: what belongs together is asked for by id.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) fn to_group(row: &group::Model) -> Result<Group, DbErr> {
    Ok(Group {
        id: parsed(&row.id)?,
        profile: from_json(&row.profile)?,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

pub(super) fn to_skill(row: skill::Model) -> Skill {
    Skill {
        id: row.id,
        name: row.name,
        description: row.description,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    }
}

fn to_workflow(row: &workflow::Model) -> Result<Workflow, DbErr> {
    Ok(Workflow {
        version: count(row.version)?,
        plan: from_json(&row.plan)?,
        created_at: Timestamp::from_millis(row.created_at),
    })
}

/// All groups, in no order.
pub(crate) async fn all_groups(conn: &impl ConnectionTrait) -> Result<Vec<Group>, DbErr> {
    let rows = group::Entity::find().all(conn).await?;
    rows.iter().map(to_group).collect()
}

/// Adds a group or writes it anew.
pub(crate) async fn save_group(
    conn: &impl ConnectionTrait,
    group: &Group,
    is_new: bool,
) -> Result<(), DbErr> {
    let Group {
        id,
        profile,
        version,
        created_at,
        updated_at,
    } = group;
    let row = group::ActiveModel {
        id: Set(id.to_string()),
        name: Set(profile.name.clone()),
        profile: Set(to_json(profile)?),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    if is_new {
        group::Entity::insert(row)
            .exec_without_returning(conn)
            .await?;
    } else {
        group::Entity::update(row).exec(conn).await?;
    }
    Ok(())
}

/// All skills, in no order.
pub(crate) async fn all_skills(conn: &impl ConnectionTrait) -> Result<Vec<Skill>, DbErr> {
    let rows = skill::Entity::find().all(conn).await?;
    Ok(rows.into_iter().map(to_skill).collect())
}

/// Adds a skill or writes it anew.
pub(crate) async fn save_skill(
    conn: &impl ConnectionTrait,
    skill: &Skill,
    is_new: bool,
) -> Result<(), DbErr> {
    let Skill {
        id,
        name,
        description,
        version,
        created_at,
        updated_at,
    } = skill;
    let row = skill::ActiveModel {
        id: Set(id.clone()),
        name: Set(name.clone()),
        description: Set(description.clone()),
        version: Set(*version),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    };
    if is_new {
        skill::Entity::insert(row)
            .exec_without_returning(conn)
            .await?;
    } else {
        skill::Entity::update(row).exec(conn).await?;
    }
    Ok(())
}

/// A version of the workflow, or the one in force.
pub(crate) async fn find_workflow(
    conn: &impl ConnectionTrait,
    version: Option<u32>,
) -> Result<Option<Workflow>, DbErr> {
    let mut select = workflow::Entity::find().order_by_desc(workflow::Column::Version);
    if let Some(version) = version {
        select = select.filter(workflow::Column::Version.eq(stored(version)));
    }
    let row = select.one(conn).await?;
    row.as_ref().map(to_workflow).transpose()
}

/// Keeps a new version of the workflow.
pub(crate) async fn insert_workflow(
    conn: &impl ConnectionTrait,
    workflow: &Workflow,
) -> Result<(), DbErr> {
    let row = workflow::ActiveModel {
        version: Set(stored(workflow.version)),
        plan: Set(to_json(&workflow.plan)?),
        created_at: Set(workflow.created_at.as_millis()),
    };
    workflow::Entity::insert(row)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}
