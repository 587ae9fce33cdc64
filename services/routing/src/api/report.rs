//! How often routing was wrong, as it is asked and answered.

use std::cmp::Reverse;

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::{from_proto, to_proto};
use lotse_scores::share;
use tonic::{Response, Status};

use super::{Api, DEFAULT_PAGE, MAX_PAGE, parse, show};
use crate::app::hand_over::shown;
use crate::app::report::Row;
use crate::error::Error;
use crate::store::report::{Counts, Dimension, Filter, Key, Span, Undone};

impl Api {
    pub(super) async fn misroute_report(
        &self,
        request: proto::ReportMisroutesRequest,
    ) -> Result<Response<proto::ReportMisroutesResponse>, Status> {
        let proto::ReportMisroutesRequest {
            from,
            until,
            dimension: by,
            page_size,
            page_token,
        } = request;
        let mut wrong = Violations::new();
        let span = self.span(&mut wrong, from.as_ref(), until.as_ref());
        let by = dimension(&mut wrong, by);
        let (span, by) = wrong.finish_with(span.zip(by)).map_err(Error::from)?;
        let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE).map_err(Error::from)?;
        let scope = scope(
            "ReportMisroutes",
            from.as_ref(),
            until.as_ref(),
            &[&format!("{by:?}")],
        );
        let after = scope.key::<3>(&page_token).map_err(Error::from)?;
        let mut report = self.app.report(span, by).await?;
        if let Some([misrouted, version, name]) = after {
            let key = Key {
                version: version.parse().ok(),
                name: (!name.is_empty()).then_some(name),
            };
            let last = (Reverse(misrouted.parse().unwrap_or(0)), &key);
            report.rows.retain(|row| row.rank() > last);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = report.rows.len() > size;
        report.rows.truncate(size);
        let last = report.rows.last().filter(|_| more);
        let next_page_token = last.map(|row| {
            let version = row.key.version.map(|version| version.to_string());
            scope.token(&[
                &row.counts.misrouted.to_string(),
                &version.unwrap_or_default(),
                row.key.name.as_deref().unwrap_or_default(),
            ])
        });
        Ok(Response::new(proto::ReportMisroutesResponse {
            total: Some(figures(report.total)),
            next_page_token: next_page_token.unwrap_or_default(),
            rows: report.rows.into_iter().map(|one| row(by, one)).collect(),
        }))
    }

