//! A calendar that computes: one edition after the other.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::Timestamp;

use crate::rules::Rules;
use crate::spans::Stretches;
use crate::walk::Walk;
use crate::{Holiday, InvalidCalendar, Shift, Spec, SpecialDay, Stretch, TimeOfDay, Weekday};

/// How far a search looks: five years, and the leap days in them.
pub const HORIZON: Duration = Duration::from_secs(86_400 * (5 * 365 + 2));

/// Business time: which instants are open. Cheap to compute with, so worth keeping.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// By when they begin to count, the first from the beginning of time; never empty.
    editions: Vec<Edition>,
}

/// Rules and since when they count: until the next edition.
#[derive(Debug, Clone)]
struct Edition {
    since: Timestamp,
    rules: Arc<Rules>,
}

/// A budget that is not used up within five years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}s of business time are not reached within five years of {from}", budget.as_secs_f64())]
pub struct NeverReached {
    /// Where the search began.
    pub from: Timestamp,
    /// What was to be used up.
    pub budget: Duration,
}

impl Calendar {
    /// The calendar that `spec` describes, or everything wrong with it.
    pub fn new(spec: Spec) -> Result<Calendar, InvalidCalendar> {
        Calendar::with_holidays(spec, Vec::new())
    }

    /// As [`Calendar::new`], closed on holidays too. Where a date has several, the first is told;
    /// an override of the spec goes before all of them.
    pub fn with_holidays(spec: Spec, holidays: Vec<Holiday>) -> Result<Calendar, InvalidCalendar> {
        let rules = Arc::new(Rules::new(spec, holidays)?);
        let since = Timestamp::from_millis(i64::MIN);
        Ok(Calendar {
            editions: vec![Edition { since, rules }],
        })
    }

    /// This calendar until `at`, and from then on `next` as that is after `at`. Each instant is
    /// open or closed by the one edition that counts then, so what is open across `at` in both is
    /// open throughout. An edition of this one that would only begin at `at` or later never does.
    #[must_use]
    pub fn followed_by(&self, at: Timestamp, next: &Calendar) -> Calendar {
        let before = self.editions.iter().filter(|edition| edition.since < at);
        let mut editions: Vec<Edition> = before.cloned().collect();
        let first = next.editions.partition_point(|edition| edition.since <= at);
        for (index, edition) in next.editions.iter().enumerate() {
            if index + 1 >= first {
                editions.push(Edition {
                    since: edition.since.max(at),
                    rules: edition.rules.clone(),
                });
            }
        }
        Calendar { editions }
    }

    /// Around the clock, every day.
    #[must_use]
    pub fn always() -> Calendar {
        let week = whole_days(&Weekday::ALL);
        Calendar::new(spec("UTC", week)).expect("a sound spec") // invariant: a constant, tested
    }

    /// Around the clock from Monday to Friday in `zone` (IANA name).
    pub fn weekdays_24h(zone: &str) -> Result<Calendar, InvalidCalendar> {
        Calendar::new(spec(zone, whole_days(&Weekday::ALL[..5])))
    }

    /// The same hours on each of `days` in `zone` (IANA name).
    pub fn business_hours(
        zone: &str,
        from: TimeOfDay,
        to: TimeOfDay,
        days: &[Weekday],
    ) -> Result<Calendar, InvalidCalendar> {
        let week = days
            .iter()
            .map(|day| Shift {
                day: *day,
                from,
                to,
            })
            .collect();
        Calendar::new(spec(zone, week))
    }

