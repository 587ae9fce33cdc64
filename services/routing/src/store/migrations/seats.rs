//! What routing knew of every agent at any decision: kept by the database itself, so that no
//! statement that changes an agent can forget to.

use std::fmt::Write as _;

use sea_orm::sea_query::{Alias, Table};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, index, long, table, text};

/// Every version of agents' seats and profiles, and the place of decisions among them.
pub(crate) struct KeepSeats;

impl MigrationName for KeepSeats {
    fn name(&self) -> &str {
        "m0007_routing_seats"
    }
}

/// Columns of an agent that no decision depends on, or that are kept with the profile.
const APART: [&str; 9] = [
    "id",
    "name",
    "profile",
    "presence_since",
    "presence_due_at",
    "presence_generation",
    "lane",
    "created_at",
    "updated_at",
];

#[async_trait::async_trait]
impl MigrationTrait for KeepSeats {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let number = column("seq")
            .big_integer()
            .not_null()
            .auto_increment()
            .primary_key()
            .take();
        let seats = [number, text("agent_id"), text("seat")];
        manager
            .create_table(table("routing_seat_history", seats))
            .await?;
        index(
            manager,
            "routing_seat_history_agent",
            "routing_seat_history",
            &["agent_id", "seq"],
        )
        .await?;
        let profiles = [text("agent_id"), long("version"), text("profile")];
        let mut profiles = table("routing_profiles", profiles);
        profiles.primary_key(
            sea_orm::sea_query::Index::create()
                .col(Alias::new("agent_id"))
                .col(Alias::new("version")),
        );
        manager.create_table(profiles).await?;
        let place = Table::alter()
            .table(Alias::new("routing_decisions"))
            .add_column(column("seats_at").big_integer())
            .take();
        manager.alter_table(place).await?;
        let conn = manager.get_connection();
        for statement in profile_triggers(manager.get_database_backend()) {
            conn.execute_unprepared(statement).await?;
        }
        conn.execute_unprepared(
            "INSERT INTO routing_profiles (agent_id, version, profile) \
             SELECT id, version, profile FROM routing_agents",
        )
        .await?;
        note_seats(manager).await
    }
}

const fn profile_triggers(backend: DatabaseBackend) -> &'static [&'static str] {
    match backend {
        DatabaseBackend::Postgres => &[
            "CREATE FUNCTION routing_note_profile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO routing_profiles (agent_id, version, profile) \
             VALUES (NEW.id, NEW.version, NEW.profile); RETURN NULL; END $$",
            "CREATE TRIGGER routing_note_profile AFTER UPDATE ON routing_agents FOR EACH ROW \
             WHEN (OLD.version IS DISTINCT FROM NEW.version) \
             EXECUTE FUNCTION routing_note_profile()",
            "CREATE TRIGGER routing_note_first_profile AFTER INSERT ON routing_agents \
             FOR EACH ROW EXECUTE FUNCTION routing_note_profile()",
        ],
        _ => &[
            "CREATE TRIGGER routing_note_profile AFTER UPDATE ON routing_agents \
             WHEN OLD.version IS NOT NEW.version BEGIN \
             INSERT INTO routing_profiles (agent_id, version, profile) \
             VALUES (NEW.id, NEW.version, NEW.profile); END",
            "CREATE TRIGGER routing_note_first_profile AFTER INSERT ON routing_agents BEGIN \
             INSERT INTO routing_profiles (agent_id, version, profile) \
             VALUES (NEW.id, NEW.version, NEW.profile); END",
        ],
    }
}