    pub(super) async fn misroutes(
        &self,
        request: proto::ListMisroutesRequest,
    ) -> Result<Response<proto::ListMisroutesResponse>, Status> {
        let proto::ListMisroutesRequest {
            from,
            until,
            group_id,
            workflow_version,
            workflow_rule,
            model_version,
            missing_skill,
            missing_language,
            all_transfers,
            page_size,
            page_token,
        } = request;
        let mut wrong = Violations::new();
        let span = self.span(&mut wrong, from.as_ref(), until.as_ref());
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let language = text(&missing_language)
            .and_then(|tag| parse::language(&mut wrong, "missing_language", &tag));
        let filter = Filter {
            group: wrong.parse_optional("group_id", &group_id),
            workflow_version: version(workflow_version),
            rule: text(&workflow_rule),
            model_version: version(model_version),
            skill: text(&missing_skill),
            language: language.map(|tag| tag.to_string()),
            all: all_transfers,
        };
        let span = wrong.finish_with(span).map_err(Error::from)?;
        let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE).map_err(Error::from)?;
        let parts = format!("{filter:?}");
        let scope = scope("ListMisroutes", from.as_ref(), until.as_ref(), &[&parts]);
        let after = scope.key::<3>(&page_token).map_err(Error::from)?;
        let after = after.map(|[at, ticket, version]| {
            (
                at.parse().unwrap_or(0),
                ticket,
                version.parse().unwrap_or(0),
            )
        });
        let mut page = self
            .app
            .undone(span, &filter, after.as_ref(), size + 1)
            .await?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = page.len() > size;
        page.truncate(size);
        let last = page.last().filter(|_| more);
        let next_page_token = last.map(|last| {
            let at = last.decided_at.as_millis().to_string();
            scope.token(&[&at, last.ticket.as_str(), &last.version.to_string()])
        });
        Ok(Response::new(proto::ListMisroutesResponse {
            misroutes: page.into_iter().map(misroute).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }

    /// The span asked for; without an end, until now.
    fn span(
        &self,
        wrong: &mut Violations,
        from: Option<&prost_types::Timestamp>,
        until: Option<&prost_types::Timestamp>,
    ) -> Option<Span> {
        let mut instant = |field, given: Option<&prost_types::Timestamp>| {
            let given = given.map(from_proto).transpose();
            wrong.take(field, given).flatten()
        };
        let (start, end) = (instant("from", from), instant("until", until));
        let start = wrong.present("from", start)?;
        // What is decided now belongs to it.
        let now = || Timestamp::from_millis(self.app.clock.now().as_millis() + 1);
        let span = Span {
            from: start,
            until: end.unwrap_or_else(now),
        };
        wrong.require("until", span.from < span.until, "must be after from");
        Some(span)
    }
}

fn scope(
    method: &str,
    from: Option<&prost_types::Timestamp>,
    until: Option<&prost_types::Timestamp>,
    parts: &[&str],
) -> page::Scope {
    let span = format!("{from:?} {until:?}");
    let mut all = vec![span.as_str()];
    all.extend(parts);
    page::Scope::new(method, &all)
}

fn dimension(wrong: &mut Violations, given: i32) -> Option<Dimension> {
    use proto::MisrouteDimension as Given;
    let dimension = match Given::try_from(given) {
        Ok(Given::Unspecified | Given::Rule) => Some(Dimension::Rule),
        Ok(Given::Model) => Some(Dimension::Model),
        Ok(Given::Group) => Some(Dimension::Group),
        Ok(Given::MissingSkill) => Some(Dimension::MissingSkill),
        Ok(Given::MissingLanguage) => Some(Dimension::MissingLanguage),
        Err(_) => None,
    };
    wrong.require(
        "dimension",
        dimension.is_some(),
        "must be a known dimension",
    );
    dimension
}

/// A version as stored; 0 is none.
fn version(given: u32) -> Option<i32> {
    (given > 0).then(|| i32::try_from(given).unwrap_or(i32::MAX))
}

fn figures(counts: Counts) -> proto::MisrouteFigures {
    let Counts {
        handled,
        transferred,
        misrouted,
    } = counts;
    let rate = |of| {
        share(of, handled).map(|estimate| proto::ShareEstimate {
            value: estimate.value,
            low: estimate.low.unwrap_or_default(),
            high: estimate.high.unwrap_or(1.0),
        })
    };
    proto::MisrouteFigures {
        handled,
        transferred,
        misrouted,
        transfer_rate: rate(transferred),
        misroute_rate: rate(misrouted),
    }
}

fn row(dimension: Dimension, row: Row) -> proto::MisrouteRow {
    let Row {
        key: Key { version, name },
        counts,
        destinations,
    } = row;
    let version = version.map_or(0, |version| version.unsigned_abs());
    let name = name.unwrap_or_default();
    let mut shown = proto::MisrouteRow {
        figures: Some(figures(counts)),
        destinations: destinations
            .into_iter()
            .map(|(group, tickets)| proto::Destination {
                group_id: group.into(),
                tickets,
            })
            .collect(),
        ..proto::MisrouteRow::default()
    };
    match dimension {
        Dimension::Rule => (shown.workflow_version, shown.workflow_rule) = (version, name),
        Dimension::Model => shown.model_version = version,
        Dimension::Group => shown.group_id = name,
        Dimension::MissingSkill => shown.missing_skill = name,
        Dimension::MissingLanguage => shown.missing_language = name,
    }
    shown
}

fn misroute(undone: Undone) -> proto::Misroute {
    let Undone {
        ticket,
        version: _,
        decision,
        decided_at,
        transferred_at,
        reason,
        from_group,
        from_agent,
        to_group,
        missing_skill,
        missing_language,
        guard,
    } = undone;
    proto::Misroute {
        ticket_id: ticket.into(),
        decision_id: decision.into(),
        decided_at: Some(to_proto(decided_at)),
        transferred_at: Some(to_proto(transferred_at)),
        reason: shown(reason).into(),
        misroute: reason.is_misroute(),
        from_group_id: show::id(from_group.as_ref()),
        from_agent_id: show::id(from_agent.as_ref()),
        to_group_id: show::id(to_group.as_ref()),
        missing_skill: missing_skill.unwrap_or_default(),
        missing_language: missing_language.unwrap_or_default(),
        guard: show::id(guard.as_ref()),
    }
}
