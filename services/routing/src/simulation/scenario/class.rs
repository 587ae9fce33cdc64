//! The tickets of a scenario, class by class: when they come, what they say, what becomes of them.

use std::sync::Arc;

use jiff::tz::TimeZone;
use lotse_clock::Timestamp;

use super::hours::{day, local};
use super::people::code;
use super::{Lasts, Tickets, Told};
use crate::domain::codes::{Channel, Priority};
use crate::domain::item::{Facts, Item};
use crate::domain::language::Language;
use crate::simulation::arrivals::{Case, Truth};
use crate::simulation::chance::Draws;
use crate::simulation::ids::numbered;

/// An hour, in milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;

/// How many tickets of a class come in each hour from the beginning on.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    by_hour: Vec<f64>,
    highest: f64,
}

impl Rates {
    /// The highest of them.
    pub(crate) fn highest(&self) -> f64 {
        self.highest
    }

    /// That of an hour, counted from the beginning.
    pub(crate) fn at(&self, hour: i64) -> f64 {
        let hour = usize::try_from(hour).ok();
        hour.and_then(|hour| self.by_hour.get(hour))
            .copied()
            .unwrap_or(0.0)
    }
}

/// Tickets of one class, as they are drawn.
pub(crate) struct Class {
    pub(crate) rates: Rates,
    channel: Channel,
    priority: Priority,
    facts: Facts,
    handling: Lasts,
    patience: Option<Lasts>,
    write_again: f64,
    truths: Vec<(f64, Arc<Truth>)>,
}

impl Class {
    /// A ticket of the class.
    pub(crate) fn item(&self, number: u64, at: Timestamp) -> Item {
        Item {
            channel: self.channel,
            priority: self.priority,
            facts: self.facts.clone(),
            ..Item::new(numbered("tkt", number), at)
        }
    }

    /// What becomes of one. Everything is drawn at once, so that no policy changes it.
    pub(crate) fn case(&self, class: usize, draws: &mut Draws) -> Case {
        let handling = self.handling.draw(draws);
        let patience = self.patience.as_ref().map(|patience| patience.draw(draws));
        let writes_again = draws.chance(self.write_again);
        let mut left = draws.share();
        let truth = self.truths.iter().find(|(share, _)| {
            left -= share;
            left < 0.0
        });
        Case {
            class,
            handling,
            patience,
            writes_again,
            truth: truth.map(|(_, truth)| truth.clone()),
        }
    }
}

pub(super) fn class(
    tickets: &Tickets,
    from: Timestamp,
    until: Timestamp,
    zone: &TimeZone,
) -> Class {
    let facts = facts(&tickets.told);
    let truths = tickets.really.iter().map(|really| {
        let mut facts = facts.clone();
        facts.category = really.category.clone().unwrap_or(facts.category);
        if let Some(skills) = &really.skills {
            facts.required_skills = skills.iter().cloned().collect();
        }
        let truth = Truth {
            facts,
            noticed_after: really.noticed_after,
        };
        (really.share, Arc::new(truth))
    });
    let hours = until.millis_since(from).div_euclid(HOUR) + 1;
    let by_hour: Vec<f64> = (0..hours)
        .map(|hour| {
            let at = local(Timestamp::from_millis(from.as_millis() + hour * HOUR), zone);
            let of_day = usize::try_from(at.hour()).unwrap_or(0);
            let of_hour = tickets.by_hour.get(of_day).copied().unwrap_or(1.0);
            let of_weekday = tickets.by_weekday.get(&day(at.weekday()));
            tickets.per_hour * of_hour * of_weekday.copied().unwrap_or(1.0)
        })
        .collect();
    Class {
        rates: Rates {
            highest: by_hour.iter().copied().fold(0.0, f64::max),
            by_hour,
        },
        channel: code(&tickets.told.channel),
        priority: code(&tickets.told.priority),
        handling: tickets.handling.clone(),
        patience: tickets.patience.clone(),
        write_again: tickets.write_again,
        truths: truths.collect(),
        facts,
    }
}

fn facts(told: &Told) -> Facts {
    Facts {
        category: told.category.clone(),
        tags: told.tags.iter().cloned().collect(),
        attributes: told.attributes.clone(),
        language: Language::parse(&told.language),
        language_is_certain: !told.language.is_empty(),
        required_skills: told.skills.iter().cloned().collect(),
        ..Facts::default()
    }
}
