//! Duty rotas and the exceptions to them.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::etag;
use lotse_ids::{AgentId, DutyOverrideId, GroupId, RotaId};
use lotse_journal::Tx;

use super::settings::{announce, meant, put};
use super::{App, Outcome, Ref, find_agent, find_group, find_rota, one_more, page};
use crate::domain::directory::Directory;
use crate::domain::rota::{
    AgentShift, Layer, Override, Plan, Problem, RotaProfile, Rotation, Schedule, Shadow,
};
use crate::domain::setting::Setting;
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{directory, rotas as store};

/// A rota as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedRota {
    /// Which rota to change; none to go by the name.
    pub(crate) id: Option<RotaId>,
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) group: Option<Ref<GroupId>>,
    pub(crate) layers: Vec<Layer<Ref<AgentId>>>,
    pub(crate) etag: String,
}

/// An exception as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedOverride {
    /// Which one to change; none for a new one.
    pub(crate) id: Option<DutyOverrideId>,
    pub(crate) rota: Ref<RotaId>,
    pub(crate) agent: Ref<AgentId>,
    pub(crate) instead_of: Option<Ref<AgentId>>,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) note: String,
    pub(crate) shadow: Option<Shadow<Ref<AgentId>>>,
    pub(crate) etag: String,
}

impl App {
    /// Creates or changes a rota.
    pub(crate) async fn put_rota(
        &self,
        tx: &Tx,
        wanted: &WantedRota,
    ) -> Result<(Setting<RotaProfile>, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let rotas = directory.rotas.values().map(|rota| &rota.setting);
        let before = meant(rotas, wanted.id.as_ref(), &wanted.name)?;
        let profile = profile(&directory, before.map(|rota| &rota.id), wanted)?;
        put(tx, before, profile, &wanted.etag, self.now()).await
    }

    /// Makes an exception or changes one.
    pub(crate) async fn put_override(
        &self,
        tx: &Tx,
        wanted: &WantedOverride,
    ) -> Result<(Override, Outcome), Error> {
        // Nothing of the directory changes, but what is checked must still hold at the commit.
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let before = match &wanted.id {
            Some(id) => Some(found_override(tx, id).await?),
            None => None,
        };
        let now = self.now();
        let new = exception(&directory, before.as_ref(), wanted, now)?;
        if let Some(before) = &before {
            etag::check(&wanted.etag, before.version)?;
            let same = Override {
                version: before.version,
                updated_at: before.updated_at,
                ..new.clone()
            };
            if same == *before {
                return Ok((same, Outcome::Unchanged));
            }
        }
        store::save_override(tx, &new, before.is_none()).await?;
        announce(tx, "duty_override", new.id.as_str(), new.version);
        Ok((
            new,
            if before.is_none() {
                Outcome::Created
            } else {
                Outcome::Updated
            },
        ))
    }

    /// Takes an exception back.
    pub(crate) async fn delete_override(
        &self,
        tx: &Tx,
        id: &DutyOverrideId,
        etag: &str,
    ) -> Result<(), Error> {
        directory::lock(tx).await?;
        let before = found_override(tx, id).await?;
        etag::check(etag, before.version)?;
        store::delete_override(tx, id).await?;
        announce(tx, "duty_override", id.as_str(), before.version + 1);
        Ok(())
    }

    /// A page of the exceptions to a rota, and whether there are more.
    pub(crate) async fn overrides(
        &self,
        rota: &Ref<RotaId>,
        range: &Range<DutyOverrideId>,
        limit: usize,
    ) -> Result<(Vec<Override>, bool), Error> {
        let directory = self.directory().await?;
        let rota = find_rota(&directory, rota)?;
        let (conn, rota) = (self.db.reader(), &rota.setting.id);
        let found = store::overrides(conn, rota, range, Some(one_more(limit))).await?;
        Ok(page(found, limit))
    }
}

async fn found_override(tx: &Tx, id: &DutyOverrideId) -> Result<Override, Error> {
    let found = store::find_override(tx, id).await?;
    found.ok_or_else(|| Error::NoSuch {
        resource: "duty_override",
        id: id.to_string(),
    })
}

/// The rota with its agents and group found, or everything that is wrong with it.
fn profile(
    directory: &Directory,
    own: Option<&RotaId>,
    wanted: &WantedRota,
) -> Result<RotaProfile, Error> {
    let mut wrong = Violations::new();
    if let Err(invalid) = Schedule::new(&wanted.zone, &wanted.layers) {
        for Problem { field, message } in invalid.0 {
            wrong.add(format!("rota.{field}"), message);
        }
    }
    let group = wanted
        .group
        .as_ref()
        .map(|group| find_group(directory, group));
    let group = wrong.take("rota.group_id", group.transpose()).flatten();
    let other = group.and_then(|group| directory.rota_of(&group.id));
    if let Some(other) = other.filter(|other| Some(&other.setting.id) != own) {
        let message = format!("has a rota already: {:?}", other.profile().name);
        wrong.add("rota.group_id", message);
    }
    let layers = wanted.layers.iter().enumerate();
    let layers: Vec<Layer> = layers
        .map(|(at, layer)| found_layer(directory, &mut wrong, &format!("rota.layers[{at}]"), layer))
        .collect();
    wrong.finish()?;
    Ok(RotaProfile {
        name: wanted.name.clone(),
        zone: wanted.zone.clone(),
        group: group.map(|group| group.id.clone()),
        layers,
    })
}

