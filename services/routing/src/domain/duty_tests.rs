use proptest::prelude::*;

use super::*;
use crate::domain::codes::RotationUnit;
use crate::domain::rota::Plan;
use crate::domain::samples::{agent, duty_override, rota as rota_id};
use crate::domain::turns::tests::{at, layer, rota, rotation};

const HOUR: i64 = 3_600_000;

/// Two layers: agents 0 and 1 change daily, agents 2 and 3 weekly.
pub(in crate::domain) fn desk() -> Rota {
    let daily = layer(Plan::Rotation(rotation(2, RotationUnit::Days, 1)));
    let mut weekly = layer(Plan::Rotation(rotation(2, RotationUnit::Weeks, 1)));
    if let Plan::Rotation(rotation) = &mut weekly.plan {
        rotation.agents = vec![agent(2), agent(3)];
    }
    weekly.name = "second".to_owned();
    rota("Europe/Berlin", vec![daily, weekly])
}

pub(in crate::domain) fn exception(
    n: usize,
    who: usize,
    instead_of: Option<usize>,
    from: Timestamp,
    hours: i64,
) -> Override {
    Override {
        id: duty_override(n),
        rota: rota_id(),
        agent: agent(who),
        instead_of: instead_of.map(agent),
        starts_at: from,
        ends_at: Timestamp::from_millis(from.as_millis() + hours * HOUR),
        note: String::new(),
        shadow: None,
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::from_millis(i64::try_from(n).unwrap()),
    }
}

fn ask(rota: &Rota, overrides: &[Override], now: Timestamp) -> Vec<OnDuty> {
    let turns = rota.turns(|_| true, now);
    let window = window(&turns, now);
    // As the store answers.
    let known: Vec<Override> = overrides
        .iter()
        .filter(|one| one.ends_at > window.from && one.starts_at < window.until)
        .cloned()
        .collect();
    of_rota(rota, &turns, &known, |_| true, now)
}

fn who(on_duty: &[OnDuty]) -> Vec<AgentId> {
    on_duty.iter().map(|one| one.agent.clone()).collect()
}

/// Monday noon in Berlin: the turns of agents 0 and 2.
pub(in crate::domain) fn monday() -> Timestamp {
    at("2026-01-05T11:00:00Z")
}

#[test]
fn layers_come_in_their_order() {
    let told = ask(&desk(), &[], monday());
    assert_eq!(who(&told), [agent(0), agent(2)]);
    assert_eq!(
        (told[0].layer.as_str(), told[1].layer.as_str()),
        ("first", "second")
    );
    assert_eq!(told[0].from, Some(at("2026-01-04T23:00:00Z")));
    assert_eq!(told[0].until, Some(at("2026-01-05T23:00:00Z")));
}

#[test]
fn somebody_stands_in_for_a_while() {
    let begin = at("2026-01-05T10:00:00Z");
    let told = ask(&desk(), &[exception(1, 5, Some(0), begin, 4)], monday());
    assert_eq!(who(&told), [agent(5), agent(2)]);
    let OnDuty {
        source,
        from,
        until,
        by,
        ..
    } = &told[0];
    assert_eq!(
        (*source, by),
        (DutySource::Override, &Some(duty_override(1)))
    );
    assert_eq!(
        (*from, *until),
        (Some(begin), Some(at("2026-01-05T14:00:00Z")))
    );
    // Before it, the turn ends where the exception begins.
    let before = ask(
        &desk(),
        &[exception(1, 5, Some(0), begin, 4)],
        at("2026-01-05T09:00:00Z"),
    );
    assert_eq!(
        (who(&before)[0].clone(), before[0].until),
        (agent(0), Some(begin))
    );
}

#[test]
fn two_agents_swap_with_two_exceptions() {
    let begin = at("2026-01-05T10:00:00Z");
    let swap = [
        exception(1, 2, Some(0), begin, 4),
        exception(2, 0, Some(2), begin, 4),
    ];
    assert_eq!(who(&ask(&desk(), &swap, monday())), [agent(2), agent(0)]);
}

