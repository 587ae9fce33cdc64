//! Groups, skills, rotas and workflows as versions that never change.

use sea_orm::sea_query::{Alias, Index, Table};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{flag, long, table, text};

/// One table in place of one per kind, whose rows remembered only their last version.
pub(crate) struct OneTableOfSettings;

impl MigrationName for OneTableOfSettings {
    fn name(&self) -> &str {
        "m0003_routing_settings"
    }
}

const COLUMNS: &str = "kind, id, version, name, document, in_force, created_at, updated_at";

#[async_trait::async_trait]
impl MigrationTrait for OneTableOfSettings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            text("kind"),
            text("id"),
            long("version"),
            text("name"),
            text("document"),
            flag("in_force"),
            long("created_at"),
            long("updated_at"),
        ];
        let mut settings = table("routing_settings", columns);
        settings.primary_key(
            Index::create()
                .col(Alias::new("kind"))
                .col(Alias::new("id"))
                .col(Alias::new("version")),
        );
        manager.create_table(settings).await?;
        let conn = manager.get_connection();
        for (kind, from) in [("group", "routing_groups"), ("rota", "routing_rotas")] {
            conn.execute_unprepared(&format!(
                "INSERT INTO routing_settings ({COLUMNS}) \
                 SELECT '{kind}', id, version, name, profile, TRUE, created_at, updated_at FROM {from}"
            ))
            .await?;
        }
        let described = match manager.get_database_backend() {
            DatabaseBackend::Postgres => {
                "json_build_object('name', name, 'description', description)::text"
            }
            _ => "json_object('name', name, 'description', description)",
        };
        conn.execute_unprepared(&format!(
            "INSERT INTO routing_settings ({COLUMNS}) \
             SELECT 'skill', id, version, name, {described}, TRUE, created_at, updated_at \
             FROM routing_skills"
        ))
        .await?;
        conn.execute_unprepared(&format!(
            "INSERT INTO routing_settings ({COLUMNS}) \
             SELECT 'workflow', 'workflow', version, 'workflow', plan, \
             version = (SELECT MAX(version) FROM routing_workflows), \
             (SELECT MIN(created_at) FROM routing_workflows), created_at FROM routing_workflows"
        ))
        .await?;
        for emptied in [
            "routing_groups",
            "routing_skills",
            "routing_workflows",
            "routing_rotas",
        ] {
            let drop = Table::drop().table(Alias::new(emptied)).take();
            manager.drop_table(drop).await?;
        }
        // Only what is in force has its name and its place; the past keeps them all.
        for fence in ["name", "id"] {
            conn.execute_unprepared(&format!(
                "CREATE UNIQUE INDEX routing_settings_{fence} \
                 ON routing_settings (kind, {fence}) WHERE in_force"
            ))
            .await?;
        }
        Ok(())
    }
}
