//! What the duty service is configured with, in and out.

use std::collections::BTreeSet;

use jiff::civil::Date;
use lotse_calendar::{Shift, TimeOfDay, Weekday};
use lotse_clock::Timestamp;
use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::AgentId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::rota_layer::Plan as Planned;
use lotse_proto::time::{from_proto, to_proto};

use super::{finish, parse, show};
use crate::app::Ref;
use crate::app::rotas::{WantedOverride, WantedRota};
use crate::domain::codes::RotationUnit;
use crate::domain::rota::{AgentShift, Layer, Override, Plan, RotaProfile, Rotation, Shadow};
use crate::domain::setting::Setting;
use crate::error::Error;

/// Most layers of a rota.
const LAYERS: usize = 16;
/// Most agents of a rotation.
const AGENTS: usize = 64;
/// Most weekly hours of a layer.
const HOURS: usize = 64;
/// Most weekly shifts of a layer: one an hour.
const SHIFTS: usize = 168;
/// Longest turn, in its unit.
const EVERY: u32 = 1_000;

/// A rota as a request wants it.
pub(super) fn wanted_rota(request: &proto::PutRotaRequest) -> Result<WantedRota, Error> {
    let proto::PutRotaRequest { rota, request_id } = request;
    let mut wrong = Violations::new();
    let rota = wrong.present("rota", rota.as_ref()).map(|rota| {
        let proto::Rota {
            id,
            name,
            time_zone,
            group_id,
            layers,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
        } = rota;
        let wrong = &mut wrong;
        counted(wrong, "rota.layers", layers.len(), LAYERS);
        let mut names = BTreeSet::new();
        let layers = layers.iter().enumerate().filter_map(|(at, layer)| {
            let path = format!("rota.layers[{at}]");
            let unique = names.insert(&layer.name);
            wrong.require(
                &format!("{path}.name"),
                unique,
                "must be unique in the rota",
            );
            wanted_layer(wrong, &path, layer)
        });
        let layers = layers.collect();
        WantedRota {
            id: wrong.parse_optional("rota.id", id),
            name: parse::name(wrong, "rota.name", name, "rta"),
            zone: wrong.text("rota.time_zone", time_zone, Text::line(1..=64)),
            group: parse::reference(wrong, "rota.group_id", group_id),
            layers,
            etag: etag.clone(),
        }
    });
    finish(wrong, request_id, rota)
}

/// A layer; none when something is noted as wrong.
fn wanted_layer(
    wrong: &mut Violations,
    path: &str,
    layer: &proto::RotaLayer,
) -> Option<Layer<Ref<AgentId>>> {
    let proto::RotaLayer {
        name,
        plan,
        hours,
        shadow,
    } = layer;
    let shadow = wanted_shadow(wrong, path, shadow.as_ref());
    let name = parse::rule_name(wrong, &format!("{path}.name"), name);
    parse::at_most(wrong, &format!("{path}.hours"), hours.len(), HOURS);
    let hours_given = !hours.is_empty();
    let hours = hours.iter().enumerate();
    let hours: Vec<Shift> = hours
        .filter_map(|(at, one)| wanted_hours(wrong, &format!("{path}.hours[{at}]"), Some(one)))
        .collect();
    let plan = match plan {
        Some(Planned::Rotation(rotation)) => {
            let path = format!("{path}.rotation");
            wanted_rotation(wrong, &path, rotation).map(Plan::Rotation)
        }
        Some(Planned::Shifts(proto::WeeklyShifts { shifts })) => {
            let message = "must be empty beside shifts, which say their hours themselves";
            wrong.require(&format!("{path}.hours"), !hours_given, message);
            let path = format!("{path}.shifts.shifts");
            counted(wrong, &path, shifts.len(), SHIFTS);
            let shifts = shifts.iter().enumerate();
            let shifts =
                shifts.filter_map(|(at, one)| wanted_shift(wrong, &format!("{path}[{at}]"), one));
            Some(Plan::Shifts(shifts.collect()))
        }
        None => {
            wrong.add(format!("{path}.plan"), "must be a rotation or shifts");
            None
        }
    };
    plan.map(|plan| Layer {
        name,
        plan,
        hours,
        shadow,
    })
}

fn wanted_shadow(
    wrong: &mut Violations,
    path: &str,
    shadow: Option<&proto::Shadow>,
) -> Option<Shadow<Ref<AgentId>>> {
    let proto::Shadow {
        agent_id,
        mentor_agent_id,
        approval_wanted,
    } = shadow?;
    let field = |name: &str| format!("{path}.shadow.{name}");
    let agent = parse::required_reference(wrong, &field("agent_id"), agent_id);
    let mentor = parse::required_reference(wrong, &field("mentor_agent_id"), mentor_agent_id);
    Some(Shadow {
        agent: agent?,
        mentor: mentor?,
        approval: *approval_wanted,
    })
}