    /// What its newest edition was made of.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.newest().spec
    }

    /// The version of its newest edition.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.spec().version
    }

    /// The special days that count between `from` and `to`, at least in part, with the version
    /// that says so; in order of time. A date comes twice when an edition ends on it and both have
    /// it.
    pub fn special_days(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (u32, &SpecialDay)> + '_ {
        self.parts(from, to).flat_map(|(rules, from, to)| {
            // The date of the first instant, or of one before where clocks were set back.
            let first = rules.date(from);
            let days = rules.special_days.range(first..);
            let days = days.map(|(_, day)| day);
            days.take_while(move |day| rules.at(day.date, 0).is_some_and(|start| start < to))
                .map(|day| (rules.spec.version, day))
        })
    }

    /// When `budget` of business time (milliseconds count) is used up, counted from `from`. A
    /// budget that ends exactly at closing time ends then, not at the next opening; a zero budget
    /// ends at once, open or closed.
    ///
    /// # Errors
    /// When that is not within five years.
    pub fn advance(&self, from: Timestamp, budget: Duration) -> Result<Timestamp, NeverReached> {
        let never = NeverReached { from, budget };
        let mut left = i64::try_from(budget.as_millis()).map_err(|_| never)?;
        if left == 0 {
            return Ok(from);
        }
        for (rules, from, to) in self.parts(from, from + HORIZON) {
            match rules.reach(from, to, left) {
                Ok(there) => return Ok(there),
                Err(rest) => left = rest,
            }
        }
        Err(never)
    }

    /// Whether `budget` comes to an end within five years, begun at `from` or later. Tried from
    /// where it takes longest: from `from`, from when an edition begins to count, and from the first
    /// of special days in a row, as the common week is the same every week.
    #[must_use]
    pub fn reaches(&self, from: Timestamp, budget: Duration) -> bool {
        let mut starts = vec![from];
        for (rules, begin, end) in self.parts(from, Timestamp::MAX) {
            starts.push(begin);
            let days = rules.special_days.keys();
            let first = days.filter(|date| {
                let before = date.yesterday().ok();
                before.is_none_or(|before| !rules.special_days.contains_key(&before))
            });
            let midnights = first.filter_map(|date| rules.at(*date, 0));
            starts.extend(midnights.filter(|at| begin < *at && *at < end));
        }
        starts
            .into_iter()
            .all(|start| self.advance(start, budget).is_ok())
    }

    /// Business time from `from` to `to`, to the millisecond; zero when `to` is not later.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> Duration {
        let parts = self.parts(from, to);
        let millis: i64 = parts.map(|(rules, from, to)| rules.total(from, to)).sum();
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// The first open instant that is not before `from`.
    ///
    /// # Errors
    /// When there is none within five years.
    pub fn next_open(&self, from: Timestamp) -> Result<Timestamp, NeverReached> {
        let first = self.intervals(from, from + HORIZON).next();
        first.map(|(open, _)| open).ok_or(NeverReached {
            from,
            budget: Duration::ZERO,
        })
    }

    /// Whether `at` is open.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let next = at + Duration::from_millis(1);
        self.intervals(at, next).next().is_some()
    }

    /// The open intervals `[start, end)` between `from` and `to`, in order, not empty. One that
    /// goes past local midnight, or from one edition into the next, comes as two that touch.
    pub fn intervals(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.parts(from, to)
            .flat_map(|(rules, from, to)| Walk::new(rules, from, to))
    }

    /// All of `[from, to)`, in order and without gaps: what is open, what is closed and why. The
    /// open stretches add up to [`elapsed`](Calendar::elapsed).
    pub fn spans(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Stretch<'_>> + '_ {
        self.parts(from, to)
            .flat_map(|(rules, from, to)| Stretches::new(rules, from, to))
    }

    /// The rules that count between `from` and `to`, each with the part in which it does.
    fn parts(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (&Rules, Timestamp, Timestamp)> + '_ {
        let begun = |edition: &Edition| edition.since <= from;
        let first = self.editions.partition_point(begun).saturating_sub(1);
        let nexts = self.editions[first..].iter().skip(1);
        let ends = nexts.map(|next| next.since).chain([Timestamp::MAX]);
        self.editions[first..]
            .iter()
            .zip(ends)
            .map(move |(edition, end)| (&*edition.rules, edition.since.max(from), end.min(to)))
            .take_while(|(_, from, to)| from < to)
    }

    fn newest(&self) -> &Rules {
        let newest = self.editions.last().expect("an edition"); // invariant: never empty
        &newest.rules
    }
}

fn whole_days(days: &[Weekday]) -> Vec<Shift> {
    let whole = |day: &Weekday| Shift {
        day: *day,
        from: TimeOfDay::START,
        to: TimeOfDay::END,
    };
    days.iter().map(whole).collect()
}

fn spec(zone: &str, week: Vec<Shift>) -> Spec {
    Spec {
        zone: zone.to_owned(),
        version: 1,
        week,
        overrides: Vec::new(),
    }
}
