//! What is left for the next turn.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, Index};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{id, long, table, text};

/// Creates the table of notes.
pub(crate) struct CreateHandOverNotes;

impl MigrationName for CreateHandOverNotes {
    fn name(&self) -> &str {
        "m0014_routing_hand_over_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateHandOverNotes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        const NOTES: &str = "routing_hand_over_notes";
        let notes = [
            id("id"),
            text("rota_id"),
            text("layer"),
            text("author_id"),
            long("turn_begins_at"),
            text("words"),
            long("version"),
            long("created_at"),
            long("updated_at"),
        ];
        manager.create_table(table(NOTES, notes)).await?;
        // A hand-over has one.
        let one = Index::create()
            .name("routing_hand_over_notes_turn")
            .table(Alias::new(NOTES))
            .col(Alias::new("rota_id"))
            .col(Alias::new("turn_begins_at"))
            .col(Alias::new("layer"))
            .unique()
            .take();
        manager.create_index(one).await
    }
}
