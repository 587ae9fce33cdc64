//! What must stand before the first ticket: groups, agents, a calendar and the log's own targets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lotse_proto::common::v1::{Priority, SlaMetric};
use lotse_proto::routing::v1 as routing;
use lotse_proto::sla::v1 as sla;
use lotse_proto::time::duration_to_proto;

use super::calls::Calls;
use super::log::Log;
use super::plan::UNKNOWN_GROUP;

/// The log's own targets, from opened to closed on a calendar of weekdays round the clock.
const TARGETS: [(&str, Priority, Duration); 2] = [
    ("P3", Priority::Normal, Duration::from_secs(552_240)), // 153.4 h
    ("P4", Priority::Low, Duration::from_secs(1_244_160)),  // 345.6 h
];

/// The ids of what the log names.
pub(crate) struct Setting {
    pub(crate) groups: HashMap<String, String>,
    pub(crate) agents: HashMap<String, String>,
    /// How a report calls a priority, and the policy with its target.
    pub(crate) policies: Vec<(&'static str, String)>,
}

impl Setting {
    /// Puts everything in place. Repeating it changes nothing.
    pub(crate) async fn put(calls: &Calls, log: &Log) -> Result<Self> {
        let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut names = BTreeSet::from([UNKNOWN_GROUP]);
        for row in log.incidents.iter().flat_map(|incident| &incident.rows) {
            let group = row.group.as_deref().unwrap_or(UNKNOWN_GROUP);
            names.insert(group);
            if let Some(agent) = &row.agent {
                members.entry(agent).or_default().insert(group);
            }
        }
        let mut groups = HashMap::new();
        for name in names {
            groups.insert(name.to_owned(), put_group(calls, name).await?);
        }
        let mut agents = HashMap::new();
        for (name, member_of) in members {
            let ids = member_of
                .iter()
                .filter_map(|group| groups.get(*group).cloned())
                .collect();
            agents.insert(name.to_owned(), put_agent(calls, name, ids).await?);
        }
        let policies = put_policies(calls).await?;
        Ok(Self {
            groups,
            agents,
            policies,
        })
    }
}

async fn put_group(calls: &Calls, name: &str) -> Result<String> {
    let group = routing::Group {
        name: name.to_owned(),
        tier: 1,
        ..routing::Group::default()
    };
    let request = routing::PutGroupRequest {
        group: Some(group),
        ..routing::PutGroupRequest::default()
    };
    let response = calls
        .workflow
        .clone()
        .put_group(request)
        .await?
        .into_inner();
    Ok(response.group.context("no group came back")?.id)
}

async fn put_agent(calls: &Calls, name: &str, group_ids: Vec<String>) -> Result<String> {
    let agent = routing::Agent {
        name: name.to_owned(),
        group_ids,
        tier: 1,
        capacity: 1,
        presence_never_expires: true,
        ..routing::Agent::default()
    };
    let request = routing::PutAgentRequest {
        agent: Some(agent),
        ..routing::PutAgentRequest::default()
    };
    let response = calls.agents.clone().put_agent(request).await?.into_inner();
    Ok(response.agent.context("no agent came back")?.id)
}

/// A policy for each of the log's targets, so that a clock is told by the target that judged it: one
/// that was overdue before its ticket became less urgent stays so.
async fn put_policies(calls: &Calls) -> Result<Vec<(&'static str, String)>> {
    let mut client = calls.sla.clone();
    let calendar = sla::Calendar {
        name: "weekdays round the clock".to_owned(),
        time_zone: "UTC".to_owned(),
        preset: sla::CalendarPreset::Weekdays24h.into(),
        ..sla::Calendar::default()
    };
    let request = sla::PutCalendarRequest {
        calendar: Some(calendar),
        ..sla::PutCalendarRequest::default()
    };
    let calendar = client.put_calendar(request).await?.into_inner().calendar;
    let calendar_id = calendar.context("no calendar came back")?.id;
    let mut policies = Vec::new();
    for (name, priority, target) in TARGETS {
        let target = sla::Target {
            metric: SlaMetric::TotalResolution.into(),
            priority: priority.into(),
            target: Some(duration_to_proto(target)),
            calendar_id: calendar_id.clone(),
        };
        let policy = sla::Policy {
            name: format!("the log's target for {name}"),
            conditions: Some(sla::PolicyConditions {
                priorities: vec![priority.into()],
                ..sla::PolicyConditions::default()
            }),
            targets: vec![target],
            no_warnings: true,
            ends_at: sla::ResolutionEnd::Closed.into(),
            ..sla::Policy::default()
        };
        let request = sla::PutPolicyRequest {
            policy: Some(policy),
            ..sla::PutPolicyRequest::default()
        };
        let policy = client.put_policy(request).await?.into_inner().policy;
        policies.push((name, policy.context("no policy came back")?.id));
    }
    Ok(policies)
}
