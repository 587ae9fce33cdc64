//! Duty rotas: read from a file, read from the service, and put.

use std::collections::{BTreeMap, BTreeSet};

use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::rota_layer::Plan;

use super::read::{Kind, Reader, Reference};
use super::read_calendars::{date, hours, moment};
use super::read_promises::maps;
use super::spec::{Rota, RotaLayer, Rotation, Shadow};
use super::state::{Known, named};
use super::words::{UNITS, WEEKDAYS, time_of_day};
use super::yaml::Map;

/// Reads a rota of a file.
pub(crate) fn read(reader: &mut Reader, map: &mut Map<'_>) -> Option<Rota> {
    let zone = map.require("time_zone", &mut reader.problems);
    let time_zone = zone.and_then(|entry| entry.text(&mut reader.problems));
    let group = reader.reference(map, "group", Kind::Group);
    let mut layers = Vec::new();
    let mut names = BTreeSet::new();
    for mut layer in maps(reader, map, "layers") {
        let read = read_layer(reader, &mut layer);
        if read
            .as_ref()
            .is_some_and(|read| !names.insert(read.name.clone()))
        {
            reader.problems.add(&layer.at, "repeats a name");
        }
        layers.extend(read);
        layer.finish(&mut reader.problems);
    }
    if layers.is_empty() {
        reader
            .problems
            .add(&map.at, "needs at least one of \"layers\"");
    }
    let name = reader.name(Kind::Rota, map)?;
    Some(Rota {
        name,
        time_zone: time_zone?,
        group: group.unwrap_or_default(),
        layers,
    })
}

fn read_layer(reader: &mut Reader, map: &mut Map<'_>) -> Option<RotaLayer> {
    let rotation = map.take("rotation");
    let rotates = rotation.is_some();
    let rotation = rotation.and_then(|entry| entry.map(&mut reader.problems));
    let rotation = rotation.and_then(|map| read_rotation(reader, map));
    let given = maps(reader, map, "shifts");
    if rotates != given.is_empty() {
        let message = "needs either \"rotation\" or \"shifts\"";
        reader.problems.add(&map.at, message);
    }
    let mut shifts = BTreeSet::new();
    for mut shift in given {
        let agent = reader.needed(&mut shift, "agent", Kind::Agent);
        for (day, from, to) in weekly(reader, &mut shift) {
            shifts.extend(agent.clone().map(|agent| (day, from, to, agent)));
        }
        shift.finish(&mut reader.problems);
    }
    let mut within = BTreeSet::new();
    for mut opening in maps(reader, map, "hours") {
        within.extend(weekly(reader, &mut opening));
        opening.finish(&mut reader.problems);
    }
    let shadow = map.take("shadow");
    let shadow = shadow.and_then(|entry| entry.map(&mut reader.problems));
    let shadow = shadow.and_then(|map| read_shadow(reader, map));
    let name = map.require("name", &mut reader.problems)?;
    Some(RotaLayer {
        name: name.text(&mut reader.problems)?,
        rotation,
        shifts,
        hours: within,
        shadow,
    })
}

fn read_shadow(reader: &mut Reader, mut map: Map<'_>) -> Option<Shadow> {
    let agent = reader.needed(&mut map, "agent", Kind::Agent);
    let mentor = reader.needed(&mut map, "mentor", Kind::Agent);
    let approval_wanted = reader.truth(&mut map, "approval_wanted", false);
    map.finish(&mut reader.problems);
    Some(Shadow {
        agent: agent?,
        mentor: mentor?,
        approval_wanted,
    })
}

fn read_rotation(reader: &mut Reader, mut map: Map<'_>) -> Option<Rotation> {
    // In their order, so not as a set.
    let agents = map.require("agents", &mut reader.problems);
    let agents = agents.map(|entry| entry.texts(&mut reader.problems));
    let mut names = Vec::new();
    for (at, name) in agents.unwrap_or_default() {
        reader.references.push(Reference {
            kind: Kind::Agent,
            name: name.clone(),
            at,
        });
        names.push(name);
    }
    let unit = map.require("unit", &mut reader.problems);
    let unit = unit.and_then(|entry| reader.word(&entry, UNITS));
    let every = reader.whole(&mut map, "every", 1..=1_000).unwrap_or(1);
    let hand_over_at = map.take("hand_over_at");
    let hand_over_at = hand_over_at
        .and_then(|entry| moment(reader, &entry, false))
        .unwrap_or("00:00".to_owned());
    let starts_on = map.require("starts_on", &mut reader.problems);
    let starts_on = starts_on.and_then(|entry| date(reader, &entry));
    map.finish(&mut reader.problems);
    Some(Rotation {
        agents: names,
        unit: unit?,
        every,
        hand_over_at,
        starts_on: starts_on?,
    })
}

