//! Scenarios whose workflow goes step by step.

use std::time::Duration;

use lotse_routing::simulation::{Happened, Policy, Scenario};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600;

/// Sam and Bill work from eight to four, Dora always; nobody is ever too busy.
const DESK: &str = r#"
name = "step by step"
start = "2026-03-02"
days = 3
groups = [{ name = "desk" }, { name = "specialists" }]
shifts = { day = { from = "08:00", to = "16:00" } }

[[agents]]
name = "Sam"
groups = ["specialists"]
tier = 2
shifts = ["day"]
capacity = 100
at_once = 100
[[agents]]
name = "Dora"
groups = ["desk"]
capacity = 100
at_once = 100
[[agents]]
name = "Bill"
groups = ["desk"]
skills = { billing = 4 }
shifts = ["day"]
capacity = 100
at_once = 100

[[tickets]]
class = "patient"
per_hour = 4.0
handling = { fixed = "1m" }
told = { category = "patient" }
[[tickets]]
class = "hasty"
per_hour = 4.0
handling = { fixed = "1m" }
told = { category = "hasty" }
[[tickets]]
class = "billing"
per_hour = 4.0
handling = { fixed = "1m" }
told = { category = "billing" }
[[tickets]]
class = "hours"
per_hour = 4.0
handling = { fixed = "1m" }
told = { category = "hours" }

[workflow]
default_group = "desk"
[[workflow.rules]]
name = "patient"
categories = ["patient"]
steps = [{ group = "specialists", min_tier = 2, timeout = "10m" }, { group = "desk" }]
[[workflow.rules]]
name = "hasty"
any_of = [{ categories = ["hasty"] }, { tags = ["hasty"] }]
[[workflow.rules.steps]]
group = "specialists"
timeout = "10m"
skip_if = { nobody_online = true }
[[workflow.rules.steps]]
group = "desk"
[[workflow.rules]]
name = "billing"
categories = ["billing"]
group = "desk"
preferred_skills = [{ skills = { billing = 3 }, drop_after = "10m" }]
[[workflow.rules]]
name = "hours"
categories = ["hours"]
[[workflow.rules.steps]]
group = "specialists"
timeout = "10m"
[workflow.rules.steps.skip_if.outside]
time_zone = "UTC"
hours = [{ days = ["mon", "tue", "wednesday"], starts_at = "06:00", ends_at = "18:00" }]
[[workflow.rules.steps]]
group = "desk"
"#;

const SAM: usize = 0;
const DORA: usize = 1;
const BILL: usize = 2;

#[test]
fn a_ticket_goes_on_when_a_step_or_preference_runs_out_or_is_passed_over() {
    let scenario: Scenario = toml::from_str(DESK).unwrap();
    let stage = scenario.stage().unwrap();
    for policy in Policy::ALL {
        let mut seen = [0; 4];
        stage.play(policy, scenario.seed, |at, happened| {
            let Happened::Assigned {
                class,
                agent,
                waited,
                ..
            } = happened
            else {
                return;
            };
            let came = at.as_millis() - waited.as_millis() as i64;
            let came = Duration::from_millis(came.rem_euclid(24 * 3_600_000) as u64);
            let until = |hour: u64| Duration::from_secs(hour * HOUR).checked_sub(came);
            let at_work = until(8).is_none() && until(16).is_some_and(|left| !left.is_zero());
            let comes_in = until(8).filter(|wait| *wait <= 10 * MINUTE);
            let colleague = if class == 2 { BILL } else { SAM };
            let open = until(6).is_none() && until(18).is_some_and(|left| !left.is_zero());
            let goes_on_at_once = class == 1 || class == 3 && !open;
            let closes_in = until(18).filter(|_| class == 3);
            let expected = match comes_in {
                _ if at_work => (colleague, Duration::ZERO),
                _ if goes_on_at_once => (DORA, Duration::ZERO),
                Some(wait) => (colleague, wait),
                None => (
                    DORA,
                    closes_in.map_or(10 * MINUTE, |wait| wait.min(10 * MINUTE)),
                ),
            };
            let case = format!("{} {class} {came:?}", policy.name());
            assert_eq!((agent, waited), expected, "{case}");
            seen[class] += 1;
        });
        assert!(seen.iter().all(|seen| *seen > 200), "{seen:?}");
    }
}

#[test]
fn whoever_could_have_got_a_ticket_on_any_of_its_steps_can_solve_it() {
    let really = |category: &str| {
        let mut scenario: Scenario = toml::from_str(DESK).unwrap();
        scenario.tickets.truncate(1);
        scenario.tickets[0].told.category = "question".to_owned();
        let turns_out = format!("share = 1.0\ncategory = \"{category}\"");
        scenario.tickets[0].really = vec![toml::from_str(&turns_out).unwrap()];
        let (mut solved, mut passed_on) = (0, 0);
        scenario
            .stage()
            .unwrap()
            .play(Policy::Matched, 1, |_, happened| match happened {
                Happened::Solved { .. } => solved += 1,
                Happened::Transferred { .. } => passed_on += 1,
                _ => {}
            });
        assert!(solved > 100, "{solved}");
        passed_on
    };
    // Its second step is the desk's.
    assert_eq!(really("patient"), 0);
    // Preferences are none of those who have it.
    assert_eq!(really("billing"), 0);
}

#[test]
fn a_workflow_is_refused_for_what_the_service_would_refuse() {
    let wrong = DESK
        .replace("min_tier = 2, timeout = \"10m\"", "min_tier = 12")
        .replace(
            "billing = 3 }, drop_after = \"10m\"",
            "biling = 3 }, drop_after = \"0s\"",
        )
        .replace("[\"hasty\"] }, {", "[\"hasty\"], channels = [\"fax\"] }, {")
        .replace("default_group = \"desk\"", "default_group = \"desks\"")
        .replace("time_zone = \"UTC\"", "time_zone = \"Mars\"");
    let scenario: Scenario = toml::from_str(&wrong).unwrap();
    let problems = scenario.stage().err().unwrap();
    let mut keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    keys.sort_unstable();
    let expected = [
        "workflow.default_group",
        "workflow.rules[0].steps[0].min_tier",
        "workflow.rules[0].steps[0].timeout",
        "workflow.rules[1].any_of[0].channels",
        "workflow.rules[2].preferred_skills[0].drop_after",
        "workflow.rules[2].preferred_skills[0].skills",
        "workflow.rules[3].steps[0].skip_if.outside.time_zone",
    ];
    assert_eq!(keys, expected, "{problems:?}");
    let unknown = DESK.replace("any_of =", "any_off =");
    let refused = toml::from_str::<Scenario>(&unknown).unwrap_err();
    assert!(refused.message().contains("any_off"), "{refused}");
}
