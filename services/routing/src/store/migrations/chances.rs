//! What was learned of who resolves what, in published versions.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, long, table, text};

/// Creates the table of published chances.
pub(crate) struct PublishChances;

impl MigrationName for PublishChances {
    fn name(&self) -> &str {
        "m0013_routing_published_chances"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for PublishChances {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let published = [
            column("version").integer().not_null().primary_key().take(),
            long("checked_at"),
            text("shares"),
        ];
        manager
            .create_table(table("routing_published_chances", published))
            .await
    }
}
