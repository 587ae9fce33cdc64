//! Duty rotas.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, id, index, long, table, text};

/// Creates the tables of duty rotas.
pub(crate) struct CreateRotas;

impl MigrationName for CreateRotas {
    fn name(&self) -> &str {
        "m0002_routing_rotas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateRotas {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rotas = [
            id("id"),
            text("name").unique_key().take(),
            text("profile"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        let overrides = [
            id("id"),
            text("rota_id"),
            text("agent_id"),
            column("instead_of").text().take(),
            long("starts_at"),
            long("ends_at"),
            text("note"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        manager.create_table(table("routing_rotas", rotas)).await?;
        manager
            .create_table(table("routing_overrides", overrides))
            .await?;
        // The exceptions to a rota by beginning, and those about an instant.
        index(
            manager,
            "routing_overrides_rota",
            "routing_overrides",
            &["rota_id", "starts_at", "id"],
        )
        .await
    }
}
