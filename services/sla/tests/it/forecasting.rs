//! ForecastBreaches, and the model behind it.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_journal::Draft;
use lotse_proto::common::v1::{Priority, SlaMetric, TicketStatus};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::duration_to_proto;
use lotse_sla::domain::forecast::{
    Kind, Lifetime, Load, Model, Pace, Present, Settings, Staffing, reasons,
};
use lotse_sla::domain::{self, Hours, Metric, ResolutionEnd, Status};
use lotse_testkit::TestDb;
use proptest::prelude::*;

use crate::suite::{MONDAY_NINE, Suite, migrations, refusal, reply, status};

const HOUR: i64 = 3_600_000;
const REPLY: [(SlaMetric, u64); 1] = [(SlaMetric::FirstReply, 3_600)];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn kind(group: u8) -> Kind {
    Kind {
        metric: Metric::TotalResolution,
        ends_at: ResolutionEnd::Solved,
        priority: domain::Priority::Normal,
        group: (group > 0).then(|| Arc::from(group.to_string())),
    }
}

/// Clocks that began at `from` and ran `ran` milliseconds, in a group; known at `now`.
fn model(lives: &[(i64, i64, u8)], now: Timestamp) -> (Model, Load) {
    let (mut model, mut load) = (Model::new(now, Settings::default()), Load::new(now));
    for (from, ran, group) in lives {
        let statuses = [(at(*from), Status::Open)];
        let lifetime = Lifetime {
            kind: kind(*group),
            hours: &Hours::Always,
            started_at: at(*from),
            stopped_at: Some(at(from + ran)),
            statuses: &statuses,
        };
        model.learn(&lifetime);
        load.learn(&lifetime);
    }
    model.sort();
    (model, load)
}

fn present(since: i64, due: i64, group: u8) -> Present<'static> {
    Present {
        kind: kind(group),
        hours: &Hours::Always,
        status: Status::Open,
        since: at(since),
        due: at(due),
    }
}

proptest! {
    #[test]
    fn a_probability_is_one_and_falls_with_the_time_left(
        lives in prop::collection::vec((0..200_i64, 0..300_i64, 0..4_u8), 0..60),
        since in 0..200_i64,
        mut lefts in prop::collection::vec(0..400_i64, 1..8),
        group in 0..4_u8,
        pace in 0.1..4.0_f64,
    ) {
        let now = 200 * HOUR;
        let lives: Vec<_> = lives.iter().map(|(from, ran, group)| (from * HOUR, ran * HOUR, *group)).collect();
        let (model, _) = model(&lives, at(now));
        lefts.sort_unstable();
        let chance = |left: &i64| {
            let clock = present(since * HOUR, now + left * HOUR, group);
            model.chance(&clock, at(now), Pace(pace)).breach
        };
        let chances: Vec<f64> = lefts.iter().map(chance).collect();
        prop_assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{chances:?}");
        prop_assert!(chances.is_sorted_by(|sooner, later| sooner >= later), "{chances:?}");
    }

    #[test]
    fn nothing_that_happens_later_changes_what_was_known(
        lives in prop::collection::vec((0..100_i64, 0..300_i64), 1..40),
        left in 0..100_i64,
    ) {
        let now = 100 * HOUR;
        let full: Vec<_> = lives.iter().map(|(from, ran)| (from * HOUR, ran * HOUR, 1)).collect();
        // The same as they would go on if nobody ever stopped them after now.
        let seen: Vec<_> = full
            .iter()
            .map(|(from, ran, group)| (*from, if from + ran > now { 10_000 * HOUR } else { *ran }, *group))
            .collect();
        let clock = present(now - HOUR, now + left * HOUR, 1);
        let of = |lives: &[(i64, i64, u8)]| model(lives, at(now)).0.chance(&clock, at(now), Pace::USUAL);
        prop_assert_eq!(of(&full), of(&seen));
    }
}

#[test]
fn where_nothing_is_known_the_forecast_says_so() {
    let (model, load) = model(&[], at(0));
    let pace = load.pace(Metric::TotalResolution, None, None);
    let chance = model.chance(&present(0, HOUR, 0), at(0), pace);
    assert_eq!((chance.breach, chance.sample, chance.level), (0.5, 0, 0));
    assert_eq!(chance.typical, None);
    assert_eq!(reasons(&chance, pace, None)[0].0, "no_history");
}

