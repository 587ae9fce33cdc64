//! Alerts, for callers: looked at, acknowledged, resolved.

use lotse_errors::{ErrorReason, Text, Violations};
use lotse_grpc::page;
use lotse_ids::{AgentId, AlertId, EscalationPolicyId, GroupId, TicketId};
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;

use super::record::{By, Record};
use crate::domain::{AlertState, EscalationContent, Happening, Resolution};
use crate::store::actions;
use crate::store::alerts::listing::{self, Filter};
use crate::store::alerts::rows::{self, Row};
use crate::store::alerts::steps;
use crate::store::settings;
use crate::wire::alert::{write, write_action, write_step};
use crate::wire::enums;
use crate::{App, Error};

/// The longest note, in bytes.
const NOTE: usize = 2_000;

impl App {
    /// Says that somebody takes care of an alert.
    ///
    /// # Errors
    /// When there is no such alert, or it is over.
    pub async fn acknowledge_alert(
        &self,
        origin: &Origin,
        request: &proto::AcknowledgeAlertRequest,
        agent: Option<AgentId>,
    ) -> Result<proto::AcknowledgeAlertResponse, Error> {
        let proto::AcknowledgeAlertRequest {
            alert_id,
            agent_id: _,
            note,
            request_id,
        } = request;
        let alert_id = parse(alert_id)?;
        let by = by(note, agent, origin)?;
        let method = "sla.AcknowledgeAlert";
        let done = self
            .journal
            .command(origin, method, request_id, request, |tx| {
                let (by, id) = (&by, &alert_id);
                async move {
                    let row = self.lock_alert(&tx, id).await?;
                    if row.alert.state == AlertState::Resolved {
                        let error = lotse_errors::Error::failed_precondition(
                            ErrorReason::IllegalTransition,
                            "the alert is resolved; there is nothing left to take care of",
                        );
                        let error = error.about("alert", id.as_str());
                        return Err(error
                            .with("from", "resolved")
                            .with("to", "acknowledged")
                            .into());
                    }
                    let alert = self.happen(&tx, row, Happening::Acknowledged, by).await?;
                    Ok::<_, Error>(proto::AcknowledgeAlertResponse { alert: Some(alert) })
                }
            });
        let done = done.await?;
        self.alerts.set_timers().await;
        Ok(done)
    }

    /// Ends an alert. One that is over already stays as it is.
    ///
    /// # Errors
    /// When there is no such alert.
    pub async fn resolve_alert(
        &self,
        origin: &Origin,
        request: &proto::ResolveAlertRequest,
        agent: Option<AgentId>,
    ) -> Result<proto::ResolveAlertResponse, Error> {
        let proto::ResolveAlertRequest {
            alert_id,
            agent_id: _,
            note,
            request_id,
        } = request;
        let alert_id = parse(alert_id)?;
        let by = by(note, agent, origin)?;
        let method = "sla.ResolveAlert";
        let done = self
            .journal
            .command(origin, method, request_id, request, |tx| {
                let (by, id) = (&by, &alert_id);
                async move {
                    let row = self.lock_alert(&tx, id).await?;
                    let resolved = Happening::Resolved(Resolution::Manual);
                    let alert = self.happen(&tx, row, resolved, by).await?;
                    Ok::<_, Error>(proto::ResolveAlertResponse { alert: Some(alert) })
                }
            });
        let done = done.await?;
        self.alerts.set_timers().await;
        Ok(done)
    }

    async fn lock_alert(&self, tx: &Tx, id: &AlertId) -> Result<Row, Error> {
        let found = rows::lock(tx, &[id.as_str()]).await?.pop();
        found.ok_or_else(|| Error::NotFound("alert", id.to_string()))
    }

    async fn happen(
        &self,
        tx: &Tx,
        mut row: Row,
        happening: Happening,
        by: &By,
    ) -> Result<proto::Alert, Error> {
        let now = self.clock.now();
        let id = row.id.clone();
        let known = self.alerts.escalations.current(tx).await?;
        let policy = known.version(&row.escalation_id, row.escalation_version)?;
        let told = row.alert.apply(happening, &policy, None, now);
        if !told.is_empty() {
            let mut record = Record::new(now);
            record.changed(row, &told, None, by);
            record.save(&self.alerts, tx).await?;
        }
        let rows = rows::load(tx, &[&id]).await?;
        let steps = steps::load(tx, &[&id]).await?;
        let steps = steps.get(&id).map_or(&[][..], Vec::as_slice);
        let alert = rows.first().map(|row| write(row, &policy, steps));
        alert.ok_or_else(|| Error::NotFound("alert", id))
    }

