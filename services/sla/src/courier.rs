//! Brings a notice to its target, and keeps what came of it.

use lotse_clock::{BusinessClock, SystemClock, Timestamp};
use lotse_notify::{Failure, Notice, Sender, Target};
use sea_orm::{ConnectionTrait, DbErr};

use crate::domain::Retry;
use crate::notification::Content;
use crate::store::deliveries::{self, Claimed};
use crate::store::notification_targets::Row;
use crate::vault::Vault;

/// An attempt that is over.
pub(crate) struct Attempt {
    pub(crate) claimed: Claimed,
    kind: &'static str,
    pub(crate) outcome: Result<(), Failure>,
}

/// What was made of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The receiver took it.
    Delivered,
    /// It is tried again later.
    PutOff,
    /// It is given up.
    Dead,
    /// The claim ran out meanwhile, and whoever has it now settles it.
    Lost,
}

/// Brings notices to their targets.
pub struct Courier {
    sender: Sender,
    /// Notices go nowhere: time is not real here, and nobody outside is to hear of what did not
    /// happen.
    sink: bool,
    vault: Vault,
    retry: Retry,
}

impl Courier {
    /// A courier for what is due by `clock`. On a manual clock notices go nowhere.
    pub fn new(clock: &BusinessClock, sender: Sender, vault: Vault, retry: Retry) -> Self {
        Self {
            sink: clock.is_manual(),
            sender,
            vault,
            retry,
        }
    }

    /// The same, sending on a manual clock too: for tests of sending.
    #[must_use]
    pub fn into_the_world(self) -> Self {
        Self {
            sink: false,
            ..self
        }
    }

    /// Whether notices go nowhere.
    pub fn is_sink(&self) -> bool {
        self.sink
    }

    /// Keeps secrets at rest.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What is wrong with a target as far as it shows without speaking to it.
    pub(crate) fn check(&self, content: &Content) -> Vec<lotse_notify::Refused> {
        let target = content.target();
        target.map_or_else(|_| Vec::new(), |target| self.sender.check(&target))
    }

    /// One attempt, of which nothing is kept.
    pub(crate) async fn try_once(&self, row: &Row, notice: &Notice) -> Result<(), Failure> {
        let target = self.open(row)?;
        if self.sink {
            return Ok(());
        }
        self.sender.send(&target, notice).await
    }

    /// One attempt to bring what was claimed to its target, as far as there is one. Touches no
    /// database: it may wait as long as a receiver does.
    pub(crate) async fn attempt(&self, claimed: Claimed, row: Option<Row>) -> Attempt {
        let kind = row
            .as_ref()
            .map_or("none", |row| row.content.channel.kind());
        let started = SystemClock.monotonic();
        let outcome = match &row {
            None => Err(Failure::permanent("no_target", "there is no such target")),
            Some(row) if row.content.disabled => Err(Failure::permanent(
                "target_disabled",
                "the target is disabled",
            )),
            Some(row) => self.try_once(row, &claimed.notice).await,
        };
        let took = SystemClock.monotonic().duration_since(started);
        metrics::histogram!("lotse_sla_delivery_seconds", "kind" => kind)
            .record(took.as_secs_f64());
        Attempt {
            claimed,
            kind,
            outcome,
        }
    }

    /// Keeps what came of an attempt: delivered, put off or dead.
    pub(crate) async fn settle(
        &self,
        tx: &impl ConnectionTrait,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Settled, DbErr> {
        let Attempt {
            claimed, outcome, ..
        } = attempt;
        let (kept, settled) = match outcome {
            Ok(()) => {
                let kept = deliveries::delivered(tx, claimed, now).await?;
                (kept, Settled::Delivered)
            }
            Err(failure) => match self.again(claimed, failure, now) {
                Some(due) => {
                    let kept = deliveries::put_off(tx, claimed, failure, due).await?;
                    (kept, Settled::PutOff)
                }
                None => {
                    let kept = deliveries::died(tx, claimed, failure, now).await?;
                    (kept, Settled::Dead)
                }
            },
        };
        Ok(if kept { settled } else { Settled::Lost })
    }

    /// When to try again what failed now, if at all.
    fn again(&self, claimed: &Claimed, failure: &Failure, now: Timestamp) -> Option<Timestamp> {
        if failure.permanent {
            return None;
        }
        let (attempts, since) = (claimed.attempts, claimed.tried_since);
        let (asked, jitter) = (failure.retry_after, rand::random());
        self.retry.next(attempts, since, now, asked, jitter)
    }

    fn open(&self, row: &Row) -> Result<Target, Failure> {
        let unusable = |error: &dyn std::error::Error| {
            Failure::permanent("unusable", format!("the target cannot be used: {error}"))
        };
        let content = self.vault.open(&row.id, &row.content);
        let content = content.map_err(|closed| unusable(&closed))?;
        content.target().map_err(|what| unusable(&what))
    }
}

impl Attempt {
    /// Counts it and tells the log, once it is settled.
    pub(crate) fn tell(&self, settled: Settled) {
        let Self {
            claimed,
            kind,
            outcome,
        } = self;
        let told = match settled {
            Settled::Delivered => "delivered",
            Settled::PutOff => "failed",
            Settled::Dead => "dead",
            Settled::Lost => "lost",
        };
        metrics::counter!("lotse_sla_deliveries_total", "kind" => *kind, "outcome" => told)
            .increment(1);
        let Err(failure) = outcome else { return };
        let reason = failure.reason.as_str();
        let (delivery, target) = (&claimed.id, &claimed.target_id);
        if settled == Settled::Dead {
            tracing::warn!(delivery, target, kind, reason, "a notice is given up");
        } else {
            tracing::info!(
                delivery,
                target,
                kind,
                reason,
                told,
                "a notice did not arrive"
            );
        }
    }
}
