//! All versions of all policies and calendars, and which of them a ticket gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse_calendar::Calendar;
use serde::{Deserialize, Serialize};

use super::hours::{CalendarRef, Hours, PolicyRef, Terms};
use super::policy::{Facts, PolicyContent};
use super::vocabulary::{Author, Metric, Priority};

/// Every version that a clock may go by. Versions never change, so a catalogue only grows.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Policies in force, in the order in which they are tried.
    order: Vec<PolicyRef>,
    policies: BTreeMap<PolicyRef, Arc<PolicyVersion>>,
    /// Calendars in force by id.
    current: BTreeMap<String, u32>,
    calendars: BTreeMap<CalendarRef, Arc<Calendar>>,
    reacts: bool,
    acts: bool,
}

/// One version of a policy.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// Which.
    pub reference: PolicyRef,
    /// Whether it is in force for new tickets.
    pub current: bool,
    /// What it says.
    pub content: PolicyContent,
}

/// One version of a calendar.
#[derive(Clone, Debug)]
pub struct CalendarVersion {
    /// Which.
    pub reference: CalendarRef,
    /// Whether it is in force for new tickets.
    pub current: bool,
    /// When it is open.
    pub calendar: Arc<Calendar>,
}

/// What a ticket goes by, pinned when it got the policy. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// The policy and its version.
    pub policy: PolicyRef,
    /// Versions of the policy's calendars.
    pub calendars: BTreeMap<String, u32>,
    /// The ticket's priority, which picks the targets.
    pub priority: Priority,
}

/// A [`PlanRef`] looked up: the terms of each metric.
#[derive(Debug)]
pub struct Plan {
    /// What it was looked up by.
    pub reference: PlanRef,
    /// The metrics on which something is promised.
    pub terms: BTreeMap<Metric, Terms>,
    /// Whose public messages are replies.
    pub replies: Vec<Author>,
}

/// A stored row names a version of a policy or calendar that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id} has no version {version}")]
pub struct UnknownVersion {
    /// The policy or calendar.
    pub id: String,
    /// The version asked for.
    pub version: u32,
}

impl Catalog {
    /// A catalogue of these versions.
    pub fn new(policies: Vec<PolicyVersion>, calendars: Vec<CalendarVersion>) -> Self {
        let mut catalog = Self::default();
        let mut order: Vec<_> = policies.iter().filter(|policy| policy.current).collect();
        order.sort_by_key(|policy| (policy.content.position, &policy.content.name));
        catalog.order = order.iter().map(|one| one.reference.clone()).collect();
        let reactions = || policies.iter().flat_map(|policy| &policy.content.reactions);
        catalog.reacts = reactions().next().is_some();
        catalog.acts = reactions().any(|one| one.raise_to.is_some() || one.hand_on.is_some());
        for policy in policies {
            catalog
                .policies
                .insert(policy.reference.clone(), Arc::new(policy));
        }
        for CalendarVersion {
            reference,
            current,
            calendar,
        } in calendars
        {
            if current {
                catalog
                    .current
                    .insert(reference.id.clone(), reference.version);
            }
            catalog.calendars.insert(reference, calendar);
        }
        catalog
    }

    /// The policies in force, in the order in which they are tried.
    pub fn in_force(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.order
            .iter()
            .filter_map(|reference| self.policies.get(reference))
            .map(Arc::as_ref)
    }

    /// What a ticket with these facts goes by; `before` is what it went by until now.
    ///
    /// The first policy that fits wins. A ticket that has it already keeps the versions it got
    /// ("grandfather"); only its priority may pick other targets.
    pub fn choose(&self, facts: &Facts, before: Option<&PlanRef>) -> Option<PlanRef> {
        let policy = self
            .in_force()
            .find(|policy| policy.content.conditions.hold(facts))?;
        if let Some(kept) = before.filter(|kept| kept.policy.id == policy.reference.id) {
            let priority = facts.priority;
            return Some(PlanRef {
                priority,
                ..kept.clone()
            });
        }
        let ids = policy
            .content
            .targets
            .iter()
            .filter_map(|target| target.calendar.clone());
        Some(PlanRef {
            policy: policy.reference.clone(),
            calendars: ids
                .filter_map(|id| self.current.get(&id).map(|version| (id, *version)))
                .collect(),
            priority: facts.priority,
        })
    }

