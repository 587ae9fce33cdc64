//! ListClocks.

use std::collections::BTreeSet;

use lotse_errors::ErrorReason;
use lotse_ids::TicketId;
use lotse_proto::common::v1::{ClockState, Priority, SlaMetric};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use std::time::Duration;

use crate::suite::{MONDAY_NINE, Suite, migrations, refusal, reply};

const BOTH: [(SlaMetric, u64); 2] = [(SlaMetric::FirstReply, 3_600), (SlaMetric::Idle, 7_200)];

async fn page(suite: &mut Suite, request: &proto::ListClocksRequest) -> proto::ListClocksResponse {
    suite
        .client
        .list_clocks(request.clone())
        .await
        .unwrap()
        .into_inner()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn pages_give_every_clock_once_also_while_more_come(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH).await;
        for _ in 0..7 {
            suite.ticket(Priority::Normal).await;
            suite.served.advance(Duration::from_millis(5)).await;
        }
        let mut request = proto::ListClocksRequest { page_size: 4, ..Default::default() };
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let found = page(&mut suite, &request).await;
            sizes.push(found.clocks.len());
            seen.extend(found.clocks.into_iter().map(|clock| clock.id));
            if found.next_page_token.is_empty() {
                break;
            }
            request.page_token = found.next_page_token;
            if sizes.len() == 1 {
                suite.ticket(Priority::Normal).await;
            }
        }
        assert_eq!(sizes, [4, 4, 4, 4], "fourteen clocks, and two that came meanwhile");
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), 16);
        assert!(seen.is_sorted());
    }

    async fn conditions_hold_together(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH).await;
        let first = suite.ticket(Priority::Normal).await;
        let second = suite.ticket(Priority::Normal).await;
        suite.served.advance(Duration::from_secs(1_800)).await;
        suite.emit(vec![lotse_journal::Draft::ticket(&first, reply(suite.clock.now()))]).await;
        suite.served.advance(Duration::from_secs(900)).await;

        let everything = proto::ListClocksRequest::default();
        assert_eq!(page(&mut suite, &everything).await.clocks.len(), 5, "idle began anew");
        let met = proto::ListClocksRequest {
            states: vec![ClockState::Met.into()],
            ..Default::default()
        };
        let found = page(&mut suite, &met).await;
        assert_eq!(found.clocks.len(), 2);
        assert!(found.clocks.iter().all(|clock| clock.ticket_id == first));
        let idle = proto::ListClocksRequest {
            ticket_ids: vec![first.clone(), second.clone()],
            metrics: vec![SlaMetric::Idle.into()],
            latest_only: true,
            ..Default::default()
        };
        let found = page(&mut suite, &idle).await;
        let found: Vec<_> = found.clocks.iter().map(|clock| (&clock.ticket_id, clock.cycle)).collect();
        assert_eq!(found, [(&second, 1), (&first, 2)]);
        let unknown = proto::ListClocksRequest {
            ticket_ids: vec![TicketId::generate(MONDAY_NINE).to_string()],
            ..Default::default()
        };
        assert_eq!(page(&mut suite, &unknown).await.clocks, []);
    }

    async fn a_clock_says_how_much_is_used_now(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &BOTH[..1]).await;
        let ticket = suite.ticket(Priority::High).await;
        suite.served.advance(Duration::from_millis(900_250)).await;
        let request = proto::ListClocksRequest {
            ticket_ids: vec![ticket.clone()],
            ..Default::default()
        };
        let found = page(&mut suite, &request).await;
        assert_eq!(found.as_of, Some(to_proto(suite.clock.now())));
        let [clock] = &found.clocks[..] else { panic!("{found:?}") };
        assert_eq!(clock.consumed, Some(prost_types::Duration { seconds: 900, nanos: 250_000_000 }));
        assert!((clock.share - 900.25 / 3_600.0).abs() < 1e-12);
        assert_eq!(clock.target, Some(prost_types::Duration { seconds: 3_600, nanos: 0 }));
        assert_eq!(clock.due_at, Some(to_proto(MONDAY_NINE + Duration::from_secs(3_600))));
        assert_eq!((clock.cycle, clock.policy_version, clock.latest), (1, 1, true));
        assert!(clock.id.starts_with("clk_") && clock.policy_id.starts_with("pol_"));
        assert_eq!((clock.calendar_id.as_str(), clock.calendar_version), ("", 0));
    }

    async fn what_is_wrong_with_a_request_is_told_by_field(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let request = proto::ListClocksRequest {
            ticket_ids: vec!["tkt_?".to_owned()],
            metrics: vec![0],
            states: vec![ClockState::Met.into(), 99],
            ..Default::default()
        };
        let refused = suite.client.list_clocks(request).await.unwrap_err();
        let fields = ["ticket_ids[0]", "metrics[0]", "states[1]"].map(str::to_owned).to_vec();
        assert_eq!(refusal(&refused), (ErrorReason::InvalidField, fields));

        suite.promise("p", &BOTH).await;
        suite.ticket(Priority::Normal).await;
        let request = proto::ListClocksRequest { page_size: 1, ..Default::default() };
        let token = page(&mut suite, &request).await.next_page_token;
        let other = proto::ListClocksRequest {
            latest_only: true,
            page_token: token,
            ..Default::default()
        };
        let refused = suite.client.list_clocks(other).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::InvalidPageToken);
        let negative = proto::ListClocksRequest { page_size: -1, ..Default::default() };
        let refused = suite.client.list_clocks(negative).await.unwrap_err();
        assert_eq!(refusal(&refused).1, ["page_size"]);
    }
}
