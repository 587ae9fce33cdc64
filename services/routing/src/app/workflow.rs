//! The workflow: put as a whole, in versions.

use std::collections::BTreeSet;

use lotse_errors::Violations;
use lotse_ids::GroupId;
use lotse_journal::Tx;

use super::settings::put;
use super::{App, Outcome, Ref, find_group};
use crate::domain::directory::Directory;
use crate::domain::workflow::{ONLY_WORKFLOW, Plan, Workflow, rule_path};
use crate::error::Error;
use crate::store::{directory, settings as store};

/// A workflow as a caller wants it.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// With groups as they were named; none where that cannot name one.
    pub(crate) plan: Plan<Option<Ref<GroupId>>>,
    /// The version that it replaces, where that matters.
    pub(crate) etag: String,
}

impl App {
    /// Replaces the workflow.
    pub(crate) async fn put_workflow(
        &self,
        tx: &Tx,
        wanted: &Wanted,
    ) -> Result<(Workflow, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx).await?;
        let before = store::in_force(tx, &ONLY_WORKFLOW.to_owned()).await?;
        let mut wrong = Violations::new();
        let plan = check(&directory, wanted, &mut wrong);
        let plan = wrong.finish_with(plan)?;
        let (setting, outcome) = put(tx, before.as_ref(), plan, &wanted.etag, self.now()).await?;
        Ok((setting.into(), outcome))
    }

    /// A version of the workflow, or the one in force.
    pub(crate) async fn workflow(&self, version: Option<u32>) -> Result<Workflow, Error> {
        let only = ONLY_WORKFLOW.to_owned();
        let setting = self.at_version::<Plan>(&only, version.map(i64::from));
        Ok(setting.await?.into())
    }
}

/// The workflow with its groups found; what is wrong with it is noted.
fn check(directory: &Directory, wanted: &Wanted, wrong: &mut Violations) -> Option<Plan> {
    let mut names = BTreeSet::new();
    for (at, rule) in wanted.plan.rules.iter().enumerate() {
        let path = rule_path(at);
        let named = names.insert(&rule.name);
        let message = "must be unique in the workflow";
        wrong.require(&format!("{path}name"), named, message);
        let unconditional = "must have a condition: no rule after it would ever be reached";
        wrong.require(
            path.trim_end_matches('.'),
            rule.is_conditional(),
            unconditional,
        );
    }
    wanted.plan.resolve(&mut |field, group| {
        let group = find_group(directory, group.as_ref()?);
        Some(wrong.take(field, group)?.id.clone())
    })
}
