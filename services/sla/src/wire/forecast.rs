//! Forecasts, as callers read them.

use std::time::Duration;

use lotse_ids::ClockId;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{duration_to_proto, to_proto};

use super::enums;
use crate::app::forecast::Forecast;
use crate::domain::forecast::reasons;

/// A forecast with its reasons.
pub(crate) fn write(forecast: &Forecast) -> proto::BreachForecast {
    let Forecast {
        stored,
        group,
        chance,
        pace,
        staffing,
    } = forecast;
    let clock = &stored.clock;
    let reasons = reasons(chance, *pace, staffing.as_ref());
    let reason = |(code, words): (&str, String)| proto::ForecastReason {
        code: code.to_owned(),
        words,
    };
    proto::BreachForecast {
        clock_id: clock
            .id
            .as_ref()
            .map(ClockId::to_string)
            .unwrap_or_default(),
        ticket_id: stored.ticket_id.clone(),
        metric: enums::to_metric(clock.metric).into(),
        group_id: group.as_deref().unwrap_or_default().to_owned(),
        due_at: clock.times.due.map(to_proto),
        probability: chance.breach,
        remaining: Some(span(chance.left)),
        sample_size: chance.sample,
        typical_remaining: chance.typical.map(span),
        pace: pace.0,
        reasons: reasons.into_iter().map(reason).collect(),
    }
}

fn span(millis: i64) -> prost_types::Duration {
    duration_to_proto(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}
