//! Notification targets: put, read.

use std::collections::BTreeMap;

use lotse_clock::{SystemClock, Timestamp};
use lotse_errors::Violations;
use lotse_grpc::{etag, page};
use lotse_ids::{DeliveryId, NotificationTargetId};
use lotse_journal::{Body, Draft, Origin, Tx};
use lotse_notify::{Action, Notice, Refused, Severity};
use lotse_proto::journal::v1::ConfigurationChanged;
use lotse_proto::sla::v1 as proto;
use lotse_proto::sla::v1::PutOutcome;
use lotse_proto::time::duration_to_proto;

use crate::notification::Content;
use crate::store::notification_targets::{self, Row};
use crate::store::settings;
use crate::wire::notification::{read, write, write_failure};
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
        let put = self.journal.command(
            origin,
            "sla.PutNotificationTarget",
            &request.request_id,
            request,
            |tx| async move { self.put_notification_target_in(&tx, request).await },
        );
        let put = put.await?;
        self.outbox.wake();
        Ok(put)
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
        let stored = existing.as_ref().map(|row| self.opened(row)).transpose()?;
        let content = read(target, stored.as_ref(), now, &mut wrong);
        self.check_place(content.as_ref(), &mut wrong);
        let content = wrong.finish_with(content)?;
        if let Some(row) = existing
            .as_ref()
            .filter(|_| stored.as_ref() == Some(&content))
        {
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
            content: self.courier.vault().seal(&id, &content),
            id,
            version: version + 1,
            created_at: existing.as_ref().map_or(now, |row| row.created_at),
            updated_at: now,
        };
        notification_targets::save(tx, &row).await?;
        let changed = ConfigurationChanged {
            kind: KIND.to_owned(),
            id: row.id.clone(),
            version: row.version,
            restores_version: 0,
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

    /// Sends a notice that says it is a test.
    ///
    /// # Errors
    /// When there is no such target. What comes of the notice is answered.
    pub async fn test_notification_target(
        &self,
        request: &proto::TestNotificationTargetRequest,
    ) -> Result<proto::TestNotificationTargetResponse, Error> {
        let proto::TestNotificationTargetRequest { id } = request;
        let row = self.notification_target("id", id).await?;
        let notice = test_notice(&row, self.clock.now());
        let started = SystemClock.monotonic();
        let outcome = self.courier.try_once(&row, &notice).await;
        let took = SystemClock.monotonic().duration_since(started);
        Ok(proto::TestNotificationTargetResponse {
            delivered: outcome.is_ok() && !self.courier.is_sink(),
            delivery_id: notice.id,
            failure: outcome.err().as_ref().map(write_failure),
            took: Some(duration_to_proto(took)),
            sink: self.courier.is_sink(),
        })
    }

    /// What is stored of a target, with its secrets in the open.
    fn opened(&self, row: &Row) -> Result<Content, Error> {
        let opened = self.courier.vault().open(&row.id, &row.content);
        opened.map_err(|closed| Error::Stored {
            table: "sla_notification_targets",
            key: row.id.clone(),
            source: closed.into(),
        })
    }

    /// Refuses a place that no notice would be sent to.
    fn check_place(&self, content: Option<&Content>, wrong: &mut Violations) {
        let Some(content) = content else { return };
        for Refused { field, problem, .. } in self.courier.check(content) {
            let kind = content.channel.kind();
            wrong.add(format!("{KIND}.{kind}.{field}"), problem);
        }
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

/// A notice that means nothing.
fn test_notice(row: &Row, now: Timestamp) -> Notice {
    let id = String::from(DeliveryId::generate(now));
    Notice {
        at: now,
        kind: "notification_target.test".to_owned(),
        // An incident that PagerDuty opened for a test would wake somebody.
        action: Action::Resolve,
        subject_key: row.id.clone(),
        severity: Severity::Info,
        title: format!("Test of the notification target {:?}", row.content.name),
        text: "This is a test. If you can read it, notices arrive here.".to_owned(),
        facts: BTreeMap::from([("notification_target".to_owned(), row.id.clone())]),
        recipients: Vec::new(),
        id,
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
