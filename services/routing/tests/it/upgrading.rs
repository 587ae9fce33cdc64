//! What an older program has stored is kept.

use lotse_db::Migrations;
use lotse_proto::routing::v1 as proto;
use lotse_testkit::TestDb;
use sea_orm::ConnectionTrait as _;

use crate::stage::{Stage, migrations};

/// Up to when each kind of configuration had a table of its own.
fn of_old() -> Migrations {
    let mut all = migrations();
    let first_of_later = all
        .iter()
        .position(|one| one.name() == "m0003_routing_settings")
        .unwrap();
    all.truncate(first_of_later);
    all
}

const GROUP: &str = "grp_01h455vb4pex5vsknk084sn00q";

lotse_testkit::on_both_databases! {
    migrations = of_old;

    async fn groups_skills_and_workflows_of_old_are_kept_with_their_versions(db: TestDb) {
        let plan = format!(r#"{{"rules":[],"default_group":"{GROUP}"}}"#);
        let profile = r#"{"name":"desk","tier":1,"required_skills":{},"lead":null,"escalates_to":null}"#;
        let rows = [
            "INSERT INTO routing_directory VALUES (1, 9)".to_owned(),
            format!("INSERT INTO routing_groups VALUES ('{GROUP}', 'desk', '{profile}', 4, 10, 20)"),
            "INSERT INTO routing_skills VALUES \
             ('skl_01h455vb4pex5vsknk084sn00q', 'vpn', 'a \"tunnel\"', 2, 10, 20)".to_owned(),
            format!("INSERT INTO routing_workflows VALUES (1, '{plan}', 10), (2, '{plan}', 20)"),
        ]
        .join(";");
        let opened = db.db();
        let filled = opened.in_tx(|tx| {
            let rows = rows.clone();
            async move { tx.execute_unprepared(&rows).await }
        });
        filled.await.unwrap();
        lotse_db::migrate(&opened, migrations()).await.unwrap();
        let stage = Stage::new(db).await;
        let request = proto::GetGroupRequest { id: "desk".to_owned() };
        let group = stage.workflows().get_group(request).await.unwrap().into_inner().group.unwrap();
        assert_eq!((group.id.as_str(), group.version), (GROUP, 4));
        let request = proto::ListSkillsRequest::default();
        let skills = stage.workflows().list_skills(request).await.unwrap().into_inner().skills;
        assert_eq!((skills[0].description.as_str(), skills[0].version), ("a \"tunnel\"", 2));
        for (asked, version, millis) in [(1, 1, 10), (0, 2, 20)] {
            let request = proto::GetWorkflowRequest { version: asked };
            let got = stage.workflows().get_workflow(request).await.unwrap().into_inner();
            let workflow = got.workflow.unwrap();
            assert_eq!(workflow.version, version);
            assert_eq!(workflow.created_at.unwrap().nanos, millis * 1_000_000);
        }
        // It goes on from there.
        let wanted = proto::Group { name: "desk".to_owned(), tier: 2, etag: group.etag, ..Default::default() };
        let changed = stage.put_group(wanted).await.unwrap().group.unwrap();
        assert_eq!((changed.id.as_str(), changed.version), (GROUP, 5));
    }
}
