//! Who is on duty.

use lotse_clock::Timestamp;
use lotse_ids::{GroupId, RotaId};

use super::{App, Ref, find_group, find_rota};
use crate::domain::codes::Presence;
use crate::domain::cover::Cover;
use crate::domain::directory::Directory;
use crate::domain::duty::{self, OnDuty, Present};
use crate::domain::group::Group;
use crate::domain::hand_over_note::HandOverNote;
use crate::domain::rota::Rota;
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{agents, covers, rotas};

/// Where somebody is on duty.
#[derive(Clone, Debug)]
pub(crate) enum Duty {
    Rota(Ref<RotaId>),
    Group(Ref<GroupId>),
}

/// Who is on duty at an instant.
#[derive(Debug)]
pub(crate) struct Answer {
    /// In order.
    pub(crate) on_duty: Vec<OnDuty>,
    /// What was left for their turns.
    pub(crate) notes: Vec<HandOverNote>,
    /// The rota that was asked.
    pub(crate) rota: Option<RotaId>,
    /// The cover of the group that was asked.
    pub(crate) cover: Option<Cover>,
    pub(crate) at: Timestamp,
}

impl App {
    /// Who is on duty, now if nothing else is said.
    pub(crate) async fn on_duty(
        &self,
        wanted: &Duty,
        at: Option<Timestamp>,
    ) -> Result<Answer, Error> {
        let at = at.unwrap_or_else(|| self.now());
        let directory = self.directory().await?;
        let (rota, group, cover) = match wanted {
            Duty::Rota(rota) => (Some(find_rota(&directory, rota)?), None, None),
            Duty::Group(group) => {
                let group = find_group(&directory, group)?;
                // Asked of the table: the directory does not know covers that are long over.
                let lasting = Range::within(Stretch::at(at));
                let conn = self.db.reader();
                let covers = covers::list(conn, Some(&group.id), &lasting, None).await?;
                let cover = covers.into_iter().next();
                let covering = cover.as_ref();
                let covering = covering.and_then(|cover| directory.groups.get(&cover.by));
                let group = covering.unwrap_or(group);
                (directory.rota_of(&group.id), Some(group), cover)
            }
        };
        let mut on_duty = Vec::new();
        if let Some(rota) = rota {
            on_duty.extend(self.in_rota(&directory, rota, at).await?);
        }
        if let Some(group) = group {
            on_duty.extend(self.in_group(&directory, group, at).await?);
        }
        let on_duty = duty::once(on_duty);
        let notes = match rota {
            Some(rota) => {
                let of_layers = on_duty.iter().filter(|one| !one.layer.is_empty());
                let of_layers: Vec<OnDuty> = of_layers.cloned().collect();
                self.notes(rota, &of_layers).await?
            }
            None => Vec::new(),
        };
        Ok(Answer {
            on_duty,
            notes,
            rota: rota.map(|rota| rota.setting.id.clone()),
            cover,
            at,
        })
    }

    async fn in_rota(
        &self,
        directory: &Directory,
        rota: &Rota,
        at: Timestamp,
    ) -> Result<Vec<OnDuty>, Error> {
        let is_active = |agent: &_| directory.is_active(agent);
        let turns = rota.turns(is_active, at);
        let window = duty::window(&turns, at);
        let range = Range::within(window);
        let overrides = rotas::overrides(self.db.reader(), &rota.setting.id, &range, None).await?;
        Ok(duty::of_rota(rota, &turns, &overrides, is_active, at))
    }

    async fn in_group(
        &self,
        directory: &Directory,
        group: &Group,
        at: Timestamp,
    ) -> Result<Vec<OnDuty>, Error> {
        let members = directory
            .members(&group.id)
            .filter(|agent| !agent.profile.retired);
        let members = members.map(|agent| &agent.id);
        let members = agents::find_all(self.db.reader(), members).await?;
        let present = members
            .into_iter()
            .filter(|one| one.seat.presence() == Presence::Online && one.presence_since <= at);
        let present = present.map(|one| Present {
            agent: one.agent.id,
            name: one.agent.profile.name,
            load: one.seat.load,
            since: one.presence_since,
            until: one.presence_due_at,
        });
        let lead = group.profile.lead.as_ref();
        let lead = lead.filter(|lead| directory.is_active(lead));
        Ok(duty::of_group(present.collect(), lead))
    }
}
