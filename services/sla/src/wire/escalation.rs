//! Escalation policies, as callers write and read them.

use std::time::Duration;

use lotse_errors::{Text, Violations};
use lotse_grpc::etag;
use lotse_ids::{AgentId, EscalationPolicyId, GroupId, RotaId};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{duration_from_proto, duration_to_proto, to_proto};

use super::enums;
use crate::domain::{EscalationContent, EscalationTarget, Level, TargetKind};
use crate::settings::looks_like_id;
use crate::store::settings::Setting;

/// The shortest time between rounds, in milliseconds.
const SHORTEST: i64 = 60_000;
/// The longest wait, in milliseconds: 30 days.
const LONGEST: i64 = 30 * 86_400_000;

/// What a policy may name: ids and names.
pub(crate) struct Named<'a> {
    /// Of calendars.
    pub(crate) calendars: Vec<(&'a str, &'a str)>,
    /// Of notification targets.
    pub(crate) targets: Vec<(&'a str, &'a str)>,
}

impl Named<'_> {
    fn find(of: &[(&str, &str)], id_or_name: &str) -> Option<String> {
        let mut of = of.iter();
        let found = of.find(|(id, name)| *id == id_or_name || *name == id_or_name)?;
        Some(found.0.to_owned())
    }

    fn target(&self, field: &str, given: &str, wrong: &mut Violations) -> Option<String> {
        let found = Self::find(&self.targets, given);
        let words = format!("there is no notification target {given:?}");
        wrong.take(field, found.ok_or(words))
    }
}

/// Reads the escalation policy of a Put; what is wrong with it goes to `wrong`, under
/// `escalation_policy`.
pub(crate) fn read(
    policy: &proto::EscalationPolicy,
    named: &Named<'_>,
    wrong: &mut Violations,
) -> Option<EscalationContent> {
    let mut inner = Violations::new();
    let read = read_in(policy, named, &mut inner);
    wrong.nest("escalation_policy", inner);
    read
}

fn read_in(
    policy: &proto::EscalationPolicy,
    named: &Named<'_>,
    wrong: &mut Violations,
) -> Option<EscalationContent> {
    // The server sets the others.
    let proto::EscalationPolicy {
        id: _,
        name,
        levels,
        repeat,
        repeat_after,
        acknowledgement_timeout,
        support_calendar_id,
        notification_target_ids,
        version: _,
        etag: _,
        created_at: _,
        updated_at: _,
    } = policy;
    let name = wrong.text("name", name, Text::line(1..=128));
    let an_id = looks_like_id(EscalationPolicyId::PREFIX, &name);
    wrong.require("name", !an_id, "must not look like an id");
    let count = (1..=20).contains(&levels.len());
    wrong.require("levels", count, "must be 1 to 20 levels");
    let levels = levels.iter().take(20).enumerate().map(|(index, level)| {
        let mut inner = Violations::new();
        let read = read_level(level, named, &mut inner);
        wrong.nest(&format!("levels[{index}]"), inner);
        read
    });
    let levels: Vec<_> = levels.collect();
    wrong.require("repeat", *repeat <= 20, "must be at most 20");
    let wanted = (*repeat > 0) == repeat_after.is_some();
    let words = "is required with repeat, and must be absent without";
    wrong.require("repeat_after", wanted, words);
    let repeat_after = read_span("repeat_after", repeat_after.as_ref(), SHORTEST, wrong);
    let timeout = acknowledgement_timeout.as_ref();
    let timeout = read_span("acknowledgement_timeout", timeout, SHORTEST, wrong);
    let calendar = if support_calendar_id.is_empty() {
        None
    } else {
        let found = Named::find(&named.calendars, support_calendar_id);
        let words = format!("there is no calendar {support_calendar_id:?}");
        wrong.take("support_calendar_id", found.ok_or(words))
    };
    let field = "notification_target_ids";
    wrong.require(
        field,
        notification_target_ids.len() <= 16,
        "must be at most 16",
    );
    let mut targets = Vec::new();
    for (index, given) in notification_target_ids.iter().take(16).enumerate() {
        let found = named.target(&format!("{field}[{index}]"), given, wrong);
        targets.extend(found.filter(|found| !targets.contains(found)));
    }
    Some(EscalationContent {
        name,
        levels: levels.into_iter().collect::<Option<_>>()?,
        repeat: *repeat,
        repeat_after: repeat_after.unwrap_or(0),
        acknowledgement_timeout: timeout,
        support_calendar: calendar,
        notification_targets: targets,
    })
}

