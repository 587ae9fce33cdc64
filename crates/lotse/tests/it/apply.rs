//! `lotse apply` against the real services.

use std::path::Path;

use lotse::apply::{Kind, Step, Verdict, apply};
use lotse_clock::{BusinessClock, Timestamp};
use lotse_proto::routing::v1::GetGroupRequest;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::sla::v1::alert_service_client::AlertServiceClient;
use lotse_proto::sla::v1::{ListNotificationTargetsRequest, NotificationTarget};

use tempfile::TempDir;

use crate::stage::{Stage, Store};

const SAMPLE: &str = include_str!("../../../../deploy/lotse.yaml");
/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

struct Bench {
    stage: Stage,
    /// Where the files lie that are applied.
    folder: TempDir,
    _store: Store,
}

impl Bench {
    async fn new() -> Self {
        let store = Store::new().await;
        let stage = Stage::new(&store.db, BusinessClock::manual(NOW)).await;
        Self {
            stage,
            folder: tempfile::tempdir().unwrap(),
            _store: store,
        }
    }

    /// Applies, and returns the plan and what was said.
    async fn apply(&self, text: &str, dry_run: bool) -> (Vec<Step>, String) {
        let mut out = Vec::new();
        let plan = apply(
            &self.stage.channel,
            text,
            self.folder.path(),
            dry_run,
            &mut out,
        )
        .await
        .unwrap();
        (plan, String::from_utf8(out).unwrap())
    }

    async fn refused(&self, text: &str) -> String {
        let mut out = Vec::new();
        let error = apply(
            &self.stage.channel,
            text,
            self.folder.path(),
            false,
            &mut out,
        )
        .await
        .unwrap_err();
        assert_eq!(String::from_utf8(out).unwrap(), "", "nothing is half-said");
        format!("{error:#}")
    }
}

fn all(plan: &[Step], verdict: &Verdict) -> bool {
    !plan.is_empty() && plan.iter().all(|step| step.verdict == *verdict)
}

