//! What a caller asks of a forecast.

use std::collections::HashSet;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::GroupId;
use lotse_proto::sla::v1 as proto;

use crate::Error;
use crate::domain::Metric;
use crate::wire::enums;

/// How far ahead is looked unless the caller says.
const HORIZON: Duration = Duration::from_secs(4 * 60 * 60);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Most groups that a forecast can be limited to.
const MOST_GROUPS: usize = 100;

/// A request that makes sense.
pub(super) struct Asked {
    /// The instant that is forecast from: of the first page.
    pub(super) now: Timestamp,
    /// In milliseconds.
    pub(super) horizon: i64,
    /// The end of the horizon.
    pub(super) until: Timestamp,
    pub(super) threshold: f64,
    pub(super) metrics: Vec<Metric>,
    pub(super) groups: HashSet<String>,
    pub(super) size: usize,
    /// Probability and id of the last forecast of the page before.
    pub(super) after: Option<(f64, String)>,
    scope: page::Scope,
}

impl Asked {
    /// The token of the page behind a forecast. The probability goes by its bits: no digit is lost.
    pub(super) fn token(&self, (chance, id): (f64, &str)) -> String {
        let now = self.now.as_millis().to_string();
        self.scope
            .token(&[&now, &format!("{:016x}", chance.to_bits()), id])
    }
}

/// Reads a request that came at `now`.
pub(super) fn read(
    request: &proto::ForecastBreachesRequest,
    now: Timestamp,
) -> Result<Asked, Error> {
    let proto::ForecastBreachesRequest {
        horizon,
        threshold,
        metrics,
        group_ids,
        page_size,
        page_token,
    } = request;
    let mut wrong = Violations::new();
    let ahead = match horizon {
        None => Some(HORIZON),
        Some(horizon) => Duration::try_from(*horizon).ok(),
    };
    let ahead = ahead.filter(|ahead| (SHORTEST..=LONGEST).contains(ahead));
    wrong.require(
        "horizon",
        ahead.is_some(),
        "must be between 1 minute and 7 days",
    );
    wrong.require(
        "threshold",
        (0.0..=1.0).contains(threshold),
        "must be between 0 and 1",
    );
    wrong.require(
        "group_ids",
        group_ids.len() <= MOST_GROUPS,
        "must be at most 100",
    );
    let mut groups = HashSet::new();
    for (index, id) in group_ids.iter().take(MOST_GROUPS).enumerate() {
        let id: Option<GroupId> = wrong.parse(&format!("group_ids[{index}]"), id);
        groups.extend(id.map(|id| id.to_string()));
    }
    let mut known = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        let metric = enums::metric(*metric).ok_or("must be a metric");
        known.extend(wrong.take(&format!("metrics[{index}]"), metric));
    }
    let ahead = wrong.finish_with(ahead)?;
    let size = page::size(*page_size, 100, 1_000)? as usize;
    let bound = format!("{ahead:?} {threshold} {metrics:?} {group_ids:?}");
    let scope = page::Scope::new("ForecastBreaches", &[&bound]);
    let (mut from, mut after) = (now, None);
    if let Some([at, bits, id]) = scope.key::<3>(page_token)? {
        let at = at.parse().map(Timestamp::from_millis);
        let bits = u64::from_str_radix(&bits, 16);
        let broken = || lotse_errors::Error::invalid("page_token", "is damaged");
        from = at.map_err(|_| broken())?;
        after = Some((f64::from_bits(bits.map_err(|_| broken())?), id));
    }
    Ok(Asked {
        now: from,
        horizon: i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX),
        until: from + ahead,
        threshold: *threshold,
        metrics: known,
        groups,
        size,
        after,
        scope,
    })
}
