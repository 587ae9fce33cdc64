//! The schema, the same on both databases.

use sea_orm_migration::prelude::*;

/// The migrations of this service, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(Settings),
        Box::new(Clocks),
        Box::new(super::delivery_tables::Deliveries),
        Box::new(Hands),
        Box::new(super::alerts::migration::Alerts),
        Box::new(Rebases),
        Box::new(super::forecasts::Indexes),
    ]
}

pub(super) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

pub(super) fn maybe_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// Milliseconds: since the epoch for `_at`, a span for `_ms`. Also counters that grow for ever.
pub(super) fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

pub(super) fn maybe_long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

pub(super) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

pub(super) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Policies and calendars: both are a name, a version in force, and documents that never change.
struct Settings;

impl MigrationName for Settings {
    fn name(&self) -> &str {
        "m0001_sla_settings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Settings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let settings = Table::create()
            .table("sla_settings")
            .col(text("id").primary_key())
            .col(text("kind"))
            .col(text("name"))
            .col(number("version"))
            .col(long("created_at"))
            .take();
        let names = Index::create()
            .name("sla_settings_name")
            .table("sla_settings")
            .col("kind")
            .col("name")
            .unique()
            .take();
        let versions = Table::create()
            .table("sla_setting_versions")
            .col(text("id"))
            .col(number("version"))
            .col(text("content"))
            .col(long("created_at"))
            .primary_key(Index::create().col("id").col("version"))
            .take();
        // One row, locked and raised by whoever changes a setting: caches ask whether it moved.
        let revision = Table::create()
            .table("sla_revision")
            .col(number("id").primary_key())
            .col(long("revision"))
            .take();
        for table in [settings, versions, revision] {
            manager.create_table(table).await?;
        }
        manager.create_index(names).await?;
        let first = Query::insert()
            .into_table("sla_revision")
            .columns(["id", "revision"])
            .values_panic([1.into(), 0_i64.into()])
            .take();
        manager.exec_stmt(first).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sla_revision", "sla_setting_versions", "sla_settings"] {
            manager
                .drop_table(Table::drop().table(table).take())
                .await?;
        }
        Ok(())
    }
}

/// What is kept per ticket.
struct Clocks;

impl MigrationName for Clocks {
    fn name(&self) -> &str {
        "m0001_sla_tickets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Clocks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tickets = Table::create()
            .table("sla_tickets")
            .col(text("ticket_id").primary_key())
            .col(number("lane"))
            .col(long("created_at"))
            .col(text("status"))
            .col(long("status_at"))
            .col(long("watermark_at"))
            .col(flag("first_over"))
            .col(maybe_long("wrote_at"))
            .col(text("facts"))
            .col(text("plan"))
            .col(text("tallies"))
            .col(maybe_long("next_at"))
            .col(long("generation"))
            .take();
        let clocks = Table::create()
            .table("sla_clocks")
            .col(text("id").primary_key())
            .col(text("ticket_id"))
            .col(text("metric"))
            .col(number("cycle"))
            .col(flag("latest"))
            .col(text("state"))
            .col(text("reason"))
            .col(text("policy_id"))
            .col(number("policy_version"))
            .col(maybe_text("calendar_id"))
            .col(number("calendar_version"))
            .col(long("target_ms"))
            .col(long("consumed_ms"))
            .col(number("warned_percent"))
            .col(long("started_at"))
            .col(maybe_long("resumed_at"))
            .col(maybe_long("due_at"))
            .col(maybe_long("breached_at"))
            .col(maybe_long("detected_at"))
            .col(maybe_long("fulfilled_at"))
            .col(maybe_long("cancelled_at"))
            .take();
        // Read only when something arrives behind its time, or a plan promises something new.
        let facts = Table::create()
            .table("sla_facts")
            .col(text("ticket_id"))
            .col(long("position"))
            .col(long("at"))
            .col(text("fact"))
            .primary_key(Index::create().col("ticket_id").col("position"))
            .take();
        for table in [tickets, clocks, facts] {
            manager.create_table(table).await?;
        }
        for index in [
            "CREATE UNIQUE INDEX sla_clocks_cycle ON sla_clocks (ticket_id, metric, cycle)",
            "CREATE INDEX sla_clocks_latest ON sla_clocks (ticket_id) WHERE latest",
            "CREATE INDEX sla_clocks_state ON sla_clocks (state, id)",
            // What the timers' reconciler asks for.
            "CREATE INDEX sla_tickets_next ON sla_tickets (next_at) WHERE next_at IS NOT NULL",
            "CREATE INDEX sla_tickets_lane ON sla_tickets (lane, ticket_id) \
             WHERE next_at IS NOT NULL",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sla_facts", "sla_clocks", "sla_tickets"] {
            manager
                .drop_table(Table::drop().table(table).take())
                .await?;
        }
        Ok(())
    }
}

/// Who has a ticket, as its clocks see it.
struct Hands;

impl MigrationName for Hands {
    fn name(&self) -> &str {
        "m0002_sla_hands"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Hands {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column per statement: SQLite adds no more at once.
        for column in [maybe_text("group_id"), text("bot").default("waits").take()] {
            let alter = Table::alter()
                .table("sla_tickets")
                .add_column(column)
                .take();
            manager.alter_table(alter).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["group_id", "bot"] {
            let alter = Table::alter()
                .table("sla_tickets")
                .drop_column(column)
                .take();
            manager.alter_table(alter).await?;
        }
        Ok(())
    }
}

/// Edits for open tickets too.
struct Rebases;

impl MigrationName for Rebases {
    fn name(&self) -> &str {
        "m0003_sla_rebases"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rebases {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rebases = Table::create()
            .table("sla_rebases")
            .col(text("id").primary_key())
            .col(number("version"))
            .col(long("edited_at"))
            .col(number("lane"))
            .col(text("after_ticket"))
            .take();
        manager.create_table(rebases).await?;
        let alter = Table::alter()
            .table("sla_tickets")
            .add_column(maybe_long("plan_at"))
            .take();
        manager.alter_table(alter).await?;
        let open = "CREATE INDEX sla_tickets_open ON sla_tickets (lane, ticket_id) \
                    WHERE status NOT IN ('solved', 'closed')";
        manager.get_connection().execute_unprepared(open).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared("DROP INDEX sla_tickets_open")
            .await?;
        let alter = Table::alter()
            .table("sla_tickets")
            .drop_column("plan_at")
            .take();
        manager.alter_table(alter).await?;
        manager
            .drop_table(Table::drop().table("sla_rebases").take())
            .await
    }
}