#[tokio::test]
async fn applying_the_sample_twice_changes_nothing_the_second_time() {
    let bench = Bench::new().await;
    let (plan, told) = bench.apply(SAMPLE, false).await;
    assert!(all(&plan, &Verdict::Create), "{told}");
    let (plan, told) = bench.apply(SAMPLE, false).await;
    assert!(all(&plan, &Verdict::Unchanged), "{told}");
    assert!(
        told.contains("created 0 and changed 0; 19 unchanged"),
        "{told}"
    );
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_changes_nothing() {
    let bench = Bench::new().await;
    let (_, told) = bench.apply(SAMPLE, true).await;
    assert!(
        told.contains("create     agent      Diego Fuentes"),
        "{told}"
    );
    assert!(
        told.contains("would create 19 and change 0; 0 unchanged"),
        "{told}"
    );
    let (plan, _) = bench.apply(SAMPLE, true).await;
    assert!(all(&plan, &Verdict::Create));
}

#[tokio::test]
async fn a_change_names_its_fields_and_leaves_the_rest_alone() {
    let bench = Bench::new().await;
    bench.apply(SAMPLE, false).await;
    let edited = SAMPLE
        .replace("capacity: 4", "capacity: 6")
        .replace("within: 30m", "within: 45m")
        .replace("closes: \"16:00\"", "closes: \"15:30\"")
        .replace("categories: [billing, invoice]", "categories: [billing]")
        .replace("every: 1 ", "every: 2 ")
        .replace("note: Open day", "note: Fair")
        .replace("min_level: 3", "min_level: 2")
        .replace("reason: Summer outing", "reason: Outing");
    let (plan, told) = bench.apply(&edited, false).await;
    let changes: Vec<_> = plan
        .iter()
        .filter_map(|step| match &step.verdict {
            Verdict::Change(fields) => Some((step.kind, fields.join(","))),
            _ => None,
        })
        .collect();
    let expected = [
        (Kind::Agent, "capacity"),
        (Kind::Workflow, "rules"),
        (Kind::Rota, "layers"),
        (Kind::ShiftPlan, "extra_shifts"),
        (Kind::Coverage, "requirements"),
        (Kind::Cover, "reason"),
        (Kind::Calendar, "weekly"),
        (Kind::Policy, "targets"),
    ];
    assert_eq!(
        changes,
        expected.map(|(kind, fields)| (kind, fields.to_owned())),
        "{told}"
    );
    let (plan, told) = bench.apply(&edited, false).await;
    assert!(all(&plan, &Verdict::Unchanged), "{told}");
}

#[tokio::test]
async fn a_lead_and_a_group_may_name_each_other() {
    let bench = Bench::new().await;
    bench.apply(SAMPLE, false).await;
    let mut workflow = WorkflowServiceClient::new(bench.stage.channel.clone());
    let request = GetGroupRequest {
        id: "Customer Care".to_owned(),
    };
    let group = workflow
        .get_group(request)
        .await
        .unwrap()
        .into_inner()
        .group
        .unwrap();
    assert!(group.lead_agent_id.starts_with("agt_"));
}

#[tokio::test]
async fn a_file_may_name_what_the_services_have_already() {
    let bench = Bench::new().await;
    bench.apply(SAMPLE, false).await;
    let more = "agents:\n  - name: Tom Whitfield\n    groups: [Billing]\n    capacity: 3\n";
    let (plan, _) = bench.apply(more, false).await;
    assert!(all(&plan, &Verdict::Create) && plan.len() == 1);
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_every_problem_and_its_line() {
    let bench = Bench::new().await;
    let wrong = "\
groups:
  - name: Care
    teir: 2
  - name: Care
agents:
  - name: Ana
    groups: [Car]
    capacity: many
    skills: { flying: 9 }
policies:
  - name: Promise
    targets:
      - { metric: first_replay, within: 2h }
      - { metric: idle, within: 2 hours, calendar: Never }
rotas:
  - name: Nights
    time_zone: Europe/Berlin
    layers:
      - name: First
        rotation: { agents: [Ana, Nobody], unit: months, starts_on: 5.1.2026 }
      - name: First
        shifts:
          - { agent: Ana, days: [monday], starts_at: \"24:00\", ends_at: \"24:00\" }
      - name: Third
";
    let told = bench.refused(wrong).await;
    let expected = [
        "15 problems; nothing was done",
        "line 3: groups[0].teir is not known here",
        "line 4: groups[1].name repeats the group \"Care\" of line 2",
        "line 7: agents[0].groups[0] names a group that does not exist: \"Car\"",
        "line 8: agents[0].capacity must be a whole number from 0 to 10000",
        "line 9: agents[0].skills.flying must be a whole number from 1 to 5",
        "line 9: agents[0].skills.flying names a skill that does not exist: \"flying\"",
        "line 13: policies[0].targets[0].metric must be one of first_reply,",
        "line 14: policies[0].targets[1].within must be a span",
        "line 14: policies[0].targets[1].calendar names a calendar that does not exist: \"Never\"",
        "line 20: rotas[0].layers[0].rotation.agents[1] names an agent that does not exist: \"Nobody\"",
        "line 20: rotas[0].layers[0].rotation.unit must be one of hours, days, weeks",
        "line 20: rotas[0].layers[0].rotation.starts_on must be a date, YYYY-MM-DD",
        "line 21: rotas[0].layers[1] repeats a name",
        "line 23: rotas[0].layers[1].shifts[0].starts_at must be a time of day, HH:MM",
        "line 24: rotas[0].layers[2] needs either \"rotation\" or \"shifts\"",
    ];
    for line in expected {
        assert!(told.contains(line), "{line:?} is missing from\n{told}");
    }
    let (plan, _) = bench.apply("groups:\n  - name: Care\n", true).await;
    assert!(all(&plan, &Verdict::Create), "nothing was done");
}

#[tokio::test]
async fn what_a_service_refuses_is_told_with_what_was_done_before() {
    let bench = Bench::new().await;
    let text = "\
skills:
  - name: billing
groups:
  - name: Care
    tier: 2
    escalates_to: Back
  - name: Back
    tier: 1
";
    let mut out = Vec::new();
    let error = apply(
        &bench.stage.channel,
        text,
        bench.folder.path(),
        false,
        &mut out,
    )
    .await
    .unwrap_err();
    let told = format!("{error:#}");
    assert!(told.contains("group \"Care\" was refused"), "{told}");
    assert!(told.contains("1 of 3 changes were done before"), "{told}");
    assert!(told.contains("create     skill      billing"), "{told}");
}

#[tokio::test]
async fn services_that_are_away_are_named_after_what_is_wrong_with_the_file() {
    // Nothing listens on port 1.
    let nowhere = lotse_client::connect(&lotse_client::Target::new("http://127.0.0.1:1")).unwrap();
    let mut out = Vec::new();
    let error = apply(&nowhere, "skills: []\n", Path::new(""), true, &mut out)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the services cannot be reached"),
        "{error}"
    );
    let error = apply(&nowhere, "skils: []\n", Path::new(""), true, &mut out)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 1: skils is not known here"),
        "{error}"
    );
}

/// A file with a target of each kind, whose secrets stand in files of `folder`.
fn targets(folder: &std::path::Path) -> String {
    let file = |name: &str, secret: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        path.display().to_string()
    };
    let hook = file("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let pager = file("pager", "0123456789abcdef0123456789abcdef");
    let chat = file("chat", "https://hooks.slack.com/services/T0/B0/hush");
    format!(
        "notification_targets:
  - name: Operations
    webhook:
      url: https://hooks.example.org
      secrets: [{{ file: {hook} }}]
  - name: On call
    pager_duty: {{ routing_key: {{ file: {pager} }} }}
  - name: Chat
    disabled: true
    slack: {{ url: {{ file: {chat} }} }}
  - name: Leads
    smtp:
      host: mail.example.org
      username: lotse
      password: {{ env: CARGO_PKG_NAME }}
      from: Lotse <lotse@example.org>
      to: [leads@example.org]
"
    )
}

#[tokio::test]
async fn notification_targets_have_their_secrets_from_elsewhere_and_keep_them() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let text = targets(folder.path());
    let (plan, told) = bench.apply(&text, false).await;
    assert!(all(&plan, &Verdict::Create), "{told}");
    let (plan, told) = bench.apply(&text, false).await;
    assert!(all(&plan, &Verdict::Secrets), "{told}");
    assert!(
        told.contains("created 0 and changed 0; 4 unchanged"),
        "{told}"
    );
    assert!(!told.contains("hush"), "{told}");
    let versions = |bench: &Bench| {
        let mut client = AlertServiceClient::new(bench.stage.channel.clone());
        async move {
            let page = client.list_notification_targets(ListNotificationTargetsRequest::default());
            let targets = page.await.unwrap().into_inner().notification_targets;
            let version = |target: NotificationTarget| (target.name, target.version);
            targets.into_iter().map(version).collect::<Vec<_>>()
        }
    };
    let expected = |operations: u32| {
        [
            ("Chat", 1),
            ("Leads", 1),
            ("On call", 1),
            ("Operations", operations),
        ]
        .map(|(name, version)| (name.to_owned(), version))
    };
    assert_eq!(versions(&bench).await, expected(1));
    // A rotated secret is a change that only the service can see.
    std::fs::write(
        folder.path().join("hook"),
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    )
    .unwrap();
    bench.apply(&text, false).await;
    assert_eq!(versions(&bench).await, expected(2));
    let (plan, _) = bench
        .apply(&text.replace("to: [leads@", "to: [all@"), false)
        .await;
    assert_eq!(plan[3].verdict, Verdict::Change(vec!["channel".to_owned()]));
}