#[test]
fn a_clock_does_as_others_did_that_had_come_as_far() {
    let now = 1_000 * HOUR;
    // Half stop after one hour, the others after ten.
    let lives: Vec<_> = (0..200_i64)
        .map(|n| {
            (
                now - 100 * HOUR,
                if n % 2 == 0 { HOUR } else { 10 * HOUR },
                0,
            )
        })
        .collect();
    let (model, _) = model(&lives, at(now));
    let chance = |so_far: i64, left: i64| {
        let clock = present(now - so_far * HOUR, now + left * HOUR, 0);
        model.chance(&clock, at(now), Pace::USUAL)
    };
    assert!((chance(0, 5).breach - 0.5).abs() < 0.01);
    assert!(
        chance(2, 5).breach > 0.95,
        "those who stop early have stopped"
    );
    assert!(chance(2, 9).breach < 0.05);
    let slow = model.chance(&present(now, now + 15 * HOUR, 0), at(now), Pace(0.25));
    assert!(
        slow.breach > 0.45,
        "at a quarter of the pace, fifteen hours are less than four"
    );
    assert_eq!(chance(2, 5).typical, Some(8 * HOUR));
}

#[test]
fn a_rare_group_is_pulled_towards_its_relatives() {
    let now = 1_000 * HOUR;
    let mut lives: Vec<_> = (0..500).map(|_| (now - 100 * HOUR, HOUR, 1)).collect();
    lives.push((now - 100 * HOUR, 50 * HOUR, 2));
    let one = model(&lives, at(now)).0;
    let chance =
        |model: &Model| model.chance(&present(now, now + 5 * HOUR, 2), at(now), Pace::USUAL);
    assert!(chance(&one).breach < 0.2, "one example is no rule");
    lives.extend((0..100).map(|_| (now - 100 * HOUR, 50 * HOUR, 2)));
    let many = model(&lives, at(now)).0;
    assert!(chance(&many).breach > 0.8, "a hundred are");
    assert_eq!(chance(&many).level, 3);
}

#[test]
fn fewer_people_and_a_later_place_slow_work_down() {
    let load = Load::new(at(0));
    let pace = |staffing: Staffing| load.pace(Metric::Idle, None, Some(&staffing)).0;
    let full = Staffing {
        online: 4,
        roster: 4,
        waiting: 9,
        place: None,
    };
    assert_eq!(pace(full), 1.0);
    assert_eq!(pace(Staffing { online: 2, ..full }), 0.5);
    assert_eq!(pace(Staffing { online: 0, ..full }), 0.25);
    let places = [1, 5, 9].map(|place| {
        pace(Staffing {
            place: Some(place),
            ..full
        })
    });
    assert!(
        places[0] > 1.0 && places[1] == 1.0 && places[2] < 1.0,
        "{places:?}"
    );
}

async fn ask(
    suite: &mut Suite,
    request: proto::ForecastBreachesRequest,
) -> proto::ForecastBreachesResponse {
    suite
        .client
        .forecast_breaches(request)
        .await
        .unwrap()
        .into_inner()
}

fn ahead(seconds: u64) -> proto::ForecastBreachesRequest {
    proto::ForecastBreachesRequest {
        horizon: Some(duration_to_proto(Duration::from_secs(seconds))),
        ..Default::default()
    }
}

