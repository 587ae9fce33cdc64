//! Making models: on a schedule, by one replica, away from the threads that serve.

use std::time::Duration;

use lotse_clock::{SystemClock, Timestamp};
use lotse_journal::Tx;

use super::super::{App, by_routing};
use super::in_force::Fitted;
use super::models::announce_in_force;
use crate::config;
use crate::domain::codes::Verdict;
use crate::domain::evidence::prune;
use crate::domain::learning::{Example, Model, Settings};
use crate::domain::quality::{ENOUGH, Figures, Measured};
use crate::error::Error;
use crate::store::learning::models::{Bytes, Listed};
use crate::store::learning::state::Claim;
use crate::store::learning::{evidence, models, state};

/// How long, by the machine's clock, a replica that fits is left alone: one that died is taken for
/// dead after it. Fitting the most examples takes some minutes at worst.
const TERM: Duration = Duration::from_secs(30 * 60);

/// The share of the latest tickets that a model is measured on.
const HELD_OUT: usize = 10;

/// Versions that are kept, beside the one in force.
const KEPT: u32 = 20;

/// A model ready to be kept.
struct Fresh {
    figures: Figures,
    /// Why it must not take over.
    worse: Option<String>,
    intake: Vec<u8>,
    rerouter: Vec<u8>,
}

/// What there is to fit on, and to compare with.
struct Work {
    /// The oldest first.
    examples: Vec<Example>,
    settings: Settings,
    now: Timestamp,
    margin: f64,
    before: Option<Before>,
}

/// The model in force.
struct Before {
    fitted: std::sync::Arc<Fitted>,
    figures: Figures,
}

impl App {
    /// Fits a model if one is due and nobody else does. Returns when the next one is due, or none
    /// when something was done.
    pub(crate) async fn refit(&self) -> Result<Option<Timestamp>, Error> {
        let now = self.now();
        let due_at = self.learning_state().await?.due_at;
        if due_at > now {
            return Ok(Some(due_at));
        }
        if self.words_are_coming().await? {
            // The reader goes on and says so.
            return Ok(Some(now + Duration::from_secs(60)));
        }
        let machine_now = SystemClock.now();
        let claimed = self.db.in_tx(|tx| async move {
            state::claim(&tx, now, machine_now, machine_now + TERM).await
        });
        let Some(claim) = claimed.await? else {
            // Another replica is at it; when it dies its claim runs out.
            return Ok(Some(now + Duration::from_secs(60)));
        };
        let fitted = self.fit(now).await;
        let every = self.learning.config.refit_every();
        match fitted {
            Ok(Some(fresh)) => self.keep(&claim, now, now + every, &fresh).await?,
            // Too little to learn from: look again a little sooner.
            Ok(None) => {
                self.give_back(&claim, now + every / 4).await?;
            }
            Err(error) => {
                self.give_back(&claim, now + every / 4).await?;
                return Err(error);
            }
        }
        Ok(None)
    }

    /// Whether words of what would be learnt from are still being read. Not when intake is away:
    /// then a model without them is better than none.
    async fn words_are_coming(&self) -> Result<bool, Error> {
        let away = &self.learning.intake_is_away;
        if away.load(std::sync::atomic::Ordering::Relaxed) || self.lexicon().await?.is_none() {
            return Ok(false);
        }
        Ok(!evidence::unread(self.db.reader(), 1).await?.is_empty())
    }

    async fn give_back(&self, claim: &Claim, next: Timestamp) -> Result<(), Error> {
        let claim = *claim;
        self.db
            .in_tx(|tx| async move { state::release(&tx, &claim, next).await })
            .await?;
        Ok(())
    }

    async fn fit(&self, now: Timestamp) -> Result<Option<Fresh>, Error> {
        let config = &self.learning.config;
        let conn = self.db.reader();
        if evidence::count(conn, config.minimum_examples).await? < config.minimum_examples {
            return Ok(None);
        }
        let directory = self.directory().await?;
        // Of labels of the past that are no groups any more nothing is to be learnt.
        let mut examples: Vec<Example> = evidence::latest(conn, config.most_examples)
            .await?
            .into_iter()
            .filter_map(|(evidence, words)| {
                let group = evidence.group.as_ref()?;
                // Nor is a ticket at home where people only choose its group.
                let is_there =
                    directory.groups.contains_key(group) && directory.triage_group() != Some(group);
                is_there.then(|| evidence.example(words)).flatten()
            })
            .collect();
        examples.reverse();
        if (examples.len() as u64) < config.minimum_examples {
            return Ok(None);
        }
        let before = match self.model_in_force().await? {
            Some(fitted) => models::find(conn, fitted.version)
                .await?
                .map(|listed| Before {
                    fitted,
                    figures: listed.figures,
                }),
            None => None,
        };
        let work = Work {
            examples,
            settings: settings(config),
            now,
            margin: config.margin,
            before,
        };
        let fitted = tokio::task::spawn_blocking(move || work.done());
        let fresh = fitted
            .await
            .map_err(|error| Error::Learning(error.to_string()))?;
        Ok(Some(fresh))
    }

