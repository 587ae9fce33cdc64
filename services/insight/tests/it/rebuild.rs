//! Making the facts anew.

use lotse_proto::insight::v1::QueryMetricsRequest;
use lotse_testkit::{TestDb, on_both_databases};

use crate::desk;
use crate::stage::{Stage, ask, migrations};

on_both_databases! {
    migrations = migrations;

    async fn rebuilding_gives_identical_figures(db: TestDb) {
        let mut stage = Stage::new(db).await;
        desk::open(&stage).await;
        let everything = QueryMetricsRequest {
            metrics: lotse_insight::catalogue::metrics().map(|m| m.id.to_owned()).collect(),
            group_by: vec!["channel".to_owned(), "agent".to_owned()],
            ..ask("")
        };
        let before = stage.query(everything.clone()).await.unwrap();
        assert!(before.len() > 20);
        lotse_insight::rebuild(&stage.journal).await.unwrap();
        let empty = stage.query(everything.clone()).await.unwrap();
        assert!(empty.is_empty(), "nothing is there until the journal is read again");
        stage.suite.settle().await;
        assert_eq!(stage.query(everything).await.unwrap(), before);
    }
}