#[test]
fn the_exception_put_last_counts() {
    let begin = at("2026-01-05T10:00:00Z");
    let twice = [
        exception(1, 5, Some(0), begin, 4),
        exception(2, 6, Some(0), begin, 1),
    ];
    assert_eq!(who(&ask(&desk(), &twice, begin))[0], agent(6));
    assert_eq!(
        who(&ask(&desk(), &twice, at("2026-01-05T11:00:00Z")))[0],
        agent(5)
    );
}

#[test]
fn somebody_more_comes_after_the_layers_and_nobody_comes_twice() {
    let begin = at("2026-01-05T10:00:00Z");
    let more = [
        exception(1, 6, None, begin, 4),
        exception(2, 2, None, begin, 4),
    ];
    assert_eq!(
        who(&ask(&desk(), &more, monday())),
        [agent(0), agent(2), agent(6)]
    );
}

#[test]
fn exceptions_of_somebody_who_is_gone_or_of_another_rota_count_for_nothing() {
    let begin = at("2026-01-05T10:00:00Z");
    let rota = desk();
    let turns = rota.turns(|_| true, monday());
    let mut other = exception(2, 6, Some(0), begin, 4);
    other.rota = lotse_ids::RotaId::generate(begin);
    let all = [exception(1, 5, Some(0), begin, 4), other];
    let told = of_rota(&rota, &turns, &all, |one| *one != agent(5), monday());
    assert_eq!(who(&told), [agent(0), agent(2)]);
}

#[test]
fn a_group_has_those_who_are_online_by_load_then_its_lead() {
    let present = |n: usize, name: &str, load: i64| Present {
        agent: agent(n),
        name: name.to_owned(),
        load: Weight::from_thousandths(load),
        since: monday(),
        until: None,
    };
    let all = vec![
        present(1, "Cleo", 2_000),
        present(2, "Berta", 250),
        present(3, "Anna", 2_000),
    ];
    let told = of_group(all.clone(), Some(&agent(4)));
    assert_eq!(who(&told), [agent(2), agent(3), agent(1), agent(4)]);
    assert_eq!(told[3].source, DutySource::Lead);
    // A lead who is online is in line with the others.
    assert_eq!(
        who(&of_group(all, Some(&agent(1)))),
        [agent(2), agent(3), agent(1)]
    );
    assert_eq!(who(&of_group(Vec::new(), Some(&agent(4)))), [agent(4)]);
}

proptest! {
    #[test]
    fn overrides_win_and_what_is_said_holds_from_then_until_then(
        given in prop::collection::vec((0..8_usize, prop::option::of(0..4_usize), 0..400_i64, 1..100_i64), 0..6),
        hour in 0..400_i64, probe in 0.0..1.0_f64,
    ) {
        let start = at("2026-03-22T23:00:00Z");
        let after = |hours: i64| Timestamp::from_millis(start.as_millis() + hours * HOUR);
        let overrides: Vec<Override> = given
            .iter()
            .enumerate()
            .filter(|(_, (who, instead_of, ..))| Some(*who) != *instead_of)
            .map(|(n, (who, instead_of, from, hours))| exception(n, *who, *instead_of, after(*from), *hours))
            .collect();
        let (rota, now) = (desk(), after(hour));
        let told = ask(&rota, &overrides, now);
        // Whoever has a turn is there, unless the last override of that agent has another.
        for turn in rota.turns(|_| true, now) {
            let replaced = overrides.iter().rev().find(|one| {
                one.instead_of.as_ref() == Some(&turn.agent) && one.starts_at <= now && now < one.ends_at
            });
            let wanted = replaced.map_or(&turn.agent, |one| &one.agent);
            prop_assert!(who(&told).contains(wanted));
        }
        for one in &told {
            let (from, until) = (one.from.unwrap(), one.until.unwrap());
            prop_assert!(from <= now && now < until);
            // The same is said anywhere between: unless the agent comes first for another reason.
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let within = from.as_millis() + (until.millis_since(from) as f64 * probe) as i64;
            let again = ask(&rota, &overrides, Timestamp::from_millis(within));
            prop_assert!(who(&again).contains(&one.agent));
            let same = again.iter().find(|other| other.agent == one.agent).unwrap();
            prop_assert!(same == one || same.layer != one.layer || same.by != one.by);
            // And it does not go on.
            let then = ask(&rota, &overrides, until);
            prop_assert!(!then.contains(one));
        }
    }
}
