//! The schema of intake.

use sea_orm::DbErr;
use sea_orm::sea_query::{
    ColumnDef, ConditionalStatement as _, Expr, ExprTrait as _, Index, IndexCreateStatement,
    IntoIden, IntoTableRef, Table,
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::assignments::{Column as Assignment, Entity as Assignments};
use super::messages::{Column as Message, Entity as Messages};
use super::requesters::{Column as Requester, Entity as Requesters};
use super::supervision::{Column as Supervised, Entity as Supervision};
use super::tickets::{Column as Ticket, Entity as Tickets};

/// The migrations of intake, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(CreateTickets),
        Box::new(CreateMessages),
        Box::new(CreateRequesters),
        Box::new(CreateAssignments),
        Box::new(AddMergedInto),
        Box::new(FindAuthors),
        Box::new(CreateSupervision),
    ]
}

fn text(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).text().not_null().take()
}

fn long(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).big_integer().not_null().take()
}

fn count(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).integer().not_null().take()
}

/// The same column, but it may be empty.
fn nullable(mut column: ColumnDef) -> ColumnDef {
    column.null().take()
}

fn key(mut column: ColumnDef) -> ColumnDef {
    column.primary_key().take()
}

fn unique(mut column: ColumnDef) -> ColumnDef {
    column.unique_key().take()
}

async fn create(
    manager: &SchemaManager<'_>,
    table: impl IntoTableRef,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    let mut create = Table::create();
    create.table(table);
    for mut column in columns {
        create.col(&mut column);
    }
    manager.create_table(create).await
}

struct CreateTickets;

impl MigrationName for CreateTickets {
    fn name(&self) -> &str {
        "m0001_intake_tickets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTickets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let number = ColumnDef::new(Ticket::Number)
            .big_integer()
            .not_null()
            .auto_increment()
            .primary_key()
            .take();
        let columns = vec![
            number,
            unique(text(Ticket::Id)),
            nullable(unique(text(Ticket::ExternalId))),
            text(Ticket::RequesterId),
            text(Ticket::Subject),
            text(Ticket::Channel),
            text(Ticket::Category),
            text(Ticket::Tags),
            text(Ticket::Priority),
            text(Ticket::Language),
            ColumnDef::new(Ticket::LanguageConfidence)
                .double()
                .not_null()
                .take(),
            text(Ticket::LanguageBasis),
            text(Ticket::Attributes),
            text(Ticket::RequiredSkills),
            nullable(text(Ticket::RequestedGroupId)),
            text(Ticket::Status),
            text(Ticket::HoldReason),
            long(Ticket::StatusChangedAt),
            nullable(long(Ticket::SolvedAt)),
            nullable(long(Ticket::ClosedAt)),
            nullable(long(Ticket::ClosesAt)),
            long(Ticket::CloseGeneration),
            count(Ticket::ReopenCount),
            nullable(text(Ticket::RepeatOf)),
            count(Ticket::RepeatCount),
            nullable(text(Ticket::FollowUpOf)),
            long(Ticket::CreatedAt),
            long(Ticket::UpdatedAt),
            long(Ticket::Version),
            ColumnDef::new(Ticket::Lane)
                .small_integer()
                .not_null()
                .take(),
        ];
        create(manager, Tickets, columns).await?;
        let index = |name: &str| Index::create().name(name).table(Tickets).take();
        let waiting = || Expr::col(Ticket::ClosesAt).is_not_null();
        let indices: [IndexCreateStatement; 6] = [
            // Lists, in each order that can be asked for.
            index("intake_tickets_created")
                .col(Ticket::CreatedAt)
                .col(Ticket::Number)
                .take(),
            index("intake_tickets_updated")
                .col(Ticket::UpdatedAt)
                .col(Ticket::Number)
                .take(),
            // The live queue: everything unsolved is a small part of everything.
            index("intake_tickets_status")
                .col(Ticket::Status)
                .col(Ticket::CreatedAt)
                .take(),
            // Repeats of a requester.
            index("intake_tickets_requester")
                .col(Ticket::RequesterId)
                .col(Ticket::SolvedAt)
                .take(),
            // What will close itself, by time and by lane.
            index("intake_tickets_closing")
                .col(Ticket::ClosesAt)
                .and_where(waiting())
                .take(),
            index("intake_tickets_armed")
                .col(Ticket::Lane)
                .col(Ticket::Id)
                .and_where(waiting())
                .take(),
        ];
        for create in indices {
            manager.create_index(create).await?;
        }
        Ok(())
    }
}

