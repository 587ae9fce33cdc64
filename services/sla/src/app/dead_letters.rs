//! Dead letters: listed, and tried again.

use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::DeliveryId;
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;

use super::notification_targets::KIND;
use crate::store::dead_letters::{self, Which};
use crate::store::notification_targets;
use crate::wire::notification::write_dead_letter;
use crate::{App, Error};

/// Dead letters that one call may name.
const IDS: usize = 1_000;

impl App {
    /// Dead letters by id.
    ///
    /// # Errors
    /// For a target that does not exist, and a wrong page.
    pub async fn list_dead_letters(
        &self,
        request: &proto::ListDeadLettersRequest,
    ) -> Result<proto::ListDeadLettersResponse, Error> {
        let proto::ListDeadLettersRequest {
            notification_target,
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)?;
        let scope = page::Scope::new("ListDeadLetters", &[notification_target]);
        let after = scope.key::<1>(page_token)?.map(|[id]| id);
        let target = match notification_target.as_str() {
            "" => None,
            named => Some(self.notification_target(KIND, named).await?.id),
        };
        let limit = u64::from(size) + 1;
        let (reader, after) = (self.db.reader(), after.as_deref());
        let mut letters = dead_letters::list(reader, target.as_deref(), after, limit).await?;
        let more = letters.len() > size as usize;
        letters.truncate(size as usize);
        let last = letters.last().filter(|_| more);
        Ok(proto::ListDeadLettersResponse {
            next_page_token: last.map_or_else(String::new, |last| scope.token(&[&last.id])),
            dead_letters: letters.iter().map(write_dead_letter).collect(),
        })
    }

    /// Tries dead letters again.
    ///
    /// # Errors
    /// When neither or both of ids and target are given; for a target that does not exist.
    pub async fn redrive_dead_letters(
        &self,
        origin: &Origin,
        request: &proto::RedriveDeadLettersRequest,
    ) -> Result<proto::RedriveDeadLettersResponse, Error> {
        let redriven = self.journal.command(
            origin,
            "sla.RedriveDeadLetters",
            &request.request_id,
            request,
            |tx| async move { self.redrive_dead_letters_in(&tx, request).await },
        );
        let redriven = redriven.await?;
        self.outbox.wake();
        Ok(redriven)
    }

    async fn redrive_dead_letters_in(
        &self,
        tx: &Tx,
        request: &proto::RedriveDeadLettersRequest,
    ) -> Result<proto::RedriveDeadLettersResponse, Error> {
        let proto::RedriveDeadLettersRequest {
            dead_letter_ids: ids,
            notification_target: target,
            request_id: _,
        } = request;
        let mut wrong = Violations::new();
        let field = "dead_letter_ids";
        wrong.require(field, ids.len() <= IDS, "must be at most 1,000");
        wrong.require(
            field,
            ids.is_empty() != target.is_empty(),
            "either these or notification_target must be given",
        );
        for (index, id) in ids.iter().enumerate().take(IDS) {
            wrong.parse::<DeliveryId>(&format!("{field}[{index}]"), id);
        }
        wrong.finish()?;
        let now = self.clock.now();
        let redriven = if target.is_empty() {
            dead_letters::redrive(tx, Which::Ids(ids), now).await?
        } else {
            let found = notification_targets::find(tx, target).await?;
            let row = found.ok_or_else(|| Error::NotFound(KIND, target.clone()))?;
            dead_letters::redrive(tx, Which::Target(&row.id), now).await?
        };
        Ok(proto::RedriveDeadLettersResponse { redriven })
    }
}
