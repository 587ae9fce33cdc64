//! Requesters.

use lotse_clock::Timestamp;
use lotse_ids::RequesterId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Cond, OnConflict, Query};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Iterable as _, QueryResult};
use std::collections::BTreeMap;

use super::columns::{broken, id};
use crate::domain::ticket::{Profile, Requester};

/// Somebody who asks for help.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intake_requesters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What the person is recognised by; unique.
    pub match_key: String,
    pub external_id: String,
    pub email: String,
    pub name: String,
    pub language: String,
    pub organisation: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// One requester.
pub(crate) async fn find(
    conn: &impl ConnectionTrait,
    id: &RequesterId,
) -> Result<Option<Requester>, DbErr> {
    let found = load(conn, &[id.as_str()], &[]).await?;
    Ok(found.into_iter().next().map(|(_, requester)| requester))
}

/// The requesters with these ids and those with these keys, each with its key.
pub(crate) async fn load(
    conn: &impl ConnectionTrait,
    ids: &[&str],
    keys: &[&str],
) -> Result<Vec<(String, Requester)>, DbErr> {
    let mut which = Cond::any();
    if !ids.is_empty() {
        which = which.add(Column::Id.is_in(ids.iter().copied()));
    }
    if !keys.is_empty() {
        which = which.add(Column::MatchKey.is_in(keys.iter().copied()));
    }
    if which.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query::select()
        .columns(Column::iter())
        .from(Entity)
        .cond_where(which)
        .to_owned();
    conn.query_all(&query).await?.iter().map(read).collect()
}

/// Stores new and changed requesters by their keys, which come in order so that two transactions
/// cannot wait for each other. Returns the id of each key, which is another than the one given
/// where somebody else has stored the same person a moment before.
pub(crate) async fn save(
    conn: &impl ConnectionTrait,
    requesters: &BTreeMap<String, Requester>,
) -> Result<BTreeMap<String, RequesterId>, DbErr> {
    if requesters.is_empty() {
        return Ok(BTreeMap::new());
    }
    let told = [
        Column::ExternalId,
        Column::Email,
        Column::Name,
        Column::Language,
        Column::Organisation,
        Column::UpdatedAt,
    ];
    let mut insert = Query::insert()
        .into_table(Entity)
        .columns(Column::iter())
        .on_conflict(
            OnConflict::column(Column::MatchKey)
                .update_columns(told)
                .to_owned(),
        )
        .returning(Query::returning().columns([Column::MatchKey, Column::Id]))
        .to_owned();
    for (key, requester) in requesters {
        let Requester {
            id,
            profile,
            created_at,
            updated_at,
        } = requester;
        let Profile {
            external_id,
            email,
            name,
            language,
            organisation,
        } = profile;
        let row = [
            id.as_str().into(),
            key.as_str().into(),
            external_id.as_str().into(),
            email.as_str().into(),
            name.as_str().into(),
            language.as_str().into(),
            organisation.as_str().into(),
            created_at.as_millis().into(),
            updated_at.as_millis().into(),
        ];
        insert
            .values(row)
            .map_err(|error| broken("intake_requesters", error))?;
    }
    let rows = conn.query_all(&insert).await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get_by(0)?,
                id("id", &row.try_get_by::<String, _>(1)?)?,
            ))
        })
        .collect()
}

/// Forgets who a requester is: nobody is recognised by that row any more. Returns whether it was
/// known.
pub(crate) async fn erase(
    conn: &impl ConnectionTrait,
    id: &RequesterId,
    now: Timestamp,
) -> Result<bool, DbErr> {
    // No key of a profile begins like this.
    let nobody = format!("erased:{id}");
    let mut update = Query::update()
        .table(Entity)
        .value(Column::MatchKey, nobody.as_str())
        .value(Column::UpdatedAt, now.as_millis())
        .and_where(Column::Id.eq(id.as_str()))
        .and_where(Column::MatchKey.ne(nobody.as_str()))
        .to_owned();
    for told in [
        Column::ExternalId,
        Column::Email,
        Column::Name,
        Column::Language,
        Column::Organisation,
    ] {
        update.value(told, "");
    }
    Ok(conn.execute(&update).await?.rows_affected() > 0)
}

fn read(row: &QueryResult) -> Result<(String, Requester), DbErr> {
    let row = Model::from_query_result(row, "")?;
    let requester = Requester {
        id: id("id", &row.id)?,
        profile: Profile {
            external_id: row.external_id,
            email: row.email,
            name: row.name,
            language: row.language,
            organisation: row.organisation,
        },
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    };
    Ok((row.match_key, requester))
}
