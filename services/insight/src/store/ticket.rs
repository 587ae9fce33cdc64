//! Tickets as rows.

use std::collections::BTreeMap;

use lotse_proto::common::v1::TicketStatus;
use sea_orm::{DbErr, JsonValue, Value};

use super::facts::{broken, instant, millis};
use super::rows::{Columns, ReadRow, Row};
use crate::facts::code::{code, name};
use crate::facts::detail::{Cycle, CycleState};
use crate::facts::ticket::Ticket;

const STATUS: &str = "TICKET_STATUS_";

impl CycleState {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Answered => "answered",
            Self::Dropped => "dropped",
            Self::AfterEnd => "after_end",
        }
    }

    fn of(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Answered, Self::Dropped, Self::AfterEnd]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

impl Row for Ticket {
    const TABLE: &'static str = "insight_tickets";
    const KEYS: usize = 1;
    const COLUMNS: &'static [&'static str] = &[
        "ticket_id",
        "created_at",
        "channel",
        "category",
        "priority",
        "language",
        "tags",
        "attributes",
        "repeat_of",
        "status",
        "group_id",
        "agent_id",
        "tier",
        "first_group_id",
        "handled_at",
        "first_reply_at",
        "replies",
        "replies_before_solved",
        "waits_before_solved",
        "transfers",
        "misroutes",
        "first_transferred_at",
        "escalations",
        "first_escalated_at",
        "first_solved_at",
        "solved_at",
        "solved_by",
        "reopenings",
        "first_reopened_at",
        "closed_at",
        "merged_at",
        "episode_opened_at",
        "cycle_number",
        "cycle_started_at",
        "cycle_state",
        "cycle_replied_at",
        "stay_number",
        "stay_entered_at",
    ];

    fn values(&self) -> Vec<Value> {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(key, value)| (key.clone(), value.clone().into()));
        vec![
            self.id.as_str().into(),
            self.created_at.as_millis().into(),
            self.channel.clone().into(),
            self.category.clone().into(),
            self.priority.clone().into(),
            self.language.clone().into(),
            JsonValue::from(self.tags.clone()).into(),
            JsonValue::Object(attributes.collect()).into(),
            self.repeat_of.clone().into(),
            code(self.status.as_str_name(), STATUS).into(),
            self.group.clone().into(),
            self.agent.clone().into(),
            self.tier.into(),
            self.first_group.clone().into(),
            millis(self.handled_at).into(),
            millis(self.first_reply_at).into(),
            self.replies.into(),
            self.replies_before_solved.into(),
            self.waits_before_solved.into(),
            self.transfers.into(),
            self.misroutes.into(),
            millis(self.first_transferred_at).into(),
            self.escalations.into(),
            millis(self.first_escalated_at).into(),
            millis(self.first_solved_at).into(),
            millis(self.solved_at).into(),
            self.solved_by.clone().into(),
            self.reopenings.into(),
            millis(self.first_reopened_at).into(),
            millis(self.closed_at).into(),
            millis(self.merged_at).into(),
            self.episode_opened_at.as_millis().into(),
            self.cycle.number.into(),
            self.cycle.started_at.as_millis().into(),
            self.cycle.state.code().into(),
            millis(self.cycle.replied_at).into(),
            self.stay_number.into(),
            millis(self.stay_entered_at).into(),
        ]
    }
}

impl ReadRow for Ticket {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.next()?,
            created_at: instant(row.next()?),
            channel: row.next()?,
            category: row.next()?,
            priority: row.next()?,
            language: row.next()?,
            tags: texts(&row.next()?),
            attributes: attributes(&row.next()?),
            repeat_of: row.next()?,
            status: status(row)?,
            group: row.next()?,
            agent: row.next()?,
            tier: row.next()?,
            first_group: row.next()?,
            handled_at: row.next::<Option<i64>>()?.map(instant),
            first_reply_at: row.next::<Option<i64>>()?.map(instant),
            replies: row.next()?,
            replies_before_solved: row.next()?,
            waits_before_solved: row.next()?,
            transfers: row.next()?,
            misroutes: row.next()?,
            first_transferred_at: row.next::<Option<i64>>()?.map(instant),
            escalations: row.next()?,
            first_escalated_at: row.next::<Option<i64>>()?.map(instant),
            first_solved_at: row.next::<Option<i64>>()?.map(instant),
            solved_at: row.next::<Option<i64>>()?.map(instant),
            solved_by: row.next()?,
            reopenings: row.next()?,
            first_reopened_at: row.next::<Option<i64>>()?.map(instant),
            closed_at: row.next::<Option<i64>>()?.map(instant),
            merged_at: row.next::<Option<i64>>()?.map(instant),
            episode_opened_at: instant(row.next()?),
            cycle: cycle(row)?,
            stay_number: row.next()?,
            stay_entered_at: row.next::<Option<i64>>()?.map(instant),
        })
    }
}

fn texts(json: &JsonValue) -> Vec<String> {
    let list = json.as_array().into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

fn attributes(json: &JsonValue) -> BTreeMap<String, String> {
    let map = json.as_object().into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn status(row: &mut Columns<'_>) -> Result<TicketStatus, DbErr> {
    let code: String = row.next()?;
    TicketStatus::from_str_name(&name(&code, STATUS)).ok_or_else(|| broken("status", &code))
}

fn cycle(row: &mut Columns<'_>) -> Result<Cycle, DbErr> {
    let (number, started_at) = (row.next()?, instant(row.next()?));
    let state: String = row.next()?;
    Ok(Cycle {
        number,
        started_at,
        state: CycleState::of(&state).ok_or_else(|| broken("state of a cycle", &state))?,
        replied_at: row.next::<Option<i64>>()?.map(instant),
    })
}
