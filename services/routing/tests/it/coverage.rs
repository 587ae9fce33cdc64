//! Cover of one group by another, and the shifts of agents.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_grpc::Stack;
use lotse_journal::Body;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::coverage_service_client::CoverageServiceClient;
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::get_acknowledgement_request::Subject;
use lotse_proto::routing::v1::rota_layer::Plan;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::stage::{Stage, agent, created, language, migrations, reason, skills};

const HOUR: Duration = Duration::from_secs(3_600);

impl Stage {
    pub(crate) fn coverage(&self) -> CoverageServiceClient<Stack> {
        CoverageServiceClient::new(self.suite.stack())
    }

    pub(crate) async fn put_cover(
        &self,
        cover: proto::Cover,
    ) -> Result<proto::PutCoverResponse, Status> {
        let request = proto::PutCoverRequest {
            cover: Some(cover),
            request_id: String::new(),
        };
        let put = self.coverage().put_cover(request).await;
        put.map(Response::into_inner)
    }

    pub(crate) async fn put_shifts(
        &self,
        plan: proto::ShiftPlan,
    ) -> Result<proto::PutShiftPlanResponse, Status> {
        let request = proto::PutShiftPlanRequest {
            shift_plan: Some(plan),
            request_id: String::new(),
        };
        let put = self.coverage().put_shift_plan(request).await;
        put.map(Response::into_inner)
    }

    async fn standing(&self, agent: &str) -> proto::GetShiftPlanResponse {
        let request = proto::GetShiftPlanRequest {
            agent_id: agent.to_owned(),
        };
        let got = self.coverage().get_shift_plan(request).await;
        got.unwrap().into_inner()
    }

    async fn acknowledgement(
        &self,
        subject: Subject,
        language: &str,
    ) -> proto::GetAcknowledgementResponse {
        let request = proto::GetAcknowledgementRequest {
            subject: Some(subject),
            language: language.to_owned(),
        };
        let told = self.coverage().get_acknowledgement(request).await;
        told.unwrap().into_inner()
    }
}

/// The group "desk" covered by the group "night" for four hours from `starts_at` on.
pub(crate) fn cover(starts_at: Timestamp) -> proto::Cover {
    let notice = |language: &str, text: &str| proto::CoverNotice {
        language: language.to_owned(),
        text: text.to_owned(),
    };
    proto::Cover {
        group_id: "desk".to_owned(),
        covered_by_group_id: "night".to_owned(),
        starts_at: Some(to_proto(starts_at)),
        ends_at: Some(to_proto(starts_at + HOUR * 4)),
        notices: vec![
            notice("en", "Our night team answers."),
            notice("de", "Unser Nachtdienst antwortet."),
        ],
        reason: "company outing".to_owned(),
        ..proto::Cover::default()
    }
}

fn hours(weekday: proto::Weekday, starts_at: &str, ends_at: &str) -> proto::DutyHours {
    proto::DutyHours {
        weekday: weekday.into(),
        starts_at: starts_at.to_owned(),
        ends_at: ends_at.to_owned(),
    }
}

