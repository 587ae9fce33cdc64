//! Facts about the database itself, as names and values.

use lotse_clock::Timestamp;
use sea_orm::sea_query::{Alias, ColumnDef, Expr, ExprTrait, OnConflict, Query, Table};
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

const TABLE: &str = "meta";
const NAME: &str = "name";
const VALUE: &str = "value";

/// Set when the database is driven by a manual clock: the last time that clock showed.
const MANUAL_CLOCK: &str = "clock.manual";

/// The value of `name`, if it was ever set.
///
/// # Errors
/// What the database reports.
pub async fn get(conn: &impl ConnectionTrait, name: &str) -> Result<Option<String>, DbErr> {
    let query = Query::select()
        .column(Alias::new(VALUE))
        .from(Alias::new(TABLE))
        .and_where(Expr::col(Alias::new(NAME)).eq(name))
        .to_owned();
    let row = conn.query_one(&query).await?;
    row.map(|row| row.try_get_by(0)).transpose()
}

/// Sets `name` to `value`, whatever it was.
///
/// # Errors
/// What the database reports.
pub async fn set(conn: &impl ConnectionTrait, name: &str, value: &str) -> Result<(), DbErr> {
    let insert = Query::insert()
        .into_table(Alias::new(TABLE))
        .columns([Alias::new(NAME), Alias::new(VALUE)])
        .values_panic([Expr::val(name), Expr::val(value)])
        .on_conflict(
            OnConflict::column(Alias::new(NAME))
                .update_column(Alias::new(VALUE))
                .to_owned(),
        )
        .to_owned();
    conn.execute(&insert).await?;
    Ok(())
}

/// The last time of the manual clock that drives this database; `None` for a database that lives
/// in real time. `serve` refuses one that does not.
///
/// # Errors
/// What the database reports, also when the stored time is not one.
pub async fn manual_clock(conn: &impl ConnectionTrait) -> Result<Option<Timestamp>, DbErr> {
    let Some(value) = get(conn, MANUAL_CLOCK).await? else {
        return Ok(None);
    };
    let millis = value
        .parse()
        .map_err(|_| DbErr::Type(format!("{MANUAL_CLOCK} is {value:?}, not milliseconds")))?;
    Ok(Some(Timestamp::from_millis(millis)))
}

/// Marks the database as driven by a manual clock that shows `now`.
///
/// # Errors
/// What the database reports.
pub async fn set_manual_clock(conn: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    set(conn, MANUAL_CLOCK, &now.as_millis().to_string()).await
}

/// Creates the table.
pub(crate) struct CreateMeta;

impl MigrationName for CreateMeta {
    fn name(&self) -> &str {
        "m0001_db_meta"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateMeta {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Alias::new(TABLE))
                    .col(
                        ColumnDef::new(Alias::new(NAME))
                            .text()
                            .not_null()
                            .primary_key(),
                    )
                    .col(ColumnDef::new(Alias::new(VALUE)).text().not_null())
                    .to_owned(),
            )
            .await
    }
}