/// Keeps a version of a seat whenever a column of it changes, and one of every seat as of now. A
/// migration that adds columns to agents calls it again.
pub(super) async fn note_seats(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let conn = manager.get_connection();
    let backend = manager.get_database_backend();
    let columns = columns(manager).await?;
    let is = if backend == DatabaseBackend::Postgres {
        "IS DISTINCT FROM"
    } else {
        "IS NOT"
    };
    let changes: Vec<String> = columns
        .iter()
        .map(|(name, _)| format!("OLD.{name} {is} NEW.{name}"))
        .collect();
    let changes = changes.join(" OR ");
    let note = |row: &str| {
        let seat = document(backend, &columns, row);
        format!("INSERT INTO routing_seat_history (agent_id, seat) VALUES ({row}.id, {seat})")
    };
    let statements = if backend == DatabaseBackend::Postgres {
        vec![
            format!(
                "CREATE OR REPLACE FUNCTION routing_note_seat() RETURNS trigger \
                 LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$",
                note("NEW")
            ),
            "DROP TRIGGER IF EXISTS routing_note_seat ON routing_agents".to_owned(),
            "DROP TRIGGER IF EXISTS routing_note_new_seat ON routing_agents".to_owned(),
            format!(
                "CREATE TRIGGER routing_note_seat AFTER UPDATE ON routing_agents FOR EACH ROW \
                 WHEN ({changes}) EXECUTE FUNCTION routing_note_seat()"
            ),
            "CREATE TRIGGER routing_note_new_seat AFTER INSERT ON routing_agents FOR EACH ROW \
             EXECUTE FUNCTION routing_note_seat()"
                .to_owned(),
        ]
    } else {
        vec![
            "DROP TRIGGER IF EXISTS routing_note_seat".to_owned(),
            "DROP TRIGGER IF EXISTS routing_note_new_seat".to_owned(),
            format!(
                "CREATE TRIGGER routing_note_seat AFTER UPDATE ON routing_agents \
                 WHEN {changes} BEGIN {}; END",
                note("NEW")
            ),
            format!(
                "CREATE TRIGGER routing_note_new_seat AFTER INSERT ON routing_agents \
                 BEGIN {}; END",
                note("NEW")
            ),
        ]
    };
    for statement in statements {
        conn.execute_unprepared(&statement).await?;
    }
    let seat = document(backend, &columns, "routing_agents");
    conn.execute_unprepared(&format!(
        "INSERT INTO routing_seat_history (agent_id, seat) \
         SELECT id, {seat} FROM routing_agents ORDER BY id"
    ))
    .await?;
    Ok(())
}

/// The columns of agents that make a seat, with whether they are flags.
async fn columns(manager: &SchemaManager<'_>) -> Result<Vec<(String, bool)>, DbErr> {
    let backend = manager.get_database_backend();
    let asked = match backend {
        DatabaseBackend::Postgres => {
            "SELECT column_name::text AS name, data_type::text AS type \
             FROM information_schema.columns WHERE table_name = 'routing_agents' \
             AND table_schema = current_schema() ORDER BY ordinal_position"
        }
        _ => "SELECT name, type FROM pragma_table_info('routing_agents') ORDER BY cid",
    };
    let conn = manager.get_connection();
    let rows = conn
        .query_all_raw(Statement::from_string(backend, asked))
        .await?;
    let mut columns = Vec::new();
    for row in rows {
        let (name, kind): (String, String) = (row.try_get_by(0)?, row.try_get_by(1)?);
        if !APART.contains(&name.as_str()) {
            columns.push((name, kind.eq_ignore_ascii_case("boolean")));
        }
    }
    Ok(columns)
}

/// A seat as JSON: an expression over `row`.
fn document(backend: DatabaseBackend, columns: &[(String, bool)], row: &str) -> String {
    let postgres = backend == DatabaseBackend::Postgres;
    let mut parts = String::new();
    for (name, is_flag) in columns {
        let comma = if parts.is_empty() { "" } else { ", " };
        let value = if *is_flag && !postgres {
            // SQLite has no flags of its own.
            format!("json(CASE WHEN {row}.{name} THEN 'true' ELSE 'false' END)")
        } else {
            format!("{row}.{name}")
        };
        let _ = write!(parts, "{comma}'{name}', {value}");
    }
    if postgres {
        format!("json_build_object({parts})::text")
    } else {
        format!("json_object({parts})")
    }
}