fn codes(forecast: &proto::BreachForecast) -> Vec<&str> {
    forecast
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn forecasts_follow_what_happened_to_others(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &REPLY).await;
        // Urgent ones are answered within ten minutes, low ones never in time.
        for _ in 0..30 {
            let quick = suite.ticket(Priority::Urgent).await;
            suite.ticket(Priority::Low).await;
            suite.served.advance(Duration::from_secs(600)).await;
            suite.emit(vec![Draft::ticket(&quick, reply(suite.clock.now()))]).await;
        }
        suite.served.advance(Duration::from_secs(7_200)).await;
        let (quick, slow) = (suite.ticket(Priority::Urgent).await, suite.ticket(Priority::Low).await);
        let told = ask(&mut suite, ahead(3_600)).await;
        let seen: Vec<_> = told.forecasts.iter().map(|one| one.ticket_id.as_str()).collect();
        assert_eq!(seen, [slow.as_str(), quick.as_str()], "the likelier first");
        assert!(told.forecasts[0].probability > 0.8 && told.forecasts[1].probability < 0.2, "{told:?}");
        assert_eq!(told.forecasts[0].remaining, Some(duration_to_proto(Duration::from_secs(3_600))));
        assert!(told.forecasts.iter().all(|one| one.sample_size >= 30 && codes(one)[0] == "history"));
        let summary = told.summary.unwrap();
        assert_eq!((summary.due, summary.listed, summary.learned_from), (2, 2, 62));
        let sum: f64 = told.forecasts.iter().map(|one| one.probability).sum();
        assert!((summary.expected_breaches - sum).abs() < 1e-9);
        // Nobody answers for routing here.
        assert!(!summary.staffing_known);

        let certain = proto::ForecastBreachesRequest { threshold: 0.5, ..ahead(3_600) };
        let told = ask(&mut suite, certain).await;
        assert_eq!(told.forecasts.len(), 1);
        assert_eq!(told.summary.unwrap().due, 2, "the summary counts them all");
        // Nothing is due so soon.
        assert_eq!(ask(&mut suite, ahead(60)).await.forecasts, []);
    }

    async fn without_any_past_a_forecast_says_so(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &REPLY).await;
        suite.ticket(Priority::Normal).await;
        let told = ask(&mut suite, ahead(7_200)).await;
        let [one] = &told.forecasts[..] else { panic!("{told:?}") };
        assert_eq!((codes(one), one.sample_size), (vec!["no_history"], 0));
        assert_eq!(told.summary.unwrap().without_history, 1);
    }

    async fn a_paused_clock_is_counted_apart(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &[(SlaMetric::RequesterWait, 3_600)]).await;
        let ticket = suite.ticket(Priority::Normal).await;
        suite.served.advance(Duration::from_secs(60)).await;
        suite.emit(vec![Draft::ticket(&ticket, status(TicketStatus::Pending, ""))]).await;
        suite.served.settle().await;
        let told = ask(&mut suite, ahead(7_200)).await;
        let summary = told.summary.unwrap();
        assert_eq!((told.forecasts.len(), summary.due, summary.paused), (0, 0, 1));
    }

    async fn pages_of_forecasts_are_of_one_instant_and_whole(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        suite.promise("p", &REPLY).await;
        for _ in 0..7 {
            suite.ticket(Priority::Normal).await;
            suite.served.advance(Duration::from_secs(120)).await;
        }
        let mut request = proto::ForecastBreachesRequest { page_size: 3, ..ahead(7_200) };
        let (mut seen, mut sizes, mut instants) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let told = ask(&mut suite, request.clone()).await;
            sizes.push(told.forecasts.len());
            instants.push(told.as_of);
            seen.extend(told.forecasts.into_iter().map(|one| (one.probability, one.clock_id)));
            request.page_token = told.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            suite.served.advance(Duration::from_secs(1)).await;
        }
        assert_eq!(sizes, [3, 3, 1]);
        assert!(instants.iter().all(|at| *at == instants[0]));
        let mut sorted = seen.clone();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        sorted.dedup();
        assert_eq!(seen, sorted);
        let other = proto::ForecastBreachesRequest { threshold: 0.1, ..request };
        let first = proto::ForecastBreachesRequest { page_size: 3, ..ahead(7_200) };
        let page_token = ask(&mut suite, first).await.next_page_token;
        let other = proto::ForecastBreachesRequest { page_token, ..other };
        let refused = suite.client.forecast_breaches(other).await.unwrap_err();
        assert_eq!(refusal(&refused).0, ErrorReason::InvalidPageToken);
    }

    async fn what_is_wrong_with_a_forecast_is_told_by_field(db: TestDb) {
        let Some(mut suite) = Suite::new(&db, MONDAY_NINE).await else { return };
        let request = proto::ForecastBreachesRequest {
            threshold: 1.5,
            metrics: vec![0],
            group_ids: vec!["agt_1".to_owned()],
            ..ahead(59)
        };
        let refused = suite.client.forecast_breaches(request).await.unwrap_err();
        let (reason, fields) = refusal(&refused);
        assert_eq!(reason, ErrorReason::InvalidField);
        assert_eq!(fields, ["horizon", "threshold", "group_ids[0]", "metrics[0]"]);
    }
}
