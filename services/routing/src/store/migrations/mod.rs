//! The schema: one file per capability, applied in the order of [`all`].

mod begun;
mod chances;
mod covers;
mod hand_over_notes;
mod learning;
mod offers;
mod rotas;
mod seats;
mod settings;
mod shadows;
mod tables;
mod transfers;

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, Table, TableCreateStatement};
use sea_orm_migration::{MigrationTrait, SchemaManager};

/// All migrations, in order; new ones go to the end. One that adds columns to `routing_agents` ends
/// with [`seats::note_seats`], so that the history of seats has them too.
pub(crate) fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(tables::CreateTables),
        Box::new(rotas::CreateRotas),
        Box::new(settings::OneTableOfSettings),
        Box::new(begun::AddBegun),
        Box::new(transfers::CountTransfers),
        Box::new(covers::CreateCovers),
        Box::new(learning::CreateLearning),
        Box::new(seats::KeepSeats),
        Box::new(offers::CreateOffers),
        Box::new(shadows::CreateReplyReviews),
        Box::new(hand_over_notes::CreateHandOverNotes),
        Box::new(chances::PublishChances),
    ]
}

pub(super) fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

pub(super) fn id(name: &str) -> ColumnDef {
    column(name).text().not_null().primary_key().take()
}

pub(super) fn text(name: &str) -> ColumnDef {
    column(name).text().not_null().take()
}

/// A version, a weight or an instant in milliseconds since the epoch.
pub(super) fn long(name: &str) -> ColumnDef {
    column(name).big_integer().not_null().take()
}

pub(super) fn number(name: &str) -> ColumnDef {
    column(name).integer().not_null().take()
}

pub(super) fn flag(name: &str) -> ColumnDef {
    column(name).boolean().not_null().take()
}

pub(super) fn table(
    name: &str,
    columns: impl IntoIterator<Item = ColumnDef>,
) -> TableCreateStatement {
    let mut table = Table::create().table(Alias::new(name)).take();
    for mut column in columns {
        table.col(&mut column);
    }
    table
}

pub(super) async fn index(
    manager: &SchemaManager<'_>,
    name: &str,
    table: &str,
    columns: &[&str],
) -> Result<(), DbErr> {
    let mut index = Index::create().name(name).table(Alias::new(table)).take();
    for column in columns {
        index.col(Alias::new(*column));
    }
    manager.create_index(index).await
}
