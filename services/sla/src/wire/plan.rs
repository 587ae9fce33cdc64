//! What a ticket goes by, as an event of the journal.

use lotse_journal::Body;
use lotse_proto::journal::v1 as proto;

use super::enums::{self, to_priority};
use crate::domain::{PlanRef, PolicyRef, Priority, Replan};

/// The event of another plan of a ticket with this priority.
pub(crate) fn plan_chosen(replan: &Replan, priority: Priority) -> Body {
    let Replan { plan, reason } = replan;
    let chosen = plan.as_ref().map(|plan| plan.reference.clone());
    let reason = reason.code().to_owned();
    Body::PlanChosen(match chosen {
        Some(PlanRef {
            policy,
            calendars,
            priority,
        }) => proto::PlanChosen {
            policy_id: policy.id,
            policy_version: policy.version,
            calendar_versions: calendars,
            priority: to_priority(priority).into(),
            reason,
        },
        None => proto::PlanChosen {
            priority: to_priority(priority).into(),
            reason,
            ..Default::default()
        },
    })
}

/// The plan of such an event; `None` where no policy fits.
pub(crate) fn read(chosen: &proto::PlanChosen) -> Option<PlanRef> {
    let proto::PlanChosen {
        policy_id,
        policy_version,
        calendar_versions,
        priority,
        reason: _,
    } = chosen;
    if policy_id.is_empty() {
        return None;
    }
    Some(PlanRef {
        policy: PolicyRef {
            id: policy_id.clone(),
            version: *policy_version,
        },
        calendars: calendar_versions.clone(),
        priority: enums::priority(*priority)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Plan, Reason};

    fn told(plan: Option<PlanRef>) -> proto::PlanChosen {
        let plan = plan.map(|reference| {
            Arc::new(Plan {
                reference,
                terms: BTreeMap::new(),
                replies: Vec::new(),
            })
        });
        let reason = Reason::PriorityChanged;
        match plan_chosen(&Replan { plan, reason }, Priority::High) {
            Body::PlanChosen(chosen) => chosen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_told() {
        let plan = PlanRef {
            policy: PolicyRef {
                id: "slp_1".into(),
                version: 3,
            },
            calendars: BTreeMap::from([("cal_1".to_owned(), 2), ("cal_2".to_owned(), 7)]),
            priority: Priority::Urgent,
        };
        assert_eq!(read(&told(Some(plan.clone()))), Some(plan));
        assert_eq!(read(&told(None)), None);
        assert_eq!(told(None).reason, "priority_changed");
    }
}
