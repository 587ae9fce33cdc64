//! Cover of groups by others.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{id, index, long, table, text};

/// Creates the table of covers.
pub(crate) struct CreateCovers;

impl MigrationName for CreateCovers {
    fn name(&self) -> &str {
        "m0006_routing_covers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCovers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let covers = [
            id("id"),
            text("group_id"),
            text("covered_by"),
            long("starts_at"),
            long("ends_at"),
            text("words"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        manager
            .create_table(table("routing_covers", covers))
            .await?;
        // By beginning, of all groups or of one.
        index(
            manager,
            "routing_covers_begin",
            "routing_covers",
            &["starts_at", "id"],
        )
        .await
    }
}
