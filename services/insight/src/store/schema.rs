//! The tables.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, IntoIden, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The tables of insight.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateFacts), Box::new(AddMergedAt)]
}

fn iden(name: &'static str) -> impl IntoIden {
    Alias::new(name)
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(iden(name)).text().to_owned()
}

fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(iden(name)).big_integer().to_owned()
}

fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(iden(name)).json_binary().to_owned()
}

fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(iden(name)).boolean().to_owned()
}

/// A column that always has a value.
fn always(mut column: ColumnDef) -> ColumnDef {
    column.not_null();
    column
}

async fn table(
    manager: &SchemaManager<'_>,
    name: &'static str,
    key: &[&'static str],
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    let mut create = Table::create();
    create.table(iden(name));
    for mut column in columns {
        create.col(&mut column);
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(iden(column));
    }
    manager
        .create_table(create.primary_key(&mut primary).to_owned())
        .await
}

async fn index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut create = Index::create();
    create.name(name).table(iden(table));
    for column in columns {
        create.col(iden(column));
    }
    manager.create_index(create).await
}

struct AddMergedAt;

impl MigrationName for AddMergedAt {
    fn name(&self) -> &str {
        "m0002_insight_merged_at"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddMergedAt {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table(iden("insight_tickets"))
            .add_column(long("merged_at"))
            .to_owned();
        manager.alter_table(add).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::alter()
            .table(iden("insight_tickets"))
            .drop_column(iden("merged_at"))
            .to_owned();
        manager.alter_table(drop).await
    }
}

struct CreateFacts;

impl MigrationName for CreateFacts {
    fn name(&self) -> &str {
        "m0001_insight_facts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateFacts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tickets(manager).await?;
        details(manager).await?;
        clocks(manager).await?;
        answers(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "insight_answers",
            "insight_clocks",
            "insight_stays",
            "insight_episodes",
            "insight_cycles",
            "insight_tickets",
        ] {
            manager
                .drop_table(Table::drop().table(iden(name)).to_owned())
                .await?;
        }
        Ok(())
    }
}

async fn tickets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        always(text("ticket_id")),
        always(long("created_at")),
        text("channel"),
        text("category"),
        text("priority"),
        text("language"),
        always(json("tags")),
        always(json("attributes")),
        text("repeat_of"),
        always(text("status")),
        text("group_id"),
        text("agent_id"),
        long("tier"),
        text("first_group_id"),
        long("handled_at"),
        long("first_reply_at"),
        always(long("replies")),
        always(long("replies_before_solved")),
        always(long("waits_before_solved")),
        always(long("transfers")),
        always(long("misroutes")),
        long("first_transferred_at"),
        always(long("escalations")),
        long("first_escalated_at"),
        long("first_solved_at"),
        long("solved_at"),
        text("solved_by"),
        always(long("reopenings")),
        long("first_reopened_at"),
        long("closed_at"),
        always(long("episode_opened_at")),
        always(long("cycle_number")),
        always(long("cycle_started_at")),
        always(text("cycle_state")),
        long("cycle_replied_at"),
        always(long("stay_number")),
        long("stay_entered_at"),
    ];
    table(manager, "insight_tickets", &["ticket_id"], columns).await?;
    index(
        manager,
        "insight_tickets_created",
        "insight_tickets",
        &["created_at"],
    )
    .await?;
    // For "not repeated within 7 days".
    index(
        manager,
        "insight_tickets_repeat",
        "insight_tickets",
        &["repeat_of"],
    )
    .await
}

async fn details(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let key = ["ticket_id", "number"];
    let cycles = vec![
        always(text("ticket_id")),
        always(long("number")),
        always(long("started_at")),
        always(text("state")),
        long("replied_at"),
    ];
    table(manager, "insight_cycles", &key, cycles).await?;
    let episodes = vec![
        always(text("ticket_id")),
        always(long("number")),
        always(long("opened_at")),
        long("ended_at"),
    ];
    table(manager, "insight_episodes", &key, episodes).await?;
    let stays = vec![
        always(text("ticket_id")),
        always(long("number")),
        text("group_id"),
        long("tier"),
        always(long("entered_at")),
        long("left_at"),
    ];
    table(manager, "insight_stays", &key, stays).await
}

async fn clocks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        always(text("clock_id")),
        always(text("ticket_id")),
        text("metric"),
        always(long("cycle")),
        text("policy_id"),
        always(long("target_ms")),
        text("state"),
        always(long("started_at")),
        long("due_at"),
        long("decided_at"),
        long("fulfilled_at"),
    ];
    table(manager, "insight_clocks", &["clock_id"], columns).await?;
    // For "the last cycle".
    let columns = ["ticket_id", "metric", "cycle"];
    index(manager, "insight_clocks_ticket", "insight_clocks", &columns).await
}

async fn answers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        always(text("invitation_id")),
        text("ticket_id"),
        text("kind"),
        text("survey_id"),
        always(long("invited_at")),
        always(flag("cancelled")),
        long("answered_at"),
        text("scale"),
        long("score"),
        text("agent_id"),
        text("group_id"),
        text("channel"),
        text("language"),
        text("category"),
    ];
    table(manager, "insight_answers", &["invitation_id"], columns).await
}