/// Wednesday from one to five, UTC, with a break from two to three. The stage's clock begins on a
/// Tuesday at 22:13.
pub(crate) fn shifts(agent: &str) -> proto::ShiftPlan {
    let wednesday = proto::Weekday::Wednesday;
    proto::ShiftPlan {
        agent_id: agent.to_owned(),
        time_zone: "Etc/UTC".to_owned(),
        shifts: vec![hours(wednesday, "01:00", "05:00")],
        breaks: vec![hours(wednesday, "02:00", "03:00")],
        ..proto::ShiftPlan::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn while_a_group_is_covered_the_agents_of_the_other_get_its_tickets(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let night = stage.group("night", 1).await;
        let anna = stage.online(agent("Anna", &night, 1)).await;
        let ticket = stage.ticket(created()).await;
        let begins = stage.clock.now() + HOUR;
        let put = stage.put_cover(cover(begins)).await.unwrap();
        assert_eq!(put.outcome(), proto::PutOutcome::Created);
        let cover_id = put.cover.unwrap().id;
        stage.suite.advance(HOUR - Duration::from_millis(1)).await;
        assert_eq!(stage.route(&ticket).await.agent_id, "");
        // Nobody does anything: the beginning of the cover itself gives the ticket away.
        stage.suite.advance(Duration::from_millis(1)).await;
        let route = stage.route(&ticket).await;
        assert_eq!((route.agent_id.as_str(), route.group_id.as_str()), (anna.as_str(), desk.as_str()));
        let explained = stage.explain(&ticket).await;
        let words = &explained.decisions.last().unwrap().words;
        let told = "Group \"desk\" (tier 1) is covered by group \"night\" (tier 1) until 2023-11-15 \
                    03:13 UTC, whose agents count as members.";
        assert!(words.iter().any(|one| one == told), "{words:?}");
        let on_duty = proto::WhoIsOnDutyRequest { duty: Some(Duty::GroupId("desk".to_owned())), at: None };
        let mut duty = DutyServiceClient::new(stage.suite.stack());
        let told = duty.who_is_on_duty(on_duty.clone()).await.unwrap().into_inner();
        assert_eq!(told.on_duty[0].agent_id, anna);
        assert_eq!((&told.cover_id, &told.covered_by_group_id), (&cover_id, &night));
        assert_eq!(told.covered_until, Some(to_proto(begins + HOUR * 4)));
        // When it is over the group is on its own again.
        stage.suite.advance(HOUR * 4).await;
        let told = duty.who_is_on_duty(on_duty.clone()).await.unwrap().into_inner();
        assert_eq!((told.on_duty.len(), told.cover_id.as_str()), (0, ""));
        stage.online(agent("Bela", "night", 1)).await;
        let late = stage.ticket(created()).await;
        assert_eq!(stage.route(&late).await.agent_id, "");
        // Long over, it is still part of the past.
        stage.suite.advance(HOUR * 48).await;
        stage.group("other", 1).await;
        let then = proto::WhoIsOnDutyRequest { at: Some(to_proto(begins)), ..on_duty };
        let told = duty.who_is_on_duty(then).await.unwrap().into_inner();
        assert_eq!(told.covered_by_group_id, night);
        let meets = stage.put_cover(cover(begins)).await.unwrap_err();
        assert!(meets.message().starts_with("cover.starts_at"), "{meets:?}");
    }

    async fn a_cover_is_changed_listed_and_taken_back(db: TestDb) {
        let (stage, _) = Stage::with_group(db).await;
        stage.group("night", 1).await;
        let now = stage.clock.now();
        let first = stage.put_cover(cover(now)).await.unwrap().cover.unwrap();
        let again = proto::Cover { id: first.id.clone(), ..cover(now) };
        let again = stage.put_cover(again).await.unwrap();
        assert_eq!((again.outcome(), again.cover.as_ref()), (proto::PutOutcome::Unchanged, Some(&first)));
        let meets = stage.put_cover(cover(now + HOUR * 3)).await.unwrap_err();
        assert!(meets.message().starts_with("cover.starts_at"), "{meets:?}");
        let later = stage.put_cover(cover(now + HOUR * 4)).await.unwrap().cover.unwrap();
        let moved = proto::Cover { id: later.id.clone(), etag: "\"9\"".to_owned(), ..cover(now + HOUR * 5) };
        assert_eq!(reason(stage.put_cover(moved.clone()).await), ErrorReason::StaleEtag);
        let moved = stage.put_cover(proto::Cover { etag: later.etag, ..moved }).await.unwrap();
        let later = moved.cover.unwrap();
        assert_eq!(later.version, 2);
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::ListCoversRequest {
                group_id: "desk".to_owned(), page_size: 1, page_token, ..Default::default()
            };
            let page = stage.coverage().list_covers(request).await.unwrap().into_inner();
            found.extend(page.covers);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, [first.clone(), later]);
        let request = proto::DeleteCoverRequest { id: first.id.clone(), ..Default::default() };
        stage.coverage().delete_cover(request.clone()).await.unwrap();
        assert_eq!(reason(stage.coverage().delete_cover(request).await), ErrorReason::ResourceNotFound);
        let itself = proto::Cover { covered_by_group_id: "desk".to_owned(), ..cover(now) };
        let refused = stage.put_cover(itself).await.unwrap_err();
        assert!(refused.message().starts_with("cover.covered_by_group_id"), "{refused:?}");
        let events = stage.all_events().await;
        let versions: Vec<u32> = events.iter().filter_map(|event| match &event.body {
            Body::ConfigurationChanged(changed) if changed.kind == "cover" => Some(changed.version),
            _ => None,
        }).collect();
        assert_eq!(versions.len(), 4, "two made, one moved, one taken back: {versions:?}");
    }

    async fn an_acknowledgement_speaks_the_language_of_the_ticket(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        stage.group("night", 1).await;
        let german = journal::TicketCreated { language: "de-AT".to_owned(), language_confidence: 1.0, ..created() };
        let ticket = stage.ticket(german).await;
        let of_ticket = || Subject::TicketId(ticket.clone());
        let none = stage.acknowledgement(of_ticket(), "").await;
        assert_eq!((none.notice.as_str(), none.group_id.as_str()), ("", desk.as_str()));
        stage.put_cover(cover(stage.clock.now())).await.unwrap();
        let told = stage.acknowledgement(of_ticket(), "").await;
        assert_eq!((told.notice.as_str(), told.language.as_str()), ("Unser Nachtdienst antwortet.", "de"));
        let told = stage.acknowledgement(of_ticket(), "en-GB").await;
        assert_eq!(told.language, "en");
        let told = stage.acknowledgement(Subject::GroupId(desk), "fr").await;
        assert_eq!(told.notice, "Our night team answers.");
    }

    async fn agents_get_nothing_outside_of_shifts_and_on_breaks(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        let anna = stage.online(agent("Anna", &desk, 9)).await;
        let put = stage.put_shifts(shifts("Anna")).await.unwrap();
        assert_eq!(put.outcome(), proto::PutOutcome::Created);
        let ticket = stage.ticket(created()).await;
        let explained = stage.explain(&ticket).await;
        assert_eq!(explained.decisions[0].reason, "nobody_on_shift");
        assert_eq!(explained.decisions[0].rejections[0].reason, "off_shift");
        assert_eq!(stage.standing(&anna).await.standing(), proto::Standing::OffShift);
        // To 01:13: the shift has begun.
        stage.suite.advance(HOUR * 3).await;
        assert_eq!(stage.route(&ticket).await.agent_id, anna);
        // To 02:13: the break has begun.
        stage.suite.advance(HOUR).await;
        let second = stage.ticket(created()).await;
        let explained = stage.explain(&second).await;
        assert_eq!(explained.decisions[0].rejections[0].reason, "on_break");
        assert!(explained.decisions[0].words.contains(&"Left out: 1 is on a break.".to_owned()));
        let hope = "Anna can have it as soon as Anna ends a break at 2023-11-15 03:00 UTC.".to_owned();
        assert!(explained.current.unwrap().words.contains(&hope));
        let standing = stage.standing("Anna").await;
        assert_eq!(standing.standing(), proto::Standing::OnBreak);
        let board = stage.board().await;
        let load = board.groups.iter().find(|one| one.group_id == desk).unwrap();
        assert_eq!((load.agents_online, load.agents_free), (1, 0));
        let three = 1_700_017_200_000;
        assert_eq!(standing.until, Some(to_proto(Timestamp::from_millis(three))));
        // Exactly until its end.
        let left = Timestamp::from_millis(three).since(stage.clock.now());
        stage.suite.advance(left).await;
        assert_eq!(stage.route(&second).await.agent_id, anna);
        // An absence goes before the shift; by hand everything is possible.
        let absent = proto::ShiftException {
            starts_at: Some(to_proto(stage.clock.now())),
            ends_at: Some(to_proto(stage.clock.now() + HOUR)),
            note: "training".to_owned(),
        };
        let plan = proto::ShiftPlan { absences: vec![absent], ..shifts("Anna") };
        assert_eq!(stage.put_shifts(plan.clone()).await.unwrap().outcome(), proto::PutOutcome::Updated);
        assert_eq!(stage.put_shifts(plan).await.unwrap().outcome(), proto::PutOutcome::Unchanged);
        let third = stage.ticket(created()).await;
        assert_eq!(stage.explain(&third).await.decisions[0].rejections[0].reason, "absent");
        stage.assign(&third, &desk, &anna).await.unwrap();
        assert_eq!(stage.route(&third).await.agent_id, anna);
    }

    async fn what_makes_no_shift_plan_is_told_by_field(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        stage.agent(agent("Anna", &desk, 1)).await;
        let wednesday = proto::Weekday::Wednesday;
        let bad = proto::ShiftPlan {
            agent_id: "Nobody".to_owned(),
            breaks: vec![hours(wednesday, "02:00", "03:00"), hours(wednesday, "02:30", "04:00")],
            ..shifts("")
        };
        let refused = stage.put_shifts(bad).await.unwrap_err();
        for field in ["shift_plan.agent_id", "shift_plan.breaks[1]"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
        let backwards = proto::ShiftException {
            starts_at: Some(to_proto(stage.clock.now())),
            ends_at: Some(to_proto(stage.clock.now())),
            note: String::new(),
        };
        let bad = proto::ShiftPlan { extra_shifts: vec![backwards], ..shifts("Anna") };
        let refused = stage.put_shifts(bad).await.unwrap_err();
        assert!(refused.message().starts_with("shift_plan.extra_shifts[0].ends_at"), "{refused:?}");
        let request = proto::GetShiftPlanRequest { agent_id: "Anna".to_owned() };
        let none = stage.coverage().get_shift_plan(request).await;
        assert_eq!(reason(none), ErrorReason::ResourceNotFound);
        stage.put_shifts(shifts("Anna")).await.unwrap();
        let request = proto::ListShiftPlansRequest::default();
        let all = stage.coverage().list_shift_plans(request).await.unwrap().into_inner();
        assert_eq!((all.shift_plans.len(), all.shift_plans[0].breaks.len()), (1, 1));
    }

    async fn gaps_are_found_before_they_happen(db: TestDb) {
        let (stage, desk) = Stage::with_group(db).await;
        stage.skill("vpn").await;
        let expert = |name: &str| proto::Agent {
            skills: skills(&[("vpn", 3)]), languages: language("de"), ..agent(name, &desk, 1)
        };
        let anna = stage.agent(expert("Anna")).await;
        let bela = stage.agent(expert("Bela")).await;
        let clara = stage.agent(agent("Clara", &desk, 1)).await;
        stage.put_shifts(shifts("Anna")).await.unwrap();
        let now = stage.clock.now();
        // The Wednesday on which Bela is ill from one to four.
        let one = Timestamp::from_millis(1_700_010_000_000);
        let ill = proto::ShiftException {
            starts_at: Some(to_proto(one)),
            ends_at: Some(to_proto(one + HOUR * 3)),
            note: "ill".to_owned(),
        };
        stage.put_shifts(proto::ShiftPlan { absences: vec![ill], ..shifts("Bela") }).await.unwrap();
        let ask = proto::ListCoverageGapsRequest {
            group_id: "desk".to_owned(),
            from: Some(to_proto(now)),
            until: Some(to_proto(now + HOUR * 24 * 8)),
            page_size: 1,
            ..proto::ListCoverageGapsRequest::default()
        };
        let nothing = stage.coverage().list_coverage_gaps(ask.clone()).await;
        assert_eq!(reason(nothing), ErrorReason::ResourceNotFound);
        let requirement = |skill: &str, language: &str| proto::CoverageRequirement {
            skill: skill.to_owned(),
            language: language.to_owned(),
            agents: 1,
            hours: vec![hours(proto::Weekday::Wednesday, "01:00", "05:00")],
            ..proto::CoverageRequirement::default()
        };
        let requirements = proto::CoverageRequirements {
            group_id: "desk".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            requirements: vec![requirement("vpn", ""), requirement("", "de")],
            ..proto::CoverageRequirements::default()
        };
        let put = |requirements: proto::CoverageRequirements| {
            let request = proto::PutCoverageRequirementsRequest {
                requirements: Some(requirements), request_id: String::new(),
            };
            let mut coverage = stage.coverage();
            async move { coverage.put_coverage_requirements(request).await.map(Response::into_inner) }
        };
        let unknown = proto::CoverageRequirements {
            requirements: vec![requirement("flying", "")], ..requirements.clone()
        };
        let refused = put(unknown).await.unwrap_err();
        assert!(refused.message().contains("requirements.requirements[0].skill"), "{refused:?}");
        assert_eq!(put(requirements.clone()).await.unwrap().outcome(), proto::PutOutcome::Created);
        assert_eq!(put(requirements.clone()).await.unwrap().outcome(), proto::PutOutcome::Unchanged);
        // This Wednesday from two to three Anna is on her break and Bela is ill; the next one both
        // are on their breaks. Each is a gap in the skill and one in the language.
        let mut found = Vec::new();
        let mut next = ask.clone();
        loop {
            let page = stage.coverage().list_coverage_gaps(next.clone()).await.unwrap().into_inner();
            assert_eq!(page.unplanned_agent_ids, std::slice::from_ref(&clara));
            found.extend(page.gaps);
            if page.next_page_token.is_empty() {
                break;
            }
            next.page_token = page.next_page_token;
        }
        assert_eq!(found.len(), 4, "{found:?}");
        let first = &found[0];
        assert_eq!((first.requirement, first.skill.as_str()), (0, "vpn"));
        assert_eq!(first.starts_at, Some(to_proto(one + HOUR)));
        assert_eq!(first.ends_at, Some(to_proto(one + HOUR * 2)));
        assert_eq!((first.required, first.fewest), (1, 0));
        let missing: Vec<_> = first.missing.iter()
            .map(|one| (one.agent_id.clone(), one.standing(), one.note.as_str()))
            .collect();
        // By id, which says nothing of who was made first within a millisecond.
        let mut expected = [
            (anna.clone(), proto::Standing::OnBreak, ""),
            (bela, proto::Standing::Absent, "ill"),
        ];
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(missing, expected);
        assert_eq!(found[1].language, "de");
        assert_eq!(found[2].starts_at, Some(to_proto(one + HOUR * 24 * 7 + HOUR)));
        // Clara would be there on the rota, but has no German.
        let duty = proto::Rota {
            name: "desk".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            group_id: "desk".to_owned(),
            layers: vec![proto::RotaLayer {
                name: "first".to_owned(),
                plan: Some(Plan::Shifts(proto::WeeklyShifts { shifts: vec![proto::WeeklyShift {
                    agent_id: "Clara".to_owned(),
                    hours: Some(hours(proto::Weekday::Wednesday, "00:00", "06:00")),
                }]})),
                ..proto::RotaLayer::default()
            }],
            ..proto::Rota::default()
        };
        let request = proto::PutRotaRequest { rota: Some(duty), request_id: String::new() };
        DutyServiceClient::new(stage.suite.stack()).put_rota(request).await.unwrap();
        let what_if = proto::CoverageRequirements { requirements: vec![requirement("", "")], ..requirements };
        let ask = proto::ListCoverageGapsRequest { requirements: Some(what_if), page_size: 0, ..ask };
        let page = stage.coverage().list_coverage_gaps(ask.clone()).await.unwrap().into_inner();
        assert_eq!((page.gaps, page.unplanned_agent_ids), (vec![], vec![]));
        let far = proto::ListCoverageGapsRequest { until: Some(to_proto(now + HOUR * 24 * 93)), ..ask };
        let refused = stage.coverage().list_coverage_gaps(far).await.unwrap_err();
        assert!(refused.message().starts_with("until"), "{refused:?}");
    }
}
