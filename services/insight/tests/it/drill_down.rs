//! The tickets behind figures.

use lotse_testkit::{TestDb, on_both_databases};

use crate::desk;
use crate::stage::{Stage, migrations};

on_both_databases! {
    migrations = migrations;

    async fn tickets_behind_a_figure_are_as_many_as_it_says(db: TestDb) {
        let mut stage = Stage::new(db).await;
        desk::open(&stage).await;
        for (metric, part) in [
            ("ticket_volume", ""),
            ("opened_vs_solved", "created"),
            ("opened_vs_solved", "solved"),
            ("first_reply_time", ""),
            ("resolution_time", "full"),
            ("resolution_time", "first"),
            ("first_contact_resolution", ""),
            ("transfer_rate", ""),
            ("hops", ""),
            ("misroute_rate", ""),
            ("escalation_rate", ""),
            ("reopen_rate", ""),
            ("reopenings", ""),
            ("repeat_rate", ""),
        ] {
            let figure = stage.figure(metric, part, "").await;
            let tickets = stage.drill(metric, part, false, 3).await;
            assert_eq!(tickets.len() as i64, figure.n, "{metric} {part}");
            assert!(tickets.is_sorted());
            if let Some(numerator) = figure.numerator {
                let tickets = stage.drill(metric, part, true, 3).await;
                assert_eq!(tickets.len() as i64, numerator, "{metric} {part}");
            }
        }
    }

    async fn tickets_are_listed_once_and_by_name(db: TestDb) {
        let mut stage = Stage::new(db).await;
        desk::open(&stage).await;
        assert_eq!(stage.drill("backlog", "", false, 10).await, ["d", "e"]);
        assert_eq!(stage.drill("first_contact_resolution", "", true, 1).await, ["g", "h"]);
        assert_eq!(stage.drill("transfer_rate", "", true, 1).await, ["b"]);
        assert_eq!(stage.drill("average_wait_time", "", false, 1).await, ["a", "c", "d", "f"]);
    }
}
