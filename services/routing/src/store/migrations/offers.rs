//! Offers, presence and load per channel, and the work that follows a ticket.

use sea_orm::sea_query::{Alias, Index, Table};
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{column, index, long, number, table, text};

/// What offers need of agents and items, and a table of their own.
pub(crate) struct CreateOffers;

impl MigrationName for CreateOffers {
    fn name(&self) -> &str {
        "m0011_routing_offers"
    }
}

const CHANNELS: [&str; 7] = ["email", "chat", "phone", "web", "api", "social", "walk_in"];

#[async_trait::async_trait]
impl MigrationTrait for CreateOffers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut agents = vec![
            text("channel_presence").default("").take(),
            long("closed_channels").default(0).take(),
            text("limits").default("").take(),
        ];
        let load = |channel: &str| long(&format!("load_{channel}")).default(0).take();
        agents.extend(CHANNELS.iter().map(|channel| load(channel)));
        let items = [
            long("weight").default(1_000).take(),
            column("offer_id").text().take(),
            column("offered_to").text().take(),
            column("offer_decision_id").text().take(),
            column("timer_at").big_integer().take(),
            long("timer_generation").default(0).take(),
            number("lane").default(0).take(),
        ];
        for (table, columns) in [("routing_agents", agents), ("routing_items", items.into())] {
            for mut column in columns {
                // One each: SQLite takes no more.
                let add = Table::alter()
                    .table(Alias::new(table))
                    .add_column(&mut column)
                    .to_owned();
                manager.alter_table(add).await?;
            }
        }
        let conn = manager.get_connection();
        for channel in CHANNELS {
            conn.execute_unprepared(&format!(
                "UPDATE routing_agents SET load_{channel} = COALESCE((SELECT SUM(load) \
                 FROM routing_items WHERE agent_id = routing_agents.id \
                 AND channel = '{channel}'), 0)"
            ))
            .await?;
        }
        // Few items have a timer or an offer at any time.
        for (name, columns) in [("timer", "timer_at"), ("offered", "offered_to")] {
            conn.execute_unprepared(&format!(
                "CREATE INDEX routing_items_{name} ON routing_items ({columns}) \
                 WHERE {columns} IS NOT NULL"
            ))
            .await?;
        }
        let mut offers = table(
            "routing_offers",
            [
                text("id"),
                text("ticket_id"),
                text("agent_id"),
                text("state"),
                long("offered_at"),
                column("ended_at").big_integer().take(),
                text("reason"),
            ],
        );
        offers.primary_key(Index::create().col(Alias::new("id")));
        manager.create_table(offers).await?;
        index(
            manager,
            "routing_offers_ticket",
            "routing_offers",
            &["ticket_id", "id"],
        )
        .await?;
        // Agents have new columns.
        super::seats::note_seats(manager).await
    }
}
