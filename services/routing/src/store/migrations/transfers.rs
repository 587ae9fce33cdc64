//! What the report of misroutes counts.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, flag, index, long, number, table, text};

/// Transfers with the decisions they undid, and of decisions what is counted in columns.
pub(crate) struct CountTransfers;

impl MigrationName for CountTransfers {
    fn name(&self) -> &str {
        "m0005_routing_transfers"
    }
}

fn maybe(name: &str) -> ColumnDef {
    column(name).text().take()
}

#[async_trait::async_trait]
impl MigrationTrait for CountTransfers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Decisions made before have none of these, and are not counted.
        let counted = [
            maybe("id"),
            maybe("kind"),
            maybe("group_id"),
            maybe("agent_id"),
            maybe("rule"),
            column("workflow_version").integer().take(),
            column("model_version").integer().take(),
        ];
        for mut column in counted {
            let table = Table::alter()
                .table(Alias::new("routing_decisions"))
                .add_column(&mut column)
                .take();
            manager.alter_table(table).await?;
        }
        // Decisions of a span, for reports and for purging.
        index(
            manager,
            "routing_decisions_time",
            "routing_decisions",
            &["decided_at"],
        )
        .await?;
        let mut transfers = table(
            "routing_transfers",
            [
                text("ticket_id"),
                long("version"),
                long("transferred_at"),
                maybe("undone_id"),
                column("undone_at").big_integer().take(),
                maybe("from_group_id"),
                maybe("from_agent_id"),
                maybe("to_group_id"),
                maybe("to_agent_id"),
                text("reason"),
                flag("misroute"),
                maybe("missing_skill"),
                maybe("missing_language"),
                maybe("guard"),
                number("hop"),
            ],
        );
        transfers.primary_key(
            Index::create()
                .col(Alias::new("ticket_id"))
                .col(Alias::new("version")),
        );
        manager.create_table(transfers).await?;
        // What became of the decisions of a span.
        index(
            manager,
            "routing_transfers_undone",
            "routing_transfers",
            &["undone_at", "undone_id"],
        )
        .await
    }
}
