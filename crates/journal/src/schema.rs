//! The journal's tables.

use sea_orm::sea_query::{Alias, ColumnDef, Index, IntoIden, Table, TableCreateStatement};
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The tables of the journal and of idempotent commands.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(CreateJournal),
        Box::new(CreateCommands),
        Box::new(IndexKeys),
    ]
}

fn name(name: &'static str) -> impl IntoIden {
    Alias::new(name)
}

fn text(column: &'static str) -> ColumnDef {
    ColumnDef::new(name(column)).text().not_null().to_owned()
}

fn bucket() -> ColumnDef {
    ColumnDef::new(name("bucket"))
        .small_integer()
        .not_null()
        .to_owned()
}

fn long(column: &'static str) -> ColumnDef {
    ColumnDef::new(name(column))
        .big_integer()
        .not_null()
        .to_owned()
}

fn count(column: &'static str) -> ColumnDef {
    ColumnDef::new(name(column))
        .integer()
        .not_null()
        .default(0)
        .to_owned()
}

fn flag(column: &'static str) -> ColumnDef {
    ColumnDef::new(name(column))
        .boolean()
        .not_null()
        .default(false)
        .to_owned()
}

/// A table of these columns with its primary key.
fn table(
    manager: &SchemaManager,
    table: &'static str,
    columns: impl IntoIterator<Item = ColumnDef>,
    key: &[&'static str],
) -> TableCreateStatement {
    let mut create = Table::create();
    create.table(name(table));
    for mut column in columns {
        create.col(&mut column);
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(name(column));
    }
    create.primary_key(&mut primary);
    if manager.get_database_backend() == DbBackend::Sqlite {
        // One tree instead of two: rows stand in their primary key.
        create.extra("WITHOUT ROWID");
    }
    create
}

struct CreateJournal;

impl MigrationName for CreateJournal {
    fn name(&self) -> &str {
        "m0001_journal"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateJournal {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let meta = [text("name"), text("value")];
        manager
            .create_table(table(manager, "journal_meta", meta, &["name"]))
            .await?;

        let journal = [
            bucket(),
            long("position"),
            text("key"),
            ColumnDef::new(name("ticket_id")).text().to_owned(),
            ColumnDef::new(name("kind")).integer().not_null().to_owned(),
            long("occurred_at"),
            long("recorded_at"),
            text("principal"),
            text("cause"),
            text("traceparent"),
            ColumnDef::new(name("payload"))
                .binary()
                .not_null()
                .to_owned(),
        ];
        manager
            .create_table(table(manager, "journal", journal, &["bucket", "position"]))
            .await?;

        let cursors = [
            text("consumer"),
            bucket(),
            long("position"),
            // The replica that reads the bucket; none between two.
            ColumnDef::new(name("owner")).text().to_owned(),
            // Raised by each takeover.
            long("epoch"),
            // Parked events of the bucket, so that a healthy batch need not look for them.
            count("parked"),
            // Somebody asked for parked events of the bucket to be tried again.
            flag("redrive"),
            // Failures of the event after `position`, and the latest of them.
            count("attempts"),
            ColumnDef::new(name("error")).text().to_owned(),
        ];
        manager
            .create_table(table(
                manager,
                "journal_cursors",
                cursors,
                &["consumer", "bucket"],
            ))
            .await?;

        let leases = [text("consumer"), text("replica"), long("expires_at")];
        manager
            .create_table(table(
                manager,
                "journal_leases",
                leases,
                &["consumer", "replica"],
            ))
            .await?;

        let parked = [
            text("consumer"),
            bucket(),
            long("position"),
            text("key"),
            text("error"),
            count("attempts"),
            long("parked_at"),
            flag("redrive"),
        ];
        let key = ["consumer", "bucket", "position"];
        manager
            .create_table(table(manager, "journal_parked", parked, &key))
            .await
    }
}

struct CreateCommands;

impl MigrationName for CreateCommands {
    fn name(&self) -> &str {
        "m0001_commands"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCommands {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let commands = [
            text("caller"),
            text("method"),
            text("request_id"),
            ColumnDef::new(name("fingerprint"))
                .binary()
                .not_null()
                .to_owned(),
            ColumnDef::new(name("response"))
                .binary()
                .not_null()
                .to_owned(),
            long("created_at"),
        ];
        let key = ["caller", "method", "request_id"];
        manager
            .create_table(table(manager, "commands", commands, &key))
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("commands_created_at")
                    .table(name("commands"))
                    .col(name("created_at"))
                    .to_owned(),
            )
            .await
    }
}

struct IndexKeys;

impl MigrationName for IndexKeys {
    fn name(&self) -> &str {
        "m0002_journal_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IndexKeys {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // For the history of one ticket.
        let by_key = Index::create()
            .name("journal_by_key")
            .table(name("journal"))
            .col(name("key"))
            .col(name("position"))
            .to_owned();
        manager.create_index(by_key).await
    }
}
