//! Notification targets: put, read.

use lotse_errors::Violations;
use lotse_grpc::{etag, page};
use lotse_ids::NotificationTargetId;
use lotse_journal::{Body, Draft, Origin, Tx};
use lotse_proto::journal::v1::ConfigurationChanged;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::PutOutcome;

use crate::store::notification_targets::{self, Row};
use crate::store::settings;
use crate::wire::notification::{read, write};
use crate::{App, Error};

/// What targets are called in errors and in the journal.
pub(super) const KIND: &str = "notification_target";

impl App {
    /// Creates a notification target or changes one.
    ///
    /// # Errors
    /// All that is wrong with it at once.
    pub async fn put_notification_target(
        &self,
        origin: &Origin,
        request: &proto::PutNotificationTargetRequest,
    ) -> Result<proto::PutNotificationTargetResponse, Error> {
        let request_id = &request.request_id;
        self.journal
            .command(
                origin,
                "sla.PutNotificationTarget",
                request_id,
                request,
                |tx| async move { self.put_notification_target_in(&tx, request).await },
            )
            .await
    }

    async fn put_notification_target_in(
        &self,
        tx: &Tx,
        request: &proto::PutNotificationTargetRequest,
    ) -> Result<proto::PutNotificationTargetResponse, Error> {
        let now = self.clock.now();
        let target = request.notification_target.as_ref();
        let target = target.ok_or_else(|| lotse_errors::Error::invalid(KIND, "is required"))?;
        // Targets are put one after the other, as settings are.
        settings::lock(tx).await?;
        let existing = existing(tx, target).await?;
        let version = existing.as_ref().map_or(0, |row| row.version);
        etag::check(&target.etag, i64::from(version))?;
        let mut wrong = Violations::new();
        let stored = existing.as_ref().map(|row| &row.content);
        let content = read(target, stored, now, &mut wrong);
        let content = wrong.finish_with(content)?;
        if let Some(row) = existing.as_ref().filter(|row| row.content == content) {
            return Ok(proto::PutNotificationTargetResponse {
                notification_target: Some(write(row)),
                outcome: PutOutcome::Unchanged.into(),
            });
        }
        let id = existing.as_ref().map(|row| row.id.clone());
        let id = id.unwrap_or_else(|| NotificationTargetId::generate(now).into());
        let taken = notification_targets::find(tx, &content.name).await?;
        if taken.is_some_and(|other| other.id != id) {
            return Err(lotse_errors::Error::already_exists(KIND, &content.name).into());
        }
        let row = Row {
            id,
            version: version + 1,
            content,
            created_at: existing.as_ref().map_or(now, |row| row.created_at),
            updated_at: now,
        };
        notification_targets::save(tx, &row).await?;
        let changed = ConfigurationChanged {
            kind: KIND.to_owned(),
            id: row.id.clone(),
            version: row.version,
        };
        tx.emit(Draft::resource(
            row.id.clone(),
            Body::ConfigurationChanged(changed),
        ));
        let outcome = match existing {
            Some(_) => PutOutcome::Updated,
            None => PutOutcome::Created,
        };
        Ok(proto::PutNotificationTargetResponse {
            notification_target: Some(write(&row)),
            outcome: outcome.into(),
        })
    }

    /// One notification target by id or name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get_notification_target(
        &self,
        request: &proto::GetNotificationTargetRequest,
    ) -> Result<proto::GetNotificationTargetResponse, Error> {
        let proto::GetNotificationTargetRequest { id } = request;
        let row = self.notification_target("id", id).await?;
        Ok(proto::GetNotificationTargetResponse {
            notification_target: Some(write(&row)),
        })
    }

    /// The notification targets by name.
    ///
    /// # Errors
    /// For a wrong page.
    pub async fn list_notification_targets(
        &self,
        request: &proto::ListNotificationTargetsRequest,
    ) -> Result<proto::ListNotificationTargetsResponse, Error> {
        let proto::ListNotificationTargetsRequest {
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)?;
        let scope = page::Scope::new("ListNotificationTargets", &[]);
        let after = scope.key::<1>(page_token)?.map(|[name]| name);
        let limit = u64::from(size) + 1;
        let reader = self.db.reader();
        let mut rows = notification_targets::list(reader, after.as_deref(), limit).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let last = rows.last().filter(|_| more);
        Ok(proto::ListNotificationTargetsResponse {
            next_page_token: last
                .map_or_else(String::new, |last| scope.token(&[&last.content.name])),
            notification_targets: rows.iter().map(write).collect(),
        })
    }

    /// One target by id or name, both given in `field`.
    pub(super) async fn notification_target(
        &self,
        field: &str,
        id_or_name: &str,
    ) -> Result<Row, Error> {
        if id_or_name.is_empty() {
            return Err(lotse_errors::Error::invalid(field, "is required").into());
        }
        let found = notification_targets::find(self.db.reader(), id_or_name).await?;
        found.ok_or_else(|| Error::NotFound(KIND, id_or_name.to_owned()))
    }
}

/// The target that a Put is about, if it is to be changed and not made.
async fn existing(tx: &Tx, target: &proto::NotificationTarget) -> Result<Option<Row>, Error> {
    let named = if target.id.is_empty() {
        &target.name
    } else {
        &target.id
    };
    let found = notification_targets::find(tx, named).await?;
    match found {
        Some(row) if target.id.is_empty() || row.id == target.id => Ok(Some(row)),
        _ if target.id.is_empty() => Ok(None),
        _ => Err(Error::NotFound(KIND, target.id.clone())),
    }
}
