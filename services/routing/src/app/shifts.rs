//! The shifts of agents.

use lotse_errors::Violations;
use lotse_ids::AgentId;
use lotse_journal::Tx;

use super::settings::put;
use super::{App, Outcome, Ref, find_agent};
use crate::domain::rota::Problem;
use crate::domain::setting::Setting;
use crate::domain::shift_plan::{ShiftPlan, Shifts};
use crate::error::Error;
use crate::store::directory;

/// Shifts as a caller wants them.
#[derive(Clone, Debug)]
pub(crate) struct WantedShifts {
    pub(crate) shifts: Shifts<Ref<AgentId>>,
    pub(crate) etag: String,
}

impl App {
    /// Sets the shifts of an agent.
    pub(crate) async fn put_shift_plan(
        &self,
        tx: &Tx,
        wanted: &WantedShifts,
    ) -> Result<(Setting<Shifts>, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let mut wrong = Violations::new();
        let agent = find_agent(&directory, &wanted.shifts.agent);
        let agent = wrong.take("shift_plan.agent_id", agent);
        if let Err(invalid) = wanted.shifts.check() {
            for Problem { field, message } in invalid.0 {
                wrong.add(format!("shift_plan.{field}"), message);
            }
        }
        let shifts = wanted
            .shifts
            .clone()
            .of(wrong.finish_with(agent)?.id.clone());
        let before = directory.shift_plans.get(&shifts.agent);
        let before = before.map(|plan| &plan.setting);
        put(tx, before, shifts, &wanted.etag, self.now()).await
    }

    /// The shifts of an agent.
    pub(crate) async fn shift_plan(&self, agent: &Ref<AgentId>) -> Result<ShiftPlan, Error> {
        let directory = self.directory().await?;
        let agent = find_agent(&directory, agent)?;
        let plan = directory.shift_plans.get(&agent.id);
        plan.cloned().ok_or_else(|| Error::NoSuch {
            resource: "shift_plan",
            id: agent.id.to_string(),
        })
    }
}
