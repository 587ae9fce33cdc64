//! The schema of alerts and of what reactions do.

use sea_orm_migration::prelude::*;

use crate::store::migrations::{flag, long, maybe_long, maybe_text, number, text};

/// Alerts, their steps, and the commands of reactions.
pub(crate) struct Alerts;

impl MigrationName for Alerts {
    fn name(&self) -> &str {
        "m0005_sla_alerts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Alerts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [alerts(), steps(), agents(), actions(), effects()] {
            manager.create_table(table).await?;
        }
        for index in [
            // One alert per cycle of a clock and escalation policy.
            "CREATE UNIQUE INDEX sla_alerts_cause ON sla_alerts (clock_id, escalation_id)",
            "CREATE INDEX sla_alerts_ticket ON sla_alerts (ticket_id, id)",
            "CREATE INDEX sla_alerts_open ON sla_alerts (id) WHERE state <> 'resolved'",
            "CREATE INDEX sla_alerts_next ON sla_alerts (next_at) WHERE next_at IS NOT NULL",
            "CREATE INDEX sla_alerts_lane ON sla_alerts (lane, id) WHERE next_at IS NOT NULL",
            // A level is told once in a round, whatever happens.
            "CREATE UNIQUE INDEX sla_alert_steps_told ON sla_alert_steps (alert_id, round, level) \
             WHERE kind = 'notified'",
            "CREATE INDEX sla_alert_agents_agent ON sla_alert_agents (agent_id, alert_id)",
            "CREATE INDEX sla_actions_ticket ON sla_actions (ticket_id, id)",
            "CREATE INDEX sla_actions_next ON sla_actions (next_at) WHERE next_at IS NOT NULL",
            "CREATE INDEX sla_actions_lane ON sla_actions (lane, id) WHERE next_at IS NOT NULL",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "sla_action_effects",
            "sla_actions",
            "sla_alert_agents",
            "sla_alert_steps",
            "sla_alerts",
        ] {
            manager
                .drop_table(Table::drop().table(table).take())
                .await?;
        }
        Ok(())
    }
}

fn alerts() -> TableCreateStatement {
    Table::create()
        .table("sla_alerts")
        .col(text("id").primary_key())
        .col(text("ticket_id"))
        .col(number("lane"))
        .col(text("clock_id"))
        .col(text("metric"))
        .col(number("at_percent"))
        .col(text("escalation_id"))
        .col(number("escalation_version"))
        .col(maybe_text("group_id"))
        .col(text("state"))
        .col(number("level"))
        .col(number("round"))
        .col(number("repeats_left"))
        .col(flag("also_on_duty"))
        .col(number("attempts"))
        .col(maybe_long("next_at"))
        .col(long("generation"))
        .col(number("steps"))
        .col(long("opened_at"))
        .col(maybe_long("acknowledged_at"))
        .col(text("acknowledged_by"))
        .col(maybe_long("resolved_at"))
        .col(maybe_text("resolution"))
        .take()
}

fn steps() -> TableCreateStatement {
    Table::create()
        .table("sla_alert_steps")
        .col(text("alert_id"))
        .col(number("number"))
        .col(long("at"))
        .col(text("kind"))
        .col(number("level"))
        .col(number("round"))
        .col(text("detail"))
        .primary_key(Index::create().col("alert_id").col("number"))
        .take()
}

/// Who was told of which alert, or acknowledged it: what a list by agent looks into.
fn agents() -> TableCreateStatement {
    Table::create()
        .table("sla_alert_agents")
        .col(text("alert_id"))
        .col(text("agent_id"))
        .primary_key(Index::create().col("alert_id").col("agent_id"))
        .take()
}

fn actions() -> TableCreateStatement {
    Table::create()
        .table("sla_actions")
        .col(text("id").primary_key())
        .col(text("ticket_id"))
        .col(number("lane"))
        .col(text("clock_id"))
        .col(text("metric"))
        .col(number("at_percent"))
        .col(text("kind"))
        .col(text("command"))
        .col(text("state"))
        .col(number("attempts"))
        .col(maybe_long("next_at"))
        .col(long("generation"))
        .col(text("error"))
        .col(long("created_at"))
        .col(maybe_long("ended_at"))
        .take()
}

/// What actions brought about: clocks they started or retargeted, and events. It triggers no further
/// action.
fn effects() -> TableCreateStatement {
    Table::create()
        .table("sla_action_effects")
        .col(text("id").primary_key())
        .take()
}
