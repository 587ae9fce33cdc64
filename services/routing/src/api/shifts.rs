//! Shift plans, in and out.

use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::rotas::{duty_hours, instant, wanted_hours};
use super::{finish, parse, show};
use crate::app::shifts::WantedShifts;
use crate::domain::codes::Standing;
use crate::domain::setting::Setting;
use crate::domain::shift_plan::{Exception, Shifts};
use crate::error::Error;

/// Most weekly hours of a plan, of each kind.
const HOURS: usize = 64;
/// Most exceptions of a plan, of each kind.
const EXCEPTIONS: usize = 256;

/// Shifts as a request wants them.
pub(super) fn wanted(request: &proto::PutShiftPlanRequest) -> Result<WantedShifts, Error> {
    let proto::PutShiftPlanRequest {
        shift_plan,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let given = wrong.present("shift_plan", shift_plan.as_ref());
    let wanted = given.and_then(|given| {
        let proto::ShiftPlan {
            agent_id,
            time_zone,
            shifts,
            breaks,
            absences,
            extra_shifts,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
        } = given;
        let wrong = &mut wrong;
        let agent = parse::required_reference(wrong, "shift_plan.agent_id", agent_id);
        let mut weekly = |name: &str, given: &[proto::DutyHours]| {
            let path = format!("shift_plan.{name}");
            parse::at_most(wrong, &path, given.len(), HOURS);
            let given = given.iter().enumerate();
            given
                .filter_map(|(at, one)| wanted_hours(wrong, &format!("{path}[{at}]"), Some(one)))
                .collect()
        };
        let (shifts, breaks) = (weekly("shifts", shifts), weekly("breaks", breaks));
        let absences = exceptions(wrong, "shift_plan.absences", absences);
        let extra_shifts = exceptions(wrong, "shift_plan.extra_shifts", extra_shifts);
        Some(WantedShifts {
            shifts: Shifts {
                agent: agent?,
                zone: wrong.text("shift_plan.time_zone", time_zone, Text::line(1..=64)),
                shifts,
                breaks,
                absences,
                extra_shifts,
            },
            etag: etag.clone(),
        })
    });
    finish(wrong, request_id, wanted)
}

fn exceptions(
    wrong: &mut Violations,
    path: &str,
    given: &[proto::ShiftException],
) -> Vec<Exception> {
    parse::at_most(wrong, path, given.len(), EXCEPTIONS);
    let exception = |(at, one): (usize, &proto::ShiftException)| {
        let proto::ShiftException {
            starts_at,
            ends_at,
            note,
        } = one;
        let path = format!("{path}[{at}]");
        let from = instant(wrong, &format!("{path}.starts_at"), starts_at.as_ref());
        let until = instant(wrong, &format!("{path}.ends_at"), ends_at.as_ref());
        let note = wrong.text(&format!("{path}.note"), note, Text::line(0..=128));
        let (from, until) = from.zip(until)?;
        let field = format!("{path}.ends_at");
        wrong.require(&field, from < until, "must be later than starts_at");
        Some(Exception {
            from: from.as_millis(),
            until: until.as_millis(),
            note,
        })
    };
    given.iter().enumerate().filter_map(exception).collect()
}

/// A plan as it is answered.
pub(super) fn shift_plan(plan: &Setting<Shifts>) -> proto::ShiftPlan {
    let Shifts {
        agent,
        zone,
        shifts,
        breaks,
        absences,
        extra_shifts,
    } = &plan.profile;
    proto::ShiftPlan {
        agent_id: agent.to_string(),
        time_zone: zone.clone(),
        shifts: shifts.iter().map(duty_hours).collect(),
        breaks: breaks.iter().map(duty_hours).collect(),
        absences: absences.iter().map(exception).collect(),
        extra_shifts: extra_shifts.iter().map(exception).collect(),
        version: show::version(plan.version),
        etag: etag::of(plan.version),
        created_at: Some(to_proto(plan.created_at)),
        updated_at: Some(to_proto(plan.updated_at)),
    }
}

fn exception(one: &Exception) -> proto::ShiftException {
    let stretch = one.stretch();
    proto::ShiftException {
        starts_at: Some(to_proto(stretch.from)),
        ends_at: Some(to_proto(stretch.until)),
        note: one.note.clone(),
    }
}

/// What an agent's shifts say, as it is answered.
pub(super) fn standing(standing: Standing) -> i32 {
    let standing = match standing {
        Standing::AtWork => proto::Standing::AtWork,
        Standing::OnBreak => proto::Standing::OnBreak,
        Standing::OffShift => proto::Standing::OffShift,
        Standing::Absent => proto::Standing::Absent,
    };
    standing.into()
}