struct CreateMessages;

impl MigrationName for CreateMessages {
    fn name(&self) -> &str {
        "m0001_intake_messages"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateMessages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            key(text(Message::Id)),
            text(Message::TicketId),
            text(Message::AuthorKind),
            text(Message::AuthorId),
            text(Message::Visibility),
            text(Message::Body),
            nullable(long(Message::ComposedAt)),
            long(Message::ReceivedAt),
            long(Message::RecordedAt),
        ];
        create(manager, Messages, columns).await?;
        let by_ticket = Index::create()
            .name("intake_messages_ticket")
            .table(Messages)
            .col(Message::TicketId)
            .col(Message::ReceivedAt)
            .col(Message::Id)
            .take();
        manager.create_index(by_ticket).await
    }
}

struct CreateRequesters;

impl MigrationName for CreateRequesters {
    fn name(&self) -> &str {
        "m0001_intake_requesters"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateRequesters {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            key(text(Requester::Id)),
            unique(text(Requester::MatchKey)),
            text(Requester::ExternalId),
            text(Requester::Email),
            text(Requester::Name),
            text(Requester::Language),
            text(Requester::Organisation),
            long(Requester::CreatedAt),
            long(Requester::UpdatedAt),
        ];
        create(manager, Requesters, columns).await
    }
}

struct CreateAssignments;

impl MigrationName for CreateAssignments {
    fn name(&self) -> &str {
        "m0001_intake_assignments"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateAssignments {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            key(text(Assignment::TicketId)),
            nullable(text(Assignment::GroupId)),
            nullable(text(Assignment::AgentId)),
            count(Assignment::Tier),
        ];
        create(manager, Assignments, columns).await?;
        let index = |name: &str| Index::create().name(name).table(Assignments).take();
        let by_group = index("intake_assignments_group")
            .col(Assignment::GroupId)
            .take();
        manager.create_index(by_group).await?;
        let by_agent = index("intake_assignments_agent")
            .col(Assignment::AgentId)
            .take();
        manager.create_index(by_agent).await
    }
}

struct AddMergedInto;

impl MigrationName for AddMergedInto {
    fn name(&self) -> &str {
        "m0002_intake_merged_into"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddMergedInto {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table(Tickets)
            .add_column(nullable(text(Ticket::MergedInto)))
            .take();
        manager.alter_table(add).await
    }
}

struct FindAuthors;

impl MigrationName for FindAuthors {
    fn name(&self) -> &str {
        "m0003_intake_messages_author"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FindAuthors {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What somebody wrote, on whichever ticket, to erase it.
        let by_author = Index::create()
            .name("intake_messages_author")
            .table(Messages)
            .col(Message::AuthorId)
            .take();
        manager.create_index(by_author).await
    }
}

struct CreateSupervision;

impl MigrationName for CreateSupervision {
    fn name(&self) -> &str {
        "m0004_intake_supervision"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateSupervision {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            text(Supervised::GroupId),
            count(Supervised::Place),
            text(Supervised::AgentId),
            text(Supervised::MentorId),
            nullable(long(Supervised::StartsAt)),
            nullable(long(Supervised::EndsAt)),
        ];
        create(manager, Supervision, columns).await?;
        let by_place = Index::create()
            .name("intake_supervision_place")
            .table(Supervision)
            .col(Supervised::GroupId)
            .col(Supervised::Place)
            .unique()
            .take();
        manager.create_index(by_place).await
    }
}
