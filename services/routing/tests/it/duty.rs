//! Duty: rotas, exceptions to them, and who is on duty.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_grpc::Stack;
use lotse_journal::Body;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::rota_layer::Plan;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use lotse_proto::time::to_proto;
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::stage::{Stage, agent, created, migrations, reason};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Somebody on duty, by which source.
type Told = Vec<(String, proto::DutySource)>;

impl Stage {
    pub(crate) fn duty(&self) -> DutyServiceClient<Stack> {
        DutyServiceClient::new(self.suite.stack())
    }

    pub(crate) async fn put_rota(
        &self,
        rota: proto::Rota,
    ) -> Result<proto::PutRotaResponse, Status> {
        let request = proto::PutRotaRequest {
            rota: Some(rota),
            request_id: String::new(),
        };
        self.duty()
            .put_rota(request)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn put_override(
        &self,
        duty_override: proto::DutyOverride,
    ) -> Result<proto::PutOverrideResponse, Status> {
        let request = proto::PutOverrideRequest {
            duty_override: Some(duty_override),
            request_id: String::new(),
        };
        let put = self.duty().put_override(request).await;
        put.map(Response::into_inner)
    }

    pub(crate) async fn ask(
        &self,
        duty: Duty,
        at: Option<Timestamp>,
    ) -> proto::WhoIsOnDutyResponse {
        let request = proto::WhoIsOnDutyRequest {
            duty: Some(duty),
            at: at.map(to_proto),
        };
        let answer = self.duty().who_is_on_duty(request).await;
        answer.unwrap().into_inner()
    }

    async fn told(&self, duty: Duty) -> Told {
        let answer = self.ask(duty, None).await;
        let on_duty = answer.on_duty.into_iter();
        on_duty
            .map(|one| (one.agent_id.clone(), one.source()))
            .collect()
    }

    /// Two agents of the desk who change daily.
    async fn pair(&self, group: &str) -> [String; 2] {
        [
            self.agent(agent("Anna", group, 5)).await,
            self.agent(agent("Bruno", group, 5)).await,
        ]
    }

    async fn overrides(&self, rota: &str, page_token: &str) -> proto::ListOverridesResponse {
        let request = proto::ListOverridesRequest {
            rota_id: rota.to_owned(),
            page_size: 2,
            page_token: page_token.to_owned(),
            ..proto::ListOverridesRequest::default()
        };
        let page = self.duty().list_overrides(request).await;
        page.unwrap().into_inner()
    }
}

pub(crate) fn daily(name: &str, agents: &[&str]) -> proto::RotaLayer {
    let rotation = proto::Rotation {
        agent_ids: agents.iter().map(|one| (*one).to_owned()).collect(),
        unit: proto::RotationUnit::Days.into(),
        hand_over_at: "09:00".to_owned(),
        starts_on: "2023-11-13".to_owned(),
        ..proto::Rotation::default()
    };
    proto::RotaLayer {
        name: name.to_owned(),
        plan: Some(Plan::Rotation(rotation)),
        hours: Vec::new(),
        shadow: None,
    }
}

fn shift(agent: &str, weekday: proto::Weekday, from: &str, to: &str) -> proto::WeeklyShift {
    proto::WeeklyShift {
        agent_id: agent.to_owned(),
        hours: Some(proto::DutyHours {
            weekday: weekday.into(),
            starts_at: from.to_owned(),
            ends_at: to.to_owned(),
        }),
    }
}

pub(crate) fn rota(name: &str, layers: Vec<proto::RotaLayer>) -> proto::Rota {
    proto::Rota {
        name: name.to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        layers,
        ..proto::Rota::default()
    }
}

fn by_rota(name: &str) -> Duty {
    Duty::RotaId(name.to_owned())
}

fn by_group(name: &str) -> Duty {
    Duty::GroupId(name.to_owned())
}

pub(crate) fn instead(
    rota: &str,
    who: &str,
    of: &str,
    from: Timestamp,
    hours: u32,
) -> proto::DutyOverride {
    proto::DutyOverride {
        rota_id: rota.to_owned(),
        agent_id: who.to_owned(),
        instead_of_agent_id: of.to_owned(),
        starts_at: Some(to_proto(from)),
        ends_at: Some(to_proto(from + HOUR * hours)),
        ..proto::DutyOverride::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn putting_a_rota_twice_changes_nothing_and_a_change_makes_a_version(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        // By their names.
        let wanted = proto::Rota { group_id: "desk".to_owned(), ..rota("nights", vec![daily("first", &["Anna", "Bruno"])]) };
        let first = stage.put_rota(wanted.clone()).await.unwrap();
        assert_eq!(first.outcome(), proto::PutOutcome::Created);
        let made = first.rota.clone().unwrap();
        assert_eq!((made.version, &made.group_id), (1, &group));
        let Some(Plan::Rotation(rotation)) = &made.layers[0].plan else { panic!("{made:?}") };
        assert_eq!((&rotation.agent_ids, rotation.every), (&vec![anna, bruno], 1));
        let again = stage.put_rota(wanted.clone()).await.unwrap();
        assert_eq!((again.outcome(), &again.rota), (proto::PutOutcome::Unchanged, &first.rota));
        // What was answered can be put.
        assert_eq!(stage.put_rota(made.clone()).await.unwrap().outcome(), proto::PutOutcome::Unchanged);
        let renamed = proto::Rota { id: made.id, name: "days".to_owned(), ..wanted.clone() };
        let renamed = stage.put_rota(renamed).await.unwrap();
        assert_eq!((renamed.outcome(), renamed.rota.as_ref().unwrap().version), (proto::PutOutcome::Updated, 2));
        let stale = proto::Rota { name: "days".to_owned(), etag: made.etag, ..wanted };
        assert_eq!(reason(stage.put_rota(stale).await), ErrorReason::StaleEtag);
        let got = stage.duty().get_rota(proto::GetRotaRequest { id: "days".to_owned() }).await.unwrap();
        assert_eq!(got.into_inner().rota, renamed.rota);
        let lost = stage.duty().get_rota(proto::GetRotaRequest { id: "nights".to_owned() }).await;
        assert_eq!(reason(lost), ErrorReason::ResourceNotFound);
    }

    async fn all_that_is_wrong_with_a_rota_is_told_by_field(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.pair(&group).await;
        let mut bad = daily("first", &[]);
        let Some(Plan::Rotation(rotation)) = &mut bad.plan else { panic!() };
        rotation.unit = 0;
        rotation.every = 1_001;
        rotation.hand_over_at = "24:00".to_owned();
        rotation.starts_on = "13.11.2023".to_owned();
        let empty = proto::RotaLayer { name: "first".to_owned(), ..proto::RotaLayer::default() };
        let shifts = vec![shift("Anna", proto::Weekday::Unspecified, "8:00", "12:00"), proto::WeeklyShift::default()];
        let shifts = proto::RotaLayer {
            shadow: None,
            name: "third".to_owned(),
            plan: Some(Plan::Shifts(proto::WeeklyShifts { shifts })),
            hours: vec![proto::DutyHours::default()],
        };
        let wrong = proto::Rota { name: "rta_x".to_owned(), ..rota("", vec![bad, empty, shifts]) };
        let refused = stage.put_rota(wrong).await.unwrap_err();
        for field in [
            "rota.name", "layers[0].rotation.agent_ids", "layers[0].rotation.unit",
            "layers[0].rotation.every", "layers[0].rotation.hand_over_at", "layers[0].rotation.starts_on",
            "layers[1].name", "layers[1].plan", "layers[2].hours, ", "layers[2].hours[0].weekday",
            "layers[2].shifts.shifts[0].hours.weekday", "layers[2].shifts.shifts[0].hours.starts_at",
            "layers[2].shifts.shifts[1].agent_id", "layers[2].shifts.shifts[1].hours",
        ] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
    }

    async fn unknown_agents_groups_and_zones_are_refused_by_field(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.pair(&group).await;
        let shifts = vec![
            shift("Anna", proto::Weekday::Monday, "08:00", "12:00"),
            shift("Cleo", proto::Weekday::Monday, "11:00", "13:00"),
        ];
        let shifts = proto::RotaLayer {
            shadow: None,
            name: "second".to_owned(),
            plan: Some(Plan::Shifts(proto::WeeklyShifts { shifts })),
            hours: Vec::new(),
        };
        let lost = proto::Rota { group_id: "dsek".to_owned(), ..rota("nights", vec![daily("first", &["Anna", "Nobody"]), shifts]) };
        let refused = stage.put_rota(lost.clone()).await.unwrap_err();
        for field in ["rota.group_id", "layers[0].rotation.agent_ids[1]", "layers[1].shifts.shifts[1].agent_id", "layers[1].shifts.shifts[1].hours"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
        let nowhere = proto::Rota { time_zone: "Europe/Berln".to_owned(), ..lost };
        let refused = stage.put_rota(nowhere).await.unwrap_err();
        assert!(refused.message().contains("rota.time_zone"), "{}", refused.message());
    }

    async fn a_group_has_one_rota(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        stage.pair(&group).await;
        let of_desk = |name: &str| proto::Rota { group_id: group.clone(), ..rota(name, vec![daily("first", &["Anna"])]) };
        stage.put_rota(of_desk("one")).await.unwrap();
        let refused = stage.put_rota(of_desk("two")).await;
        assert!(refused.as_ref().unwrap_err().message().contains("rota.group_id"));
        assert_eq!(reason(refused), ErrorReason::InvalidField);
        let changed = proto::Rota { layers: vec![daily("first", &["Bruno"])], ..of_desk("one") };
        assert_eq!(stage.put_rota(changed).await.unwrap().outcome(), proto::PutOutcome::Updated);
    }

    async fn a_rota_says_who_is_on_duty_now_and_at_any_instant(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        stage.put_rota(rota("nights", vec![daily("first", &[&anna, &bruno]), daily("second", &[&bruno, &anna])])).await.unwrap();
        // Tuesday 2023-11-14 23:13:20 in Berlin: Bruno's day, until nine.
        let now = stage.ask(by_rota("nights"), None).await;
        let agents: Vec<_> = now.on_duty.iter().map(|one| one.agent_id.as_str()).collect();
        assert_eq!(agents, [&bruno, &anna]);
        let until = stage.clock.now() + HOUR * 9 + Duration::from_secs(46 * 60 + 40);
        let first = &now.on_duty[0];
        assert_eq!((first.source(), first.layer.as_str()), (proto::DutySource::Rota, "first"));
        assert_eq!((first.from, first.until), (Some(to_proto(until - HOUR * 24)), Some(to_proto(until))));
        assert_eq!(now.at, Some(to_proto(stage.clock.now())));
        let later = stage.ask(by_rota(&now.rota_id), Some(until)).await;
        assert_eq!(later.on_duty[0].agent_id, anna);
    }

    async fn overrides_win_until_they_are_taken_back(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        let cleo = stage.agent(agent("Cleo", &group, 5)).await;
        stage.put_rota(rota("nights", vec![daily("first", &[&anna, &bruno])])).await.unwrap();
        let now = stage.clock.now();
        let put = stage.put_override(instead("nights", "Cleo", "Bruno", now - HOUR, 4)).await.unwrap();
        assert_eq!(put.outcome(), proto::PutOutcome::Created);
        let put = put.duty_override.unwrap();
        let more = stage.put_override(instead("nights", &anna, "", now - HOUR, 2)).await.unwrap();
        let told = stage.ask(by_rota("nights"), None).await;
        let first = &told.on_duty[0];
        assert_eq!((&first.agent_id, first.source(), &first.override_id), (&cleo, proto::DutySource::Override, &put.id));
        assert_eq!((first.from, first.until), (put.starts_at, put.ends_at));
        assert_eq!((told.on_duty.len(), &told.on_duty[1].agent_id), (2, &anna));
        // It is like this already; another end is a new version.
        let again = stage.put_override(put.clone()).await.unwrap();
        assert_eq!(again.outcome(), proto::PutOutcome::Unchanged);
        let over = proto::DutyOverride { ends_at: Some(to_proto(now)), ..put.clone() };
        let over = stage.put_override(over).await.unwrap();
        assert_eq!((over.outcome(), over.duty_override.unwrap().version), (proto::PutOutcome::Updated, 2));
        assert_eq!(reason(stage.put_override(put).await), ErrorReason::StaleEtag);
        let of_rota = (bruno, proto::DutySource::Rota);
        assert_eq!(stage.told(by_rota("nights")).await, [of_rota.clone(), (anna, proto::DutySource::Override)]);
        let request = proto::DeleteOverrideRequest { id: more.duty_override.unwrap().id, ..Default::default() };
        stage.duty().delete_override(request.clone()).await.unwrap();
        assert_eq!(stage.told(by_rota("nights")).await, [of_rota]);
        assert_eq!(reason(stage.duty().delete_override(request).await), ErrorReason::ResourceNotFound);
        let versions = stage.configured("duty_override").await;
        assert_eq!(versions, [1, 1, 2, 2]);
    }

    async fn what_makes_no_exception_is_told_by_field(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, _] = stage.pair(&group).await;
        for name in ["nights", "days"] {
            stage.put_rota(rota(name, vec![daily("first", &[&anna])])).await.unwrap();
        }
        let now = stage.clock.now();
        let backwards = proto::DutyOverride { ends_at: Some(to_proto(now)), agent_id: String::new(), ..instead("nights", "", "", now, 1) };
        let refused = stage.put_override(backwards).await.unwrap_err();
        for field in ["duty_override.ends_at", "duty_override.agent_id"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
        let refused = stage.put_override(instead("weekends", "Cleo", "Dora", now, 1)).await.unwrap_err();
        for field in ["rota_id", "duty_override.agent_id", "instead_of_agent_id"] {
            assert!(refused.message().contains(field), "{field} in {}", refused.message());
        }
        let refused = stage.put_override(instead("nights", "Anna", &anna, now, 1)).await.unwrap_err();
        assert!(refused.message().contains("instead_of_agent_id"), "{}", refused.message());
        let put = stage.put_override(instead("nights", "Bruno", &anna, now, 1)).await.unwrap().duty_override.unwrap();
        let moved = proto::DutyOverride { rota_id: "days".to_owned(), ..put };
        let refused = stage.put_override(moved).await.unwrap_err();
        assert!(refused.message().contains("rota_id"), "{}", refused.message());
    }

    async fn lists_of_rotas_and_exceptions_are_paged(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        for name in ["b", "c", "a"] {
            stage.put_rota(rota(name, vec![daily("first", &[&anna])])).await.unwrap();
        }
        let request = proto::ListRotasRequest { page_size: 2, page_token: String::new() };
        let first = stage.duty().list_rotas(request).await.unwrap().into_inner();
        let request = proto::ListRotasRequest { page_size: 2, page_token: first.next_page_token };
        let second = stage.duty().list_rotas(request).await.unwrap().into_inner();
        let rotas = first.rotas.into_iter().chain(second.rotas);
        assert_eq!(rotas.map(|rota| rota.name).collect::<Vec<_>>(), ["a", "b", "c"]);
        let now = stage.clock.now();
        // Two that begin together.
        for hours in [2, 1, 2] {
            stage.put_override(instead("a", &bruno, &anna, now + HOUR * hours, 1)).await.unwrap();
        }
        stage.put_override(instead("b", &bruno, &anna, now, 1)).await.unwrap();
        let first = stage.overrides("a", "").await;
        let second = stage.overrides("a", &first.next_page_token).await;
        assert_eq!((first.overrides.len(), second.overrides.len()), (2, 1));
        assert_eq!(second.next_page_token, "");
        let all: Vec<_> = first.overrides.iter().chain(&second.overrides).collect();
        assert_eq!(all[0].starts_at, Some(to_proto(now + HOUR)));
        assert_eq!(all[1].starts_at, all[2].starts_at);
        assert_ne!(all[1].id, all[2].id);
        let request = proto::ListOverridesRequest { rota_id: "a".to_owned(), ends_after: Some(to_proto(now + HOUR * 2)), ..Default::default() };
        let current = stage.duty().list_overrides(request).await.unwrap().into_inner();
        assert_eq!(current.overrides.len(), 2);
    }

    async fn a_group_without_a_rota_has_those_who_are_online_then_its_lead(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        let lead = stage.agent(agent("Zoe", &stage.group("other", 1).await, 5)).await;
        assert_eq!(stage.told(by_group("desk")).await, []);
        stage.put_group(proto::Group { name: "desk".to_owned(), lead_agent_id: lead.clone(), ..Default::default() }).await.unwrap();
        let leads = (lead, proto::DutySource::Lead);
        assert_eq!(stage.told(by_group("desk")).await, vec![leads.clone()]);
        for agent in [&bruno, &anna] {
            stage.presence(agent, proto::Presence::Online).await;
        }
        let [anna, bruno] = [anna, bruno].map(|agent| (agent, proto::DutySource::Presence));
        assert_eq!(stage.told(by_group(&group)).await, [anna.clone(), bruno.clone(), leads.clone()]);
        // Whoever has a ticket comes after the others.
        let ticket = stage.ticket(created()).await;
        stage.assign(&ticket, "", &anna.0).await.unwrap();
        assert_eq!(stage.told(by_group(&group)).await, [bruno.clone(), anna.clone(), leads.clone()]);
        stage.presence(&bruno.0, proto::Presence::Away).await;
        assert_eq!(stage.told(by_group(&group)).await, [anna, leads.clone()]);
        // Nobody can know who was online then.
        let past = stage.ask(by_group(&group), Some(stage.clock.now() - HOUR)).await;
        assert_eq!(past.on_duty.iter().map(|one| &one.agent_id).collect::<Vec<_>>(), [&leads.0]);
    }

    async fn a_group_with_a_rota_has_its_people_first(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        for agent in [&bruno, &anna] {
            stage.presence(agent, proto::Presence::Online).await;
        }
        let of_desk = proto::Rota { group_id: group.clone(), ..rota("nights", vec![daily("first", &[&anna, &bruno])]) };
        let put = stage.put_rota(of_desk).await.unwrap().rota.unwrap();
        let told = stage.ask(by_group(&group), None).await;
        assert_eq!(told.rota_id, put.id);
        assert_eq!(stage.told(by_group(&group)).await, [(bruno, proto::DutySource::Rota), (anna, proto::DutySource::Presence)]);
    }

    async fn whoever_is_retired_is_never_on_duty(db: TestDb) {
        let (stage, group) = Stage::with_group(db).await;
        let [anna, bruno] = stage.pair(&group).await;
        stage.put_group(proto::Group { name: "desk".to_owned(), lead_agent_id: bruno.clone(), ..Default::default() }).await.unwrap();
        let of_desk = proto::Rota { group_id: group.clone(), ..rota("nights", vec![daily("first", &[&anna, &bruno])]) };
        stage.put_rota(of_desk).await.unwrap();
        assert_eq!(stage.told(by_group(&group)).await, [(bruno.clone(), proto::DutySource::Rota)]);
        let retired = proto::Agent { retired: true, ..agent("Bruno", &group, 5) };
        let request = proto::PutAgentRequest { agent: Some(retired), request_id: String::new() };
        stage.agents().put_agent(request).await.unwrap();
        assert_eq!(stage.told(by_group(&group)).await, [(anna, proto::DutySource::Rota)]);
    }

    async fn a_duty_must_be_named_and_exist(db: TestDb) {
        let stage = Stage::new(db).await;
        let nothing = stage.duty().who_is_on_duty(proto::WhoIsOnDutyRequest::default()).await;
        assert_eq!(reason(nothing), ErrorReason::InvalidField);
        for duty in [by_rota("nights"), by_group("desk")] {
            let request = proto::WhoIsOnDutyRequest { duty: Some(duty), at: None };
            let nobody = stage.duty().who_is_on_duty(request).await;
            assert_eq!(reason(nobody), ErrorReason::ResourceNotFound);
        }
    }
}

impl Stage {
    /// The versions of a kind of configuration, as journaled.
    async fn configured(&self, kind: &str) -> Vec<u32> {
        let events = self.all_events().await.into_iter();
        let changed = events.filter_map(|event| match event.body {
            Body::ConfigurationChanged(changed) if changed.kind == kind => Some(changed.version),
            _ => None,
        });
        let mut versions: Vec<u32> = changed.collect();
        versions.sort_unstable();
        versions
    }
}
