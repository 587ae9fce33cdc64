//! The tables of the outbox: where notices are sent, and those on their way.

use sea_orm_migration::prelude::*;

use super::migrations::{flag, long, maybe_long, maybe_text, number, text};

/// Notification targets and the deliveries to them.
pub(super) struct Deliveries;

impl MigrationName for Deliveries {
    fn name(&self) -> &str {
        "m0002_sla_deliveries"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Deliveries {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No versions are kept: an old one would keep a secret that was replaced because it leaked.
        let targets = Table::create()
            .table("sla_notification_targets")
            .col(text("id").primary_key())
            .col(text("name").unique_key())
            .col(number("version"))
            .col(flag("disabled"))
            .col(text("channel"))
            .col(text("secrets"))
            .col(long("created_at"))
            .col(long("updated_at"))
            .take();
        // `due_at`: when to try next; of a claimed row when the claim runs out; absent once settled.
        let deliveries = Table::create()
            .table("sla_deliveries")
            .col(text("id").primary_key())
            .col(text("target_id"))
            .col(text("subject_key"))
            .col(text("state"))
            .col(text("notice"))
            .col(long("created_at"))
            .col(maybe_long("due_at"))
            .col(flag("claimed"))
            .col(long("generation"))
            .col(number("attempts"))
            .col(long("tried_since"))
            .col(maybe_long("settled_at"))
            .col(maybe_text("failure"))
            .take();
        for table in [targets, deliveries] {
            manager.create_table(table).await?;
        }
        for index in [
            "CREATE INDEX sla_deliveries_due ON sla_deliveries (due_at) WHERE state = 'waiting'",
            // The notices of one subject go out in their order.
            "CREATE INDEX sla_deliveries_subject ON sla_deliveries (target_id, subject_key, id) \
             WHERE state = 'waiting'",
            "CREATE INDEX sla_deliveries_dead ON sla_deliveries (target_id, id) \
             WHERE state = 'dead'",
            "CREATE INDEX sla_deliveries_settled ON sla_deliveries (state, settled_at) \
             WHERE state <> 'waiting'",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sla_deliveries", "sla_notification_targets"] {
            manager
                .drop_table(Table::drop().table(table).take())
                .await?;
        }
        Ok(())
    }
}
