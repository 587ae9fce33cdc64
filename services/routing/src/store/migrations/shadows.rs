//! Shadows on duty, and replies that their mentors look at.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, id, index, long, table, text};

/// Lets exceptions name a shadow, and creates the table of replies.
pub(crate) struct CreateReplyReviews;

impl MigrationName for CreateReplyReviews {
    fn name(&self) -> &str {
        "m0012_routing_reply_reviews"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateReplyReviews {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let overrides = Table::alter()
            .table(Alias::new("routing_overrides"))
            .add_column(column("shadow").text())
            .take();
        manager.alter_table(overrides).await?;
        let reviews = [
            id("message_id"),
            text("ticket_id"),
            text("agent_id"),
            text("mentor_id"),
            text("state"),
            text("note"),
            long("requested_at"),
            column("decided_at").big_integer().take(),
        ];
        manager
            .create_table(table("routing_reply_reviews", reviews))
            .await?;
        index(
            manager,
            "routing_reply_reviews_waiting",
            "routing_reply_reviews",
            &["state", "mentor_id", "message_id"],
        )
        .await
    }
}