fn read_level(
    level: &proto::EscalationLevel,
    named: &Named<'_>,
    wrong: &mut Violations,
) -> Option<Level> {
    let proto::EscalationLevel { delay, targets } = level;
    let delay = read_span("delay", delay.as_ref(), 0, wrong).unwrap_or(0);
    let count = (1..=16).contains(&targets.len());
    wrong.require("targets", count, "must be 1 to 16 targets");
    let mut read: Vec<EscalationTarget> = Vec::new();
    for (index, target) in targets.iter().take(16).enumerate() {
        let field = format!("targets[{index}]");
        let mut inner = Violations::new();
        let one = read_target(target, named, &mut inner);
        wrong.nest(&field, inner);
        match one {
            Some(one) if read.contains(&one) => wrong.add(field, "repeats a target before it"),
            one => read.extend(one),
        }
    }
    Some(Level {
        delay,
        targets: read,
    })
}

fn read_target(
    target: &proto::EscalationTarget,
    named: &Named<'_>,
    wrong: &mut Violations,
) -> Option<EscalationTarget> {
    let proto::EscalationTarget { kind, id } = target;
    let kind = enums::target_kind(*kind).ok_or("must be a kind of target");
    let kind = wrong.take("kind", kind)?;
    let id = match kind {
        TargetKind::NotificationTarget => named.target("id", id, wrong)?,
        TargetKind::Agent => wrong.parse::<AgentId>("id", id)?.to_string(),
        TargetKind::TicketAgent => {
            wrong.require("id", id.is_empty(), "must be empty for TICKET_AGENT");
            String::new()
        }
        TargetKind::OnDuty if id.starts_with(RotaId::PREFIX) => {
            wrong.parse::<RotaId>("id", id)?.to_string()
        }
        TargetKind::OnDuty | TargetKind::GroupLead | TargetKind::Team => {
            let group = wrong.parse_optional::<GroupId>("id", id);
            group.map(String::from).unwrap_or_default()
        }
    };
    Some(EscalationTarget { kind, id })
}

/// A span in whole milliseconds; `None` when it is absent, or wrong, which is told.
fn read_span(
    field: &str,
    given: Option<&prost_types::Duration>,
    shortest: i64,
    wrong: &mut Violations,
) -> Option<i64> {
    let span = wrong.take(field, duration_from_proto(given?))?;
    let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    if span.subsec_nanos() % 1_000_000 != 0 {
        wrong.add(field, "must be whole milliseconds");
    } else if millis < shortest {
        wrong.add(field, format!("must be at least {} s", shortest / 1_000));
    } else if millis > LONGEST {
        wrong.add(field, "must be at most 30 days");
    } else {
        return Some(millis);
    }
    None
}

/// An escalation policy as callers see it.
pub(crate) fn write(policy: &Setting<EscalationContent>) -> proto::EscalationPolicy {
    let Setting {
        id,
        version,
        current: _,
        content,
        created_at,
        updated_at,
    } = policy;
    let EscalationContent {
        name,
        levels,
        repeat,
        repeat_after,
        acknowledgement_timeout,
        support_calendar,
        notification_targets,
    } = content;
    proto::EscalationPolicy {
        id: id.clone(),
        name: name.clone(),
        levels: levels.iter().map(write_level).collect(),
        repeat: *repeat,
        repeat_after: (*repeat > 0).then(|| span(*repeat_after)),
        acknowledgement_timeout: acknowledgement_timeout.map(span),
        support_calendar_id: support_calendar.clone().unwrap_or_default(),
        notification_target_ids: notification_targets.clone(),
        version: *version,
        etag: etag::of(i64::from(*version)),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
    }
}

fn write_level(level: &Level) -> proto::EscalationLevel {
    let Level { delay, targets } = level;
    let target = |target: &EscalationTarget| proto::EscalationTarget {
        kind: enums::to_target_kind(target.kind).into(),
        id: target.id.clone(),
    };
    proto::EscalationLevel {
        delay: Some(span(*delay)),
        targets: targets.iter().map(target).collect(),
    }
}

fn span(millis: i64) -> prost_types::Duration {
    duration_to_proto(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}
