//! The schema, the same on both databases.

use sea_orm_migration::prelude::*;

/// The migrations of this service, in order.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &str {
        "m0001_survey_tables"
    }
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// Milliseconds: since the epoch for `_at`, a span for `_ms`.
fn instant(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn maybe_instant(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Who answered for the ticket when the survey was triggered: on invitations and on answers.
fn snapshot(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table
        .col(text("agent_id"))
        .col(text("group_id"))
        .col(number("channel"))
        .col(text("language"))
        .col(text("category"))
}

#[async_trait::async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let surveys = Table::create()
            .table("survey_surveys")
            .col(text("id").primary_key())
            .col(text("name").unique_key())
            .col(text("kind"))
            .col(text("questions"))
            .col(flag("on_solved"))
            .col(instant("delay_ms"))
            .col(ColumnDef::new("sample").double().not_null())
            .col(instant("repeat_after_ms"))
            .col(instant("answer_within_ms"))
            .col(flag("ask_resolved_first_contact"))
            .col(flag("active"))
            .col(number("version"))
            .to_owned();
        let mut tickets = Table::create()
            .table("survey_tickets")
            .col(text("id").primary_key())
            .col(text("requester_id"))
            .col(flag("human_reply"))
            .col(number("episode"))
            .to_owned();
        snapshot(&mut tickets);
        let mut invitations = Table::create()
            .table("survey_invitations")
            .col(text("id").primary_key())
            .col(text("survey_id"))
            .col(text("kind"))
            .col(text("ticket_id"))
            .col(text("requester_id"))
            .col(text("subject"))
            .col(number("episode"))
            .col(text("state"))
            .col(text("reason"))
            .col(instant("created_at"))
            .col(instant("invite_at"))
            .col(maybe_instant("opened_at"))
            .col(maybe_instant("answered_at"))
            .col(instant("expires_at"))
            .col(maybe_instant("due_at"))
            .col(ColumnDef::new("generation").big_integer().not_null())
            .col(ColumnDef::new("lane").integer().not_null())
            .to_owned();
        snapshot(&mut invitations);
        let mut answers = Table::create()
            .table("survey_answers")
            .col(text("id").primary_key())
            .col(text("invitation_id").unique_key())
            .col(text("survey_id"))
            .col(text("kind"))
            .col(text("scale"))
            .col(number("score"))
            .col(text("comment"))
            .col(ColumnDef::new("resolved_first_contact").boolean().null())
            .col(number("revision"))
            .col(instant("answered_at"))
            .col(maybe_instant("revised_at"))
            .col(text("ticket_id"))
            .to_owned();
        snapshot(&mut answers);
        let revisions = Table::create()
            .table("survey_revisions")
            .col(text("answer_id"))
            .col(number("revision"))
            .col(number("score"))
            .col(text("comment"))
            .col(ColumnDef::new("resolved_first_contact").boolean().null())
            .col(instant("given_at"))
            .primary_key(Index::create().col("answer_id").col("revision"))
            .to_owned();
        let requesters = Table::create()
            .table("survey_requesters")
            .col(text("id").primary_key())
            .to_owned();
        for table in [
            surveys,
            tickets,
            invitations,
            answers,
            revisions,
            requesters,
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &'static str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create().name(name).table(table).to_owned();
        for column in columns {
            index.col(*column);
        }
        index
    };
    let invitations = "survey_invitations";
    let once = index(
        "survey_invitations_once",
        invitations,
        &["survey_id", "subject", "episode"],
    )
    .unique()
    .to_owned();
    vec![
        once,
        index(
            "survey_invitations_ticket",
            invitations,
            &["ticket_id", "id"],
        ),
        index(
            "survey_invitations_requester",
            invitations,
            &["requester_id", "survey_id"],
        ),
        index("survey_invitations_due", invitations, &["due_at"]),
        index("survey_invitations_lane", invitations, &["lane", "id"]),
        index(
            "survey_answers_kind",
            "survey_answers",
            &["kind", "answered_at"],
        ),
        index("survey_answers_ticket", "survey_answers", &["ticket_id"]),
    ]
}
