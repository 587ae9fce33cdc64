//! How many must be there of a group, and when fewer will be.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::Tx;

use super::configuration::known_skills;
use super::settings::put;
use super::{App, Outcome, Ref, find_group};
use crate::domain::coverage::{Gap, Requirement, Requirements, gaps, rosters};
use crate::domain::directory::Directory;
use crate::domain::rota::Problem;
use crate::domain::setting::Setting;
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{covers, directory, rotas};

/// How far ahead gaps may be asked for.
const LONGEST: Duration = Duration::from_secs(92 * 86_400);
/// How far ahead where nothing is said.
const USUAL: Duration = Duration::from_secs(14 * 86_400);

/// Requirements as a caller wants them.
#[derive(Clone, Debug)]
pub(crate) struct WantedRequirements {
    pub(crate) requirements: Requirements<Ref<GroupId>>,
    pub(crate) etag: String,
}

/// The gaps that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct WantedGaps {
    pub(crate) group: Ref<GroupId>,
    /// From now on, if nothing is said.
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Instead of what is set for the group.
    pub(crate) instead: Option<Requirements<()>>,
    /// Only those after this one, by beginning and requirement.
    pub(crate) after: Option<(Timestamp, usize)>,
    pub(crate) limit: usize,
}

/// A page of gaps.
#[derive(Debug)]
pub(crate) struct Gaps {
    pub(crate) gaps: Vec<Gap>,
    pub(crate) more: bool,
    /// What the gaps are about.
    pub(crate) requirements: Vec<Requirement>,
    /// Members of whom nothing says when they are there.
    pub(crate) unplanned: Vec<AgentId>,
    pub(crate) window: Stretch,
}

impl App {
    /// Sets how many must be there of a group.
    pub(crate) async fn put_requirements(
        &self,
        tx: &Tx,
        wanted: &WantedRequirements,
    ) -> Result<(Setting<Requirements>, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let mut wrong = Violations::new();
        let group = find_group(&directory, &wanted.requirements.group);
        let group = wrong.take("requirements.group_id", group);
        check(&mut wrong, &directory, &wanted.requirements);
        let group = wrong.finish_with(group)?.id.clone();
        let before = crate::store::settings::in_force(tx, &group).await?;
        let requirements = wanted.requirements.clone().of(group);
        put(tx, before.as_ref(), requirements, &wanted.etag, self.now()).await
    }

    /// How many must be there of a group.
    pub(crate) async fn requirements(
        &self,
        group: &Ref<GroupId>,
    ) -> Result<Setting<Requirements>, Error> {
        let directory = self.directory().await?;
        let group = find_group(&directory, group)?;
        self.at_version(&group.id, None).await
    }

    /// When fewer will be there than must.
    pub(crate) async fn gaps(&self, wanted: &WantedGaps) -> Result<Gaps, Error> {
        let directory = &*self.directory().await?;
        let group = &find_group(directory, &wanted.group)?.id;
        let from = wanted.from.unwrap_or_else(|| self.now());
        let until = wanted.until.unwrap_or(from + USUAL);
        let mut wrong = Violations::new();
        wrong.require("until", from < until, "must be later than from");
        let near = until <= from + LONGEST;
        wrong.require("until", near, "must be at most 92 days after from");
        if let Some(instead) = &wanted.instead {
            check(&mut wrong, directory, instead);
        }
        wrong.finish()?;
        let window = Stretch { from, until };
        let requirements = match &wanted.instead {
            Some(instead) => instead.clone().of(group.clone()),
            None => self.requirements(&Ref::Id(group.clone())).await?.profile,
        };
        // Checked when they were put; a zone may be gone since.
        let hours = requirements
            .hours()
            .map_err(lotse_errors::Error::internal)?;
        let conn = self.db.reader();
        let duty = match directory.rota_of(group) {
            None => Vec::new(),
            Some(rota) => {
                let range = Range::within(window);
                let overrides = rotas::overrides(conn, &rota.setting.id, &range, None).await?;
                rota.duty(&overrides, |agent| directory.is_active(agent), window)
            }
        };
        let covers = covers::list(conn, Some(group), &Range::within(window), None).await?;
        let (rosters, unplanned) = rosters(directory, group, &covers, &duty, window);
        let mut gaps = gaps(&requirements.all, &hours, &rosters, window);
        if let Some(after) = wanted.after {
            gaps.retain(|gap| (gap.stretch.from, gap.requirement) > after);
        }
        let more = gaps.len() > wanted.limit;
        gaps.truncate(wanted.limit);
        Ok(Gaps {
            gaps,
            more,
            requirements: requirements.all,
            unplanned,
            window,
        })
    }
}

/// Notes skills that nobody has defined, and hours that say nothing sensible.
fn check<G>(wrong: &mut Violations, directory: &Directory, requirements: &Requirements<G>) {
    for (at, one) in requirements.all.iter().enumerate() {
        let field = format!("requirements.requirements[{at}].skill");
        wrong.take(&field, known_skills(directory, one.skill.iter()));
    }
    if let Err(invalid) = requirements.hours() {
        for Problem { field, message } in invalid.0 {
            wrong.add(format!("requirements.{field}"), message);
        }
    }
}
