//! Agents who can get a ticket, and the order in which they stand.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use serde::{Deserialize, Serialize};

use super::Needs;
use crate::domain::agent::{Agent, Seat};
use crate::domain::codes::Order;
use crate::domain::weight::Weight;

/// An eligible agent, with everything the order depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// The agent.
    pub(crate) agent: AgentId,
    /// On which step the share of the capacity stands that is taken: 0 is the lowest.
    #[serde(default, skip_serializing_if = "is_lowest_step")]
    pub(crate) load_step: u8,
    /// How likely the agent resolves it without a transfer, in thousandths, as learned; none where
    /// nothing was learned of the group.
    #[serde(default)]
    pub(crate) chance: Option<u16>,
    /// Sum of the levels in the needed skills and language.
    pub(crate) fit: u32,
    /// Room left.
    pub(crate) spare: Weight,
    /// Room altogether; above zero, because an eligible agent has room.
    pub(crate) capacity: Weight,
    /// When the agent last got a ticket, in milliseconds since the epoch.
    pub(crate) last_assigned_at: Option<i64>,
}

impl Candidate {
    /// An agent who fits, as a choice for `needs`; `chance` as in the field.
    pub(crate) fn new(agent: &Agent, seat: &Seat, needs: &Needs, chance: Option<u16>) -> Self {
        let profile = &agent.profile;
        let asked: BTreeSet<&String> = needs
            .skills
            .keys()
            .chain(needs.preferred_skills.keys())
            .collect();
        let skills = asked
            .into_iter()
            .filter_map(|skill| profile.skills.get(skill));
        let language = needs.language.as_ref();
        let language = language.and_then(|language| profile.language_level(language));
        Self {
            agent: agent.id.clone(),
            load_step: load_step(seat, needs.load_steps),
            chance,
            fit: skills
                .chain(language.as_ref())
                .map(|level| u32::from(*level))
                .sum(),
            spare: seat.spare(),
            capacity: seat.capacity,
            last_assigned_at: seat.last_assigned_at.map(Timestamp::as_millis),
        }
    }

    /// The free share of the capacity, 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn spare_share(&self) -> f64 {
        self.spare.thousandths() as f64 / self.capacity.thousandths().max(1) as f64
    }

    /// The first criterion of an order in which two candidates differ.
    pub(crate) fn compare(&self, other: &Self, order: Order) -> (Criterion, Ordering) {
        order
            .criteria()
            .iter()
            .map(|criterion| (*criterion, self.compare_by(other, *criterion)))
            .find(|(_, ordering)| ordering.is_ne())
            .unwrap_or_else(|| (Criterion::Id, self.compare_by(other, Criterion::Id)))
    }

    fn compare_by(&self, other: &Self, criterion: Criterion) -> Ordering {
        // a/b > c/d without rounding: a*d > c*b.
        let product = |spare: Weight, capacity: Weight| {
            i128::from(spare.thousandths()) * i128::from(capacity.thousandths())
        };
        match criterion {
            Criterion::Load => self.load_step.cmp(&other.load_step),
            Criterion::Chance => other.chance.cmp(&self.chance),
            Criterion::Fit => other.fit.cmp(&self.fit),
            Criterion::Spare => {
                product(other.spare, self.capacity).cmp(&product(self.spare, other.capacity))
            }
            // None, never assigned, sorts before every time.
            Criterion::LongestIdle => self.last_assigned_at.cmp(&other.last_assigned_at),
            Criterion::Id => self.agent.cmp(&other.agent),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_lowest_step(step: &u8) -> bool {
    *step == 0
}

/// The step, of so many, on which the taken share of a capacity stands.
fn load_step(seat: &Seat, steps: u8) -> u8 {
    let taken = seat.load.thousandths().max(0);
    let step = taken * i64::from(steps) / seat.capacity.thousandths().max(1);
    u8::try_from(step).unwrap_or(u8::MAX)
}

impl Order {
    /// What it goes by, most important first; the id comes last in any.
    pub(crate) const fn criteria(self) -> &'static [Criterion] {
        use Criterion::{Chance, Fit, Load, LongestIdle, Spare};
        match self {
            Self::BestFit => &[Load, Chance, Fit, Spare, LongestIdle],
            Self::LongestIdle => &[LongestIdle, Chance, Fit, Spare],
            Self::MostSpare => &[Spare, Chance, Fit, LongestIdle],
        }
    }
}

/// What candidates are ordered by, in this order unless the workflow says another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    /// A lower step of the share of the capacity that is taken.
    Load,
    /// More likely to resolve it without a transfer.
    Chance,
    /// More of the needed skills and language.
    Fit,
    /// A larger free share of the capacity.
    Spare,
    /// Longer without a new ticket.
    LongestIdle,
    /// Nothing else: the id, so that the order is total.
    Id,
}

impl Criterion {
    /// The code.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Chance => "chance",
            Self::Fit => "fit",
            Self::Spare => "spare",
            Self::LongestIdle => "longest_idle",
            Self::Id => "id",
        }
    }
}
