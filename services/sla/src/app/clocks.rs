//! Clocks, to be looked at.

use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::{ClockId, TicketId};
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

use crate::store::clocks::Stored;
use crate::store::listing::{self, Filter};
use crate::wire::{clock, enums};
use crate::{App, Error};

impl App {
    /// Clocks by filter, with what is used of them now.
    ///
    /// # Errors
    /// For a wrong filter or page.
    pub async fn list_clocks(
        &self,
        request: &proto::ListClocksRequest,
    ) -> Result<proto::ListClocksResponse, Error> {
        let (filter, scope) = read(request)?;
        let size = page::size(request.page_size, 100, 1_000)?;
        let after = match scope.key::<1>(&request.page_token)? {
            Some([id]) => {
                let mut wrong = Violations::new();
                let id = wrong.parse::<ClockId>("page_token", &id);
                Some(wrong.finish_with(id)?)
            }
            None => None,
        };
        let limit = u64::from(size) + 1;
        let mut found = match self.find(&filter, after.as_ref(), limit).await {
            // A clock of a policy put after the catalogue was looked at: it is there by now.
            Err(Error::UnknownVersion(_)) => self.find(&filter, after.as_ref(), limit).await?,
            found => found?,
        };
        let now = self.clock.now();
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let last = found
            .last()
            .filter(|_| more)
            .and_then(|stored| stored.clock.id.as_ref());
        Ok(proto::ListClocksResponse {
            clocks: found
                .iter()
                .map(|stored| clock::write(stored, now))
                .collect(),
            next_page_token: last.map_or_else(String::new, |id| scope.token(&[id.as_str()])),
            as_of: Some(to_proto(now)),
        })
    }

    async fn find(
        &self,
        filter: &Filter,
        after: Option<&ClockId>,
        limit: u64,
    ) -> Result<Vec<Stored>, Error> {
        let conn = self.db.reader();
        let catalog = self.catalogs.current(conn).await?;
        listing::list(conn, filter, after, limit, &catalog).await
    }
}

fn read(request: &proto::ListClocksRequest) -> Result<(Filter, page::Scope), Error> {
    let proto::ListClocksRequest {
        ticket_ids,
        metrics,
        states,
        latest_only,
        page_size: _,
        page_token: _,
    } = request;
    let mut wrong = Violations::new();
    wrong.require("ticket_ids", ticket_ids.len() <= 500, "must be at most 500");
    let mut filter = Filter {
        latest_only: *latest_only,
        ..Filter::default()
    };
    for (index, id) in ticket_ids.iter().take(500).enumerate() {
        filter
            .tickets
            .extend(wrong.parse::<TicketId>(&format!("ticket_ids[{index}]"), id));
    }
    for (index, metric) in metrics.iter().enumerate() {
        let metric = enums::metric(*metric).ok_or("must be a metric");
        filter
            .metrics
            .extend(wrong.take(&format!("metrics[{index}]"), metric));
    }
    for (index, state) in states.iter().enumerate() {
        let state = enums::state(*state).ok_or("must be a state");
        filter
            .states
            .extend(wrong.take(&format!("states[{index}]"), state));
    }
    wrong.finish()?;
    let bound = format!("{ticket_ids:?} {metrics:?} {states:?} {latest_only}");
    Ok((filter, page::Scope::new("ListClocks", &[&bound])))
}