    /// One alert with all that happened to it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get_alert(
        &self,
        request: &proto::GetAlertRequest,
    ) -> Result<proto::GetAlertResponse, Error> {
        let proto::GetAlertRequest { alert_id } = request;
        let id = parse(alert_id)?;
        let conn = self.db.reader();
        let row = rows::load(conn, &[id.as_str()]).await?.pop();
        let row = row.ok_or_else(|| Error::NotFound("alert", id.to_string()))?;
        let steps = steps::load(conn, &[id.as_str()]).await?;
        let steps = steps.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let known = self.alerts.escalations.current(conn).await?;
        let policy = known.version(&row.escalation_id, row.escalation_version)?;
        let alert = proto::Alert {
            steps: steps.iter().map(write_step).collect(),
            ..write(&row, &policy, steps)
        };
        Ok(proto::GetAlertResponse { alert: Some(alert) })
    }

    /// Alerts by filter, the newest first.
    ///
    /// # Errors
    /// For a wrong filter or page.
    pub async fn list_alerts(
        &self,
        request: &proto::ListAlertsRequest,
    ) -> Result<proto::ListAlertsResponse, Error> {
        let (mut filter, scope) = read_filter(request)?;
        let size = page::size(request.page_size, 100, 1_000)?;
        let before = scope.key::<1>(&request.page_token)?.map(|[id]| id);
        let conn = self.db.reader();
        if !filter.escalation.is_empty() && filter.escalation.parse::<EscalationPolicyId>().is_err()
        {
            let named = settings::find::<EscalationContent>(conn, &filter.escalation, 0).await?;
            // A name that nothing has finds nothing.
            filter.escalation = named.map_or(filter.escalation, |named| named.id);
        }
        let limit = u64::from(size) + 1;
        let mut rows = listing::list(conn, &filter, before.as_deref(), limit).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let steps = steps::load(conn, &ids).await?;
        let known = self.alerts.escalations.current(conn).await?;
        let last = rows.last().filter(|_| more);
        let next = last.map_or_else(String::new, |row| scope.token(&[&row.id]));
        let alerts = rows.iter().map(|row| {
            let policy = known.version(&row.escalation_id, row.escalation_version)?;
            let steps = steps.get(&row.id).map_or(&[][..], Vec::as_slice);
            Ok(write(row, &policy, steps))
        });
        Ok(proto::ListAlertsResponse {
            alerts: alerts.collect::<Result<_, Error>>()?,
            next_page_token: next,
        })
    }

    /// What reactions do to tickets, the newest first.
    ///
    /// # Errors
    /// For a wrong filter or page.
    pub async fn list_reaction_actions(
        &self,
        request: &proto::ListReactionActionsRequest,
    ) -> Result<proto::ListReactionActionsResponse, Error> {
        let proto::ListReactionActionsRequest {
            ticket_ids,
            states,
            page_size,
            page_token,
        } = request;
        let mut wrong = Violations::new();
        let filter = actions::Filter {
            tickets: ids::<TicketId>("ticket_ids", ticket_ids, &mut wrong),
            states: codes("states", states, enums::action_state, &mut wrong),
        };
        wrong.finish()?;
        let size = page::size(*page_size, 100, 1_000)?;
        let bound = format!("{ticket_ids:?} {states:?}");
        let scope = page::Scope::new("ListReactionActions", &[&bound]);
        let before = scope.key::<1>(page_token)?.map(|[id]| id);
        let limit = u64::from(size) + 1;
        let conn = self.db.reader();
        let mut found = actions::list(conn, &filter, before.as_deref(), limit).await?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let last = found.last().filter(|_| more);
        Ok(proto::ListReactionActionsResponse {
            actions: found.iter().map(write_action).collect(),
            next_page_token: last.map_or_else(String::new, |one| scope.token(&[&one.id])),
        })
    }
}

fn parse(id: &str) -> Result<AlertId, Error> {
    let mut wrong = Violations::new();
    let id = wrong.parse("alert_id", id);
    Ok(wrong.finish_with(id)?)
}

/// Who calls.
fn by(note: &str, agent: Option<AgentId>, origin: &Origin) -> Result<By, Error> {
    let mut wrong = Violations::new();
    let note = wrong.text("note", note, Text::body(0..=NOTE));
    wrong.finish()?;
    Ok(By {
        agent: agent.map(String::from).unwrap_or_default(),
        principal: origin.principal.clone(),
        note,
    })
}

fn read_filter(request: &proto::ListAlertsRequest) -> Result<(Filter, page::Scope), Error> {
    let proto::ListAlertsRequest {
        ticket_ids,
        states,
        agent_id,
        group_ids,
        escalation_policy,
        page_size: _,
        page_token: _,
    } = request;
    let mut wrong = Violations::new();
    let agent = wrong.parse_optional::<AgentId>("agent_id", agent_id);
    let filter = Filter {
        tickets: ids::<TicketId>("ticket_ids", ticket_ids, &mut wrong),
        states: codes("states", states, enums::alert_state, &mut wrong),
        agent: agent.map(String::from).unwrap_or_default(),
        groups: ids::<GroupId>("group_ids", group_ids, &mut wrong),
        escalation: escalation_policy.clone(),
    };
    wrong.finish()?;
    let bound =
        format!("{ticket_ids:?} {states:?} {agent_id:?} {group_ids:?} {escalation_policy:?}");
    Ok((filter, page::Scope::new("ListAlerts", &[&bound])))
}

/// Ids of one kind, at most 500.
fn ids<T>(field: &str, given: &[String], wrong: &mut Violations) -> Vec<String>
where
    T: std::str::FromStr + Into<String>,
    T::Err: std::fmt::Display,
{
    wrong.require(field, given.len() <= 500, "must be at most 500");
    let mut read = Vec::new();
    for (index, id) in given.iter().take(500).enumerate() {
        read.extend(
            wrong
                .parse::<T>(&format!("{field}[{index}]"), id)
                .map(Into::into),
        );
    }
    read
}

fn codes<T>(
    field: &str,
    given: &[i32],
    of: fn(i32) -> Option<T>,
    wrong: &mut Violations,
) -> Vec<T> {
    let mut read = Vec::new();
    for (index, code) in given.iter().take(16).enumerate() {
        read.extend(wrong.take(
            &format!("{field}[{index}]"),
            of(*code).ok_or("is not known"),
        ));
    }
    read
}
