//! Configuration, tickets and decisions.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, Index};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, flag, id, index, long, number, table, text};

/// Creates the tables of the first version.
pub(crate) struct CreateTables;

impl MigrationName for CreateTables {
    fn name(&self) -> &str {
        "m0001_routing_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let directory = [
            column("id").integer().not_null().primary_key().take(),
            long("version"),
        ];
        let groups = [
            id("id"),
            text("name").unique_key().take(),
            text("profile"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        let skills = [
            text("id"),
            id("name"),
            text("description"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        let workflows = [
            column("version").integer().not_null().primary_key().take(),
            text("plan"),
            long("created_at"),
        ];
        let agents = [
            id("id"),
            text("name").unique_key().take(),
            text("profile"),
            flag("retired"),
            long("capacity"),
            long("load"),
            text("presence"),
            long("presence_since"),
            column("presence_due_at").big_integer().take(),
            long("presence_generation"),
            number("lane"),
            column("last_assigned_at").big_integer().take(),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        let items = [
            id("ticket_id"),
            long("version"),
            text("state"),
            text("status"),
            column("group_id").text().take(),
            column("agent_id").text().take(),
            long("load"),
            text("channel"),
            number("priority"),
            long("due_at"),
            long("queued_at"),
            column("assigned_at").big_integer().take(),
            number("transfers"),
            number("escalations"),
            column("decision_id").text().take(),
            column("reason").text().take(),
            text("facts"),
            text("trail"),
        ];
        let mut decisions = table(
            "routing_decisions",
            [
                text("ticket_id"),
                long("version"),
                long("decided_at"),
                text("record"),
            ],
        );
        // A ticket's decisions lie together and in order.
        decisions.primary_key(
            Index::create()
                .col(Alias::new("ticket_id"))
                .col(Alias::new("version")),
        );
        manager
            .create_table(table("routing_directory", directory))
            .await?;
        manager
            .create_table(table("routing_groups", groups))
            .await?;
        manager
            .create_table(table("routing_skills", skills))
            .await?;
        manager
            .create_table(table("routing_workflows", workflows))
            .await?;
        manager
            .create_table(table("routing_agents", agents))
            .await?;
        manager.create_table(table("routing_items", items)).await?;
        manager.create_table(decisions).await?;
        // Waiting tickets in the order of their turns.
        index(
            manager,
            "routing_items_turn",
            "routing_items",
            &["state", "priority", "due_at", "queued_at", "ticket_id"],
        )
        .await?;
        // The load board counts by group and by agent.
        index(
            manager,
            "routing_items_owner",
            "routing_items",
            &["state", "group_id", "agent_id"],
        )
        .await?;
        // Presences that run out.
        index(
            manager,
            "routing_agents_presence_due",
            "routing_agents",
            &["presence_due_at"],
        )
        .await
    }
}
