//! Every metric about tickets, against figures computed by hand from the desk's eight tickets.

use lotse_journal::Body;
use lotse_proto::common::v1::{Channel, Priority};
use lotse_proto::insight::v1::{Figure, QueryMetricsRequest};
use lotse_proto::journal::v1::TicketMerged;
use lotse_testkit::{TestDb, on_both_databases};

use crate::desk::{self, created, minute, solved};
use crate::stage::{Stage, ask, migrations};

const MINUTE: f64 = 60.0;

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 1e-9 * expected.abs().max(1.0))
}

#[track_caller]
fn check_share(figure: &Figure, numerator: i64, n: i64) {
    assert_eq!(
        (figure.numerator, figure.n),
        (Some(numerator), n),
        "{figure:?}"
    );
    assert!(
        near(figure.value, numerator as f64 / n as f64),
        "{figure:?}"
    );
    assert!(
        figure.low <= figure.value && figure.value <= figure.high,
        "{figure:?}"
    );
}

#[track_caller]
fn check_minutes(figure: &Figure, n: i64, sum: f64, ranks: [f64; 3]) {
    assert_eq!(figure.n, n, "{figure:?}");
    assert!(near(figure.sum, sum * MINUTE), "{figure:?}");
    assert!(near(figure.mean, sum * MINUTE / n as f64) && figure.mean == figure.value);
    let found = [figure.p50, figure.p90, figure.p95];
    assert_eq!(found, ranks.map(|rank| Some(rank * MINUTE)), "{figure:?}");
}

async fn desk(db: TestDb) -> Stage {
    let stage = Stage::new(db).await;
    desk::open(&stage).await;
    stage
}