    /// What a ticket goes by after `edited`, a policy or calendar, was edited for open tickets too.
    ///
    /// Of a policy, the first that fits now; a ticket that has it already takes its version in
    /// force, with the versions of calendars that it has. Of a calendar, what the ticket has, with
    /// that calendar's version in force.
    pub fn choose_edited(
        &self,
        facts: &Facts,
        before: Option<&PlanRef>,
        edited: &str,
    ) -> Option<PlanRef> {
        if let Some(version) = self.current.get(edited) {
            let mut plan = before?.clone();
            if let Some(kept) = plan.calendars.get_mut(edited) {
                *kept = *version;
            }
            return Some(plan);
        }
        let mut plan = self.choose(facts, None)?;
        if let Some(kept) = before.filter(|kept| kept.policy.id == plan.policy.id) {
            for (calendar, version) in &mut plan.calendars {
                *version = kept.calendars.get(calendar).copied().unwrap_or(*version);
            }
        }
        Some(plan)
    }

    /// Whether a ticket with these facts is one of those that an edit for open tickets is about:
    /// something else comes out of it, and it goes by what was edited, before or after.
    pub fn is_outdated(&self, facts: &Facts, before: Option<&PlanRef>, edited: &str) -> bool {
        let after = self.choose_edited(facts, before, edited);
        let uses = |plan: &PlanRef| plan.policy.id == edited || plan.calendars.contains_key(edited);
        after.as_ref() != before && (before.is_some_and(uses) || after.as_ref().is_some_and(uses))
    }

    /// The terms of every metric under `reference`.
    ///
    /// # Errors
    /// When it names a version that is not there.
    pub fn plan(&self, reference: &PlanRef) -> Result<Plan, UnknownVersion> {
        let content = &self.policy(&reference.policy)?.content;
        let mut terms = BTreeMap::new();
        for metric in Metric::ALL {
            let Some(target) = content.target(*metric, reference.priority) else {
                continue;
            };
            let calendar = target.calendar.as_ref().map(|id| CalendarRef {
                id: id.clone(),
                version: reference.calendars.get(id).copied().unwrap_or(0),
            });
            let of = self.terms(&reference.policy, target.millis, calendar)?;
            terms.insert(*metric, of);
        }
        Ok(Plan {
            reference: reference.clone(),
            terms,
            replies: content.replies.clone(),
        })
    }

    /// The terms of a stored clock.
    ///
    /// # Errors
    /// When it names a version that is not there.
    pub fn terms(
        &self,
        policy: &PolicyRef,
        target: i64,
        calendar: Option<CalendarRef>,
    ) -> Result<Terms, UnknownVersion> {
        let content = &self.policy(policy)?.content;
        let hours = calendar
            .as_ref()
            .map_or(Ok(Hours::Always), |of| self.hours(of))?;
        Ok(Terms {
            policy: policy.clone(),
            target,
            calendar,
            hours,
            warn: content.warn.as_slice().into(),
            ends_at: content.ends_at,
            bot_phase: content.bot_phase,
        })
    }

    /// The version of a calendar that is in force.
    pub fn calendar_in_force(&self, id: &str) -> Option<Arc<Calendar>> {
        let version = *self.current.get(id)?;
        let id = id.to_owned();
        self.calendars.get(&CalendarRef { id, version }).cloned()
    }

    /// Whether any version of any policy reacts to anything.
    pub fn reacts(&self) -> bool {
        self.reacts
    }

    /// Whether any of these reactions acts on tickets.
    pub fn acts(&self) -> bool {
        self.acts
    }

    /// A version of a policy.
    ///
    /// # Errors
    /// When it is not there.
    pub fn policy(&self, reference: &PolicyRef) -> Result<&PolicyVersion, UnknownVersion> {
        let PolicyRef { id, version } = reference;
        self.policies
            .get(reference)
            .map(Arc::as_ref)
            .ok_or_else(|| UnknownVersion {
                id: id.clone(),
                version: *version,
            })
    }

    fn hours(&self, reference: &CalendarRef) -> Result<Hours, UnknownVersion> {
        let CalendarRef { id, version } = reference;
        let calendar = self
            .calendars
            .get(reference)
            .ok_or_else(|| UnknownVersion {
                id: id.clone(),
                version: *version,
            })?;
        Ok(Hours::Open(calendar.clone()))
    }
}
