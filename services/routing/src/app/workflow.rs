//! The workflow: checked and put as a whole, in versions, any of which can be brought back.

use lotse_errors::{Kind, Violations};
use lotse_grpc::etag as etags;
use lotse_ids::GroupId;
use lotse_journal::Tx;

use super::settings::put;
use super::{App, Outcome, Ref, find_group};
use crate::domain::directory::Directory;
use crate::domain::workflow::{ONLY_WORKFLOW, Plan, Workflow};
use crate::domain::workflow_check::{Finding, doubts, problems};
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

/// A workflow as it was put.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) workflow: Workflow,
    pub(crate) outcome: Outcome,
    /// What is likely not meant.
    pub(crate) doubts: Vec<Finding>,
}

impl App {
    /// Replaces the workflow, unless anything is wrong with the wanted one, beside what `wrong` has
    /// of it already.
    pub(crate) async fn put_workflow(
        &self,
        tx: &Tx,
        wanted: Option<Wanted>,
        mut wrong: Violations,
    ) -> Result<Put, Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let before = store::in_force::<Plan>(tx, &ONLY_WORKFLOW.to_owned()).await?;
        let etag = wanted.as_ref().map(|wanted| wanted.etag.clone());
        let plan = wanted.and_then(|wanted| check(&directory, &wanted.plan, &mut wrong));
        let mut plan = wrong.finish_with(plan)?;
        // What was brought back and is put again stays what it is.
        let in_force = before.as_ref().map(|before| &before.profile);
        if let Some(same) = in_force.filter(|in_force| in_force.says_the_same(&plan)) {
            plan.restores = same.restores;
        }
        let doubts = doubts(&plan, &directory);
        let etag = etag.unwrap_or_default();
        let (setting, outcome) = put(tx, before.as_ref(), plan, &etag, self.now()).await?;
        Ok(Put {
            workflow: setting.into(),
            outcome,
            doubts,
        })
    }

    /// Everything that is wrong with a workflow, beside what `wrong` has of it already, and what is
    /// likely not meant.
    pub(crate) async fn validate_workflow(
        &self,
        wanted: Option<Wanted>,
        mut wrong: Violations,
    ) -> Result<(Vec<Finding>, Vec<Finding>), Error> {
        let directory = self.directory().await?;
        let plan = wanted.and_then(|wanted| check(&directory, &wanted.plan, &mut wrong));
        let doubts = plan.map(|plan| doubts(&plan, &directory));
        let Err(refusal) = wrong.finish() else {
            return Ok((Vec::new(), doubts.unwrap_or_default()));
        };
        let Kind::Invalid(problems) = refusal.kind() else {
            return Err(refusal.into());
        };
        let problems = problems.iter().map(|problem| Finding {
            field: problem.field.clone(),
            message: problem.description.clone(),
        });
        Ok((problems.collect(), doubts.unwrap_or_default()))
    }

    /// Puts the content of an earlier version in force again, as a new version. It was in force
    /// once, so nothing keeps it from that, also not what would be refused by now.
    pub(crate) async fn roll_back_workflow(
        &self,
        tx: &Tx,
        version: u32,
        etag: &str,
    ) -> Result<(Workflow, Outcome), Error> {
        directory::lock(tx).await?;
        let only = ONLY_WORKFLOW.to_owned();
        let found = store::at_version::<Plan>(tx, &only, version.into()).await?;
        let earlier = found.ok_or_else(|| Error::NoSuch {
            resource: "workflow",
            id: format!("version {version}"),
        })?;
        let before = store::in_force::<Plan>(tx, &only).await?;
        if let Some(same) = before
            .clone()
            .filter(|before| before.profile.says_the_same(&earlier.profile))
        {
            etags::check(etag, same.version)?;
            return Ok((same.into(), Outcome::Unchanged));
        }
        let plan = Plan {
            restores: Some(version),
            ..earlier.profile
        };
        let (setting, outcome) = put(tx, before.as_ref(), plan, etag, self.now()).await?;
        Ok((setting.into(), outcome))
    }

    /// A version of the workflow, or the one in force.
    pub(crate) async fn workflow(&self, version: Option<u32>) -> Result<Workflow, Error> {
        let only = ONLY_WORKFLOW.to_owned();
        let setting = self.at_version::<Plan>(&only, version.map(i64::from));
        Ok(setting.await?.into())
    }

    /// The versions of the workflow below `before`, the latest first, at most `limit`.
    pub(crate) async fn workflows(
        &self,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Workflow>, Error> {
        let only = ONLY_WORKFLOW.to_owned();
        let versions = self.versions::<Plan>(&only, before, limit);
        Ok(versions.await?.into_iter().map(Workflow::from).collect())
    }
}

/// The workflow with its groups found; everything that is wrong with it is noted.
pub(crate) fn check(
    directory: &Directory,
    wanted: &Plan<Option<Ref<GroupId>>>,
    wrong: &mut Violations,
) -> Option<Plan> {
    let plan = wanted.resolve(&mut |field, group| {
        let group = find_group(directory, group.as_ref()?);
        Some(wrong.take(field, group)?.id.clone())
    });
    let is_skill = |skill: &str| directory.skills.contains_key(skill);
    // Groups that were found compare by their ids, however they were named.
    let found = match &plan {
        Some(plan) => problems(plan, is_skill),
        None => problems(wanted, is_skill),
    };
    for Finding { field, message } in found {
        wrong.add(field, message);
    }
    plan
}
