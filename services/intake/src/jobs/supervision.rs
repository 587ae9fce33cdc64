//! Projects whose replies need approval from routing's events.

use lotse_journal::{Body, ConsumerError, Recorded, Tx};
use lotse_proto::journal::v1 as proto;
use lotse_proto::time::from_proto;

use crate::domain::ticket::Supervised;
use crate::store::supervision;

/// Follows what some events say of it. Each tells all of its group, so the last one counts.
pub(super) async fn follow(tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
    for event in events {
        if let Body::SupervisionChanged(changed) = &event.body {
            let group = changed.group_id.parse().map_err(ConsumerError::other)?;
            let all = changed.supervised.iter().map(supervised);
            let all = all.collect::<Result<Vec<_>, _>>()?;
            supervision::replace(tx, &group, &all).await?;
        }
    }
    Ok(())
}

fn supervised(told: &proto::Supervised) -> Result<Supervised, ConsumerError> {
    let proto::Supervised {
        agent_id,
        mentor_agent_id,
        from,
        until,
    } = told;
    let at = |at: &Option<prost_types::Timestamp>| {
        let at = at.as_ref().map(from_proto).transpose();
        at.map_err(ConsumerError::other)
    };
    Ok(Supervised {
        agent: agent_id.parse().map_err(ConsumerError::other)?,
        mentor: mentor_agent_id.parse().map_err(ConsumerError::other)?,
        from: at(from)?,
        until: at(until)?,
    })
}