#[tokio::test]
async fn a_secret_that_stands_in_the_file_or_is_nowhere_is_refused() {
    let bench = Bench::new().await;
    let text = "notification_targets:
  - name: Operations
    webhook:
      url: https://hooks.example.org
      secrets: [whsec_hush]
  - name: On call
    pager_duty:
      routing_key: { env: LOTSE_NO_SUCH_VARIABLE }
  - name: Chat
    slack:
      url: { file: /nowhere/at-all }
  - name: Nothing
  - name: Mail
    smtp: { host: mail.example.org, from: lotse@example.org, username: lotse }
";
    let told = bench.refused(text).await;
    for problem in [
        "line 5: notification_targets[0].webhook.secrets[0] is secret and must not stand here",
        "line 8: notification_targets[1].pager_duty.routing_key names a variable that is not set",
        "line 11: notification_targets[2].slack.url names a file that cannot be read",
        "notification_targets[3] needs one of webhook, pager_duty, slack, smtp",
        "notification_targets[4].smtp needs \"password\" beside \"username\"",
    ] {
        assert!(told.contains(problem), "{problem} in\n{told}");
    }
    assert!(!told.contains("hush"), "{told}");
}

#[tokio::test]
async fn a_calendar_takes_its_holidays_from_a_file_beside_it() {
    let bench = Bench::new().await;
    let path = bench.folder.path().join("works.ics");
    let ics = |date: &str| {
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:{date}\nEND:VEVENT\nEND:VCALENDAR\n")
    };
    std::fs::write(&path, ics("20261224")).unwrap();
    let text = "\
calendars:
  - name: Office
    time_zone: UTC
    preset: business_hours
    holiday_files: [{ file: works.ics }]
    holiday_regions: [DE-BY, FR]
    effective_at: 2027-01-01T00:00:00+01:00
";
    let (plan, _) = bench.apply(text, false).await;
    assert!(all(&plan, &Verdict::Create));
    let undated = text.replace("    effective_at: 2027-01-01T00:00:00+01:00\n", "");
    for same in [text, undated.as_str()] {
        let (plan, told) = bench.apply(same, false).await;
        assert!(all(&plan, &Verdict::Unchanged), "{told}");
    }
    std::fs::write(&path, ics("20261231")).unwrap();
    let (plan, _) = bench.apply(text, false).await;
    let fields = vec!["holiday_files".to_owned()];
    assert!(all(&plan, &Verdict::Change(fields)), "{plan:?}");
}

