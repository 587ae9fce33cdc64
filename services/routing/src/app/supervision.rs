//! Telling others whose public replies need a mentor's approval: intake lets them through.

use std::collections::{BTreeMap, HashMap};

use lotse_ids::{GroupId, RotaId};
use lotse_journal::{Body, Draft, Tx};
use lotse_proto::journal::v1 as journal;
use lotse_proto::time::to_proto;
use sea_orm::ConnectionTrait;

use super::App;
use crate::domain::rota::Override;
use crate::domain::supervision::{Supervised, of_group};
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{directory, rotas};

impl App {
    /// Makes a change of duty, and journals of each group for which that changes whose replies need
    /// approval who does from now on.
    pub(crate) async fn telling_supervision<T>(
        &self,
        tx: &Tx,
        change: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // Before the first look, so that two changes do not miss each other.
        directory::lock(tx).await?;
        let mut before = self.supervision(tx).await?;
        let done = change.await?;
        for (group, now) in self.supervision(tx).await? {
            if before.remove(&group).unwrap_or_default() != now {
                tx.emit(changed(&group, &now));
            }
        }
        Ok(done)
    }

    /// Whose replies need approval, of every group.
    async fn supervision(&self, tx: &Tx) -> Result<BTreeMap<GroupId, Vec<Supervised>>, Error> {
        let directory = directory::load(tx, self.now()).await?;
        let mut overrides = HashMap::new();
        for rota in directory.rotas.keys() {
            overrides.insert(rota.clone(), self.exceptions(tx, rota).await?);
        }
        let groups = directory.groups.keys();
        let of_each = groups.map(|group| (group.clone(), of_group(&directory, &overrides, group)));
        Ok(of_each.collect())
    }

    /// The exceptions to a rota that are not over.
    pub(super) async fn exceptions(
        &self,
        conn: &impl ConnectionTrait,
        rota: &RotaId,
    ) -> Result<Vec<Override>, Error> {
        let range = Range {
            ends_after: Some(self.now()),
            starts_before: None,
            after: None,
        };
        Ok(rotas::overrides(conn, rota, &range, None).await?)
    }
}

fn changed(group: &GroupId, supervised: &[Supervised]) -> Draft {
    let one = |one: &Supervised| {
        let Supervised {
            agent,
            mentor,
            from,
            until,
        } = one;
        journal::Supervised {
            agent_id: agent.to_string(),
            mentor_agent_id: mentor.to_string(),
            from: from.map(to_proto),
            until: until.map(to_proto),
        }
    };
    let body = Body::SupervisionChanged(journal::SupervisionChanged {
        group_id: group.to_string(),
        supervised: supervised.iter().map(one).collect(),
    });
    Draft::resource(group.as_str(), body)
}