fn wanted_rotation(
    wrong: &mut Violations,
    path: &str,
    rotation: &proto::Rotation,
) -> Option<Rotation<Ref<AgentId>>> {
    let proto::Rotation {
        agent_ids,
        unit,
        every,
        hand_over_at,
        starts_on,
    } = rotation;
    let field = |name: &str| format!("{path}.{name}");
    counted(wrong, &field("agent_ids"), agent_ids.len(), AGENTS);
    let agents = agent_ids.iter().enumerate();
    let agents = agents
        .filter_map(|(at, agent)| {
            parse::required_reference(wrong, &format!("{path}.agent_ids[{at}]"), agent)
        })
        .collect();
    let unit = match proto::RotationUnit::try_from(*unit) {
        Ok(proto::RotationUnit::Hours) => Some(RotationUnit::Hours),
        Ok(proto::RotationUnit::Days) => Some(RotationUnit::Days),
        Ok(proto::RotationUnit::Weeks) => Some(RotationUnit::Weeks),
        Ok(proto::RotationUnit::Unspecified) | Err(_) => None,
    };
    let message = "must be hours, days or weeks";
    wrong.require(&field("unit"), unit.is_some(), message);
    wrong.require(&field("every"), *every <= EVERY, "must be at most 1000");
    let at = field("hand_over_at");
    let hand_over_at = match hand_over_at.as_str() {
        "" => Some(TimeOfDay::START),
        given => wrong.parse(&at, given),
    };
    let within = hand_over_at != Some(TimeOfDay::END);
    wrong.require(&at, within, "must be before 24:00, which is 00:00");
    let starts_on = date(wrong, &field("starts_on"), starts_on);
    Some(Rotation {
        agents,
        unit: unit?,
        every: (*every).max(1),
        hand_over_at: hand_over_at?,
        starts_on: starts_on?,
    })
}

fn wanted_shift(
    wrong: &mut Violations,
    path: &str,
    shift: &proto::WeeklyShift,
) -> Option<AgentShift<Ref<AgentId>>> {
    let proto::WeeklyShift { agent_id, hours } = shift;
    let agent = parse::required_reference(wrong, &format!("{path}.agent_id"), agent_id);
    let hours = wanted_hours(wrong, &format!("{path}.hours"), hours.as_ref());
    Some(AgentShift {
        agent: agent?,
        hours: hours?,
    })
}

pub(super) fn wanted_hours(
    wrong: &mut Violations,
    path: &str,
    hours: Option<&proto::DutyHours>,
) -> Option<Shift> {
    let proto::DutyHours {
        weekday,
        starts_at,
        ends_at,
    } = wrong.present(path, hours)?;
    let index = usize::try_from(*weekday - 1).ok();
    let day = index.and_then(|index| Weekday::ALL.get(index).copied());
    let message = "must be a day of the week";
    wrong.require(&format!("{path}.weekday"), day.is_some(), message);
    let from = wrong.parse(&format!("{path}.starts_at"), starts_at);
    let to = wrong.parse(&format!("{path}.ends_at"), ends_at);
    Some(Shift {
        day: day?,
        from: from?,
        to: to?,
    })
}

fn date(wrong: &mut Violations, field: &str, given: &str) -> Option<Date> {
    let date = given.parse::<Date>().ok();
    // Nothing else that means a date too.
    let date = date.filter(|date| date.to_string() == given);
    wrong.require(field, date.is_some(), "must be a date, YYYY-MM-DD");
    date
}

/// Refuses a list that is empty or too long.
fn counted(wrong: &mut Violations, field: &str, length: usize, most: usize) {
    wrong.require(field, length > 0, "must not be empty");
    parse::at_most(wrong, field, length, most);
}

