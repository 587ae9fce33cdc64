//! How much of an agent's capacity something takes.

use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

/// Capacity in thousandths of a ticket, so that a pending ticket may count by a fraction and sums
/// stay exact. May be negative as a difference.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct Weight(i64);

impl Weight {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0);
    /// One ticket being worked on.
    pub(crate) const TICKET: Self = Self(1_000);

    /// From thousandths, as stored.
    pub(crate) const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// Room for `tickets` tickets.
    pub(crate) fn tickets(tickets: u32) -> Self {
        Self(i64::from(tickets) * Self::TICKET.0)
    }

    /// So many of them.
    pub(crate) fn times(self, many: u32) -> Self {
        Self(self.0 * i64::from(many))
    }

    /// The share of it that counts, in thousandths, rounded down.
    pub(crate) const fn share(self, thousandths: i64) -> Self {
        Self(self.0 * thousandths / Self::TICKET.0)
    }

    /// In thousandths, as stored.
    pub(crate) const fn thousandths(self) -> i64 {
        self.0
    }

    /// In tickets, for people.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn as_tickets(self) -> f64 {
        self.0 as f64 / Self::TICKET.0 as f64
    }
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Weight {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Weight {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}
