//! Duty rotas as configured.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lotse_calendar::{Calendar, Shift, Spec, TimeOfDay};
use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DutyOverrideId, GroupId, RotaId};
use serde::{Deserialize, Serialize};

use super::codes::RotationUnit;
use super::setting::{Content, Setting};

/// What is configured about a rota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RotaProfile {
    /// Unique.
    pub(crate) name: String,
    /// IANA name of the zone of all local times.
    pub(crate) zone: String,
    /// Whose duty it is.
    pub(crate) group: Option<GroupId>,
    /// Whoever is in the first is told first.
    pub(crate) layers: Vec<Layer>,
}

/// One row of a rota: one agent at a time. `A` is how agents are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer<A = AgentId> {
    /// Unique in the rota.
    pub(crate) name: String,
    /// Who takes turns.
    pub(crate) plan: Plan<A>,
    /// Nobody is on duty outside these; none for around the clock.
    pub(crate) hours: Vec<Shift>,
    /// Who learns on this duty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shadow: Option<Shadow<A>>,
}

/// A second person on a duty, who handles tickets and learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shadow<A = AgentId> {
    /// Who.
    pub(crate) agent: A,
    /// Who looks after them.
    pub(crate) mentor: A,
    /// Whether the mentor approves their public replies.
    pub(crate) approval: bool,
}

/// Who takes turns in a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan<A = AgentId> {
    /// Agents who hand over to each other.
    Rotation(Rotation<A>),
    /// Agents at fixed times of the week.
    Shifts(Vec<AgentShift<A>>),
}

/// Agents who take turns of the same length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotation<A = AgentId> {
    /// In this order, and again from the first.
    pub(crate) agents: Vec<A>,
    /// What a turn is counted in.
    pub(crate) unit: RotationUnit,
    /// How many of them, at least 1.
    pub(crate) every: u32,
    /// When turns begin, by the clock on the wall.
    pub(crate) hand_over_at: TimeOfDay,
    /// The date of the first hand-over.
    pub(crate) starts_on: Date,
}

/// One agent's hours on a weekday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentShift<A = AgentId> {
    /// Who.
    pub(crate) agent: A,
    /// When.
    pub(crate) hours: Shift,
}

/// A rota, checked and ready to be asked, with its version.
#[derive(Clone, Debug)]
pub(crate) struct Rota {
    /// What is configured.
    pub(crate) setting: Setting<RotaProfile>,
    /// What its local times mean.
    pub(super) schedule: Schedule,
}

impl Content for RotaProfile {
    type Id = RotaId;

    const KIND: &'static str = "rota";

    fn new_id(&self, now: Timestamp) -> RotaId {
        RotaId::generate(now)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Rota {
    /// The rota, or all that is wrong with it.
    pub(crate) fn new(setting: Setting<RotaProfile>) -> Result<Self, InvalidSchedule> {
        let schedule = Schedule::new(&setting.profile.zone, &setting.profile.layers)?;
        Ok(Self { setting, schedule })
    }

    /// What is configured.
    pub(crate) fn profile(&self) -> &RotaProfile {
        &self.setting.profile
    }
}

/// An exception to a rota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// The exception.
    pub(crate) id: DutyOverrideId,
    /// To which rota.
    pub(crate) rota: RotaId,
    /// Who is on duty.
    pub(crate) agent: AgentId,
    /// Instead of whom; none for beside the others.
    pub(crate) instead_of: Option<AgentId>,
    /// From when on.
    pub(crate) starts_at: Timestamp,
    /// Up to, not including.
    pub(crate) ends_at: Timestamp,
    /// For people.
    pub(crate) note: String,
    /// Who learns meanwhile; none for whom the layer says.
    pub(crate) shadow: Option<Shadow>,
    /// Raised by every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// The zone of a rota and the hours of its layers.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(super) zone: TimeZone,
    /// Of each layer; none for around the clock.
    pub(super) hours: Vec<Option<Calendar>>,
}

/// Something wrong with a rota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, such as `layers[1].hours[0]`.
    pub(crate) field: String,
    /// What.
    pub(crate) message: String,
}

/// Hours, shifts or turns that say nothing sensible: everything wrong with it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) struct InvalidSchedule(pub(crate) Vec<Problem>);

impl fmt::Display for InvalidSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid schedule:")?;
        let mut problems = self.0.iter();
        problems.try_for_each(|Problem { field, message }| write!(f, " {field}: {message};"))
    }
}

impl InvalidSchedule {
    /// There is no such zone.
    pub(super) fn unknown_zone(zone: &str) -> Self {
        Self(vec![Problem {
            field: "time_zone".to_owned(),
            message: format!("{zone:?} is not in the IANA time zone database"),
        }])
    }
}

impl Schedule {
    /// What the zone and the layers of a rota mean, or all that is wrong with them.
    pub(crate) fn new<A>(zone: &str, layers: &[Layer<A>]) -> Result<Self, InvalidSchedule> {
        let mut problems = Vec::new();
        let Ok(time_zone) = TimeZone::get(zone) else {
            return Err(InvalidSchedule::unknown_zone(zone));
        };
        let mut hours = Vec::with_capacity(layers.len());
        for (at, layer) in layers.iter().enumerate() {
            let path = format!("layers[{at}]");
            hours.push(
                weekly(zone, &layer.hours, &mut problems, |shift| {
                    format!("{path}.hours[{shift}]")
                })
                .filter(|_| !layer.hours.is_empty()),
            );
            if let Plan::Shifts(shifts) = &layer.plan {
                let week: Vec<Shift> = shifts.iter().map(|shift| shift.hours).collect();
                weekly(zone, &week, &mut problems, |shift| {
                    format!("{path}.shifts.shifts[{shift}].hours")
                });
            }
        }
        if problems.is_empty() {
            Ok(Self {
                zone: time_zone,
                hours,
            })
        } else {
            Err(InvalidSchedule(problems))
        }
    }
}

/// A calendar of weekly hours; what is wrong with them (they overlap, are empty) goes to
/// `problems`, under the names that `field` gives the hours.
pub(super) fn weekly(
    zone: &str,
    week: &[Shift],
    problems: &mut Vec<Problem>,
    field: impl Fn(usize) -> String,
) -> Option<Calendar> {
    if week.is_empty() {
        return None;
    }
    let spec = Spec {
        zone: zone.to_owned(),
        version: 1,
        week: week.to_vec(),
        overrides: Vec::new(),
    };
    let invalid = match Calendar::new(spec) {
        Ok(calendar) => return Some(calendar),
        Err(invalid) => invalid,
    };
    // The calendar calls them `week[2]`, also within its messages.
    let renamed = |text: &str| {
        let renamed = (0..week.len()).rev().fold(text.to_owned(), |text, at| {
            text.replace(&format!("week[{at}]"), &field(at))
        });
        renamed
            .replace("].from", "].starts_at")
            .replace("].to", "].ends_at")
    };
    problems.extend(invalid.problems.iter().map(|problem| Problem {
        field: renamed(&problem.field),
        message: renamed(&problem.message),
    }));
    None
}