on_both_databases! {
    migrations = migrations;

    async fn volume_is_tickets_created_by_any_dimension(db: TestDb) {
        let mut stage = desk(db).await;
        assert_eq!(stage.figure("ticket_volume", "", "").await.value, Some(8.0));
        let counts = |by: Vec<(String, Figure)>| -> Vec<(String, i64)> {
            by.into_iter().map(|(group, figure)| (group, figure.n)).collect()
        };
        let by = counts(stage.by("ticket_volume", &["channel", "category"], "").await);
        let expected = [
            ("CHAT access", 1),
            ("EMAIL billing", 2),
            ("PHONE -", 1),
            ("PHONE access", 2),
            ("PHONE billing", 1),
            ("WEB access", 1),
        ];
        assert_eq!(by, expected.map(|(group, n)| (group.to_owned(), n)));
        let by = counts(stage.by("ticket_volume", &["tag"], "").await);
        assert_eq!(by, [("-", 6), ("mobile", 1), ("vip", 2)].map(|(g, n)| (g.to_owned(), n)));
        let by = counts(stage.by("ticket_volume", &["tier", "transferred"], "").await);
        let expected = [("- false", 2), ("- true", 1), ("1 false", 4), ("2 false", 1)];
        assert_eq!(by, expected.map(|(group, n)| (group.to_owned(), n)));
    }

    async fn filters_choose_the_tickets_that_count(db: TestDb) {
        let mut stage = desk(db).await;
        for (filter, n) in [
            ("transferred = false AND reopened = false", 6),
            ("attributes.made_sla = \"true\" AND priority = NORMAL", 1),
            ("attributes.made_sla:*", 2),
            ("attributes.made_sla != true", 7),
            ("tag:vip", 2),
            ("NOT tag:vip AND channel = phone", 4),
            ("tag:*", 2),
            ("priority = URGENT OR priority = LOW", 3),
            ("category = \"\"", 0),
            ("NOT category:*", 1),
            ("solved = true", 6),
            ("closed = true", 1),
            ("escalated = true OR misrouted = true", 2),
            ("repeat = true", 1),
            ("agent = ann AND NOT (status = SOLVED)", 0),
            ("tier = 2", 1),
            ("first_group = g1 AND group != g1", 2),
        ] {
            assert_eq!(stage.figure("ticket_volume", "", filter).await.n, n, "{filter}");
        }
    }

    async fn opened_vs_solved_counts_each_ticket_once(db: TestDb) {
        let mut stage = desk(db).await;
        assert_eq!(stage.figure("opened_vs_solved", "created", "").await.value, Some(8.0));
        assert_eq!(stage.figure("opened_vs_solved", "solved", "").await.value, Some(6.0));
        let difference = stage.figure("opened_vs_solved", "difference", "").await;
        assert_eq!((difference.value, difference.n), (Some(2.0), 14));
    }

    async fn first_reply_time_knows_humans_only(db: TestDb) {
        let mut stage = desk(db).await;
        // a 60, c 2, d 35, f 30 minutes.
        let figure = stage.figure("first_reply_time", "", "").await;
        check_minutes(&figure, 4, 127.0, [30.0, 60.0, 60.0]);
        assert_eq!(figure.coverage, Some(0.5));
        let phone = stage.figure("first_reply_time", "", "channel = PHONE").await;
        let absent = Figure { coverage: Some(0.0), ..Figure::default() };
        assert_eq!(phone, absent, "absent, not zero");
    }

    async fn wait_time_is_the_mean_over_reply_cycles(db: TestDb) {
        let mut stage = desk(db).await;
        // a 60, c 2 10 10, d 35, f 30; e still waits.
        let figure = stage.figure("average_wait_time", "", "").await;
        check_minutes(&figure, 6, 147.0, [10.0, 60.0, 60.0]);
        assert_eq!(figure.coverage, Some(6.0 / 7.0));
        let figure = stage.figure("next_reply_time", "", "").await;
        check_minutes(&figure, 2, 20.0, [10.0, 10.0, 10.0]);
    }

    async fn resolution_time_runs_to_the_last_or_the_first_solved(db: TestDb) {
        let mut stage = desk(db).await;
        // a 60, b 120, c 1500 or 30, f 60, g 10, h 10.
        let full = stage.figure("resolution_time", "full", "").await;
        check_minutes(&full, 6, 1_760.0, [60.0, 1_500.0, 1_500.0]);
        assert_eq!(full.coverage, Some(0.75));
        let first = stage.figure("resolution_time", "first", "").await;
        check_minutes(&first, 6, 290.0, [30.0, 120.0, 120.0]);
    }

    async fn stays_end_when_the_ticket_leaves_its_group(db: TestDb) {
        let mut stage = desk(db).await;
        // a 50, b 25 and 90, d 29, g 9, h 9; d and e stay on.
        let figure = stage.figure("time_in_group", "", "").await;
        check_minutes(&figure, 6, 212.0, [25.0, 90.0, 90.0]);
        assert_eq!(figure.coverage, Some(0.75));
        let by = stage.by("time_in_group", &["group"], "").await;
        let groups: Vec<_> = by.iter().map(|(group, figure)| (group.as_str(), figure.n)).collect();
        assert_eq!(groups, [("g1", 5), ("g2", 1), ("g3", 0)]);
    }

    async fn routing_rates_are_shares_of_what_was_handled(db: TestDb) {
        let mut stage = desk(db).await;
        check_share(&stage.figure("transfer_rate", "", "").await, 1, 7);
        check_share(&stage.figure("misroute_rate", "", "").await, 1, 7);
        check_share(&stage.figure("escalation_rate", "", "").await, 1, 7);
        let hops = stage.figure("hops", "", "").await;
        assert_eq!((hops.value, hops.sum, hops.numerator, hops.n), (Some(2.0), Some(2.0), Some(1), 7));
        assert!(near(hops.mean, 2.0 / 7.0));
    }

    async fn reopenings_are_counted_once_a_ticket_and_in_sum(db: TestDb) {
        let mut stage = desk(db).await;
        check_share(&stage.figure("reopen_rate", "", "").await, 1, 6);
        let sum = stage.figure("reopenings", "", "").await;
        assert_eq!((sum.value, sum.numerator, sum.n), (Some(1.0), Some(1), 6));
    }

    async fn first_contact_resolution_waits_seven_days(db: TestDb) {
        let mut stage = desk(db).await;
        // g and h; a was repeated, b transferred, c reopened, f took two replies.
        let figure = stage.figure("first_contact_resolution", "", "").await;
        check_share(&figure, 2, 6);
        assert!(figure.provisional && figure.provisional_n == 1, "h is younger than seven days");
        let figure = stage.figure("FCR", "", "category = billing").await;
        check_share(&figure, 0, 3);
        assert!(!figure.provisional);
        check_share(&stage.figure("one_touch", "", "").await, 1, 6);
        check_share(&stage.figure("repeat_rate", "", "").await, 1, 8);
    }

    async fn solved_per_agent_is_the_mean_over_those_who_solved(db: TestDb) {
        let mut stage = desk(db).await;
        let figure = stage.figure("solved_per_agent", "", "").await;
        assert_eq!((figure.value, figure.n, figure.sum), (Some(3.0), 2, Some(6.0)));
        let by = stage.by("solved_per_agent", &["agent"], "").await;
        let by: Vec<_> = by.iter().map(|(agent, f)| (agent.as_str(), f.value, f.n)).collect();
        assert_eq!(by, [("ann", Some(4.0), 1), ("bob", Some(2.0), 1)]);
    }

    async fn backlog_is_what_stands_unsolved(db: TestDb) {
        let mut stage = desk(db).await;
        let figure = stage.figure("backlog", "", "").await;
        assert_eq!((figure.value, figure.numerator, figure.n), (Some(2.0), Some(2), 8));
        let by = stage.by("backlog", &["category"], "").await;
        let by: Vec<_> = by.iter().map(|(category, f)| (category.as_str(), f.value)).collect();
        assert_eq!(by, [("-", Some(1.0)), ("access", Some(1.0)), ("billing", Some(0.0))]);
    }

    async fn a_merged_ticket_is_neither_solved_nor_backlog(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let merged = || Body::TicketMerged(TicketMerged { into_ticket_id: "d".to_owned() });
        let came = || Body::TicketCreated(created(Channel::Email, "x", Priority::Normal));
        for (ticket, story) in [
            ("a", vec![(minute(0), came()), (minute(9), merged())]),
            // Solved, but it was another one's all the time.
            ("b", vec![(minute(1), came()), (minute(5), solved("ann")), (minute(9), merged())]),
            ("c", vec![(minute(2), came()), (minute(8), solved("ann"))]),
            ("d", vec![(minute(3), came())]),
        ] {
            stage.ticket(ticket, story).await;
        }
        assert_eq!(stage.figure("merged_tickets", "", "").await.value, Some(2.0));
        assert_eq!(stage.figure("ticket_volume", "", "").await.value, Some(4.0));
        assert_eq!(stage.figure("opened_vs_solved", "solved", "").await.value, Some(1.0));
        assert_eq!(stage.figure("backlog", "", "").await.value, Some(1.0));
        let apart = stage.figure("ticket_volume", "", "merged = false").await;
        assert_eq!(apart.value, Some(2.0));
    }

    async fn percentiles_are_those_of_a_naive_model(db: TestDb) {
        let mut stage = Stage::new(db).await;
        // Durations in minutes with ties, drawn by a fixed rule; one category for each length.
        let lengths = [1_u64, 2, 3, 9, 10, 11, 19, 20, 21, 60];
        let duration = |length: u64, at: u64| (at * 7_919 + length * 104_729) % 50 + 1;
        let mut drafts = Vec::new();
        for length in lengths {
            for at in 0..length {
                let ticket = format!("t{length}_{at}");
                let body = created(Channel::Web, &format!("c{length:02}"), Priority::Normal);
                let draft = |at, body| lotse_journal::Draft::ticket(ticket.clone(), body).at(at);
                drafts.push(draft(minute(0), Body::TicketCreated(body)));
                drafts.push(draft(minute(duration(length, at)), solved("")));
            }
        }
        stage.journal(drafts).await;
        let by = stage.by("resolution_time", &["category"], "").await;
        assert_eq!(by.len(), lengths.len());
        for (length, (category, figure)) in lengths.into_iter().zip(by) {
            let mut all: Vec<u64> = (0..length).map(|at| duration(length, at)).collect();
            all.sort_unstable();
            // The smallest observation that at least `percent` of all do not exceed.
            let naive = |percent: u64| {
                let enough = |value: &&u64| {
                    let below = all.iter().filter(|other| other <= value).count() as u64;
                    below * 100 >= percent * length
                };
                all.iter().find(enough).map(|value| *value as f64 * MINUTE)
            };
            let expected = [50, 90, 95].map(naive);
            assert_eq!([figure.p50, figure.p90, figure.p95], expected, "{category}");
        }
    }

    async fn without_facts_every_figure_is_absent(db: TestDb) {
        let mut stage = Stage::new(db).await;
        let catalogue = lotse_insight::catalogue::metrics().map(|metric| metric.id.to_owned());
        let metrics: Vec<String> = catalogue.collect();
        let request = QueryMetricsRequest { metrics, ..ask("") };
        let series = stage.query(request).await.unwrap();
        assert!(series.len() > 20);
        for series in series {
            let [point] = series.points.try_into().unwrap();
            assert_eq!(point.figure, Some(Figure::default()), "{} {}", series.metric, series.part);
        }
    }
}