#[tokio::test]
async fn what_is_wrong_with_holidays_is_told_with_both_lines() {
    let bench = Bench::new().await;
    std::fs::write(
        bench.folder.path().join("bad.ics"),
        "BEGIN:VCALENDAR\nnonsense",
    )
    .unwrap();
    let told = bench
        .refused(
            "\
calendars:
  - name: Office
    time_zone: UTC
    preset: business_hours
    holiday_files:
      - file: bad.ics
      - file: absent.ics
      - name: nothing
      - text: x
    effective_at: tomorrow
",
        )
        .await;
    for line in [
        "line 6: calendars[0].holiday_files[0].file is not a file of holidays: its line 1: \
         BEGIN:VCALENDAR has no END",
        "line 7: calendars[0].holiday_files[1].file cannot be read: ",
        "line 8: calendars[0].holiday_files[2] needs either \"file\" or \"text\"",
        "line 9: calendars[0].holiday_files[3] needs \"name\"",
        "line 10: calendars[0].effective_at must be an instant",
    ] {
        assert!(told.contains(line), "{line:?} is missing from\n{told}");
    }
    let unknown = "calendars: [{ name: a, time_zone: UTC, preset: always, holiday_regions: [XX] }]";
    let error = apply(
        &bench.stage.channel,
        unknown,
        Path::new(""),
        false,
        &mut Vec::new(),
    )
    .await
    .unwrap_err();
    let told = format!("{error:#}");
    assert!(told.contains("calendar \"a\" was refused"), "{told}");
    assert!(
        told.contains("is not a country of the table; it has AD, "),
        "{told}"
    );
}
