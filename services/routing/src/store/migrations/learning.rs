//! What learning keeps: evidence, models, and how often who passed on what.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, flag, id, index, long, number, table, text};

/// Creates the tables of learning.
pub(crate) struct CreateLearning;

impl MigrationName for CreateLearning {
    fn name(&self) -> &str {
        "m0010_routing_learning"
    }
}

fn double(name: &str) -> ColumnDef {
    column(name).double().not_null().take()
}

fn bytes(name: &str) -> ColumnDef {
    column(name).blob().take()
}

#[async_trait::async_trait]
impl MigrationTrait for CreateLearning {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let examples = [
            id("ticket_id"),
            long("opened_at"),
            text("category"),
            text("fields"),
            column("first_group").text().take(),
            column("group_id").text().take(),
            flag("escalated"),
            flag("settled"),
            text("reconsider"),
            text("wording"),
            bytes("words"),
        ];
        let models = [
            column("version").integer().not_null().primary_key().take(),
            long("fitted_at"),
            text("verdict"),
            text("why"),
            text("lexicon"),
            text("figures"),
            long("size"),
            bytes("intake").not_null().take(),
            bytes("rerouter").not_null().take(),
        ];
        let state = [
            column("id").integer().not_null().primary_key().take(),
            column("in_force").integer().take(),
            flag("pinned"),
            number("latest"),
            long("due_at"),
            long("generation"),
            long("claimed_until"),
            text("lexicon"),
            text("secret"),
        ];
        let chances = [
            text("agent_id"),
            text("group_id"),
            text("category"),
            double("resolved"),
            double("passed_on"),
        ];
        manager
            .create_table(table("routing_examples", examples))
            .await?;
        manager
            .create_table(table("routing_models", models))
            .await?;
        manager
            .create_table(table("routing_learning", state))
            .await?;
        let mut chances = table("routing_chances", chances);
        chances.primary_key(
            Index::create()
                .col(Alias::new("agent_id"))
                .col(Alias::new("group_id"))
                .col(Alias::new("category")),
        );
        manager.create_table(chances).await?;
        // The latest, to learn from.
        let latest = ["opened_at", "ticket_id"];
        index(
            manager,
            "routing_examples_latest",
            "routing_examples",
            &latest,
        )
        .await?;
        // Those whose text has not been read.
        let unread = ["wording", "ticket_id"];
        index(
            manager,
            "routing_examples_wording",
            "routing_examples",
            &unread,
        )
        .await?;
        // Those whose group is to be looked at again.
        let wanted = ["reconsider", "ticket_id"];
        index(
            manager,
            "routing_examples_reconsider",
            "routing_examples",
            &wanted,
        )
        .await
    }
}