/// An exception as a request wants it.
pub(super) fn wanted_override(
    request: &proto::PutOverrideRequest,
) -> Result<WantedOverride, Error> {
    let proto::PutOverrideRequest {
        duty_override,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let given = wrong.present("duty_override", duty_override.as_ref());
    let wanted = given.and_then(|given| {
        let proto::DutyOverride {
            id,
            rota_id,
            agent_id,
            instead_of_agent_id,
            starts_at,
            ends_at,
            note,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
            shadow,
        } = given;
        let wrong = &mut wrong;
        let shadow = wanted_shadow(wrong, "duty_override", shadow.as_ref());
        let id = wrong.parse_optional("duty_override.id", id);
        let rota = parse::required_reference(wrong, "duty_override.rota_id", rota_id);
        let agent = parse::required_reference(wrong, "duty_override.agent_id", agent_id);
        let instead_of = parse::reference(
            wrong,
            "duty_override.instead_of_agent_id",
            instead_of_agent_id,
        );
        let starts_at = instant(wrong, "duty_override.starts_at", starts_at.as_ref());
        let ends_at = instant(wrong, "duty_override.ends_at", ends_at.as_ref());
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at) {
            let field = "duty_override.ends_at";
            wrong.require(field, starts_at < ends_at, "must be later than starts_at");
        }
        let note = wrong.text("duty_override.note", note, Text::line(0..=512));
        Some(WantedOverride {
            id,
            rota: rota?,
            agent: agent?,
            instead_of,
            starts_at: starts_at?,
            ends_at: ends_at?,
            note,
            shadow,
            etag: etag.clone(),
        })
    });
    finish(wrong, request_id, wanted)
}

pub(super) fn instant(
    wrong: &mut Violations,
    field: &str,
    given: Option<&prost_types::Timestamp>,
) -> Option<Timestamp> {
    let given = wrong.present(field, given)?;
    wrong.take(field, from_proto(given))
}

/// A rota as it is answered.
pub(super) fn rota(rota: &Setting<RotaProfile>) -> proto::Rota {
    let profile = &rota.profile;
    proto::Rota {
        id: rota.id.to_string(),
        name: profile.name.clone(),
        time_zone: profile.zone.clone(),
        group_id: show::id(profile.group.as_ref()),
        layers: profile.layers.iter().map(layer).collect(),
        version: show::version(rota.version),
        etag: etag::of(rota.version),
        created_at: Some(to_proto(rota.created_at)),
        updated_at: Some(to_proto(rota.updated_at)),
    }
}

fn layer(layer: &Layer) -> proto::RotaLayer {
    let Layer {
        name,
        plan,
        hours,
        shadow,
    } = layer;
    let plan = match plan {
        Plan::Rotation(Rotation {
            agents,
            unit,
            every,
            hand_over_at,
            starts_on,
        }) => {
            let unit = match unit {
                RotationUnit::Hours => proto::RotationUnit::Hours,
                RotationUnit::Days => proto::RotationUnit::Days,
                RotationUnit::Weeks => proto::RotationUnit::Weeks,
            };
            Planned::Rotation(proto::Rotation {
                agent_ids: agents.iter().map(ToString::to_string).collect(),
                unit: unit.into(),
                every: *every,
                hand_over_at: hand_over_at.to_string(),
                starts_on: starts_on.to_string(),
            })
        }
        Plan::Shifts(shifts) => {
            let shift = |shift: &AgentShift| proto::WeeklyShift {
                agent_id: shift.agent.to_string(),
                hours: Some(duty_hours(&shift.hours)),
            };
            Planned::Shifts(proto::WeeklyShifts {
                shifts: shifts.iter().map(shift).collect(),
            })
        }
    };
    proto::RotaLayer {
        name: name.clone(),
        plan: Some(plan),
        hours: hours.iter().map(duty_hours).collect(),
        shadow: shadow.as_ref().map(self::shadow),
    }
}

/// A shadow as it is answered.
pub(super) fn shadow(shadow: &Shadow) -> proto::Shadow {
    let Shadow {
        agent,
        mentor,
        approval,
    } = shadow;
    proto::Shadow {
        agent_id: agent.to_string(),
        mentor_agent_id: mentor.to_string(),
        approval_wanted: *approval,
    }
}

pub(super) fn duty_hours(hours: &Shift) -> proto::DutyHours {
    let Shift { day, from, to } = hours;
    proto::DutyHours {
        // Monday is 1.
        weekday: i32::try_from(day.index() + 1).unwrap_or_default(),
        starts_at: from.to_string(),
        ends_at: to.to_string(),
    }
}

/// An exception as it is answered.
pub(super) fn duty_override(one: &Override) -> proto::DutyOverride {
    let Override {
        id,
        rota,
        agent,
        instead_of,
        starts_at,
        ends_at,
        note,
        shadow,
        version,
        created_at,
        updated_at,
    } = one;
    proto::DutyOverride {
        id: id.to_string(),
        rota_id: rota.to_string(),
        agent_id: agent.to_string(),
        instead_of_agent_id: show::id(instead_of.as_ref()),
        starts_at: Some(to_proto(*starts_at)),
        ends_at: Some(to_proto(*ends_at)),
        note: note.clone(),
        shadow: shadow.as_ref().map(self::shadow),
        version: show::version(*version),
        etag: etag::of(*version),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
    }
}