/// A layer with its agents found; those who do not exist are noted as wrong and left out.
fn found_layer(
    directory: &Directory,
    wrong: &mut Violations,
    path: &str,
    layer: &Layer<Ref<AgentId>>,
) -> Layer {
    let mut agent = |field: String, wanted: &Ref<AgentId>| {
        let found = wrong.take(&field, find_agent(directory, wanted))?;
        Some(found.id.clone())
    };
    let plan = match &layer.plan {
        Plan::Rotation(rotation) => {
            let agents = rotation.agents.iter().enumerate();
            Plan::Rotation(Rotation {
                agents: agents
                    .filter_map(|(at, one)| agent(format!("{path}.rotation.agent_ids[{at}]"), one))
                    .collect(),
                unit: rotation.unit,
                every: rotation.every,
                hand_over_at: rotation.hand_over_at,
                starts_on: rotation.starts_on,
            })
        }
        Plan::Shifts(shifts) => {
            let shifts = shifts.iter().enumerate();
            let shift = |(at, shift): (usize, &AgentShift<Ref<AgentId>>)| {
                Some(AgentShift {
                    agent: agent(format!("{path}.shifts.shifts[{at}].agent_id"), &shift.agent)?,
                    hours: shift.hours,
                })
            };
            Plan::Shifts(shifts.filter_map(shift).collect())
        }
    };
    Layer {
        name: layer.name.clone(),
        plan,
        hours: layer.hours.clone(),
        shadow: found_shadow(directory, wrong, path, layer.shadow.as_ref()),
    }
}

/// A shadow with its agents found.
fn found_shadow(
    directory: &Directory,
    wrong: &mut Violations,
    path: &str,
    shadow: Option<&Shadow<Ref<AgentId>>>,
) -> Option<Shadow> {
    let shadow = shadow?;
    let path = format!("{path}.shadow");
    let mut agent = |field: &str, wanted: &Ref<AgentId>| {
        let found = wrong.take(&format!("{path}.{field}"), find_agent(directory, wanted))?;
        Some(found.id.clone())
    };
    let learns = agent("agent_id", &shadow.agent);
    let mentor = agent("mentor_agent_id", &shadow.mentor);
    let (agent, mentor) = learns.zip(mentor)?;
    let field = format!("{path}.mentor_agent_id");
    wrong.require(&field, agent != mentor, "must be another agent");
    Some(Shadow {
        agent,
        mentor,
        approval: shadow.approval,
    })
}

/// The exception as it will be, or everything that is wrong with it.
fn exception(
    directory: &Directory,
    before: Option<&Override>,
    wanted: &WantedOverride,
    now: Timestamp,
) -> Result<Override, Error> {
    let mut wrong = Violations::new();
    let rota = wrong.take("duty_override.rota_id", find_rota(directory, &wanted.rota));
    if let (Some(rota), Some(before)) = (rota, before) {
        let stays = rota.setting.id == before.rota;
        wrong.require("duty_override.rota_id", stays, "must not change");
    }
    let agent = wrong.take(
        "duty_override.agent_id",
        find_agent(directory, &wanted.agent),
    );
    let instead_of = wanted.instead_of.as_ref();
    let instead_of = instead_of.map(|agent| find_agent(directory, agent));
    let field = "duty_override.instead_of_agent_id";
    let instead_of = wrong.take(field, instead_of.transpose()).flatten();
    if let (Some(agent), Some(instead_of)) = (agent, instead_of) {
        let other = agent.id != instead_of.id;
        wrong.require(field, other, "must be another agent than agent_id");
    }
    let shadow = found_shadow(
        directory,
        &mut wrong,
        "duty_override",
        wanted.shadow.as_ref(),
    );
    let (rota, agent) = wrong.finish_with(rota.zip(agent))?;
    Ok(Override {
        id: before.map_or_else(|| DutyOverrideId::generate(now), |before| before.id.clone()),
        rota: rota.setting.id.clone(),
        agent: agent.id.clone(),
        instead_of: instead_of.map(|agent| agent.id.clone()),
        starts_at: wanted.starts_at,
        ends_at: wanted.ends_at,
        note: wanted.note.clone(),
        shadow,
        version: before.map_or(1, |before| before.version + 1),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    })
}
