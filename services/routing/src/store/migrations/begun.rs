//! Whether the agent who has a ticket has begun to work on it.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::flag;

/// Adds the column. What was assigned before counts as begun: nothing is taken away that may be in
/// somebody's hands.
pub(crate) struct AddBegun;

impl MigrationName for AddBegun {
    fn name(&self) -> &str {
        "m0004_routing_begun"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddBegun {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table(Alias::new("routing_items"))
            .add_column(flag("begun").default(true))
            .to_owned();
        manager.alter_table(add).await
    }
}
