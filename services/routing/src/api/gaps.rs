//! Coverage requirements and gaps, in and out.

use lotse_clock::Timestamp;
use lotse_errors::{Error as Refusal, ErrorReason, Text, Violations};
use lotse_grpc::{etag, page};
use lotse_ids::AgentId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{from_proto, to_proto};

use super::covers::optional_language;
use super::rotas::{duty_hours, wanted_hours};
use super::{DEFAULT_PAGE, MAX_PAGE, finish, parse, shifts, show};
use crate::app::Ref;
use crate::app::coverage::{Gaps, WantedGaps, WantedRequirements};
use crate::domain::coverage::{Gap, Missing, Requirement, Requirements};
use crate::domain::setting::Setting;
use crate::error::Error;

/// Most requirements of a group.
const REQUIREMENTS: usize = 64;
/// Most weekly hours of a requirement.
const HOURS: usize = 64;
/// Most agents that a requirement may ask for.
const AGENTS: u32 = 1_000;

/// Requirements as a request wants them.
pub(super) fn wanted(
    request: &proto::PutCoverageRequirementsRequest,
) -> Result<WantedRequirements, Error> {
    let proto::PutCoverageRequirementsRequest {
        requirements,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let given = wrong.present("requirements", requirements.as_ref());
    let wanted = given.and_then(|given| {
        let wrong = &mut wrong;
        let group = parse::required_reference(wrong, "requirements.group_id", &given.group_id);
        let requirements = of_group(wrong, given).of(group?);
        Some(WantedRequirements {
            requirements,
            etag: given.etag.clone(),
        })
    });
    finish(wrong, request_id, wanted)
}

/// All but the group.
fn of_group(wrong: &mut Violations, given: &proto::CoverageRequirements) -> Requirements<()> {
    let proto::CoverageRequirements {
        group_id: _,
        time_zone,
        requirements,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
    } = given;
    let path = "requirements.requirements";
    wrong.require(path, !requirements.is_empty(), "must not be empty");
    parse::at_most(wrong, path, requirements.len(), REQUIREMENTS);
    let all = requirements.iter().enumerate();
    let all = all.map(|(at, one)| requirement(wrong, &format!("{path}[{at}]"), one));
    Requirements {
        group: (),
        all: all.collect(),
        zone: wrong.text("requirements.time_zone", time_zone, Text::line(1..=64)),
    }
}

fn requirement(
    wrong: &mut Violations,
    path: &str,
    given: &proto::CoverageRequirement,
) -> Requirement {
    let proto::CoverageRequirement {
        skill,
        language,
        min_level,
        agents,
        hours,
    } = given;
    let field = |name: &str| format!("{path}.{name}");
    let skill = (!skill.is_empty()).then(|| parse::skill(wrong, &field("skill"), skill));
    let language = optional_language(wrong, &field("language"), language);
    wrong.require(&field("min_level"), *min_level <= 5, "must be at most 5");
    let enough = (1..=AGENTS).contains(agents);
    wrong.require(&field("agents"), enough, "must be between 1 and 1000");
    parse::at_most(wrong, &field("hours"), hours.len(), HOURS);
    let hours = hours.iter().enumerate();
    let hours = hours
        .filter_map(|(at, one)| wanted_hours(wrong, &field(&format!("hours[{at}]")), Some(one)));
    Requirement {
        hours: hours.collect(),
        skill,
        language,
        min_level: u8::try_from((*min_level).clamp(1, 5)).unwrap_or(1),
        agents: *agents,
    }
}

/// Requirements as they are answered.
pub(super) fn requirements(setting: &Setting<Requirements>) -> proto::CoverageRequirements {
    let Requirements { group, zone, all } = &setting.profile;
    let one = |one: &Requirement| {
        let Requirement {
            skill,
            language,
            min_level,
            agents,
            hours,
        } = one;
        proto::CoverageRequirement {
            skill: skill.clone().unwrap_or_default(),
            language: show::id(language.as_ref()),
            min_level: (*min_level).into(),
            agents: *agents,
            hours: hours.iter().map(duty_hours).collect(),
        }
    };
    proto::CoverageRequirements {
        group_id: group.to_string(),
        time_zone: zone.clone(),
        requirements: all.iter().map(one).collect(),
        version: show::version(setting.version),
        etag: etag::of(setting.version),
        created_at: Some(to_proto(setting.created_at)),
        updated_at: Some(to_proto(setting.updated_at)),
    }
}

/// The gaps that a request asks for, and what its page tokens are for.
pub(super) fn asked(
    request: &proto::ListCoverageGapsRequest,
) -> Result<(WantedGaps, page::Scope), Error> {
    let proto::ListCoverageGapsRequest {
        group_id,
        from,
        until,
        requirements,
        page_size,
        page_token,
    } = request;
    let mut wrong = Violations::new();
    let group: Option<Ref<_>> = parse::required_reference(&mut wrong, "group_id", group_id);
    let from = wrong.take("from", from.as_ref().map(from_proto).transpose());
    let until = wrong.take("until", until.as_ref().map(from_proto).transpose());
    let given = requirements.as_ref();
    let instead = given.map(|given| of_group(&mut wrong, given));
    let ((group, from), until) = wrong.finish_with(group.zip(from).zip(until))?;
    let bound = |at: Option<Timestamp>| at.map(|at| at.as_millis().to_string()).unwrap_or_default();
    let parts = [
        group_id.as_str(),
        &bound(from),
        &bound(until),
        &format!("{instead:?}"),
    ];
    let scope = page::Scope::new("ListCoverageGaps", &parts);
    let size = page::size(*page_size, DEFAULT_PAGE, MAX_PAGE)?;
    let after = scope.key::<2>(page_token)?;
    let wanted = WantedGaps {
        group,
        from,
        until,
        instead,
        after: after.map(place).transpose()?,
        limit: usize::try_from(size).unwrap_or(usize::MAX),
    };
    Ok((wanted, scope))
}

/// The place in a list of gaps that a page token says.
fn place([from, requirement]: [String; 2]) -> Result<(Timestamp, usize), Error> {
    let place = from.parse().ok().zip(requirement.parse().ok());
    let (from, requirement) = place.ok_or_else(|| {
        Refusal::invalid("page_token", "is damaged").because(ErrorReason::InvalidPageToken)
    })?;
    Ok((Timestamp::from_millis(from), requirement))
}

/// Gaps as they are answered.
pub(super) fn answer(found: &Gaps, scope: &page::Scope) -> proto::ListCoverageGapsResponse {
    let Gaps {
        gaps,
        more,
        requirements,
        unplanned,
        window,
    } = found;
    let token = gaps.last().filter(|_| *more).map(|last| {
        let from = last.stretch.from.as_millis().to_string();
        scope.token(&[&from, &last.requirement.to_string()])
    });
    proto::ListCoverageGapsResponse {
        gaps: gaps.iter().map(|one| gap(one, requirements)).collect(),
        next_page_token: token.unwrap_or_default(),
        unplanned_agent_ids: unplanned.iter().map(ToString::to_string).collect(),
        from: Some(to_proto(window.from)),
        until: Some(to_proto(window.until)),
    }
}

fn gap(gap: &Gap, requirements: &[Requirement]) -> proto::CoverageGap {
    let Gap {
        requirement: at,
        stretch,
        fewest,
        there,
        missing,
    } = gap;
    let requirement = &requirements[*at];
    let missing = missing.iter();
    let missing =
        missing.map(
            |(agent, Missing { standing, note }): (&AgentId, _)| proto::MissingAgent {
                agent_id: agent.to_string(),
                standing: shifts::standing(*standing),
                note: note.clone(),
            },
        );
    proto::CoverageGap {
        requirement: u32::try_from(*at).unwrap_or(u32::MAX),
        skill: requirement.skill.clone().unwrap_or_default(),
        language: show::id(requirement.language.as_ref()),
        starts_at: Some(to_proto(stretch.from)),
        ends_at: Some(to_proto(stretch.until)),
        required: requirement.agents,
        fewest: *fewest,
        there_agent_ids: there.iter().map(ToString::to_string).collect(),
        missing: missing.collect(),
    }
}