/// Days with their hours.
pub(super) fn weekly(reader: &mut Reader, map: &mut Map<'_>) -> Vec<(i32, String, String)> {
    let days = reader.words(map, "days", WEEKDAYS);
    if days.is_empty() {
        reader.problems.add(&map.at, "needs \"days\"");
    }
    let Some((from, to)) = hours(reader, map, ["starts_at", "ends_at"]) else {
        return Vec::new();
    };
    let days = days.iter().map(|day| WEEKDAYS.code(day));
    days.map(|day| (day, from.clone(), to.clone())).collect()
}

/// A rota that is there.
pub(crate) fn known(rota: routing::Rota, names: &BTreeMap<String, String>) -> Known<Rota> {
    let layer = |layer: routing::RotaLayer| {
        let (rotation, shifts) = match layer.plan {
            Some(Plan::Rotation(rotation)) => (Some(rotation), Vec::new()),
            Some(Plan::Shifts(shifts)) => (None, shifts.shifts),
            None => (None, Vec::new()),
        };
        let shift = |shift: routing::WeeklyShift| {
            let (day, from, to) = span(shift.hours.unwrap_or_default());
            (day, from, to, named(shift.agent_id, names))
        };
        RotaLayer {
            name: layer.name,
            rotation: rotation.map(|rotation| Rotation {
                agents: rotation
                    .agent_ids
                    .into_iter()
                    .map(|id| named(id, names))
                    .collect(),
                unit: UNITS.word(rotation.unit),
                every: rotation.every,
                hand_over_at: time_of_day(&rotation.hand_over_at),
                starts_on: rotation.starts_on,
            }),
            shifts: shifts.into_iter().map(shift).collect(),
            hours: layer.hours.into_iter().map(span).collect(),
            shadow: layer.shadow.map(|shadow| Shadow {
                agent: named(shadow.agent_id, names),
                mentor: named(shadow.mentor_agent_id, names),
                approval_wanted: shadow.approval_wanted,
            }),
        }
    };
    Known {
        etag: rota.etag,
        is: Rota {
            name: rota.name,
            time_zone: rota.time_zone,
            group: named(rota.group_id, names),
            layers: rota.layers.into_iter().map(layer).collect(),
        },
    }
}

pub(super) fn span(hours: routing::DutyHours) -> (i32, String, String) {
    let routing::DutyHours {
        weekday,
        starts_at,
        ends_at,
    } = hours;
    (weekday, time_of_day(&starts_at), time_of_day(&ends_at))
}

/// Hours of a weekday, to be put.
pub(super) fn duty_hours((weekday, from, to): &(i32, String, String)) -> routing::DutyHours {
    routing::DutyHours {
        weekday: *weekday,
        starts_at: from.clone(),
        ends_at: to.clone(),
    }
}

/// A rota to be put.
pub(crate) fn proto(rota: &Rota, etag: String) -> routing::Rota {
    let Rota {
        name,
        time_zone,
        group,
        layers,
    } = rota;
    routing::Rota {
        name: name.clone(),
        time_zone: time_zone.clone(),
        group_id: group.clone(),
        layers: layers.iter().map(proto_layer).collect(),
        etag,
        ..routing::Rota::default()
    }
}

fn proto_layer(layer: &RotaLayer) -> routing::RotaLayer {
    let RotaLayer {
        name,
        rotation,
        shifts,
        hours,
        shadow,
    } = layer;
    let plan = match rotation {
        Some(rotation) => Plan::Rotation(routing::Rotation {
            agent_ids: rotation.agents.clone(),
            unit: UNITS.code(&rotation.unit),
            every: rotation.every,
            hand_over_at: rotation.hand_over_at.clone(),
            starts_on: rotation.starts_on.clone(),
        }),
        None => {
            let shift =
                |(day, from, to, agent): &(i32, String, String, String)| routing::WeeklyShift {
                    agent_id: agent.clone(),
                    hours: Some(duty_hours(&(*day, from.clone(), to.clone()))),
                };
            Plan::Shifts(routing::WeeklyShifts {
                shifts: shifts.iter().map(shift).collect(),
            })
        }
    };
    routing::RotaLayer {
        name: name.clone(),
        plan: Some(plan),
        hours: hours.iter().map(duty_hours).collect(),
        shadow: shadow.as_ref().map(|shadow| routing::Shadow {
            agent_id: shadow.agent.clone(),
            mentor_agent_id: shadow.mentor.clone(),
            approval_wanted: shadow.approval_wanted,
        }),
    }
}