    /// Keeps a model, and puts it in force if it is good enough and nobody has pinned another.
    async fn keep(
        &self,
        claim: &Claim,
        now: Timestamp,
        next: Timestamp,
        fresh: &Fresh,
    ) -> Result<(), Error> {
        let origin = by_routing("learning");
        let work = |tx: Tx| async move {
            // The fence: whoever claimed after this one makes everything of this one void.
            if !state::release(&tx, claim, next).await? {
                return Ok(None);
            }
            let version = state::next_version(&tx).await?;
            let Some(current) = state::find(&tx).await? else {
                return Ok(None);
            };
            let takes_over = fresh.worse.is_none() && !current.pinned;
            let listed = Listed {
                version,
                fitted_at: now,
                verdict: match fresh.worse {
                    Some(_) => Verdict::Rejected,
                    None => Verdict::Accepted,
                },
                why: fresh.worse.clone().unwrap_or_default(),
                size: i64::try_from(fresh.intake.len() + fresh.rerouter.len()).unwrap_or(i64::MAX),
                figures: fresh.figures.clone(),
            };
            let bytes = Bytes {
                lexicon: current.lexicon.clone(),
                intake: fresh.intake.clone(),
                rerouter: fresh.rerouter.clone(),
            };
            models::insert(&tx, &listed, bytes).await?;
            let in_force = if takes_over {
                state::put_in_force(&tx, Some(version), false).await?;
                announce_in_force(&tx, Some(version));
                Some(version)
            } else {
                current.in_force
            };
            models::purge(&tx, version, KEPT, in_force).await?;
            Ok::<_, Error>(Some((version, takes_over)))
        };
        let outcome = match self.journal.in_tx(&origin, work).await? {
            None => "lost_race",
            Some((version, true)) => {
                tracing::info!(
                    version,
                    wrong = fresh.figures.intake.wrong,
                    "a model takes over"
                );
                "accepted"
            }
            Some((version, false)) => {
                let why = fresh.worse.as_deref().unwrap_or("another is pinned");
                tracing::info!(version, why, "a model does not take over");
                "rejected"
            }
        };
        metrics::counter!("lotse_routing_refits_total", "outcome" => outcome).increment(1);
        self.changed().await;
        Ok(())
    }
}

fn settings(config: &config::Learning) -> Settings {
    Settings {
        half_life_days: config.half_life_days,
        ..Settings::default()
    }
}

impl Work {
    /// Fits, measures and fits again on everything. Blocks for as long as it takes; at no time are
    /// there more than two models of one kind.
    fn done(mut self) -> Fresh {
        prune(&mut self.examples);
        let examples = self.examples.len();
        let mut groups: Vec<&str> = self.examples.iter().map(|one| one.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut figures = Figures {
            examples: examples as u64,
            groups: groups.len() as u64,
            with_words: self
                .examples
                .iter()
                .filter(|one| !one.case.words.is_empty())
                .count() as u64,
            ..Figures::default()
        };
        // The re-router sees the group that people chose first; at intake nobody has chosen yet.
        let first: Vec<Example> = self
            .examples
            .iter()
            .filter(|one| one.case.first_group.is_some())
            .cloned()
            .collect();
        for example in &mut self.examples {
            example.case.first_group = None;
        }
        let before = |which: fn(&Fitted) -> &Model, figures: fn(&Figures) -> &Measured| {
            let before = self.before.as_ref()?;
            Some((which(&before.fitted), figures(&before.figures)))
        };
        let (measured, worse, intake) = self.one(
            &self.examples,
            before(|fitted| &fitted.intake, |figures| &figures.intake),
        );
        figures.intake = measured;
        let (measured, rerouter_worse, rerouter) = self.one(
            &first,
            before(|fitted| &fitted.rerouter, |figures| &figures.rerouter),
        );
        figures.rerouter = measured;
        let rerouter_worse = rerouter_worse.map(|why| format!("as re-router: {why}"));
        Fresh {
            figures,
            worse: worse.or(rerouter_worse),
            intake,
            rerouter,
        }
    }

    /// One kind of model: its figures by tickets it had not seen, why it is worse than the one in
    /// force if it is, and itself fitted on everything, as bytes.
    fn one(
        &self,
        examples: &[Example],
        before: Option<(&Model, &Measured)>,
    ) -> (Measured, Option<String>, Vec<u8>) {
        let cut = examples.len() - examples.len() / HELD_OUT;
        let (earlier, later) = examples.split_at(cut);
        let began = later.first().map_or(self.now, |first| first.at);
        let candidate = Model::fit(earlier, self.settings.clone(), began);
        // Where open tickets will end is not known yet.
        let settled = || later.iter().filter(|example| example.settled);
        let measured = Measured::of(&candidate, settled());
        let worse = before.and_then(|(model, figures)| {
            let unseen = || settled().filter(|example| example.at > model.fitted_at());
            if unseen().count() >= ENOUGH {
                // Tickets that neither has seen.
                let margin = self.margin;
                return Measured::of(&candidate, unseen())
                    .worse_than(&Measured::of(model, unseen()), margin);
            }
            let enough = |measured: &Measured| measured.tickets >= ENOUGH as u64;
            (enough(&measured) && enough(figures))
                .then(|| measured.worse_than(figures, self.margin))
                .flatten()
        });
        drop(candidate);
        let bytes = Model::fit(examples, self.settings.clone(), self.now).to_bytes();
        (measured, worse, bytes)
    }
}
